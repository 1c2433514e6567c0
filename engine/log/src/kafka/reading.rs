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
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use syncline_model::{
    LogFault, TenantId,
    log::{Logged, Position},
};

use super::{Core, config::KafkaConfig, context::Ears, faults, names::Names, tending, wire};
use crate::embedded::locked;

const KEPT: usize = 16;
const LOOKED_UP_ONE_BY_ONE: usize = 4;
const ANSWER: Duration = Duration::from_secs(20);
/// How often somebody who waits looks for new topics.
const LOOK: Duration = Duration::from_millis(100);
/// Behind the first event that somebody has waited for, the rest of its transaction comes within this.
const REST: Duration = Duration::from_millis(250);

/// Where a reader of a tenant stands, so that whoever goes on from there need not find the place again.
#[derive(Clone, PartialEq, Eq)]
struct Standing {
    tenant: TenantId,
    topics: Vec<(String, i32)>,
    position: Position,
    /// Partitions of which the end was not seen yet.
    open: usize,
}

struct Kept {
    consumer: BaseConsumer<Ears>,
    standing: Option<Standing>,
    since: Instant,
}

impl Kept {
    /// It asks the brokers for nothing until somebody uses it. Cheaper for its next user than a pause, behind which librdkafka takes most
    /// of a second until it asks again.
    fn rest(&mut self) -> KafkaResult<()> {
        self.standing = None;
        self.consumer.unassign()
    }
}

/// Consumers that are not in use.
pub struct Readers {
    config: KafkaConfig,
    names: Names,
    free: Arc<Mutex<Vec<Kept>>>,
    ends: Mutex<Option<Arc<Ends>>>,
}

/// Only asked where partitions end: by what is written, and by what is committed or aborted.
struct Ends {
    written: BaseConsumer<Ears>,
    decided: BaseConsumer<Ears>,
}

/// A consumer in use.
pub struct Reader {
    consumer: BaseConsumer<Ears>,
    standing: Option<Standing>,
    free: Arc<Mutex<Vec<Kept>>>,
}

impl Deref for Reader {
    type Target = BaseConsumer<Ears>;

    fn deref(&self) -> &Self::Target {
        &self.consumer
    }
}

impl Reader {
    /// Assigns partitions of which the client knows the leaders: with others it waits half a second before it looks again.
    pub fn assign_known(&self, topics: &[&str], list: &TopicPartitionList) -> Result<(), LogFault> {
        if topics.len() > LOOKED_UP_ONE_BY_ONE {
            self.consumer.fetch_metadata(None, ANSWER).map_err(|error| faults::unavailable(&error))?;
        } else {
            for topic in topics {
                self.consumer.fetch_metadata(Some(topic), ANSWER).map_err(|error| faults::unavailable(&error))?;
            }
        }
        self.consumer.assign(list).map_err(|error| faults::unavailable(&error))
    }

    /// Nothing went wrong with it: somebody else may use it. Only who stands at a place of a tenant goes on asking for what comes behind it.
    pub fn give_back(self) {
        let mut kept = Kept { consumer: self.consumer, standing: self.standing, since: Instant::now() };
        if kept.standing.is_none() && kept.rest().is_err() {
            return;
        }
        let mut free = locked(&self.free);
        if free.len() >= KEPT {
            free.remove(0);
        }
        free.push(kept);
    }
}

impl Readers {
    pub fn new(config: &KafkaConfig, names: &Names) -> Self {
        Self { config: config.clone(), names: names.clone(), free: Arc::default(), ends: Mutex::default() }
    }

    pub fn take(&self) -> Result<Reader, LogFault> {
        let kept = locked(&self.free).pop();
        let consumer = match kept {
            Some(Kept { consumer, .. }) => consumer,
            None => BaseConsumer::from_config_and_context(&self.config.consumer(&self.names.readers()), Ears::new(&self.config))
                .map_err(|error| faults::client(&error))?,
        };
        tending::give_token(consumer.client());
        Ok(Reader { consumer, standing: None, free: Arc::clone(&self.free) })
    }

    /// A reader at this place: one that stands there, if there is one.
    fn take_at(&self, tenant: &TenantId, topics: &[(String, i32)], from: &Position) -> Result<Reader, LogFault> {
        let is_there = |standing: &Standing| standing.tenant == *tenant && standing.topics == topics && standing.position == *from;
        let found = {
            let mut free = locked(&self.free);
            let at = free.iter().position(|kept| kept.standing.as_ref().is_some_and(is_there));
            at.map(|at| free.remove(at))
        };
        if let Some(Kept { consumer, standing, .. }) = found {
            return Ok(Reader { consumer, standing, free: Arc::clone(&self.free) });
        }
        let mut reader = self.take()?;
        let list = places(topics, from)?;
        let names: Vec<&str> = topics.iter().map(|(topic, _)| topic.as_str()).collect();
        reader.assign_known(&names, &list)?;
        let standing = Standing { tenant: tenant.clone(), topics: topics.to_vec(), position: from.clone(), open: list.count() };
        reader.standing = Some(standing);
        Ok(reader)
    }

