//! The one thread that writes. Everything that waits when it looks shares one transaction (group commit), and each step in it is
//! checked whole before anything of it is written, so that a refused one leaves nothing behind and holds nobody up.

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::ToSqlOutput};
use syncline_model::{
    Advance, Event, LogFault, Revision, ShardId, Step, TenantId,
    log::{InboxItem, InboxKind, InboxOffset},
    step::Seen,
};
use tokio::sync::{oneshot, watch};

use super::{EmbeddedConfig, reading::signed, schema, shard::check_epoch, unavailable};
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
    Commit { owned: Acquired, step: Step, reply: Reply<()> },
    Append { shard: ShardId, item: InboxItem, reply: Reply<InboxOffset> },
    Acquire { reply: Reply<Vec<Acquired>> },
    Consumed { group: String, offsets: Vec<(ShardId, u64)>, reply: Reply<()> },
    Purge { tenant: TenantId, reply: Reply<()> },
}

/// How much may wait for the writer before callers wait themselves.
const QUEUE: usize = 1024;
/// How many events one transaction takes before it is closed.
const EVENTS_PER_TRANSACTION: usize = 2000;
const ROWS_PER_INSERT: usize = 100;
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
const REMOVED_AT_ONCE: u64 = 5_000;

/// The door to the writing thread. It ends when the door is dropped, after everything that waits is done.
pub struct Writer {
    queue: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
    head: watch::Receiver<u64>,
    latest: Arc<RwLock<HashMap<TenantId, u64>>>,
}

