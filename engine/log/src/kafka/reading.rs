//! Reading the events of a tenant from a position: consumers without a group, a few of them, used off the async threads.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use syncline_model::{
    LogFault, TenantId,
    log::{Logged, Position},
};

use super::{Core, config::KafkaConfig, context::Ears, faults, names::Names, wire};
use crate::embedded::locked;

const KEPT: usize = 8;
const ANSWER: Duration = Duration::from_secs(20);
/// How often somebody who waits looks for new topics.
const LOOK: Duration = Duration::from_millis(100);
/// Behind the first event that somebody has waited for, the rest of its transaction comes within this.
const REST: Duration = Duration::from_millis(250);

/// Consumers that are not in use.
pub struct Readers {
    config: KafkaConfig,
    names: Names,
    free: Arc<Mutex<Vec<BaseConsumer<Ears>>>>,
}

/// A consumer in use.
pub struct Reader {
    consumer: BaseConsumer<Ears>,
    free: Arc<Mutex<Vec<BaseConsumer<Ears>>>>,
}

impl Deref for Reader {
    type Target = BaseConsumer<Ears>;

    fn deref(&self) -> &Self::Target {
        &self.consumer
    }
}

impl Reader {
    /// Nothing went wrong with it: somebody else may use it.
    pub fn give_back(self) {
        let clean = self.consumer.unassign().is_ok();
        let mut free = locked(&self.free);
        if clean && free.len() < KEPT {
            free.push(self.consumer);
        }
    }
}

impl Readers {
    pub fn new(config: &KafkaConfig, names: &Names) -> Self {
        Self { config: config.clone(), names: names.clone(), free: Arc::default() }
    }

    pub fn take(&self) -> Result<Reader, LogFault> {
        let kept = locked(&self.free).pop();
        let consumer = match kept {
            Some(consumer) => consumer,
            None => BaseConsumer::from_config_and_context(&self.config.consumer(&self.names.readers()), Ears::new(&self.config))
                .map_err(|error| faults::client(&error))?,
        };
        Ok(Reader { consumer, free: Arc::clone(&self.free) })
    }

    pub fn clear(&self) {
        locked(&self.free).clear();
    }
}

/// The events of one tenant behind a position. Waits only when there are none.
pub fn read(core: &Core, tenant: &TenantId, from: &Position, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
    let deadline = Instant::now() + wait.min(Duration::from_hours(1));
    let mut topics = core.topics.of(tenant, false)?;
    loop {
        if !topics.is_empty() {
            let reader = core.readers.take()?;
            let found = from_topics(core, &reader, tenant, &topics, from, events_max.max(1), deadline)?;
            reader.give_back();
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let late = Instant::now() >= deadline;
        // Another node may have made a topic that we have not heard of.
        let now = core.topics.of(tenant, late)?;
        if now == topics && late {
            return Ok(Vec::new());
        }
        if now == topics {
            std::thread::sleep(LOOK.min(deadline.saturating_duration_since(Instant::now())));
        }
        topics = now;
    }
}

/// Empty when there is nothing until the deadline, or when the tenant got another topic.
fn from_topics(
    core: &Core,
    reader: &Reader,
    tenant: &TenantId,
    topics: &[(String, i32)],
    from: &Position,
    events_max: usize,
    deadline: Instant,
) -> Result<Vec<Logged>, LogFault> {
    let list = places(topics, from)?;
    reader.assign(&list).map_err(|error| faults::unavailable(&error))?;
    let mut found = drain(reader, list.count(), events_max, Instant::now() + ANSWER)?;
    while found.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || core.topics.of(tenant, false)? != topics {
            return Ok(found);
        }
        match reader.poll(left.min(LOOK)) {
            Some(Ok(message)) => {
                found.push(wire::logged(&message)?);
                drop(message);
                if events_max > 1 {
                    found.extend(rest(reader, events_max - 1)?);
                }
            }
            Some(Err(error)) => check(&error)?,
            None => {}
        }
    }
    Ok(found)
}

fn places(topics: &[(String, i32)], from: &Position) -> Result<TopicPartitionList, LogFault> {
    let mut list = TopicPartitionList::new();
    for (topic, partitions) in topics {
        for partition in 0..*partitions {
            // The place of an event is Kafka's offset and one more, so it is also the offset of the next.
            let next = from.0.get(&wire::partition(topic, partition)).and_then(|offset| i64::try_from(*offset).ok());
            let offset = next.map_or(Offset::Beginning, Offset::Offset);
            list.add_partition_offset(topic, partition, offset).map_err(|error| faults::unavailable(&error))?;
        }
    }
    Ok(list)
}

/// Reads until every partition has come to its end, or enough was found.
fn drain(reader: &Reader, partitions: usize, events_max: usize, deadline: Instant) -> Result<Vec<Logged>, LogFault> {
    let (mut found, mut ends) = (Vec::new(), 0);
    while ends < partitions && found.len() < events_max {
        match reader.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => found.push(wire::logged(&message)?),
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            Some(Err(error)) if is_gone(&error) => ends += 1,
            Some(Err(error)) => check(&error)?,
            None => {}
        }
        if Instant::now() > deadline {
            return if found.is_empty() { Err(LogFault::Unavailable("no broker has answered in time".to_owned())) } else { Ok(found) };
        }
    }
    Ok(found)
}

/// What became visible together with the first event.
fn rest(reader: &Reader, events_max: usize) -> Result<Vec<Logged>, LogFault> {
    drain(reader, 1, events_max, Instant::now() + REST).or_else(|fault| match fault {
        LogFault::Unavailable(_) => Ok(Vec::new()),
        other @ (LogFault::Fenced(_) | LogFault::Conflict(_) | LogFault::TooLarge { .. } | LogFault::Damaged(_)) => Err(other),
    })
}

fn is_gone(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageConsumption(code) if faults::is_missing_topic(*code))
}

/// What does not get better by waiting is told at once.
fn check(error: &KafkaError) -> Result<(), LogFault> {
    match error {
        KafkaError::MessageConsumptionFatal(code) => Err(LogFault::Unavailable(code.to_string())),
        KafkaError::MessageConsumption(
            code @ (RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::Authentication),
        ) => Err(LogFault::Unavailable(format!("the brokers do not let us read: {code}"))),
        other => {
            tracing::debug!("while events are read: {other}");
            Ok(())
        }
    }
}
