//! An event log in memory with one owner for each shard.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU16,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use syncline_model::{
    Advance, Cursor, CursorEntry, CursorKey, Event, EventLog, IntegrationId, LogFault, Revision, Shard, ShardId, Step, TenantId,
    log::{Answer, Consumer, InboxItem, InboxOffset, Logged, Membership, Position, ShardChange},
};
use tokio::sync::{Notify, mpsc};

/// How the log fails from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Not at all.
    Never,
    /// After this many more commits nothing is answered any more; the last one is durable although nobody hears of it.
    SilentAfter(usize),
    /// After this many more commits nothing is answered any more; the last one is lost.
    LostAfter(usize),
    /// The next so many commits are refused.
    UnavailableFor(usize),
    /// After this many more commits one is refused.
    UnavailableAfter(usize),
}

#[derive(Default)]
struct Inner {
    events: Vec<Event>,
    commits: usize,
    waited_for: usize,
    waited_for_most: usize,
    cursors: BTreeMap<CursorKey, (Revision, Cursor)>,
    owners: HashMap<ShardId, u64>,
    epoch: u64,
    members: Vec<mpsc::UnboundedSender<ShardChange>>,
}

pub struct MemoryLog {
    inner: Mutex<Inner>,
    failing: Mutex<Failing>,
    pub event_bytes_max: usize,
    pub answers_after: Duration,
    shard_count: NonZeroU16,
    pub changed: Notify,
}

impl MemoryLog {
    pub fn new(shard_count: u16) -> Arc<Self> {
        Self::that_answers_after(Duration::ZERO, shard_count)
    }

    /// One that decides at once and takes this long to say so.
    pub fn that_answers_after(answers_after: Duration, shard_count: u16) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            failing: Mutex::new(Failing::Never),
            event_bytes_max: 1 << 20,
            answers_after,
            shard_count: NonZeroU16::new(shard_count).unwrap(),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn fail(&self, failing: Failing) {
        *self.failing.lock().unwrap() = failing;
    }

    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    pub fn commits(&self) -> usize {
        self.lock().commits
    }

    pub fn parts(&self) -> BTreeMap<String, Cursor> {
        self.lock().cursors.iter().map(|(key, (_, cursor))| (format!("{}:{}", key.stream, key.part), cursor.clone())).collect()
    }

    /// A shard that is owned from now on, and takes it from whoever had it.
    pub fn take(self: &Arc<Self>, id: ShardId) -> Box<dyn Shard> {
        let mut inner = self.lock();
        inner.epoch += 1;
        let epoch = inner.epoch;
        inner.owners.insert(id, epoch);
        Box::new(MemoryShard { log: Arc::clone(self), id, epoch })
    }

    /// Tells every member that the shard is no longer its own.
    pub fn revoke(&self, id: ShardId) {
        for member in &self.lock().members {
            let _ = member.send(ShardChange::Revoked(id));
        }
    }

    /// Gives every shard anew to the last member.
    pub fn assign_anew(self: &Arc<Self>) {
        let member = self.lock().members.last().unwrap().clone();
        for id in 0..self.shard_count.get() {
            let _ = member.send(ShardChange::Revoked(ShardId(id)));
            let _ = member.send(ShardChange::Assigned(self.take(ShardId(id))));
        }
    }

    /// Waits until this holds.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    /// At most so many steps were handed over and not answered yet.
    pub fn waited_for_most(&self) -> usize {
        self.lock().waited_for_most
    }

    fn wait_for_one_more(&self) {
        let mut inner = self.lock();
        inner.waited_for += 1;
        inner.waited_for_most = inner.waited_for_most.max(inner.waited_for);
        drop(inner);
        self.changed.notify_waiters();
    }

    fn apply(&self, step: &Step) -> Result<(), LogFault> {
        let mut inner = self.lock();
        for Advance { key, from, .. } in &step.advances {
            let at = inner.cursors.get(key).map_or(Revision::NONE, |(revision, _)| *revision);
            if at != *from {
                return Err(LogFault::Conflict(Box::new(key.clone())));
            }
        }
        for Advance { key, from, to } in &step.advances {
            match to {
                Some(cursor) => inner.cursors.insert(key.clone(), (from.next(), cursor.clone())),
                None => inner.cursors.remove(key),
            };
        }
        inner.events.extend(step.events.iter().cloned());
        inner.commits += 1;
        drop(inner);
        self.changed.notify_waiters();
        Ok(())
    }
}

struct MemoryShard {
    log: Arc<MemoryLog>,
    id: ShardId,
    epoch: u64,
}

#[async_trait]
impl Shard for MemoryShard {
    fn id(&self) -> ShardId {
        self.id
    }

