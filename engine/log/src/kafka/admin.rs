//! Making topics, and asking about them. Called off the async threads.

use std::{
    collections::HashMap,
    num::NonZeroU16,
    sync::Mutex,
    time::{Duration, Instant},
};

use futures::executor::block_on;
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    config::FromClientConfigAndContext,
    error::RDKafkaErrorCode,
};
use syncline_model::{LogFault, ShardId, TenantId};

use super::{config::KafkaConfig, context::Ears, faults, names::Names, probe, tending};
use crate::embedded::locked;

const ANSWER: Duration = Duration::from_secs(15);
/// How long a list of topics is believed.
const FRESH: Duration = Duration::from_secs(2);

/// The topics of the log.
pub struct Topics {
    client: AdminClient<Ears>,
    names: Names,
    config: KafkaConfig,
    /// Event topics that exist, and when that was looked up.
    known: Mutex<(HashMap<String, i32>, Option<Instant>)>,
    /// Topics that we may not write to, and until when that is believed.
    forbidden: Mutex<HashMap<String, Instant>>,
}

impl Topics {
    pub fn new(config: &KafkaConfig) -> Result<Self, LogFault> {
        config.security.check_files()?;
        let client = AdminClient::from_config_and_context(&config.admin(), Ears::new(config)).map_err(|error| faults::client(&error))?;
        Ok(Self { client, names: config.names()?, config: config.clone(), known: Mutex::default(), forbidden: Mutex::default() })
    }

    fn client(&self) -> &AdminClient<Ears> {
        tending::tend(self.client.inner());
        &self.client
    }

    /// We were told that we may not write to this topic. It is believed for a while, because asking again may cost the producer.
    pub fn forbid(&self, topic: String) {
        tracing::warn!("the brokers do not let us write to topic `{topic}`");
        locked(&self.forbidden).insert(topic, Instant::now() + self.config.forbidden_for);
    }

