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
use rdkafka::{Message, Offset, TopicPartitionList, error::KafkaError};
use syncline_model::{
    CursorEntry, IntegrationId, LogFault, Shard, ShardId, Step, TenantId,
    log::{Answer, InboxItem, InboxOffset, ShardChange},
};
use tokio::sync::{Semaphore, mpsc::UnboundedSender, oneshot};

use super::{
    Core, faults,
    held::{Draft, Held},
    inbox::Inbox,
    producer::{Refusal, Transactions},
    queue::{self, Queue, Waiting},
    writer,
};
use crate::{embedded::locked, metrics};

const RESTORE: Duration = Duration::from_secs(120);
const AGAIN_FIRST: Duration = Duration::from_millis(200);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// What everybody who has to do with an owned shard shares.
pub struct Owned {
    pub shard: ShardId,
    pub held: Mutex<Held>,
    pub inbox: Arc<Inbox>,
    pub queue: Queue,
    lost: AtomicBool,
    room: Arc<Semaphore>,
}

impl Owned {
    fn new(core: &Core, shard: ShardId, held: Held, inbox: Arc<Inbox>) -> Arc<Self> {
        inbox.done(held.inbox_done);
        let queue = Queue::new(core.config.batch, core.config.lanes.get());
        Arc::new(Self { shard, held: Mutex::new(held), inbox, queue, lost: AtomicBool::new(false), room: queue::room() })
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

    fn is_cancelled(&self) -> bool {
        locked(&self.state).cancelled
    }

    fn hold(&self, owned: Option<Arc<Owned>>) {
        let mut state = locked(&self.state);
        if let (true, Some(owned)) = (state.cancelled, &owned) {
            owned.lose();
        }
        state.owned = owned;
    }

    fn rest(&self, wait: Duration) {
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
            Ok((transactions, held)) => {
                wait = AGAIN_FIRST;
                let owned = Owned::new(core, slot.shard, held, Arc::clone(&slot.inbox));
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

/// Fences whoever had the shard, then reads what it has left.
fn take_over(core: &Core, slot: &Slot) -> Result<(Transactions, Held), LogFault> {
    let _turn = core.takeovers.enter();
    let began = Instant::now();
    let open = |lane| Transactions::take_over(&core.config, &core.names, slot.shard, lane, &|| slot.is_cancelled());
    let transactions = open(0)?;
    let mut held = restore(core, slot)?;
    if held.lanes > 1 {
        for lane in 1..usize::try_from(held.lanes).unwrap_or(1) {
            open(lane)?;
        }
        held = restore(core, slot)?;
        forget_lanes(slot, &transactions, &mut held)?;
    }
    let took = began.elapsed();
    metrics::LOG_KAFKA_TAKEOVER_SECONDS.observe(took.as_secs_f64());
    tracing::debug!(shard = slot.shard.0, took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "the shard was taken over");
    Ok((transactions, held))
}

/// Nobody but us can open other lanes of this shard from now on, and we say so before we do.
fn forget_lanes(slot: &Slot, transactions: &Transactions, held: &mut Held) -> Result<(), LogFault> {
    let draft = Draft { lanes: Some(1), ..Draft::default() };
    match transactions.commit(&draft, &|| slot.is_cancelled()) {
        Ok(()) => held.apply(draft),
        Err(Refusal::Lost(_)) => return Err(LogFault::Fenced(slot.shard)),
        // Then they are fenced once more than they need to be.
        Err(refusal) => tracing::debug!(shard = slot.shard.0, "lanes are not forgotten yet: {refusal:?}"),
    }
    Ok(())
}

fn restore(core: &Core, slot: &Slot) -> Result<Held, LogFault> {
    let reader = core.readers.take()?;
    let (cursors, seen) = (core.names.cursors(), core.names.seen());
    let partition = i32::from(slot.shard.0);
    let mut list = TopicPartitionList::new();
    for topic in [&cursors, &seen] {
        list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|error| faults::unavailable(&error))?;
    }
    reader.assign_known(&[&cursors, &seen], &list)?;
    let (mut held, mut ends, deadline) = (Held::default(), 0, Instant::now() + RESTORE);
    while ends < 2 {
        match reader.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                let key = message.key().unwrap_or_default();
                if message.topic() == cursors {
                    held.restore_cursor(key, message.payload())?;
                } else {
                    held.restore_seen(key, message.payload())?;
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            Some(Err(error)) => tracing::debug!(shard = slot.shard.0, "while a shard is restored: {error}"),
            None => {}
        }
        if slot.is_cancelled() {
            return Err(LogFault::Fenced(slot.shard));
        }
        if Instant::now() > deadline {
            return Err(LogFault::Unavailable("its cursors could not be read in time".to_owned()));
        }
    }
    reader.give_back();
    Ok(held)
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
