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

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::ToSqlOutput};
use syncline_model::{
    Advance, CursorKey, Event, LogFault, Revision, ShardId, Step, TenantId,
    log::{InboxItem, InboxKind, InboxOffset},
    step::Seen,
};
use tokio::sync::{oneshot, watch};

use super::{
    EmbeddedConfig,
    consumer::Groups,
    fault, raise,
    reading::{self, signed},
    schema,
    shard::check_epoch,
    unavailable,
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
    Commit { owned: Acquired, step: Step, reply: Reply<()> },
    Append { shard: ShardId, item: InboxItem, reply: Reply<InboxOffset> },
    Acquire { reply: Reply<Vec<Acquired>> },
    Consumed { group: String, member: u64, offsets: Vec<(ShardId, u64)>, reply: Reply<()> },
    Places { group: String, reply: Reply<Vec<(ShardId, u64)>> },
    Purge { tenant: TenantId, reply: Reply<bool> },
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
        let answer = answer.await.map_err(|_| closed())?;
        metrics::LOG_COMMIT_SECONDS.observe(started.elapsed().as_secs_f64());
        answer
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

struct Desk {
    connection: Connection,
    config: EmbeddedConfig,
    shards: NonZeroU16,
    groups: Arc<Groups>,
    written: u64,
    tell_head: watch::Sender<u64>,
    latest: Arc<RwLock<HashMap<TenantId, u64>>>,
}

/// Tells a caller how it went, once the transaction is durable.
type Answer = Box<dyn FnOnce(Option<LogFault>)>;

impl Desk {
    fn run(mut self, work: &Receiver<Work>) {
        let mut keep_house_at = Instant::now() + HOUSEKEEPING_EVERY;
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
                let done = self.commit(owned, step, head, latest);
                answer(reply, done, broken)
            }
            Work::Append { shard, item, reply } => answer(reply, self.append(shard, &item), broken),
            Work::Acquire { reply } => answer(reply, self.acquire(), broken),
            Work::Consumed { group, member, offsets, reply } => answer(reply, self.consumed(&group, member, &offsets), broken),
            Work::Places { group, reply } => answer(reply, reading::committed(&self.connection, &group), broken),
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
        check_tenants(&step, owned.shard, self.shards)?;
        self.check_cursors(&step.advances)?;
        metrics::LOG_STEP_EVENTS.observe(f64::from(u32::try_from(step.events.len()).unwrap_or(u32::MAX)));
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

    /// Each cursor is where its advance says, also where an earlier advance of the same step has put it.
    fn check_cursors(&self, advances: &[Advance]) -> Result<(), LogFault> {
        let mut moved: HashMap<&CursorKey, Revision> = HashMap::new();
        for advance in advances {
            let now = moved.get(&advance.key).copied().map_or_else(|| self.revision(&advance.key), Ok)?;
            if now != advance.from {
                return Err(LogFault::Conflict(Box::new(advance.key.clone())));
            }
            moved.insert(&advance.key, advance.to.as_ref().map_or(Revision::NONE, |_| now.next()));
        }
        Ok(())
    }

    fn revision(&self, key: &CursorKey) -> Result<Revision, LogFault> {
        let sql = "SELECT revision FROM cursors WHERE tenant = ?1 AND integration = ?2 AND stream = ?3 AND part = ?4";
        let values = params![key.tenant.as_str(), key.integration.as_str(), key.stream.as_str(), key.part];
        let found: Option<i64> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())
            .map_err(fault)?;
        Ok(Revision(found.unwrap_or(0).unsigned_abs()))
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
            let mut statement = self.connection.prepare_cached(&sql).map_err(fault)?;
            statement.execute(params_from_iter(values)).map_err(fault)?;
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
                self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
            }
            None => {
                let sql = "DELETE FROM cursors WHERE tenant = ?1 AND integration = ?2 AND stream = ?3 AND part = ?4";
                let values = params![tenant, integration, stream, key.part];
                self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, seen: &Seen) -> Result<(), LogFault> {
        self.note_write();
        let sql = "INSERT INTO seen (tenant, delivery, until_us) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET until_us = max(until_us, excluded.until_us)";
        let values = params![seen.tenant.as_str(), seen.delivery, seen.until.as_microsecond()];
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
        Ok(())
    }

    fn inbox_done(&mut self, shard: ShardId, done: InboxOffset) -> Result<(), LogFault> {
        self.note_write();
        let done = signed(done.0);
        self.connection
            .execute("UPDATE shards SET inbox_done = max(inbox_done, min(?2, inbox_last)) WHERE shard = ?1", params![shard.0, done])
            .and_then(|_| self.connection.execute("DELETE FROM inbox WHERE shard = ?1 AND offset <= ?2", params![shard.0, done]))
            .map_err(fault)?;
        Ok(())
    }

    fn append(&mut self, shard: ShardId, item: &InboxItem) -> Result<InboxOffset, LogFault> {
        self.note_write();
        let offset: i64 = self
            .connection
            .prepare_cached("UPDATE shards SET inbox_last = inbox_last + 1 WHERE shard = ?1 RETURNING inbox_last")
            .and_then(|mut statement| statement.query_row([shard.0], |row| row.get(0)))
            .map_err(fault)?;
        let kind = i64::from(item.kind == InboxKind::Command);
        let received_ns = item.received.as_nanosecond().to_string();
        let values = params![shard.0, offset, item.tenant.as_str(), item.integration.as_str(), kind, received_ns, item.body.as_ref()];
        let sql = "INSERT INTO inbox (shard, offset, tenant, integration, kind, received_ns, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
        Ok(InboxOffset(offset.unsigned_abs()))
    }

    fn acquire(&mut self) -> Result<Vec<Acquired>, LogFault> {
        self.note_write();
        let mut statement = self.connection.prepare("UPDATE shards SET epoch = epoch + 1 RETURNING shard, epoch").map_err(fault)?;
        let found = statement.query_map([], |row| Ok(Acquired { shard: ShardId(row.get(0)?), epoch: row.get(1)? })).map_err(fault)?;
        let mut acquired: Vec<Acquired> = found.collect::<Result<_, _>>().map_err(fault)?;
        acquired.sort_by_key(|owned| owned.shard);
        Ok(acquired)
    }

    fn consumed(&mut self, group: &str, member: u64, offsets: &[(ShardId, u64)]) -> Result<(), LogFault> {
        let sql = "INSERT INTO consumer_groups (name, shard, seq) VALUES (?1, ?2, ?3) ON CONFLICT (name, shard) DO UPDATE SET seq = max(seq, excluded.seq)";
        let groups = Arc::clone(&self.groups);
        for (shard, seq) in offsets.iter().filter(|(shard, _)| groups.owns(group, member, *shard)) {
            self.note_write();
            let values = params![group, shard.0, signed(*seq)];
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
        }
        Ok(())
    }

    /// Forgets a piece of a tenant, and says whether events are left. What is forgotten on purpose is also overwritten.
    fn purge(&mut self, tenant: &TenantId) -> Result<bool, LogFault> {
        self.connection.execute_batch("PRAGMA secure_delete=ON").map_err(fault)?;
        let purged = self.purge_piece(tenant);
        self.connection.execute_batch("PRAGMA secure_delete=OFF").map_err(fault)?;
        purged
    }

    fn purge_piece(&mut self, tenant: &TenantId) -> Result<bool, LogFault> {
        for table in ["cursors", "inbox", "seen"] {
            self.note_write();
            self.connection.execute(&format!("DELETE FROM {table} WHERE tenant = ?1"), [tenant.as_str()]).map_err(fault)?;
        }
        self.note_write();
        let sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE tenant = ?1 LIMIT ?2)";
        let removed = self.connection.execute(sql, params![tenant.as_str(), signed(REMOVED_AT_ONCE)]).map_err(fault)?;
        Ok(removed as u64 == REMOVED_AT_ONCE)
    }

    /// Removes what is old, a piece at a time, and serves whoever waits in between. Says when to go on.
    fn keep_house(&mut self) -> Duration {
        let now = Timestamp::now();
        match self.forget(now) {
            Ok(removed) if removed >= REMOVED_AT_ONCE => Duration::ZERO,
            Ok(_) => HOUSEKEEPING_EVERY,
            Err(fault) => {
                tracing::warn!(%fault, "the event log could not forget what is old");
                HOUSEKEEPING_EVERY
            }
        }
    }

    fn forget(&mut self, now: Timestamp) -> Result<u64, LogFault> {
        let sql = "DELETE FROM seen WHERE (tenant, delivery) IN (SELECT tenant, delivery FROM seen WHERE until_us < ?1 LIMIT ?2)";
        let seen = self.connection.execute(sql, params![now.as_microsecond(), signed(REMOVED_AT_ONCE)]).map_err(fault)?;
        let mut events = 0;
        if let Some(retention) = self.config.retention {
            let before = now.checked_sub(retention).map_err(unavailable)?.as_microsecond();
            events += self.forget_events(before)?;
        }
        let too_large = self.config.retention_bytes.is_some_and(|most| self.bytes().is_ok_and(|bytes| bytes > most));
        if too_large {
            events += self.forget_events(i64::MAX)?;
        }
        Ok(events.max(seen as u64))
    }

    /// Removes a piece of the events from before this time that every group in `keep_for` has passed.
    fn forget_events(&mut self, before: i64) -> Result<u64, LogFault> {
        let passed = self.passed_by_all()?;
        let sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ?1 AND committed_us < ?2 ORDER BY seq LIMIT ?3)";
        let removed = self.connection.execute(sql, params![signed(passed), before, signed(REMOVED_AT_ONCE)]).map_err(fault)?;
        if removed > 0 {
            self.connection.execute_batch("PRAGMA incremental_vacuum(2000)").map_err(fault)?;
        }
        Ok(removed as u64)
    }

    /// Bytes of the pages that are in use.
    fn bytes(&self) -> Result<u64, LogFault> {
        let sql = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
        self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs).map_err(fault)
    }

    /// How far every group is for which events must be kept. A group that was never seen keeps everything.
    fn passed_by_all(&self) -> Result<u64, LogFault> {
        let mut least = u64::MAX;
        let sql =
            "SELECT coalesce(min(coalesce(g.seq, 0)), 0) FROM shards s LEFT JOIN consumer_groups g ON g.shard = s.shard AND g.name = ?1";
        for group in &self.config.keep_for {
            let passed: i64 = self.connection.query_row(sql, [group], |row| row.get(0)).map_err(fault)?;
            least = least.min(passed.unsigned_abs());
        }
        Ok(least)
    }
}

fn weight(work: &Work) -> usize {
    match work {
        Work::Commit { step, .. } => step.events.len().max(1),
        Work::Append { .. } | Work::Acquire { .. } | Work::Consumed { .. } | Work::Places { .. } | Work::Purge { .. } => 1,
    }
}

/// A tenant belongs to exactly one shard: its events, cursors and deliveries go nowhere else.
fn check_tenants(step: &Step, ours: ShardId, shards: NonZeroU16) -> Result<(), LogFault> {
    let tenants = step.events.iter().map(|event| &event.tenant).chain(step.advances.iter().map(|advance| &advance.key.tenant));
    let mut checked: Option<&TenantId> = None;
    for tenant in tenants.chain(step.seen.iter().map(|seen| &seen.tenant)) {
        if checked == Some(tenant) {
            continue;
        }
        let shard = ShardId::of(tenant, shards);
        if shard != ours {
            return Err(LogFault::Fenced(shard));
        }
        checked = Some(tenant);
    }
    Ok(())
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
        Work::Places { reply, .. } => answer(reply, Err(fault), &mut ignored),
        Work::Purge { reply, .. } => answer(reply, Err(fault), &mut ignored),
    }
}
