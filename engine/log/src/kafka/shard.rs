//! One owned shard: its thread takes it over, writes its steps, and takes it over again if it was fenced while the group still says
//! that it is ours.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use syncline_model::{
    CursorEntry, IntegrationId, LogFault, Shard, ShardId, Step, TenantId,
    log::{Answer, InboxItem, InboxOffset, ShardChange},
};
use tokio::sync::{Semaphore, mpsc::UnboundedSender, oneshot};

use super::{
    Core,
    held::Held,
    inbox::Inbox,
    queue::{self, Queue, Waiting},
    takeover::{Taken, take_over},
    writer,
};
use crate::{embedded::locked, metrics};

const AGAIN_FIRST: Duration = Duration::from_millis(200);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// What everybody who has to do with an owned shard shares.
pub struct Owned {
    pub shard: ShardId,
    pub held: Mutex<Held>,
    /// The lane whose producer the first lane has; that one has the first one's.
    first: usize,
    pub inbox: Arc<Inbox>,
    pub queue: Queue,
    lost: AtomicBool,
    room: Arc<Semaphore>,
}

impl Owned {
    fn new(core: &Core, shard: ShardId, held: Held, first: usize, inbox: Arc<Inbox>) -> Arc<Self> {
        inbox.done(held.inbox_done);
        let queue = Queue::new(core.config.batch, core.config.lanes.get());
        Arc::new(Self { shard, held: Mutex::new(held), first, inbox, queue, lost: AtomicBool::new(false), room: queue::room() })
    }

    /// The number of a lane's producer.
    pub fn producer_of(&self, lane: usize) -> usize {
        if lane == 0 {
            self.first
        } else if lane == self.first {
            0
        } else {
            lane
        }
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Nothing more is committed; the steps in flight come to their end.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.queue.close();
    }

    pub async fn purge(&self, tenant: &TenantId) -> Result<(), LogFault> {
        let (reply, answer) = oneshot::channel();
        if !self.queue.purge(tenant.clone(), reply) {
            return Err(LogFault::Fenced(self.shard));
        }
        answer.await.map_err(|_| LogFault::Fenced(self.shard))?
    }

    fn check(&self) -> Result<(), LogFault> {
        if self.is_lost() { Err(LogFault::Fenced(self.shard)) } else { Ok(()) }
    }
}

/// What the group has given us, for as long as it does.
pub struct Slot {
    pub shard: ShardId,
    pub inbox: Arc<Inbox>,
    state: Mutex<SlotState>,
    changed: Condvar,
}

#[derive(Default)]
struct SlotState {
    cancelled: bool,
    ended: bool,
    owned: Option<Arc<Owned>>,
}

impl Slot {
    pub fn new(shard: ShardId) -> Arc<Self> {
        Arc::new(Self { shard, inbox: Arc::default(), state: Mutex::default(), changed: Condvar::new() })
    }

    /// The shard goes: finish the step in flight, begin no other.
    pub fn cancel(&self) {
        let mut state = locked(&self.state);
        state.cancelled = true;
        if let Some(owned) = &state.owned {
            owned.lose();
        }
        self.changed.notify_all();
    }

    /// Waits until the thread of the shard has ended. False if it did not by then.
    pub fn wait_ended(&self, deadline: Instant) -> bool {
        let mut state = locked(&self.state);
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub fn is_cancelled(&self) -> bool {
        locked(&self.state).cancelled
    }

    fn hold(&self, owned: Option<Arc<Owned>>) {
        let mut state = locked(&self.state);
        if let (true, Some(owned)) = (state.cancelled, &owned) {
            owned.lose();
        }
        state.owned = owned;
    }

    pub fn rest(&self, wait: Duration) {
        let state = locked(&self.state);
        if !state.cancelled {
            drop(self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn end(&self) {
        locked(&self.state).ended = true;
        self.changed.notify_all();
    }
}

/// The life of an assigned shard, on a thread of its own.
pub fn live(core: &Arc<Core>, slot: &Slot, changes: &UnboundedSender<ShardChange>) {
    let mut wait = AGAIN_FIRST;
    while !slot.is_cancelled() {
        match take_over(core, slot) {
            Ok(Taken { transactions, lane, held }) => {
                wait = AGAIN_FIRST;
                let owned = Owned::new(core, slot.shard, held, lane, Arc::clone(&slot.inbox));
                slot.hold(Some(Arc::clone(&owned)));
                core.own(&owned);
                drop(changes.send(ShardChange::Assigned(Box::new(KafkaShard { core: Arc::clone(core), owned: Arc::clone(&owned) }))));
                writer::run(core, &owned, transactions);
                owned.lose();
                core.disown(&owned);
                slot.hold(None);
                drop(changes.send(ShardChange::Revoked(slot.shard)));
            }
            Err(LogFault::Fenced(_)) => {}
            Err(fault) => tracing::warn!(shard = slot.shard.0, "the shard cannot be taken over yet: {fault}"),
        }
        slot.rest(wait);
        wait = (wait * 2).min(AGAIN_MAX);
    }
    slot.end();
}

/// The shard, as its user has it.
pub struct KafkaShard {
    core: Arc<Core>,
    owned: Arc<Owned>,
}

#[async_trait]
impl Shard for KafkaShard {
    fn id(&self) -> ShardId {
        self.owned.shard
    }

    async fn cursors(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<CursorEntry>, LogFault> {
        self.owned.check()?;
        Ok(locked(&self.owned.held).cursors(tenant, integration))
    }

    async fn inbox(&self, after: InboxOffset, items_max: usize) -> Result<Vec<(InboxOffset, InboxItem)>, LogFault> {
        self.owned.check()?;
        self.owned.inbox.after(after, items_max).await
    }

    async fn inbox_done(&self) -> Result<InboxOffset, LogFault> {
        self.owned.check()?;
        Ok(locked(&self.owned.held).inbox_done)
    }

    async fn seen(&self, deliveries: Vec<(TenantId, String)>) -> Result<Vec<bool>, LogFault> {
        self.owned.check()?;
        let held = locked(&self.owned.held);
        Ok(deliveries.iter().map(|(tenant, delivery)| held.has_seen(tenant, delivery)).collect())
    }

    async fn submit(&self, step: Arc<Step>) -> Answer {
        match self.hand_over(step).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Box::pin(async { Ok(()) }),
            Err(fault) => Box::pin(async { Err(fault) }),
        }
    }
}

impl KafkaShard {
    /// Nothing if there is nothing to write.
    async fn hand_over(&self, step: Arc<Step>) -> Result<Option<Answer>, LogFault> {
        if step.is_empty() {
            return Ok(None);
        }
        let began = Instant::now();
        self.core.check(&step, self.owned.shard)?;
        self.owned.check()?;
        let shard = self.owned.shard;
        let room = Arc::clone(&self.owned.room).acquire_many_owned(queue::room_for(&step)).await.map_err(|_| LogFault::Fenced(shard))?;
        let (reply, answer) = oneshot::channel();
        if !self.owned.queue.push(Waiting::new(step, reply, room)) {
            return Err(LogFault::Fenced(shard));
        }
        Ok(Some(Box::pin(async move {
            let done = answer.await.map_err(|_| LogFault::Fenced(shard))?;
            metrics::LOG_COMMIT_SECONDS.observe(began.elapsed().as_secs_f64());
            done
        })))
    }
}
