//! The event log on one SQLite file: events, cursors, inbox and offsets, so that a step is one transaction.
//! One thread writes, with group commit; readers have connections of their own and are woken by a watch.

mod apply;
mod consumer;
mod forget;
mod keeper;
mod reading;
mod schema;
mod shard;
mod writer;

use std::{
    num::NonZeroU16,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use syncline_model::{
    EventLog, LogFault, ShardId, TenantId,
    log::{Consumer, InboxItem, InboxOffset, Logged, Membership, Position},
};
use tokio::sync::watch;

#[cfg(feature = "kafka")]
pub(crate) use apply::tenants_of;
use consumer::{Groups, Member};
use reading::Reading;
use writer::{Acquired, Work, Writer};

/// What the embedded log can be told.
#[derive(Clone)]
pub struct EmbeddedConfig {
    /// Its file.
    pub path: PathBuf,
    /// How many shards a new log gets. An existing one keeps its number.
    pub shards: NonZeroU16,
    /// The largest encoded event.
    pub event_bytes_max: usize,
    /// Events older than this are removed; never, if absent.
    pub retention: Option<Duration>,
    /// The oldest events are removed while the file uses more than this; never, if absent.
    pub retention_bytes: Option<u64>,
    /// Consumer groups for which events are kept, however old, until these have committed them.
    pub keep_for: Vec<String>,
    /// Called before each row that is written, with the number of rows written before. Tests stop the process here.
    pub on_write: Option<Arc<dyn Fn(u64) + Send + Sync>>,
}

impl EmbeddedConfig {
    /// A log in this file with 64 shards, events of at most 8 MiB, kept for ever.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let shards = NonZeroU16::new(64).unwrap_or(NonZeroU16::MIN);
        Self {
            path: path.into(),
            shards,
            event_bytes_max: 8 << 20,
            retention: None,
            retention_bytes: None,
            keep_for: Vec::new(),
            on_write: None,
        }
    }
}

/// What everybody who holds the log shares. Ends the writer when the last one lets go.
pub(crate) struct Core {
    writer: Writer,
    reading: Reading,
    groups: Arc<Groups>,
    shards: NonZeroU16,
    /// The epoch of the latest owner, of this process or another, so that earlier members learn that they lost their shards.
    epoch: watch::Sender<i64>,
    /// Ends the keeper when it is dropped.
    _keeper: std::sync::mpsc::Sender<()>,
    members: AtomicU64,
}

/// The event log on one SQLite file.
#[derive(Clone)]
pub struct EmbeddedLog(Arc<Core>);

/// Counts of a log, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStats {
    /// Events that are kept.
    pub events: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

impl EmbeddedLog {
    /// Opens the log, and makes it if there is none.
    pub fn open(config: EmbeddedConfig) -> Result<Self, LogFault> {
        let path = config.path.clone();
        let (stop, stopped) = std::sync::mpsc::channel();
        let connection = schema::open(&path)?;
        let shards = schema::prepare(&connection, config.shards)?;
        let reading = Reading::new(&path);
        let groups: Arc<Groups> = Arc::default();
        let head = schema::head(&connection)?;
        let writer = Writer::start(connection, config, shards, Arc::clone(&groups), head)?;
        let core = Core { writer, reading, groups, shards, epoch: watch::channel(0).0, _keeper: stop, members: AtomicU64::new(0) };
        let core = Arc::new(core);
        keeper::start(path, Arc::downgrade(&core), stopped)?;
        Ok(Self(core))
    }

    /// Forgets now what retention and the horizon of deliveries allow at this time. The log does the same by itself each minute.
    pub async fn tidy(&self, now: Timestamp) -> Result<(), LogFault> {
        while self.0.writer.call(|reply| Work::Forget { now, reply }).await? > 0 {}
        Ok(())
    }

    /// Counts for people.
    pub async fn stats(&self) -> Result<LogStats, LogFault> {
        self.0.reading.with(reading::stats).await
    }
}

#[async_trait]
impl EventLog for EmbeddedLog {
    fn shard_count(&self) -> NonZeroU16 {
        self.0.shards
    }

    async fn append(&self, item: InboxItem) -> Result<InboxOffset, LogFault> {
        let shard = ShardId::of(&item.tenant, self.0.shards);
        self.0.writer.call(|reply| Work::Append { shard, item, reply }).await
    }

    async fn join(&self, node: &str) -> Result<Box<dyn Membership>, LogFault> {
        let acquired = self.0.writer.call(|reply| Work::Acquire { reply }).await?;
        let epoch = acquired.iter().map(|owned| owned.epoch).max().unwrap_or(0);
        raise(&self.0.epoch, epoch);
        tracing::info!(node, epoch, "this node owns all shards of the embedded log");
        Ok(Box::new(shard::Joined::new(Arc::clone(&self.0), acquired)))
    }

    async fn subscribe(&self, group: &str) -> Result<Box<dyn Consumer>, LogFault> {
        let id = self.0.members.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Member::join(Arc::clone(&self.0), group, id)))
    }

    async fn read(&self, tenant: &TenantId, from: &Position, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
        let partition = consumer::partition(ShardId::of(tenant, self.0.shards));
        let after = from.0.get(&partition).copied().unwrap_or(0);
        let mut head = self.0.writer.head();
        let deadline = deadline(wait);
        loop {
            let seen = *head.borrow_and_update();
            let nothing_new = self.0.writer.latest(tenant).is_some_and(|latest| latest <= after);
            if !nothing_new {
                let wanted = tenant.clone();
                let found = self.0.reading.with(move |connection| reading::of_tenant(connection, &wanted, after, events_max)).await?;
                if !found.is_empty() {
                    return Ok(found.into_iter().map(|row| row.logged(&partition)).collect());
                }
                self.0.writer.learn(tenant, seen);
            }
            if tokio::time::timeout_at(deadline, head.changed()).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    async fn purge(&self, tenant: &TenantId) -> Result<(), LogFault> {
        // A piece at a time, so that nobody waits long for the writer.
        while self.0.writer.call(|reply| Work::Purge { tenant: tenant.clone(), reply }).await? {}
        Ok(())
    }
}

pub(crate) fn unavailable(error: impl std::fmt::Display) -> LogFault {
    LogFault::Unavailable(error.to_string())
}

/// What cannot be read is damage; everything else may be better at the next try.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(crate) fn fault(error: rusqlite::Error) -> LogFault {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => LogFault::Damaged(error.to_string()),
        _ => LogFault::Unavailable(error.to_string()),
    }
}

/// When a wait ends; one too long to count ends in a year.
pub(crate) fn deadline(wait: Duration) -> tokio::time::Instant {
    tokio::time::Instant::now() + wait.min(Duration::from_hours(365 * 24))
}

/// Moves a watched number up, never down, and wakes its watchers only if it moved.
pub(crate) fn raise<T: Copy + Ord>(watched: &watch::Sender<T>, to: T) {
    watched.send_if_modified(|now| {
        let higher = to > *now;
        *now = to.max(*now);
        higher
    });
}

/// A poisoned lock still guards whole values here: nothing panics between two changes that belong together.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) type Owned = Acquired;

#[cfg(test)]
mod tests;
