//! The event log on Apache Kafka. A step is one transaction of its shard's producer; who owns which shard is the assignment of a
//! consumer group, and the broker fences whoever owns it no more. Nothing is kept on this node.

mod admin;
mod appender;
mod clock;
mod config;
mod consumer;
mod context;
mod faults;
mod framing;
mod held;
mod inbox;
mod membership;
mod names;
mod polled;
mod probe;
mod producer;
mod queue;
mod raw;
mod reading;
mod refusal;
mod shard;
mod takeover;
mod tending;
mod threads;
mod wire;
mod writer;

use std::{
    collections::HashMap,
    num::NonZeroU16,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use rdkafka::{error::KafkaError, producer::FutureRecord};
use syncline_model::{
    EventLog, LogFault, ShardId, Step, TenantId,
    log::{Consumer, InboxItem, InboxOffset, Logged, Membership, Position},
};
use tokio::sync::Semaphore;

use crate::embedded::{locked, tenants_of};
use admin::Topics;
use appender::Appender;
use reading::Readers;
use shard::Owned;
use threads::{Gate, Threads};

pub use config::{Compression, KafkaConfig, Sasl, Security, Tls};
pub use framing::{Schema, Schemas};
pub use names::Names;
pub use probe::{Found, probe};

/// Shards that are taken over at the same time; each has clients of its own to start.
const TAKEOVERS: usize = 8;
/// Readers of tenants' events that may wait at the same time.
const READS: usize = 128;
const LEAVE: Duration = Duration::from_secs(15);

/// What everybody who holds the log shares.
pub(crate) struct Core {
    config: KafkaConfig,
    names: Names,
    shards: NonZeroU16,
    topics: Topics,
    readers: Readers,
    appender: Appender,
    owned: Mutex<HashMap<ShardId, Arc<Owned>>>,
    takeovers: Gate,
    threads: Arc<Threads>,
    reads: Semaphore,
}

/// The event log on Kafka.
#[derive(Clone)]
pub struct KafkaLog(Arc<Core>);

impl KafkaLog {
    /// Connects, makes our own topics if they are not there, and checks them if they are.
    pub async fn open(config: KafkaConfig) -> Result<Self, LogFault> {
        off_the_async_threads(move || {
            let names = config.names()?;
            let topics = Topics::new(&config)?;
            let shards = topics.prepare()?;
            let core = Core {
                readers: Readers::new(&config, &names),
                appender: Appender::open(&config)?,
                names,
                shards,
                topics,
                config,
                owned: Mutex::default(),
                takeovers: Gate::new(TAKEOVERS),
                threads: Arc::default(),
                reads: Semaphore::new(READS),
            };
            Ok(Self(Arc::new(core)))
        })
        .await
    }

    /// The names of everything in Kafka.
    pub fn names(&self) -> &Names {
        &self.0.names
    }

    /// Waits until every group that was to be left was left. Returns false if that took too long.
    pub async fn close(&self) -> bool {
        self.0.readers.clear();
        self.0.threads.wait_all_gone(LEAVE).await
    }
}

impl Core {
    fn own(&self, owned: &Arc<Owned>) {
        locked(&self.owned).insert(owned.shard, Arc::clone(owned));
    }

    fn disown(&self, owned: &Arc<Owned>) {
        let mut all = locked(&self.owned);
        if all.get(&owned.shard).is_some_and(|known| Arc::ptr_eq(known, owned)) {
            all.remove(&owned.shard);
        }
    }

    /// What can be said about a step without asking anybody.
    fn check(&self, step: &Step, ours: ShardId) -> Result<(), LogFault> {
        for tenant in tenants_of(step) {
            let shard = ShardId::of(tenant, self.shards);
            if shard != ours {
                return Err(LogFault::Fenced(shard));
            }
        }
        let limit_bytes = self.config.event_bytes_max;
        for (index, event) in step.events.iter().enumerate() {
            // The body is most of it; headers are only made when it might matter.
            let near = event.body.len() + 4096 + 4 * event.key.as_str().len() > limit_bytes;
            let bytes = if near { wire::event(event).bytes } else { 0 };
            if bytes > limit_bytes {
                return Err(LogFault::TooLarge { index, bytes, limit_bytes });
            }
        }
        Ok(())
    }
}

async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> Result<T, LogFault> + Send + 'static) -> Result<T, LogFault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LogFault::Unavailable(error.to_string()))?
}

#[async_trait]
impl EventLog for KafkaLog {
    fn shard_count(&self) -> NonZeroU16 {
        self.0.shards
    }

    async fn append(&self, item: InboxItem) -> Result<InboxOffset, LogFault> {
        let shard = ShardId::of(&item.tenant, self.0.shards);
        let inbox = self.0.names.inbox();
        let record = || {
            FutureRecord::to(&inbox)
                .partition(i32::from(shard.0))
                .key(item.tenant.as_str())
                .payload(item.body.as_ref())
                .headers(wire::inbox_headers(&item))
        };
        match self.0.appender.send(record).await {
            Ok(delivered) => Ok(InboxOffset(wire::place_offset(delivered.offset))),
            Err(KafkaError::MessageProduction(code)) if faults::is_too_large(code) => {
                Err(LogFault::TooLarge { index: 0, bytes: item.body.len(), limit_bytes: self.0.config.event_bytes_max })
            }
            Err(error) => Err(faults::unavailable(&error)),
        }
    }

    async fn join(&self, node: &str) -> Result<Box<dyn Membership>, LogFault> {
        Ok(Box::new(membership::Joined::join(&self.0, node)?))
    }

    async fn subscribe(&self, group: &str) -> Result<Box<dyn Consumer>, LogFault> {
        Ok(Box::new(consumer::GroupMember::join(&self.0, group).await?))
    }

    async fn read(&self, tenant: &TenantId, from: &Position, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
        let _place = self.0.reads.acquire().await.map_err(|error| LogFault::Unavailable(error.to_string()))?;
        let (core, tenant, from) = (Arc::clone(&self.0), tenant.clone(), from.clone());
        off_the_async_threads(move || reading::read(&core, &tenant, &from, events_max, wait)).await
    }

    async fn purge(&self, tenant: &TenantId) -> Result<(), LogFault> {
        let shard = ShardId::of(tenant, self.0.shards);
        let owned = locked(&self.0.owned).get(&shard).cloned();
        let owned =
            owned.ok_or_else(|| LogFault::Unavailable(format!("shard {shard} of tenant `{tenant}` is owned by another node: ask it")))?;
        owned.purge(tenant).await?;
        let (core, tenant) = (Arc::clone(&self.0), tenant.clone());
        off_the_async_threads(move || core.topics.remove(&tenant)).await
    }
}

#[cfg(test)]
mod tests;