    /// Those whose users did not come back for so long ask the brokers for nothing any more.
    pub fn rest(&self, idle: Duration) {
        locked(&self.free).retain_mut(|kept| kept.standing.is_none() || kept.since.elapsed() < idle || kept.rest().is_ok());
    }

    /// How many of those that are not in use still ask the brokers.
    #[cfg(test)]
    pub fn fetching(&self) -> usize {
        locked(&self.free).iter().filter(|kept| kept.consumer.assignment().map_or(true, |all| all.count() > 0)).count()
    }

    pub fn clear(&self) {
        locked(&self.free).clear();
        locked(&self.ends).take();
    }

    /// Whether something in a partition is neither committed nor aborted.
    pub fn has_open(&self, topic: &str, partition: i32) -> Result<bool, LogFault> {
        let end = |consumer: &BaseConsumer<Ears>| {
            tending::give_token(consumer.client());
            // It is never read from: what it has to say of brokers that were away would be kept for ever.
            while consumer.poll(Duration::ZERO).is_some() {}
            consumer.fetch_watermarks(topic, partition, ANSWER).map(|(_, end)| end).map_err(|error| faults::unavailable(&error))
        };
        let ends = self.ends()?;
        let written = end(&ends.written)?;
        Ok(end(&ends.decided)? < written)
    }

    fn ends(&self) -> Result<Arc<Ends>, LogFault> {
        let open = |isolation: &str| {
            let mut config = self.config.consumer(&self.names.readers());
            config.set("isolation.level", isolation);
            BaseConsumer::from_config_and_context(&config, Ears::new(&self.config)).map_err(|error| faults::client(&error))
        };
        let mut ends = locked(&self.ends);
        if let Some(ends) = &*ends {
            return Ok(Arc::clone(ends));
        }
        let new = Arc::new(Ends { written: open("read_uncommitted")?, decided: open("read_committed")? });
        *ends = Some(Arc::clone(&new));
        Ok(new)
    }
}

/// The events of one tenant behind a position. Waits only when there are none.
pub fn read(core: &Core, tenant: &TenantId, from: &Position, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
    let deadline = Instant::now() + wait.min(Duration::from_hours(1));
    let mut topics = core.topics.of(tenant, false)?;
    loop {
        if !topics.is_empty() {
            let mut reader = core.readers.take_at(tenant, &topics, from)?;
            let found = reader.follow(core, events_max.max(1), deadline)?;
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

impl Reader {
    /// Empty when there is nothing until the deadline, or when the tenant got another topic.
    fn follow(&mut self, core: &Core, events_max: usize, deadline: Instant) -> Result<Vec<Logged>, LogFault> {
        let Some(mut standing) = self.standing.take() else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        drain(self, &mut standing.open, events_max, Instant::now() + ANSWER, &mut found)?;
        while found.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || core.topics.of(&standing.tenant, false)? != standing.topics {
                break;
            }
            match self.poll(left.min(LOOK)) {
                Some(Ok(message)) => {
                    found.push(wire::logged(&message)?);
                    // What became visible together with it ends where its partition ends.
                    standing.open = 1;
                }
                Some(Err(error)) => check(&error)?,
                None => {}
            }
            if standing.open > 0 {
                drain(self, &mut standing.open, events_max, Instant::now() + REST, &mut found)?;
            }
        }
        for logged in &found {
            standing.position.pass(&logged.place);
        }
        self.standing = Some(standing);
        Ok(found)
    }
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

/// Reads until every open partition has come to its end, or enough was found. When it is late, what has already come is still taken:
/// a step whose first event was waited for is not cut in two.
fn drain(reader: &Reader, open: &mut usize, events_max: usize, deadline: Instant, found: &mut Vec<Logged>) -> Result<(), LogFault> {
    while *open > 0 && found.len() < events_max {
        let left = deadline.saturating_duration_since(Instant::now());
        match reader.poll(left.min(Duration::from_millis(100))) {
            Some(Ok(message)) => found.push(wire::logged(&message)?),
            Some(Err(KafkaError::PartitionEOF(_))) => *open -= 1,
            Some(Err(error)) if is_gone(&error) => *open -= 1,
            Some(Err(error)) => check(&error)?,
            None if !left.is_zero() => {}
            None if found.is_empty() => return Err(LogFault::Unavailable("no broker has answered in time".to_owned())),
            None => return Ok(()),
        }
    }
    Ok(())
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