impl Writer {
    pub fn start(connection: Connection, config: EmbeddedConfig, head: u64) -> Result<Self, LogFault> {
        let (queue, work) = sync_channel(QUEUE);
        let (tell_head, head) = watch::channel(head);
        let latest = Arc::default();
        let desk = Desk { connection, config, written: 0, tell_head, latest: Arc::clone(&latest), kept_house: Instant::now() };
        let thread = std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || desk.run(&work)).map_err(unavailable)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), head, latest })
    }

    /// Hands work over and waits until it is durable or refused.
    pub async fn call<T>(&self, work: impl FnOnce(Reply<T>) -> Work) -> Result<T, LogFault> {
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
                    let mut head = self.head.clone();
                    let _ = tokio::time::timeout(Duration::from_millis(5), head.changed()).await;
                }
            }
        }
        let answer = answer.await.map_err(|_| closed())?;
        metrics::LOG_COMMIT_SECONDS.observe(started.elapsed().as_secs_f64());
        answer
    }

    /// The sequence number of the last event, and news of it.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// The last event of a tenant, if it is known without asking the file.
    pub fn latest(&self, tenant: &TenantId) -> Option<u64> {
        self.latest.read().ok()?.get(tenant).copied()
    }

    /// The tenant had no event behind its reader when the log ended at `head`.
    pub fn learn(&self, tenant: &TenantId, head: u64) {
        if let Ok(mut latest) = self.latest.write() {
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

struct Desk {
    connection: Connection,
    config: EmbeddedConfig,
    written: u64,
    tell_head: watch::Sender<u64>,
    latest: Arc<RwLock<HashMap<TenantId, u64>>>,
    kept_house: Instant,
}

/// Tells a caller how it went, once the transaction is durable.
type Answer = Box<dyn FnOnce(Option<LogFault>)>;

impl Desk {
    fn run(mut self, work: &Receiver<Work>) {
        loop {
            match work.recv_timeout(HOUSEKEEPING_EVERY) {
                Ok(first) => self.transaction(first, work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.kept_house.elapsed() >= HOUSEKEEPING_EVERY {
                self.keep_house();
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
        let mut broken = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(unavailable).err();
        let mut head = schema::head(&self.connection).unwrap_or_default();
        let before = head;
        let mut latest = Vec::new();
        for work in batch {
            let refusal = broken.clone();
            let answer = match refusal {
                Some(fault) => refuse(work, fault),
                None => self.apply(work, &mut head, &mut latest, &mut broken),
            };
            answers.push(answer);
        }
        let ended = match broken {
            None => self.end(head),
            Some(fault) => {
                // If even this fails the connection rolls back by itself with its next use.
                let _ = self.connection.execute_batch("ROLLBACK");
                Err(fault)
            }
        };
        if ended.is_ok() {
            metrics::LOG_EVENTS_APPENDED_TOTAL.inc_by(head - before);
            if let Ok(mut known) = self.latest.write() {
                known.extend(latest);
            }
            self.tell_head.send_replace(head);
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
            .map_err(unavailable)?;
        self.connection.execute_batch("COMMIT").map_err(unavailable)
    }

    /// A refusal concerns one caller; a fault of the file concerns all that share the transaction, and is put into `broken`.
    fn apply(&mut self, work: Work, head: &mut u64, latest: &mut Vec<(TenantId, u64)>, broken: &mut Option<LogFault>) -> Answer {
        match work {
            Work::Commit { owned, step, reply } => {
                let done = self.commit(owned, step, head, latest);
                answer(reply, done, broken)
            }
            Work::Append { shard, item, reply } => answer(reply, self.append(shard, &item), broken),
            Work::Acquire { reply } => answer(reply, self.acquire(), broken),
            Work::Consumed { group, offsets, reply } => answer(reply, self.consumed(&group, &offsets), broken),
            Work::Purge { tenant, reply } => answer(reply, self.purge(&tenant), broken),
        }
    }

    fn note_write(&mut self) {
        if let Some(on_write) = &self.config.on_write {
            on_write(self.written);
        }
        self.written += 1;
    }

    fn commit(&mut self, owned: Acquired, step: Step, head: &mut u64, latest: &mut Vec<(TenantId, u64)>) -> Result<(), LogFault> {
        check_epoch(&self.connection, owned)?;
        let encoded: Vec<Bytes> = step.events.iter().map(Event::encode).collect();
        let limit_bytes = self.config.event_bytes_max;
        if let Some((index, event)) = encoded.iter().enumerate().find(|(_, event)| event.len() > limit_bytes) {
            return Err(LogFault::TooLarge { index, bytes: event.len(), limit_bytes });
        }
        for advance in &step.advances {
            self.check_cursor(advance)?;
        }
        self.insert_events(owned.shard, &step.events, &encoded, head)?;
        latest.extend(step.events.iter().map(|event| (event.tenant.clone(), *head)));
        for advance in &step.advances {
            self.advance(advance)?;
        }
        for seen in &step.seen {
            self.remember(seen)?;
        }
        match step.inbox {
            Some(done) => self.inbox_done(owned.shard, done),
            None => Ok(()),
        }
    }

    fn check_cursor(&self, advance: &Advance) -> Result<(), LogFault> {
        let key = &advance.key;
        let sql = "SELECT revision FROM cursors WHERE tenant = ?1 AND integration = ?2 AND stream = ?3 AND part = ?4";
        let values = params![key.tenant.as_str(), key.integration.as_str(), key.stream.as_str(), key.part];
        let found: Option<i64> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())
            .map_err(unavailable)?;
        let revision = Revision(found.unwrap_or(0).unsigned_abs());
        if revision == advance.from { Ok(()) } else { Err(LogFault::Conflict(Box::new(key.clone()))) }
    }

    fn insert_events(&mut self, shard: ShardId, events: &[Event], encoded: &[Bytes], head: &mut u64) -> Result<(), LogFault> {
        let committed_us = Timestamp::now().as_microsecond();
        for (events, encoded) in events.chunks(ROWS_PER_INSERT).zip(encoded.chunks(ROWS_PER_INSERT)) {
            self.note_write();
            let places = vec!["(?,?,?,?,?)"; events.len()].join(",");
            let mut values: Vec<ToSqlOutput<'_>> = Vec::with_capacity(events.len() * 5);
            for (event, bytes) in events.iter().zip(encoded) {
                *head += 1;
                let numbers = [signed(*head), i64::from(shard.0)].map(ToSqlOutput::from);
                values.extend(numbers);
                values.push(ToSqlOutput::from(event.tenant.as_str()));
                values.push(ToSqlOutput::from(committed_us));
                values.push(ToSqlOutput::from(bytes.as_ref()));
            }
            let sql = format!("INSERT INTO events (seq, shard, tenant, committed_us, event) VALUES {places}");
            let mut statement = self.connection.prepare_cached(&sql).map_err(unavailable)?;
            statement.execute(params_from_iter(values)).map_err(unavailable)?;
        }
        Ok(())
    }

    fn advance(&mut self, advance: &Advance) -> Result<(), LogFault> {
        self.note_write();
        let key = &advance.key;
        let (tenant, integration, stream) = (key.tenant.as_str(), key.integration.as_str(), key.stream.as_str());
        match &advance.to {
            Some(cursor) => {
                let sql =
                    "INSERT OR REPLACE INTO cursors (tenant, integration, stream, part, revision, cursor) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let values = params![tenant, integration, stream, key.part, signed(advance.from.next().0), cursor.0.as_ref()];
                self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(unavailable)?;
            }
            None => {
                let sql = "DELETE FROM cursors WHERE tenant = ?1 AND integration = ?2 AND stream = ?3 AND part = ?4";
                let values = params![tenant, integration, stream, key.part];
                self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(unavailable)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, seen: &Seen) -> Result<(), LogFault> {
        self.note_write();
        let sql = "INSERT OR REPLACE INTO seen (tenant, delivery, until_us) VALUES (?1, ?2, ?3)";
        let values = params![seen.tenant.as_str(), seen.delivery, seen.until.as_microsecond()];
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(unavailable)?;
        Ok(())
    }

    fn inbox_done(&mut self, shard: ShardId, done: InboxOffset) -> Result<(), LogFault> {
        self.note_write();
        let done = signed(done.0);
        self.connection
            .execute("UPDATE shards SET inbox_done = max(inbox_done, ?2) WHERE shard = ?1", params![shard.0, done])
            .and_then(|_| self.connection.execute("DELETE FROM inbox WHERE shard = ?1 AND offset <= ?2", params![shard.0, done]))
            .map_err(unavailable)?;
        Ok(())
    }

    fn append(&mut self, shard: ShardId, item: &InboxItem) -> Result<InboxOffset, LogFault> {
        self.note_write();
        let offset: i64 = self
            .connection
            .prepare_cached("UPDATE shards SET inbox_last = inbox_last + 1 WHERE shard = ?1 RETURNING inbox_last")
            .and_then(|mut statement| statement.query_row([shard.0], |row| row.get(0)))
            .map_err(unavailable)?;
        let kind = i64::from(item.kind == InboxKind::Command);
        let received_ns = item.received.as_nanosecond().to_string();
        let values = params![shard.0, offset, item.tenant.as_str(), item.integration.as_str(), kind, received_ns, item.body.as_ref()];
        let sql = "INSERT INTO inbox (shard, offset, tenant, integration, kind, received_ns, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(unavailable)?;
        Ok(InboxOffset(offset.unsigned_abs()))
    }

    fn acquire(&mut self) -> Result<Vec<Acquired>, LogFault> {
        self.note_write();
        let mut statement = self.connection.prepare("UPDATE shards SET epoch = epoch + 1 RETURNING shard, epoch").map_err(unavailable)?;
        let found = statement.query_map([], |row| Ok(Acquired { shard: ShardId(row.get(0)?), epoch: row.get(1)? })).map_err(unavailable)?;
        let mut acquired: Vec<Acquired> = found.collect::<Result<_, _>>().map_err(unavailable)?;
        acquired.sort_by_key(|owned| owned.shard);
        Ok(acquired)
    }

    fn consumed(&mut self, group: &str, offsets: &[(ShardId, u64)]) -> Result<(), LogFault> {
        let sql = "INSERT INTO consumer_groups (name, shard, seq) VALUES (?1, ?2, ?3) ON CONFLICT (name, shard) DO UPDATE SET seq = max(seq, excluded.seq)";
        for (shard, seq) in offsets {
            self.note_write();
            let values = params![group, shard.0, signed(*seq)];
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(unavailable)?;
        }
        Ok(())
    }

    fn purge(&mut self, tenant: &TenantId) -> Result<(), LogFault> {
        for table in ["events", "cursors", "inbox", "seen"] {
            self.note_write();
            self.connection.execute(&format!("DELETE FROM {table} WHERE tenant = ?1"), [tenant.as_str()]).map_err(unavailable)?;
        }
        Ok(())
    }

    fn keep_house(&mut self) {
        self.kept_house = Instant::now();
        if let Err(fault) = self.forget() {
            tracing::warn!(%fault, "the event log could not forget what is old");
        }
        // A reader may hold the file; then the next time does it.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Removes what is old, a chunk at a time, so that nobody waits long for the writer.
    fn forget(&mut self) -> Result<(), LogFault> {
        let now = Timestamp::now();
        self.connection.execute("DELETE FROM seen WHERE until_us < ?1", [now.as_microsecond()]).map_err(unavailable)?;
        if let Some(retention) = self.config.retention {
            let before = now.checked_sub(retention).map_err(unavailable)?.as_microsecond();
            let passed = self.passed_by_all()?;
            let sql =
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ?1 AND committed_us < ?2 ORDER BY seq LIMIT ?3)";
            self.connection.execute(sql, params![signed(passed), before, signed(REMOVED_AT_ONCE)]).map_err(unavailable)?;
            self.connection.execute_batch("PRAGMA incremental_vacuum(2000)").map_err(unavailable)?;
        }
        let bytes: i64 = self
            .connection
            .query_row("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", [], |row| row.get(0))
            .map_err(unavailable)?;
        metrics::LOG_FILE_BYTES.set(bytes);
        Ok(())
    }

    /// How far every group is for which events must be kept. A group that was never seen keeps everything.
    fn passed_by_all(&self) -> Result<u64, LogFault> {
        let mut least = u64::MAX;
        let sql =
            "SELECT coalesce(min(coalesce(g.seq, 0)), 0) FROM shards s LEFT JOIN consumer_groups g ON g.shard = s.shard AND g.name = ?1";
        for group in &self.config.keep_for {
            let passed: i64 = self.connection.query_row(sql, [group], |row| row.get(0)).map_err(unavailable)?;
            least = least.min(passed.unsigned_abs());
        }
        Ok(least)
    }
}

fn weight(work: &Work) -> usize {
    match work {
        Work::Commit { step, .. } => step.events.len().max(1),
        Work::Append { .. } | Work::Acquire { .. } | Work::Consumed { .. } | Work::Purge { .. } => 1,
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
        Work::Commit { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Append { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Acquire { reply } => answer(reply, Err(fault), &mut ignored),
        Work::Consumed { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Purge { reply, .. } => answer(reply, Err(fault), &mut ignored),
    }
}
