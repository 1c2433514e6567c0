//! The one thread that writes. Everything that waits when it looks shares one transaction (group commit), and each step in it is
//! checked whole before anything of it is written, so that a refused one leaves nothing behind and holds nobody up.

use std::{
    collections::HashMap,
    num::NonZeroU16,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::Connection;
use syncline_model::{
    LogFault, ShardId, Step, TenantId,
    log::{InboxItem, InboxOffset},
};
use tokio::sync::{oneshot, watch};

use super::{
    EmbeddedConfig,
    consumer::Groups,
    fault, forget, raise,
    reading::{self, signed},
    schema, unavailable,
};
use crate::metrics;

/// A shard and the epoch in which it was acquired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acquired {
    pub shard: ShardId,
    pub epoch: i64,
}

type Reply<T> = oneshot::Sender<Result<T, LogFault>>;

/// What the writer can be asked.
pub enum Work {
    Commit { owned: Acquired, step: Arc<Step>, reply: Reply<()> },
    Append { shard: ShardId, item: InboxItem, reply: Reply<InboxOffset> },
    Acquire { reply: Reply<Vec<Acquired>> },
    Consumed { group: String, member: u64, offsets: Vec<(ShardId, u64)>, reply: Reply<()> },
    Places { group: String, reply: Reply<Vec<(ShardId, u64)>> },
    Purge { tenant: TenantId, reply: Reply<bool> },
    Forget { now: Timestamp, reply: Reply<u64> },
}

/// How much may wait for the writer before callers wait themselves.
const QUEUE: usize = 1024;
/// How many events one transaction takes before it is closed.
const EVENTS_PER_TRANSACTION: usize = 2000;

/// The door to the writing thread. It ends when the door is dropped, after everything that waits is done.
pub struct Writer {
    queue: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
    head: watch::Sender<u64>,
    latest: Arc<RwLock<HashMap<TenantId, u64>>>,
}

impl Writer {
    pub fn start(
        connection: Connection,
        config: EmbeddedConfig,
        shards: NonZeroU16,
        groups: Arc<Groups>,
        head: u64,
    ) -> Result<Self, LogFault> {
        let (queue, work) = sync_channel(QUEUE);
        let head = watch::Sender::new(head);
        let tell_head = head.clone();
        let latest = Arc::default();
        let desk = Desk { connection, config, shards, groups, written: 0, tell_head, latest: Arc::clone(&latest) };
        let thread = std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || desk.run(&work)).map_err(unavailable)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), head, latest })
    }

    /// Hands work over and waits until it is durable or refused.
    pub async fn call<T>(&self, work: impl FnOnce(Reply<T>) -> Work) -> Result<T, LogFault> {
        self.hand_over(work).await?.await
    }

    /// Hands work over; what is given back waits until it is durable or refused.
    pub async fn hand_over<T, F: FnOnce(Reply<T>) -> Work>(
        &self,
        work: F,
    ) -> Result<impl Future<Output = Result<T, LogFault>> + use<T, F>, LogFault> {
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        let mut work = work(reply);
        loop {
            let queue = self.queue.as_ref().ok_or_else(closed)?;
            match queue.try_send(work) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return Err(closed()),
                // The queue is full of others' work, which the disk is busy with; its next transaction makes room.
                Err(TrySendError::Full(back)) => {
                    work = back;
                    let mut head = self.head();
                    let _ = tokio::time::timeout(Duration::from_millis(5), head.changed()).await;
                }
            }
        }
        Ok(async move {
            let answer = answer.await.map_err(|_| closed())?;
            metrics::LOG_COMMIT_SECONDS.observe(started.elapsed().as_secs_f64());
            answer
        })
    }

    /// The sequence number of the last event, and news of it.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// The log ends here now, whoever wrote it. What another process wrote, this one knows of no tenant.
    pub fn notice(&self, head: u64) {
        if let Ok(mut latest) = self.latest.write()
            && head > *self.head.borrow()
        {
            latest.clear();
            raise(&self.head, head);
        }
    }

    /// The last event of a tenant, if it is known without asking the file.
    pub fn latest(&self, tenant: &TenantId) -> Option<u64> {
        self.latest.read().ok()?.get(tenant).copied()
    }

    /// The tenant had no event behind its reader when the log ended at `head`.
    pub fn learn(&self, tenant: &TenantId, head: u64) {
        // If the log has grown meanwhile, somebody else's event of this tenant may be in what was added.
        if let Ok(mut latest) = self.latest.write()
            && *self.head.borrow() == head
        {
            latest.entry(tenant.clone()).or_insert(head);
        }
    }
}

