//! The root: owns the roster and the shards, gives out places, and hears how everything ended. What it decides by is in the roster.

mod noticed;
mod runs;
mod shards;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ArbiterHandle, AsyncContext, Context, Handler, SpawnHandle};
use jiff::Timestamp;
use syncline_model::{Fault, JobId, Shard, ShardId, StreamName, TenantId, ledger::Trigger};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    messages::{AcceptDeletions, AskShard, AskStats, Asked, Enrol, Halt, IsSeated, Place, Quit, StopAll, SyncNow},
    tenant::Tenant,
};
use crate::{
    clock::Clock,
    engine::Stats,
    gate::GateEvent,
    job::{Shared, Ticket},
    lanes::Key,
    metrics,
    roster::{Roster, Wanted, key_of},
    schedule::until,
    supervise::Guard,
};

/// No timer is longer, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The root of the tree.
pub struct Root {
    shared: Arc<Shared>,
    arbiters: Vec<ArbiterHandle>,
    roster: Roster,
    shards: HashMap<ShardId, Arc<dyn Shard>>,
    /// Shards of which it is not known yet who lives in them.
    unread: HashSet<ShardId>,
    reading: bool,
    tenants: HashMap<TenantId, actix::Addr<Tenant>>,
    runs: HashMap<Key, Running>,
    serial: u64,
    /// Integrations to look at again when their run has ended.
    again: HashSet<Key>,
    accepted: HashMap<Key, HashSet<StreamName>>,
    /// Streams that have something new, as webhooks say.
    noticed: HashMap<Key, HashSet<StreamName>>,
    timer: Option<(Timestamp, SpawnHandle)>,
    clock: Clock,
    ends: Vec<(Option<Key>, oneshot::Sender<()>)>,
    stopping: bool,
    /// Ends everything that hangs on this root.
    kill: CancellationToken,
    _dies_with_us: DropGuard,
    _guard: Guard<()>,
}

struct Running {
    ticket: Arc<Ticket>,
    serial: u64,
    /// Which of the threads it is on.
    thread: usize,
}

impl Root {
    /// A root whose death is told by `guard`.
    pub fn new(shared: Arc<Shared>, arbiters: Vec<ArbiterHandle>, guard: Guard<()>) -> Self {
        let kill = CancellationToken::new();
        let config = &shared.config;
        Self {
            roster: Roster::new(config.jobs_max, config.probe, config.start_spread),
            shared,
            arbiters,
            shards: HashMap::new(),
            unread: HashSet::new(),
            reading: false,
            tenants: HashMap::new(),
            runs: HashMap::new(),
            serial: 0,
            again: HashSet::new(),
            accepted: HashMap::new(),
            noticed: HashMap::new(),
            timer: None,
            clock: Clock::default(),
            ends: Vec::new(),
            stopping: false,
            _dies_with_us: kill.clone().drop_guard(),
            kill,
            _guard: guard,
        }
    }

    /// Lets whoever may run do so, and sets the timer for whoever comes next.
    fn turn(&mut self, context: &mut Context<Self>) {
        let now = self.now();
        if !self.stopping {
            self.roster.wake(now);
            while let Some((key, wanted)) = self.roster.grant(now) {
                self.granted(key, wanted, context);
            }
            for key in self.roster.lanes.should_yield() {
                if let Some(run) = self.runs.get(&key) {
                    run.ticket.gate.ask_to_yield();
                }
            }
            self.set_timer(now, context);
        }
        metrics::JOBS_RUNNING.set(i64::try_from(self.runs.len()).unwrap_or(i64::MAX));
        metrics::JOBS_QUEUED.set(i64::try_from(self.roster.lanes.queued()).unwrap_or(i64::MAX));
    }

    /// What the clock says. What waits for an interval is moved with it when it was set back.
    pub(super) fn now(&mut self) -> Timestamp {
        let now = Timestamp::now();
        if let Some(by) = self.clock.look(now, Instant::now()) {
            tracing::warn!(by_s = by.as_secs(), "the clock of this machine was set back; what is due is due by as much earlier");
            self.roster.set_back(by);
        }
        now
    }

    fn set_timer(&mut self, now: Timestamp, context: &mut Context<Self>) {
        let Some(due) = self.roster.next_due() else { return };
        if self.timer.as_ref().is_some_and(|(armed, _)| *armed <= due) {
            return;
        }
        if let Some((_, earlier)) = self.timer.take() {
            context.cancel_future(earlier);
        }
        let sleep = until(due, now).clamp(Duration::from_millis(1), LONGEST_SLEEP);
        let timer = context.run_later(sleep, |root, context| {
            root.timer = None;
            root.turn(context);
        });
        self.timer = Some((due, timer));
    }

