//! Taking a shard over: whoever had it is fenced, what the brokers have left open of it is ended, and what it knew is read.

use std::time::{Duration, Instant};

use rdkafka::{Message, Offset, TopicPartitionList, error::KafkaError};
use syncline_model::{LogFault, ShardId};

use super::{
    Core, faults,
    held::{Draft, Held},
    producer::{Refusal, Transactions},
    shard::Slot,
};
use crate::metrics;

const RESTORE: Duration = Duration::from_secs(120);
/// Brokers say that a transaction has ended, and end it in its partitions soon after: what is open for so long is left open.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);

/// What the new owner begins with.
pub struct Taken {
    pub transactions: Transactions,
    /// The lane whose producer this is: the first one, unless another one has something to end by its next commits.
    pub lane: usize,
    pub held: Held,
}

/// Fences whoever had the shard, then reads what it has left.
pub fn take_over(core: &Core, slot: &Slot) -> Result<Taken, LogFault> {
    let _turn = core.takeovers.enter();
    let began = Instant::now();
    let open = |lane| Transactions::take_over(&core.config, &core.names, slot.shard, lane, &|| slot.is_cancelled());
    let (mut lanes, mut ended_by) = (vec![open(0)?], None);
    // What is read before all are fenced may be less than there is, and another one may be known behind it.
    let mut held = loop {
        let held = restore(core, slot)?;
        let known = usize::try_from(held.lanes).unwrap_or(1);
        if known > lanes.len() {
            for lane in lanes.len()..known {
                lanes.push(open(lane)?);
            }
        } else if !is_left_open(core, slot)? {
            break held;
        } else if ended_by.is_none() {
            ended_by = Some(end_what_is_open(core, slot, &lanes)?);
        } else {
            return Err(left_open(core, slot.shard));
        }
    };
    let lane = ended_by.unwrap_or(0);
    let transactions = lanes.swap_remove(lane);
    if lane == 0 && held.lanes > 1 {
        forget_lanes(slot, &transactions, &mut held)?;
    }
    let took = began.elapsed();
    metrics::LOG_KAFKA_TAKEOVER_SECONDS.observe(took.as_secs_f64());
    tracing::debug!(shard = slot.shard.0, took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "the shard was taken over");
    Ok(Taken { transactions, lane, held })
}

/// Nobody but us can open other lanes of this shard from now on, and we say so before we do.
fn forget_lanes(slot: &Slot, transactions: &Transactions, held: &mut Held) -> Result<(), LogFault> {
    let mut draft = Draft { lanes: Some(1), ..Draft::default() };
    match transactions.commit(&mut draft, &|| slot.is_cancelled()) {
        Ok(()) => held.apply(draft),
        Err(Refusal::Lost(_)) => return Err(LogFault::Fenced(slot.shard)),
        // Then they are fenced once more than they need to be.
        Err(refusal) => tracing::debug!(shard = slot.shard.0, "lanes are not forgotten yet: {refusal:?}"),
    }
    Ok(())
}

/// Whether a transaction of the shard is open though all who could have one are fenced. Brokers of Apache Kafka 4.3 take a
/// transaction for ended without ending it in partitions that have no leader at that moment, as after a crash of all their brokers:
/// `KRaftMetadataCache.getPartitionLeaderEndpoint` says of them what it says of deleted ones. In 4.2 it does not.
fn is_left_open(core: &Core, slot: &Slot) -> Result<bool, LogFault> {
    let partition = i32::from(slot.shard.0);
    let is_open = || Ok(core.readers.has_open(&core.names.cursors(), partition)? || core.readers.has_open(&core.names.seen(), partition)?);
    let deadline = Instant::now() + PATIENCE;
    while is_open()? {
        if slot.is_cancelled() {
            return Err(LogFault::Fenced(slot.shard));
        }
        if Instant::now() > deadline {
            return Ok(true);
        }
        slot.rest(LOOK);
    }
    Ok(false)
}

fn left_open(core: &Core, shard: ShardId) -> LogFault {
    metrics::LOG_KAFKA_LEFT_OPEN_TOTAL.with_label_values(&["refused"]).inc();
    LogFault::Unavailable(format!(
        "the brokers have left a transaction open in partition {shard} of `{}` or `{}`, and whether it was committed cannot be known here; \
         `kafka-transactions.sh find-hanging` names it, and `abort` ends it: first in the topics of events, in these two last",
        core.names.cursors(),
        core.names.seen()
    ))
}

/// Commits with each lane's producer until nothing is open, which commits what was left open: it was to be, or nothing of it is to be
/// seen anywhere. That is known where all of our topics are on one broker, which left it open in all of them. Returns the lane that
/// ended it; its events are ended where it writes next.
fn end_what_is_open(core: &Core, slot: &Slot, lanes: &[Transactions]) -> Result<usize, LogFault> {
    if !core.topics.are_on_one_broker()? {
        return Err(left_open(core, slot.shard));
    }
    for (lane, transactions) in lanes.iter().enumerate() {
        let mut draft = Draft { lanes: Some(lanes.len() as u64), ends: true, ..Draft::default() };
        match transactions.commit(&mut draft, &|| slot.is_cancelled()) {
            Ok(()) => {}
            Err(Refusal::Lost(_)) => return Err(LogFault::Fenced(slot.shard)),
            Err(refusal) => return Err(LogFault::Unavailable(format!("what the brokers left open cannot be ended: {refusal:?}"))),
        }
        if !is_left_open(core, slot)? {
            metrics::LOG_KAFKA_LEFT_OPEN_TOTAL.with_label_values(&["ended"]).inc();
            tracing::warn!(shard = slot.shard.0, lane, "a transaction that the brokers had left open was ended");
            return Ok(lane);
        }
    }
    Err(left_open(core, slot.shard))
}

/// Both topics are read at the same time, each by a reader of its own: the end of one is not taken for the end of the other.
fn restore(core: &Core, slot: &Slot) -> Result<Held, LogFault> {
    let (cursors, seen) = (core.names.cursors(), core.names.seen());
    let (read_cursors, read_seen) = std::thread::scope(|scope| {
        let read_seen = scope.spawn(|| {
            let mut held = Held::default();
            read_all(core, slot, &seen, |key, value| held.restore_seen(key, value)).map(|()| held)
        });
        let mut held = Held::default();
        let read_cursors = read_all(core, slot, &cursors, |key, value| held.restore_cursor(key, value)).map(|()| held);
        let ended = read_seen.join();
        (read_cursors, ended.unwrap_or_else(|_| Err(LogFault::Unavailable("a thread that read deliveries has died".to_owned()))))
    });
    Ok(read_cursors?.with_seen_of(read_seen?))
}

fn read_all(
    core: &Core,
    slot: &Slot,
    topic: &str,
    mut take: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), LogFault>,
) -> Result<(), LogFault> {
    let reader = core.readers.take()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, i32::from(slot.shard.0), Offset::Beginning).map_err(|error| faults::unavailable(&error))?;
    reader.assign_known(&[topic], &list)?;
    let deadline = Instant::now() + RESTORE;
    loop {
        match reader.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => take(message.key().unwrap_or_default(), message.payload())?,
            Some(Err(KafkaError::PartitionEOF(_))) => {
                reader.give_back();
                return Ok(());
            }
            Some(Err(error)) => tracing::debug!(shard = slot.shard.0, "while a shard is restored: {error}"),
            None => {}
        }
        if slot.is_cancelled() {
            return Err(LogFault::Fenced(slot.shard));
        }
        if Instant::now() > deadline {
            return Err(LogFault::Unavailable(format!("what is in `{topic}` could not be read in time")));
        }
    }
}