fn closed() -> LogFault {
    LogFault::Unavailable("its writer has ended".to_owned())
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

pub(super) struct Desk {
    pub(super) connection: Connection,
    pub(super) config: EmbeddedConfig,
    pub(super) shards: NonZeroU16,
    pub(super) groups: Arc<Groups>,
    pub(super) written: u64,
    tell_head: watch::Sender<u64>,
    latest: Arc<RwLock<HashMap<TenantId, u64>>>,
}

/// Tells a caller how it went, once the transaction is durable.
type Answer = Box<dyn FnOnce(Option<LogFault>)>;

impl Desk {
    fn run(mut self, work: &Receiver<Work>) {
        let mut keep_house_at = Instant::now() + forget::EVERY;
        loop {
            match work.recv_timeout(keep_house_at.saturating_duration_since(Instant::now())) {
                Ok(first) => self.transaction(first, work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= keep_house_at {
                keep_house_at = Instant::now() + self.keep_house();
            }
        }
        // What is not moved into the file now is moved when it is opened the next time.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    fn transaction(&mut self, first: Work, work: &Receiver<Work>) {
        let mut batch = vec![first];
        let mut events = weight(&batch[0]);
        while events < EVENTS_PER_TRANSACTION {
            match work.try_recv() {
                Ok(next) => {
                    events += weight(&next);
                    batch.push(next);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        metrics::LOG_STEPS_PER_TRANSACTION.observe(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        self.write(batch);
    }

    fn write(&mut self, batch: Vec<Work>) {
        let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(fault);
        // Without the true head nothing may be numbered, or a number could come twice.
        let (before, mut broken) = match begun.and_then(|()| schema::head(&self.connection)) {
            Ok(head) => (head, None),
            Err(fault) => (0, Some(fault)),
        };
        let mut head = before;
        let mut latest = Vec::new();
        for work in batch {
            let refusal = broken.clone();
            let answer = match refusal {
                Some(fault) => refuse(work, fault),
                None => self.apply(work, &mut head, &mut latest, &mut broken),
            };
            answers.push(answer);
        }
        let ended = broken.map_or_else(|| self.end(head), Err);
        if !self.connection.is_autocommit() {
            // A full disk may end the transaction by itself; one that is still open must not meet the next one.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if ended.is_ok() {
            metrics::LOG_EVENTS_APPENDED_TOTAL.inc_by(head - before);
            if let Ok(mut known) = self.latest.write() {
                known.extend(latest);
            }
            raise(&self.tell_head, head);
        }
        let fault = ended.err();
        for answer in answers {
            answer(fault.clone());
        }
    }

    fn end(&mut self, head: u64) -> Result<(), LogFault> {
        self.note_write();
        self.connection
            .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'head'")
            .and_then(|mut statement| statement.execute([signed(head)]))
            .map_err(fault)?;
        self.connection.execute_batch("COMMIT").map_err(fault)
    }

    /// A refusal concerns one caller; a fault of the file concerns all that share the transaction, and is put into `broken`.
    fn apply(&mut self, work: Work, head: &mut u64, latest: &mut Vec<(TenantId, u64)>, broken: &mut Option<LogFault>) -> Answer {
        match work {
            Work::Commit { owned, step, reply } => {
                let done = self.commit(owned, &step, head, latest);
                answer(reply, done, broken)
            }
            Work::Append { shard, item, reply } => answer(reply, self.append(shard, &item), broken),
            Work::Acquire { reply } => answer(reply, self.acquire(), broken),
            Work::Consumed { group, member, offsets, reply } => answer(reply, self.consumed(&group, member, &offsets), broken),
            Work::Places { group, reply } => answer(reply, reading::committed(&self.connection, &group), broken),
            Work::Purge { tenant, reply } => answer(reply, self.purge(&tenant), broken),
            Work::Forget { now, reply } => answer(reply, self.forget(now), broken),
        }
    }
}

fn weight(work: &Work) -> usize {
    match work {
        Work::Commit { step, .. } => step.events.len().max(1),
        Work::Append { .. }
        | Work::Acquire { .. }
        | Work::Consumed { .. }
        | Work::Places { .. }
        | Work::Purge { .. }
        | Work::Forget { .. } => 1,
    }
}

/// An answer that is given when the transaction has ended: with the fault of the whole, or with the caller's own result.
fn answer<T: 'static>(reply: Reply<T>, done: Result<T, LogFault>, broken: &mut Option<LogFault>) -> Answer {
    if let Err(fault @ (LogFault::Unavailable(_) | LogFault::Damaged(_))) = &done {
        *broken = Some(fault.clone());
    }
    // A caller that no longer waits does not want to know.
    Box::new(move |fault| drop(reply.send(fault.map_or(done, Err))))
}

fn refuse(work: Work, fault: LogFault) -> Answer {
    let mut ignored = None;
    match work {
        Work::Commit { reply, .. } | Work::Consumed { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Append { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Acquire { reply } => answer(reply, Err(fault), &mut ignored),
        Work::Places { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Purge { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Forget { reply, .. } => answer(reply, Err(fault), &mut ignored),
    }
}