    fn stats(&self) -> Stats {
        let (running, queued) = (self.runs.len(), self.roster.lanes.queued());
        Stats { running, queued, idle: self.roster.count().saturating_sub(running + queued), shards: self.shards.len() }
    }

    fn running_job(&self, key: &Key) -> Option<JobId> {
        let ticket = &self.runs.get(key)?.ticket;
        match ticket.board.get() {
            // What runs is about to be over, and whoever asks now wants another reading.
            Some(board) if board.has_ended() => None,
            Some(board) => Some(board.job()),
            None => ticket.job,
        }
    }
}

impl Actor for Root {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        // Every caller of the handle and every running job may have something to say at the same time.
        context.set_mailbox_capacity(1024);
        if self.shared.config.owner {
            self.join(context);
        }
    }
}

impl Handler<Enrol> for Root {
    type Result = ();

    fn handle(&mut self, Enrol(enrolled): Enrol, context: &mut Context<Self>) {
        if !self.owns(&enrolled.tenant) {
            return;
        }
        let key = key_of(&enrolled);
        if self.runs.contains_key(&key) {
            self.again.insert(key);
            return;
        }
        let now = self.now();
        self.roster.seat_anew(enrolled, now);
        self.turn(context);
    }
}

impl Handler<Halt> for Root {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, Halt(key): Halt, context: &mut Context<Self>) -> Self::Result {
        let ended = self.halt(key, context);
        self.turn(context);
        Box::pin(async move { drop(ended.await) })
    }
}

impl Handler<StopAll> for Root {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, _: StopAll, context: &mut Context<Self>) -> Self::Result {
        self.stopping = true;
        let queued: Vec<_> = self.roster.keys(|_| true).into_iter().filter_map(|key| self.give_up_asked(key)).collect();
        let ended = self.halt_all(context);
        Box::pin(async move {
            for asked in queued {
                asked.await;
            }
            drop(ended.await);
        })
    }
}

impl Handler<Asked> for Root {
    type Result = Result<Option<JobId>, Fault>;

    fn handle(&mut self, Asked(key): Asked, _: &mut Context<Self>) -> Self::Result {
        if !self.owns(&key.tenant) {
            return Err(Fault::Unavailable(format!("the tenant `{}` is not run by this node", key.tenant)));
        }
        Ok(self.running_job(&key).or_else(|| self.roster.asked_job(&key)))
    }
}

impl Handler<IsSeated> for Root {
    type Result = bool;

    fn handle(&mut self, IsSeated(key): IsSeated, _: &mut Context<Self>) -> Self::Result {
        self.roster.has(&key)
    }
}

impl Handler<SyncNow> for Root {
    type Result = actix::MessageResult<SyncNow>;

    fn handle(&mut self, SyncNow { enrolled, job, behind }: SyncNow, context: &mut Context<Self>) -> Self::Result {
        let key = key_of(&enrolled);
        let running = self.running_job(&key).filter(|running| !behind || *running == job);
        if let Some(instead) = running.or_else(|| self.roster.asked_job(&key)) {
            return actix::MessageResult(Some(instead));
        }
        let now = self.now();
        if self.runs.contains_key(&key) {
            self.roster.want_after(key, Wanted { trigger: Trigger::Manual, job: Some(job), since: now });
            return actix::MessageResult(None);
        }
        if !self.roster.has(&key) {
            self.roster.seat_anew(enrolled, now);
        }
        self.roster.ask(key, job, now);
        self.turn(context);
        actix::MessageResult(None)
    }
}

impl Handler<AcceptDeletions> for Root {
    type Result = ();

    fn handle(&mut self, AcceptDeletions { key, stream }: AcceptDeletions, _: &mut Context<Self>) {
        self.accepted.entry(key).or_default().insert(stream);
    }
}

impl Handler<AskShard> for Root {
    type Result = actix::MessageResult<AskShard>;

    fn handle(&mut self, AskShard(shard): AskShard, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.shards.get(&shard).cloned())
    }
}

impl Handler<AskStats> for Root {
    type Result = actix::MessageResult<AskStats>;

    fn handle(&mut self, _: AskStats, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.stats())
    }
}

impl Handler<Place> for Root {
    type Result = ();

    fn handle(&mut self, Place { key, serial, event }: Place, context: &mut Context<Self>) {
        if self.runs.get(&key).is_none_or(|run| run.serial != serial) {
            return;
        }
        match event {
            GateEvent::Released { wanted: false } => self.roster.lanes.leave(&key),
            GateEvent::Released { wanted: true } => {
                self.roster.lanes.leave(&key);
                self.roster.want_back(key);
            }
            GateEvent::Wanted => self.roster.want_back(key),
        }
        self.turn(context);
    }
}

impl Handler<Quit> for Root {
    type Result = ();

    fn handle(&mut self, _: Quit, context: &mut Context<Self>) {
        self.kill.cancel();
        context.stop();
    }
}
