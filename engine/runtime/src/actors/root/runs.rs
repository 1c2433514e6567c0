//! What runs: gives it to its tenant, stops it, and hears how it ended.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
};

use actix::{Actor, ActorFutureExt, Addr, ArbiterHandle, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use syncline_model::{JobId, ShardId, TenantId, ledger::Outcome};
use tokio::sync::{OnceCell, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Root, Running};
use crate::{
    actors::{
        messages::{Enrol, Fenced, Place, Run},
        tenant::Tenant,
    },
    commands::{self, Command},
    gate::Gate,
    job::{JobEnd, Shared, Ticket, cut_off, give_up},
    lanes::Key,
    roster::Wanted,
    supervise::{Life, supervised},
};

impl Root {
    /// A place is given: to a job that gave it up for a while, or to one that begins.
    pub(super) fn granted(&mut self, key: Key, wanted: Option<Wanted>, context: &mut Context<Self>) {
        match (self.runs.get(&key), wanted) {
            (Some(run), None) => run.ticket.gate.grant(),
            // The run ends before the next one begins: one from before the integration was taken from us and given back, or one that
            // had not begun in the store yet when somebody asked for another. It may need this very place to come to its end.
            (Some(run), Some(wanted)) => {
                run.ticket.gate.grant();
                self.roster.want_after(key.clone(), wanted);
                self.again.insert(key);
            }
            (None, None) => self.roster.lanes.leave(&key),
            (None, Some(wanted)) => self.begin(key, &wanted, context),
        }
    }

    fn begin(&mut self, key: Key, wanted: &Wanted, context: &mut Context<Self>) {
        let Some(shard) = self.shards.get(&self.shard_of(&key.tenant)).cloned() else {
            let _ = self.roster.unseat(&key);
            if let Some(passed_on) = wanted.job.map(|job| pass_on(&self.shared, key, job)) {
                context.spawn(passed_on.into_actor(self));
            }
            return;
        };
        self.serial += 1;
        let (serial, root, of) = (self.serial, context.address(), key.clone());
        let gate = Gate::new(move |event| root.do_send(Place { key: of.clone(), serial, event }));
        let root = context.address();
        let ticket = Arc::new(Ticket {
            key: key.clone(),
            trigger: wanted.trigger,
            job: wanted.job,
            shard,
            gate: Arc::new(gate),
            stop: CancellationToken::new(),
            kill: self.kill.child_token(),
            only: self.noticed_by(&key, wanted),
            sweep_accepted: self.accepted.remove(&key).unwrap_or_default(),
            fenced: Arc::new(move |shard: ShardId| root.do_send(Fenced(shard))),
            board: OnceCell::new(),
        });
        let thread = self.least_busy();
        self.runs.insert(key, Running { ticket: Arc::clone(&ticket), serial, thread });
        self.keep(ticket, serial, self.arbiters.get(thread).cloned(), context);
    }

    /// The thread on which the fewest integrations run.
    fn least_busy(&self) -> usize {
        let busy = |thread: &usize| self.runs.values().filter(|run| run.thread == *thread).count();
        (0..self.arbiters.len()).min_by_key(busy).unwrap_or(0)
    }

    /// Keeps a run alive, whatever happens to its tenant's actor.
    fn keep(&self, ticket: Arc<Ticket>, serial: u64, on: Option<ArbiterHandle>, context: &mut Context<Self>) {
        let (shared, root, key) = (Arc::clone(&self.shared), context.address(), ticket.key.clone());
        let run = async move {
            let make = |_, guard| root.do_send(Run { ticket: Arc::clone(&ticket), on: on.clone(), guard });
            match supervised("tenant", shared.config.restart, &ticket.stop, || 0, make).await {
                Life::Ended(end) => end,
                Life::Stopped => cut_off(&shared, &ticket).await,
                Life::Quarantined(deaths) => give_up(&shared, &ticket, deaths).await,
            }
        };
        context.spawn(run.into_actor(self).map(move |end, root, context| root.ended(&key, serial, end, context)));
    }

    fn ended(&mut self, key: &Key, serial: u64, end: JobEnd, context: &mut Context<Self>) {
        if self.runs.get(key).is_none_or(|run| run.serial != serial) {
            return;
        }
        let targeted = self.runs.remove(key).is_some_and(|run| run.ticket.only.is_some());
        self.leave_tenant(&key.tenant);
        if self.roster.has(key) {
            let now = self.now();
            self.roster.ended(key, end, targeted, now);
        }
        let waiting = std::mem::take(&mut self.ends);
        for (whose, tell) in waiting {
            let over = whose.as_ref().map_or(self.runs.is_empty(), |whose| whose == key);
            if over {
                let _ = tell.send(());
            } else {
                self.ends.push((whose, tell));
            }
        }
        if self.noticed.contains_key(key) {
            Self::read_noticed(key.clone(), context);
        }
        if self.again.remove(key) {
            self.look_again(key.clone(), context);
        }
        self.turn(context);
    }

    fn look_again(&self, key: Key, context: &mut Context<Self>) {
        let (ledger, root) = (Arc::clone(&self.shared.ledger), context.address());
        let look = async move {
            match ledger.integration(&key.tenant, &key.integration).await {
                Ok(Some(enrolled)) if enrolled.state.is_active() => root.do_send(Enrol(enrolled)),
                Ok(_) => {}
                Err(fault) => tracing::warn!(%key, "a changed integration could not be read again: {fault}"),
            }
        };
        context.spawn(look.into_actor(self));
    }

    /// Stops a run at its next step's end, or cuts it off if that takes too long. The receiver hears of its end.
    pub(super) fn halt(&mut self, key: Key, context: &mut Context<Self>) -> oneshot::Receiver<()> {
        let (tell, hear) = oneshot::channel();
        if let Some(wanted) = self.roster.unseat(&key) {
            self.discard(&key, wanted.job, context);
        }
        self.again.remove(&key);
        match self.runs.get(&key) {
            None => drop(tell.send(())),
            Some(run) => {
                run.ticket.stop.cancel();
                let kill = run.ticket.kill.clone();
                context.run_later(self.shared.config.stop_within, move |_, _| kill.cancel());
                self.ends.push((Some(key), tell));
            }
        }
        hear
    }

    /// Stops everything.
    pub(super) fn halt_all(&mut self, context: &mut Context<Self>) -> oneshot::Receiver<()> {
        let running: Vec<Key> = self.runs.keys().filter(|key| !self.roster.has(key)).cloned().collect();
        for key in self.roster.keys(|_| true).into_iter().chain(running) {
            drop(self.halt(key, context));
        }
        let (tell, hear) = oneshot::channel();
        if self.runs.is_empty() {
            let _ = tell.send(());
        } else {
            self.ends.push((None, tell));
        }
        hear
    }

    /// An integration is not ours any more: the job that somebody has asked for and that waits is asked of whoever owns it now.
    pub(super) fn give_up_asked(&mut self, key: Key) -> Option<impl Future<Output = ()> + use<>> {
        let job = self.roster.unseat(&key)?.job?;
        Some(pass_on(&self.shared, key, job))
    }

    /// A job that has begun in the store and will not run is ended there.
    fn discard(&self, key: &Key, job: Option<JobId>, context: &mut Context<Self>) {
        let Some(job) = job else { return };
        let (shared, tenant) = (Arc::clone(&self.shared), key.tenant.clone());
        context.spawn(async move { cancel(&shared, &tenant, job).await }.into_actor(self));
    }

    fn tenant(&mut self, tenant: &TenantId) -> Addr<Tenant> {
        if let Some(address) = self.tenants.get(tenant)
            && address.connected()
        {
            return address.clone();
        }
        let shared = Arc::clone(&self.shared);
        let mut hasher = DefaultHasher::new();
        tenant.hash(&mut hasher);
        let threads = self.arbiters.len().max(1) as u64;
        let arbiter = usize::try_from(hasher.finish() % threads).ok().and_then(|index| self.arbiters.get(index));
        let address = match arbiter {
            Some(arbiter) => Tenant::start_in_arbiter(arbiter, |_| Tenant { shared }),
            None => Tenant { shared }.start(),
        };
        self.tenants.insert(tenant.clone(), address.clone());
        address
    }

    /// A tenant's actor ends with the last of its runs.
    fn leave_tenant(&mut self, tenant: &TenantId) {
        if !self.runs.keys().any(|key| key.tenant == *tenant) {
            self.tenants.remove(tenant);
        }
    }
}

impl Handler<Run> for Root {
    type Result = ();

    fn handle(&mut self, run: Run, _: &mut Context<Self>) {
        self.tenant(&run.ticket.key.tenant).do_send(run);
    }
}

/// Asks whoever owns the tenant for this job, which somebody was told of.
fn pass_on(shared: &Arc<Shared>, key: Key, job: JobId) -> impl Future<Output = ()> + use<> {
    let shared = Arc::clone(shared);
    async move { ask_owner(&shared, key, job).await }
}

async fn ask_owner(shared: &Shared, key: Key, job: JobId) {
    if !shared.config.cluster {
        return cancel(shared, &key.tenant, job).await;
    }
    if let Err(fault) = commands::ask(shared.log.as_ref(), &key, &Command::Read { job }).await {
        tracing::warn!(%job, "a job that waited could not be passed on: {fault}");
        cancel(shared, &key.tenant, job).await;
    }
}

async fn cancel(shared: &Shared, tenant: &TenantId, job: JobId) {
    let cause = Some("it was stopped before it began");
    if let Err(fault) = shared.ledger.end_job(tenant, job, Timestamp::now(), Outcome::Cancelled, cause).await {
        tracing::warn!(%job, "the end of a job could not be written: {fault}");
    }
}