    async fn cursors(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<CursorEntry>, LogFault> {
        let inner = self.log.lock();
        let own = inner.cursors.iter().filter(|(key, _)| key.tenant == *tenant && key.integration == *integration);
        Ok(own.map(|(key, (revision, cursor))| CursorEntry { key: key.clone(), revision: *revision, cursor: cursor.clone() }).collect())
    }

    async fn inbox(&self, _: InboxOffset, _: usize) -> Result<Vec<(InboxOffset, InboxItem)>, LogFault> {
        Ok(Vec::new())
    }

    async fn inbox_done(&self) -> Result<InboxOffset, LogFault> {
        Ok(InboxOffset(0))
    }

    async fn seen(&self, deliveries: Vec<(TenantId, String)>) -> Result<Vec<bool>, LogFault> {
        Ok(vec![false; deliveries.len()])
    }

    async fn submit(&self, step: Arc<Step>) -> Answer {
        tokio::task::yield_now().await;
        let decided = self.decide(&step);
        let log = Arc::clone(&self.log);
        log.wait_for_one_more();
        Box::pin(async move {
            match log.answers_after {
                Duration::ZERO => tokio::task::yield_now().await,
                after => tokio::time::sleep(after).await,
            }
            log.lock().waited_for -= 1;
            match decided {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

impl MemoryShard {
    /// Nothing if nobody will hear of it.
    fn decide(&self, step: &Step) -> Option<Result<(), LogFault>> {
        if self.log.lock().owners.get(&self.id) != Some(&self.epoch) {
            return Some(Err(LogFault::Fenced(self.id)));
        }
        for (index, event) in step.events.iter().enumerate() {
            let bytes = event.encode().len();
            if bytes > self.log.event_bytes_max {
                return Some(Err(LogFault::TooLarge { index, bytes, limit_bytes: self.log.event_bytes_max }));
            }
        }
        let failing = {
            let mut failing = self.log.failing.lock().unwrap();
            let now = *failing;
            *failing = match now {
                Failing::SilentAfter(left) if left > 0 => Failing::SilentAfter(left - 1),
                Failing::LostAfter(left) if left > 0 => Failing::LostAfter(left - 1),
                Failing::UnavailableAfter(left) if left > 0 => Failing::UnavailableAfter(left - 1),
                Failing::UnavailableFor(left) if left > 1 => Failing::UnavailableFor(left - 1),
                Failing::UnavailableAfter(_) | Failing::UnavailableFor(_) => Failing::Never,
                other => other,
            };
            now
        };
        match failing {
            Failing::SilentAfter(0) => {
                let _ = self.log.apply(step);
                self.log.fail(Failing::LostAfter(0));
                self.log.changed.notify_waiters();
                None
            }
            Failing::LostAfter(0) => {
                self.log.changed.notify_waiters();
                None
            }
            Failing::UnavailableFor(_) | Failing::UnavailableAfter(0) => Some(Err(LogFault::Unavailable("told so by a test".to_owned()))),
            Failing::Never | Failing::SilentAfter(_) | Failing::LostAfter(_) | Failing::UnavailableAfter(_) => Some(self.log.apply(step)),
        }
    }
}

struct MemoryMembership(mpsc::UnboundedReceiver<ShardChange>);

#[async_trait]
impl Membership for MemoryMembership {
    async fn next(&mut self) -> Result<Option<ShardChange>, LogFault> {
        Ok(self.0.recv().await)
    }
}

/// The tests hand out logs as `Arc<MemoryLog>`; the trait needs the `Arc` itself to make shards that keep the log alive.
pub struct Port(pub Arc<MemoryLog>);

#[async_trait]
impl EventLog for Port {
    fn shard_count(&self) -> NonZeroU16 {
        self.0.shard_count
    }

    async fn append(&self, _: InboxItem) -> Result<InboxOffset, LogFault> {
        Err(LogFault::Unavailable("this log has no inbox".to_owned()))
    }

    async fn join(&self, _: &str) -> Result<Box<dyn Membership>, LogFault> {
        let (sender, receiver) = mpsc::unbounded_channel();
        for id in 0..self.0.shard_count.get() {
            let _ = sender.send(ShardChange::Assigned(self.0.take(ShardId(id))));
        }
        self.0.lock().members.push(sender);
        Ok(Box::new(MemoryMembership(receiver)))
    }

    async fn subscribe(&self, _: &str) -> Result<Box<dyn Consumer>, LogFault> {
        Err(LogFault::Unavailable("this log has no consumers".to_owned()))
    }

    async fn read(&self, _: &TenantId, _: &Position, _: usize, _: Duration) -> Result<Vec<Logged>, LogFault> {
        Err(LogFault::Unavailable("this log has no readers".to_owned()))
    }

    async fn purge(&self, tenant: &TenantId) -> Result<(), LogFault> {
        self.0.lock().cursors.retain(|key, _| key.tenant != *tenant);
        Ok(())
    }
}
