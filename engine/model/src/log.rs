//! The port of the event log: append to the inbox; own shards; read a shard's inbox and its cursors; commit a step; read events as
//! a consumer group or from a place. Nothing else. `engine/log` implements it, and one conformance suite holds every implementation.

use std::{collections::BTreeMap, num::NonZeroU16, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CursorEntry, CursorKey, Event, IntegrationId, ShardId, Step, TenantId};

/// Why the log did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// The shard has another owner now. Nothing of the step was made durable; the shard must be dropped.
    #[error("shard {0} has another owner")]
    Fenced(ShardId),
    /// A cursor is not where the step says it should be. Nothing of the step was made durable.
    #[error("the cursor of `{}/{}` `{}` of tenant `{}` is not where the step says", .0.integration, .0.stream, .0.part, .0.tenant)]
    Conflict(Box<CursorKey>),
    /// An event is larger than the log can take. Nothing of the step was made durable; quarantine that event and commit again.
    #[error("event {index} of the step has {bytes} bytes and the log takes {limit_bytes}")]
    TooLarge {
        /// Which event of the step, counted from 0.
        index: usize,
        /// Its encoded size.
        bytes: usize,
        /// What the log takes.
        limit_bytes: usize,
    },
    /// The log cannot be reached or cannot write at the moment. Nothing is known to be lost; try again.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
    /// The log holds something that we cannot read.
    #[error("the event log is damaged: {0}")]
    Damaged(String),
}

impl From<LogFault> for crate::Fault {
    fn from(fault: LogFault) -> Self {
        match fault {
            LogFault::Fenced(_) => Self::Stopped,
            LogFault::Conflict(_) | LogFault::TooLarge { .. } | LogFault::Unavailable(_) | LogFault::Damaged(_) => {
                Self::Internal(fault.to_string())
            }
        }
    }
}

/// A place in a shard's inbox. The first item has 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct InboxOffset(pub u64);

/// What waits in an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxKind {
    /// A verified webhook, raw.
    Delivery,
    /// Something that the owner of the shard is asked to do.
    Command,
}

/// Something for the owner of a tenant's shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Whose it is; decides the shard.
    pub tenant: TenantId,
    /// For which integration.
    pub integration: IntegrationId,
    /// What it is.
    pub kind: InboxKind,
    /// When it was received.
    pub received: Timestamp,
    /// Its bytes, as its kind defines them.
    pub body: Bytes,
}

/// The name of a part of the log within which events are in order. Embedded: the shard. Kafka: topic and partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionName(pub String);

/// The place of one event. Offsets within a partition only grow, and may have gaps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Which part of the log.
    pub partition: PartitionName,
    /// Where in it. The first event has 1 or more.
    pub offset: u64,
}

/// How far a reader is: for each partition the offset of the last event it has seen. Absent means from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub BTreeMap<PartitionName, u64>);

impl Position {
    /// Moves on past this place.
    pub fn pass(&mut self, place: &Place) {
        match self.0.get_mut(&place.partition) {
            Some(offset) => *offset = (*offset).max(place.offset),
            None => drop(self.0.insert(place.partition.clone(), place.offset)),
        }
    }

    /// This place was already seen.
    pub fn has_passed(&self, place: &Place) -> bool {
        self.0.get(&place.partition).is_some_and(|&offset| offset >= place.offset)
    }
}

/// An event where the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Where.
    pub place: Place,
    /// When it was committed.
    pub committed: Timestamp,
    /// What.
    pub event: Event,
}

/// What a member of the cluster is told about shards.
pub enum ShardChange {
    /// This shard is ours now.
    Assigned(Box<dyn Shard>),
    /// This shard is ours no more, or will not be as soon as its `Shard` is dropped: finish or abandon the step in flight.
    Revoked(ShardId),
}

/// Membership of this node in the cluster of those that own shards. Dropping it gives the shards back.
#[async_trait]
pub trait Membership: Send {
    /// Waits for the next change. `None` when the log was closed.
    async fn next(&mut self) -> Result<Option<ShardChange>, LogFault>;
}

/// What becomes of a step that was handed over. The step is decided whether or not anybody waits for this.
pub type Answer = Pin<Box<dyn Future<Output = Result<(), LogFault>> + Send>>;

/// One shard, owned. Every call is fenced: a later owner makes all of this one's commits fail with [`LogFault::Fenced`].
#[async_trait]
pub trait Shard: Send + Sync {
    /// Which shard it is.
    fn id(&self) -> ShardId;
    /// The cursors of one integration, all streams and parts.
    async fn cursors(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<CursorEntry>, LogFault>;
    /// What waits in the inbox behind this offset, oldest first.
    async fn inbox(&self, after: InboxOffset, items_max: usize) -> Result<Vec<(InboxOffset, InboxItem)>, LogFault>;
    /// How far the inbox is done.
    async fn inbox_done(&self) -> Result<InboxOffset, LogFault>;
    /// Which of these deliveries were committed as seen and are not yet forgotten: an answer for each, in their order.
    async fn seen(&self, deliveries: Vec<(TenantId, String)>) -> Result<Vec<bool>, LogFault>;
    /// Hands a step over, to be made durable, all or nothing; waits only while too much waits already. Steps that are handed over one
    /// after the other and have a stream in common are decided in that order, so that a step may say of a cursor that it is where the
    /// step before puts it: it is refused if that one is. Steps that wait at the same time may share one transaction.
    async fn submit(&self, step: Arc<Step>) -> Answer;
    /// Hands a step over and waits until it is decided.
    async fn commit(&self, step: Step) -> Result<(), LogFault> {
        self.submit(Arc::new(step)).await.await
    }
}

/// A member of a consumer group. Dropping it gives its partitions to the others.
#[async_trait]
pub trait Consumer: Send {
    /// Waits up to `wait` for events behind the group's committed places, at most `events_max`. Empty when none came.
    async fn next(&mut self, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault>;
    /// Everything up to and including these places is done. Only a partition that is still ours moves.
    async fn commit(&mut self, done: &Position) -> Result<(), LogFault>;
}

/// Where events wait.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// How many shards there are; fixed when the log was made.
    fn shard_count(&self) -> NonZeroU16;
    /// Appends to the inbox of the tenant's shard. Durable when it returns.
    async fn append(&self, item: InboxItem) -> Result<InboxOffset, LogFault>;
    /// Joins those that own shards. `node` names this process in messages.
    async fn join(&self, node: &str) -> Result<Box<dyn Membership>, LogFault>;
    /// Joins a consumer group over the events of all tenants.
    async fn subscribe(&self, group: &str) -> Result<Box<dyn Consumer>, LogFault>;
    /// The events of one tenant behind a position, at most `events_max`, and waits up to `wait` for the first one.
    async fn read(&self, tenant: &TenantId, from: &Position, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault>;
    /// Forgets everything of a tenant: events, inbox, cursors. Only after an accepted deletion.
    async fn purge(&self, tenant: &TenantId) -> Result<(), LogFault>;
}