    /// The first of these topics that we may not write to.
    pub fn forbidden<'a>(&self, topics: impl Iterator<Item = &'a str>) -> Option<LogFault> {
        let mut forbidden = locked(&self.forbidden);
        forbidden.retain(|_, until| *until > Instant::now());
        if forbidden.is_empty() {
            return None;
        }
        let mut topics = topics;
        let topic = topics.find(|topic| forbidden.contains_key(*topic))?;
        Some(LogFault::Unavailable(format!("topic `{topic}`: topic authorization failed")))
    }

    /// Makes our own topics if they are not there, checks them if they are, and says how many shards there are.
    pub fn prepare(&self) -> Result<NonZeroU16, LogFault> {
        let found = self.list()?;
        let partitions = |topic: &str| found.iter().find(|(name, _)| name == topic).map(|(_, partitions)| *partitions);
        let shards = partitions(&self.names.inbox()).unwrap_or(i32::from(self.config.shards.get()));
        let ours = [self.names.inbox(), self.names.cursors(), self.names.seen()];
        let missing: Vec<&String> = ours.iter().filter(|topic| partitions(topic).is_none()).collect();
        if !missing.is_empty() {
            let new: Vec<NewTopic<'_>> = missing.iter().map(|topic| self.own(topic, shards, **topic != ours[0])).collect();
            self.create(&new)?;
        }
        for topic in &ours {
            let count = partitions(topic).unwrap_or(shards);
            if count != shards {
                let why = format!("topic `{topic}` has {count} partitions and `{}` has {shards}; they must be the same", ours[0]);
                return Err(LogFault::Damaged(why));
            }
        }
        for topic in &ours[1..] {
            self.check_compacted(topic)?;
        }
        u16::try_from(shards).ok().and_then(NonZeroU16::new).ok_or_else(|| LogFault::Damaged(format!("the inbox has {shards} partitions")))
    }

    /// Whether everything that we may see is on one broker, without copies.
    pub fn are_on_one_broker(&self) -> Result<bool, LogFault> {
        let metadata = probe::metadata(self.client().inner(), &self.config)?;
        let partitions = metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions);
        let mut brokers: Vec<i32> = partitions.flat_map(|partition| partition.replicas().iter().copied()).collect();
        brokers.sort_unstable();
        brokers.dedup();
        Ok(brokers.len() == 1)
    }

    fn own<'a>(&'a self, topic: &'a str, partitions: i32, compacted: bool) -> NewTopic<'a> {
        // By the broker's clock: what a node sends whose own is wrong would be refused otherwise.
        let new = self.with_copies(NewTopic::new(topic, partitions, self.replication())).set("message.timestamp.type", "LogAppendTime");
        if compacted {
            return new
                .set("cleanup.policy", "compact")
                .set("segment.bytes", "33554432")
                .set("min.cleanable.dirty.ratio", "0.3")
                .set("max.compaction.lag.ms", "3600000");
        }
        // What is done is removed by the owners; what is not done must stay, however old.
        new.set("cleanup.policy", "delete").set("retention.ms", "-1").set("segment.bytes", "67108864")
    }

    fn replication(&self) -> TopicReplication<'static> {
        TopicReplication::Fixed(self.config.replication.map_or(-1, i32::from))
    }

    fn with_copies<'a>(&self, new: NewTopic<'a>) -> NewTopic<'a> {
        // Two digits are enough, and the crate wants a text that lives as long as the topic.
        const COUNTS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        match self.config.min_insync.and_then(|count| COUNTS.get(usize::from(count))) {
            Some(count) => new.set("min.insync.replicas", count),
            None => new,
        }
    }

    fn check_compacted(&self, topic: &str) -> Result<(), LogFault> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let answer = block_on(self.client().describe_configs(&asked, &options())).map_err(|error| faults::unavailable(&error))?;
        let policy = answer.into_iter().flatten().find_map(|found| found.get("cleanup.policy").and_then(|entry| entry.value.clone()));
        match policy {
            // Without the right to ask, we believe.
            None => Ok(()),
            Some(policy) if policy == "compact" => Ok(()),
            Some(policy) => Err(LogFault::Damaged(format!(
                "topic `{topic}` has cleanup.policy `{policy}` and would forget cursors; it must be `compact`"
            ))),
        }
    }

    fn create(&self, new: &[NewTopic<'_>]) -> Result<(), LogFault> {
        for made in block_on(self.client().create_topics(new, &options())).map_err(|error| faults::unavailable(&error))? {
            match made {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(LogFault::Unavailable(format!("topic `{topic}` cannot be made: {code}"))),
            }
        }
        Ok(())
    }

    /// Makes these topics of events, if they are not there.
    pub fn ensure<'a>(&self, topics: impl IntoIterator<Item = &'a str>) -> Result<(), LogFault> {
        let count = i32::from(self.config.event_partitions.max(1));
        let missing: Vec<&str> = {
            let known = locked(&self.known);
            topics.into_iter().filter(|topic| !known.0.contains_key(*topic)).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        let bytes = self.config.message_bytes_max().to_string();
        let retention = self.config.retention.map_or_else(|| "-1".to_owned(), |retention| retention.as_millis().to_string());
        let new: Vec<NewTopic<'_>> = missing
            .iter()
            .map(|topic| {
                let new = self.with_copies(NewTopic::new(topic, count, self.replication()));
                // The broker's clock decides what is old, so that a node whose clock is wrong cannot make events vanish.
                new.set("max.message.bytes", &bytes).set("retention.ms", &retention).set("message.timestamp.type", "LogAppendTime")
            })
            .collect();
        self.create(&new)?;
        locked(&self.known).0.extend(missing.iter().map(|topic| ((*topic).to_owned(), count)));
        Ok(())
    }

    /// Somebody has removed topics; look again before writing.
    pub fn forget(&self) {
        *locked(&self.known) = Default::default();
    }

    /// The topics of events of this tenant with their partitions. `anew` does not believe an earlier list.
    pub fn of(&self, tenant: &TenantId, anew: bool) -> Result<Vec<(String, i32)>, LogFault> {
        let fresh = locked(&self.known).1.is_some_and(|at| at.elapsed() < FRESH);
        if anew || !fresh {
            self.events()?;
        }
        let known = locked(&self.known);
        let mut found: Vec<(String, i32)> =
            known.0.iter().filter(|(topic, _)| self.names.is_of(topic, tenant)).map(|(topic, count)| (topic.clone(), *count)).collect();
        found.sort();
        Ok(found)
    }

    /// All topics of events.
    pub fn events(&self) -> Result<Vec<(String, i32)>, LogFault> {
        let mut found = self.list()?;
        found.retain(|(topic, _)| self.names.is_events(topic));
        *locked(&self.known) = (found.iter().cloned().collect(), Some(Instant::now()));
        Ok(found)
    }

    fn list(&self) -> Result<Vec<(String, i32)>, LogFault> {
        let metadata = probe::metadata(self.client().inner(), &self.config)?;
        let count = |partitions: usize| i32::try_from(partitions).unwrap_or(i32::MAX);
        Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect())
    }

    /// Removes the topics of a tenant, and waits until they are gone.
    pub fn remove(&self, tenant: &TenantId) -> Result<(), LogFault> {
        let deadline = Instant::now() + ANSWER;
        loop {
            let found = self.of(tenant, true)?;
            if found.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LogFault::Unavailable(format!("the topics of tenant `{tenant}` are still there")));
            }
            let topics: Vec<&str> = found.iter().map(|(topic, _)| topic.as_str()).collect();
            for removed in block_on(self.client().delete_topics(&topics, &options())).map_err(|error| faults::unavailable(&error))? {
                match removed {
                    Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)) => {}
                    Err((topic, code)) => return Err(LogFault::Unavailable(format!("topic `{topic}` cannot be removed: {code}"))),
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Removes what is done from the inbox of a shard: everything before this offset.
    pub fn trim_inbox(&self, shard: ShardId, before: i64) -> Result<(), LogFault> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.names.inbox(), i32::from(shard.0), Offset::Offset(before))
            .map_err(|error| faults::unavailable(&error))?;
        block_on(self.client().delete_records(&list, &options())).map_err(|error| faults::unavailable(&error))?;
        Ok(())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER))
}
