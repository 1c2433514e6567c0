//! Who owns which shard: Kafka's consumer group on the inbox says so. One thread is the member; it also reads the inboxes of the shards
//! that are ours.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rdkafka::{
    Message, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::KafkaError,
};
use syncline_model::{
    LogFault, ShardId,
    log::{Membership, ShardChange},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    Core,
    context::{Ears, hears_with_its_ears},
    faults,
    shard::{Slot, live},
    wire,
};
use crate::{embedded::locked, metrics};

const POLL: Duration = Duration::from_millis(100);
/// How long a step in flight may take to end when its shard goes to another node. What has not ended is fenced by the next owner.
const HAND_OVER: Duration = Duration::from_secs(8);

/// The context of the member: hears what the group decides.
struct Desk {
    core: Arc<Core>,
    ears: Ears,
    changes: UnboundedSender<ShardChange>,
    slots: Mutex<HashMap<ShardId, Arc<Slot>>>,
}

hears_with_its_ears!(Desk);

impl ConsumerContext for Desk {
    fn pre_rebalance(&self, member: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(list) => {
                // After a silence that was too long the others already own them, and nothing can be finished.
                let patience = if member.assignment_lost() { Duration::ZERO } else { HAND_OVER };
                self.revoke(&shards(list), patience);
            }
            Rebalance::Assign(_) => {}
            Rebalance::Error(error) => tracing::warn!("the owners of shards cannot agree: {error}"),
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        metrics::LOG_KAFKA_REBALANCES_TOTAL.inc();
        if let Rebalance::Assign(list) = rebalance {
            self.assign(&shards(list));
        }
    }
}

fn shards(list: &TopicPartitionList) -> Vec<ShardId> {
    list.elements().iter().filter_map(|element| u16::try_from(element.partition()).ok()).map(ShardId).collect()
}

impl Desk {
    fn assign(&self, shards: &[ShardId]) {
        for shard in shards {
            let slot = Slot::new(*shard);
            locked(&self.slots).insert(*shard, Arc::clone(&slot));
            let (core, changes, thread_slot) = (Arc::clone(&self.core), self.changes.clone(), Arc::clone(&slot));
            let thread = std::thread::Builder::new().name(format!("shard-{shard}"));
            let started = thread.spawn(move || live(&core, &thread_slot, &changes));
            if let Err(error) = started {
                tracing::error!(shard = shard.0, "no thread for the shard: {error}");
            }
        }
        self.count();
    }

    fn revoke(&self, shards: &[ShardId], patience: Duration) {
        let slots: Vec<Arc<Slot>> = shards.iter().filter_map(|shard| locked(&self.slots).remove(shard)).collect();
        for slot in &slots {
            slot.cancel();
        }
        let deadline = Instant::now() + patience;
        for slot in &slots {
            if !slot.wait_ended(deadline) {
                tracing::warn!(shard = slot.shard.0, "a step in flight did not end in time; the next owner decides it");
            }
        }
        self.count();
    }

    fn count(&self) {
        metrics::LOG_KAFKA_SHARDS_ASSIGNED.set(i64::try_from(locked(&self.slots).len()).unwrap_or(i64::MAX));
    }

    fn slot(&self, partition: i32) -> Option<Arc<Slot>> {
        let shard = ShardId(u16::try_from(partition).ok()?);
        locked(&self.slots).get(&shard).cloned()
    }
}

/// The thread of the member.
struct Member {
    consumer: BaseConsumer<Desk>,
    inbox: String,
    /// Partitions whose items nobody takes at the moment.
    paused: Vec<i32>,
}

impl Member {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) && !self.consumer.context().changes.is_closed() {
            self.turn();
        }
        let ours: Vec<ShardId> = locked(&self.consumer.context().slots).keys().copied().collect();
        // First end what runs, then leave: nobody can own them before.
        self.consumer.context().revoke(&ours, HAND_OVER);
        drop(self.consumer);
    }

    fn turn(&mut self) {
        let full = match self.consumer.poll(POLL) {
            Some(Ok(message)) => self.take(&message),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(slot) = self.consumer.context().slot(partition) {
                    slot.inbox.reach_end();
                }
                None
            }
            Some(Err(error)) => {
                tracing::debug!("the member of the owners hears: {error}");
                None
            }
            None => None,
        };
        if let Some(partition) = full {
            self.paused.push(partition);
            let paused = self.consumer.pause(&self.list(&[partition]));
            tracing::debug!(partition, "the inbox is not taken, and not read on: {paused:?}");
        }
        self.read_on();
    }

    fn take(&self, message: &rdkafka::message::BorrowedMessage<'_>) -> Option<i32> {
        let slot = self.consumer.context().slot(message.partition())?;
        let Some((offset, item)) = wire::inbox_item(message) else {
            tracing::warn!(partition = message.partition(), offset = message.offset(), "an item of the inbox cannot be read and is passed");
            return None;
        };
        let room = slot.inbox.push(offset, item);
        (!room && !self.paused.contains(&message.partition())).then(|| message.partition())
    }

    fn read_on(&mut self) {
        let desk = self.consumer.context();
        let (free, kept): (Vec<i32>, Vec<i32>) =
            self.paused.iter().partition(|partition| desk.slot(**partition).is_none_or(|slot| slot.inbox.has_room()));
        if free.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.resume(&self.list(&free)) {
            tracing::debug!("a partition of the inbox is not ours any more: {error}");
        }
        self.paused = kept;
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.inbox, *partition);
        }
        list
    }
}

/// The membership, as its user has it.
pub struct Joined {
    changes: UnboundedReceiver<ShardChange>,
    stop: Arc<AtomicBool>,
}

impl Joined {
    pub fn join(core: &Arc<Core>, node: &str) -> Result<Self, LogFault> {
        let (changes, told) = unbounded_channel();
        let desk = Desk { core: Arc::clone(core), ears: Ears::new(&core.config), changes, slots: Mutex::default() };
        let mut settings = core.config.member(&core.names.owners());
        settings.set("client.id", format!("syncline-{}-{node}", core.config.prefix));
        let member = BaseConsumer::from_config_and_context(&settings, desk).map_err(|error| faults::client(&error))?;
        let inbox = core.names.inbox();
        member.subscribe(&[&inbox]).map_err(|error| faults::unavailable(&error))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (until, running) = (Arc::clone(&stop), core.threads.enter("owner"));
        let run = move || {
            let _running = running;
            Member { consumer: member, inbox, paused: Vec::new() }.run(&until);
        };
        std::thread::Builder::new().name("kafka-owner".to_owned()).spawn(run).map_err(|error| LogFault::Unavailable(error.to_string()))?;
        tracing::info!(node, "this node asks for shards");
        Ok(Self { changes: told, stop })
    }
}

#[async_trait]
impl Membership for Joined {
    async fn next(&mut self) -> Result<Option<ShardChange>, LogFault> {
        Ok(self.changes.recv().await)
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}
