//! Reading: a few connections of its own, used off the async threads.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use syncline_model::{
    Event, IntegrationId, LogFault, ShardId, TenantId,
    log::{InboxItem, InboxKind, InboxOffset, Logged, PartitionName, Place},
};

use super::{LogStats, fault, locked, schema, unavailable};

const CONNECTIONS_MAX: usize = 4;

/// Connections that are not in use.
pub struct Reading {
    path: PathBuf,
    free: Arc<Mutex<Vec<Connection>>>,
}

impl Reading {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), free: Arc::default() }
    }

    /// Runs a query on a connection of its own, off the async threads.
    pub async fn with<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, LogFault> + Send + 'static,
    ) -> Result<T, LogFault> {
        let (path, free) = (self.path.clone(), Arc::clone(&self.free));
        let run = move || {
            let kept = locked(&free).pop();
            let connection = kept.map_or_else(|| schema::open_reader(&path), Ok)?;
            let answer = query(&connection);
            let mut free = locked(&free);
            if free.len() < CONNECTIONS_MAX {
                free.push(connection);
            }
            answer
        };
        tokio::task::spawn_blocking(run).await.map_err(unavailable)?
    }
}

/// An event as the file has it.
pub struct Row {
    pub seq: u64,
    pub shard: ShardId,
    committed: Timestamp,
    event: Event,
}

impl Row {
    pub fn logged(self, partition: &PartitionName) -> Logged {
        Logged { place: Place { partition: partition.clone(), offset: self.seq }, committed: self.committed, event: self.event }
    }
}

fn row(found: &rusqlite::Row<'_>) -> Result<Row, LogFault> {
    let seq: i64 = found.get(0).map_err(fault)?;
    let shard: u16 = found.get(1).map_err(fault)?;
    let committed_us: i64 = found.get(2).map_err(fault)?;
    let bytes: Vec<u8> = found.get(3).map_err(fault)?;
    let event = Event::decode(Bytes::from(bytes)).map_err(|error| LogFault::Damaged(format!("event {seq}: {error}")))?;
    let committed = Timestamp::from_microsecond(committed_us).map_err(|error| LogFault::Damaged(format!("event {seq}: {error}")))?;
    Ok(Row { seq: seq.unsigned_abs(), shard: ShardId(shard), committed, event })
}

fn rows(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Row>, LogFault> {
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    let mut found = statement.query(values).map_err(fault)?;
    let mut out = Vec::new();
    while let Some(next) = found.next().map_err(fault)? {
        out.push(row(next)?);
    }
    Ok(out)
}

/// SQLite's integers are signed; no log lives long enough for more.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn of_tenant(connection: &Connection, tenant: &TenantId, after: u64, events_max: usize) -> Result<Vec<Row>, LogFault> {
    let sql = "SELECT seq, shard, committed_us, event FROM events WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    rows(connection, sql, params![tenant.as_str(), signed(after), signed(events_max as u64)])
}

/// The events of these shards behind `after`, and how far was looked.
pub fn of_shards(connection: &Connection, shards: &[ShardId], after: u64, events_max: usize) -> Result<(Vec<Row>, u64), LogFault> {
    let head = schema::head(connection)?;
    let list: Vec<String> = shards.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT seq, shard, committed_us, event FROM events WHERE seq > ?1 AND seq <= ?2 AND +shard IN ({}) ORDER BY seq LIMIT ?3",
        list.join(",")
    );
    let found = rows(connection, &sql, params![signed(after), signed(head), signed(events_max as u64)])?;
    let looked = if found.len() < events_max { head } else { found.last().map_or(head, |row| row.seq) };
    Ok((found, looked))
}

pub fn committed(connection: &Connection, group: &str) -> Result<Vec<(ShardId, u64)>, LogFault> {
    let mut statement = connection.prepare_cached("SELECT shard, seq FROM consumer_groups WHERE name = ?1").map_err(fault)?;
    let found = statement.query_map([group], |row| Ok((ShardId(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs()))).map_err(fault)?;
    found.collect::<Result<_, _>>().map_err(fault)
}

/// A lag is counted up to this for each shard; counting further costs more than it tells.
const LAG_MAX: u32 = 1_000_000;

/// Each group with the number of events that it has not committed.
pub fn lags(connection: &Connection) -> Result<Vec<(String, u64)>, LogFault> {
    let mut names = connection.prepare_cached("SELECT DISTINCT name FROM consumer_groups").map_err(fault)?;
    let names: Vec<String> = names.query_map([], |row| row.get(0)).and_then(Iterator::collect::<rusqlite::Result<_>>).map_err(fault)?;
    names
        .into_iter()
        .map(|name| Ok((lag(connection, &name).map_err(fault)?, name)))
        .map(|found| found.map(|(lag, name)| (name, lag)))
        .collect()
}

fn lag(connection: &Connection, group: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT s.shard, coalesce(g.seq, 0) FROM shards s LEFT JOIN consumer_groups g ON g.shard = s.shard AND g.name = ?1";
    let mut places = connection.prepare_cached(sql)?;
    let places: Vec<(u16, i64)> = places.query_map([group], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let sql = "SELECT count(*) FROM (SELECT 1 FROM events WHERE shard = ?1 AND seq > ?2 LIMIT ?3)";
    let mut count = connection.prepare_cached(sql)?;
    let mut sum = 0;
    for (shard, seq) in places {
        sum += count.query_row(params![shard, seq, LAG_MAX], |row| row.get::<_, i64>(0))?.unsigned_abs();
    }
    Ok(sum)
}

/// So much of an inbox is read at once.
const INBOX_BYTES_AT_ONCE: usize = 8 << 20;

pub fn inbox(
    connection: &Connection,
    shard: ShardId,
    after: InboxOffset,
    items_max: usize,
) -> Result<Vec<(InboxOffset, InboxItem)>, LogFault> {
    let sql =
        "SELECT offset, tenant, integration, kind, received_ns, body FROM inbox WHERE shard = ?1 AND offset > ?2 ORDER BY offset LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    let mut found = statement.query(params![shard.0, signed(after.0), signed(items_max as u64)]).map_err(fault)?;
    let (mut items, mut bytes) = (Vec::new(), 0);
    while let Some(next) = found.next().map_err(fault)? {
        let next = item(next)?;
        bytes += next.1.body.len();
        items.push(next);
        // Whoever wants more asks again.
        if bytes >= INBOX_BYTES_AT_ONCE {
            break;
        }
    }
    Ok(items)
}

fn item(found: &rusqlite::Row<'_>) -> Result<(InboxOffset, InboxItem), LogFault> {
    let damaged = |error: &dyn std::fmt::Display| LogFault::Damaged(format!("an item of an inbox: {error}"));
    let text = |column: usize| found.get::<_, String>(column).map_err(fault);
    let offset: i64 = found.get(0).map_err(fault)?;
    let tenant: TenantId = text(1)?.parse().map_err(|error| damaged(&error))?;
    let integration: IntegrationId = text(2)?.parse().map_err(|error| damaged(&error))?;
    let kind = if found.get::<_, i64>(3).map_err(fault)? == 0 { InboxKind::Delivery } else { InboxKind::Command };
    let nanoseconds: i128 = text(4)?.parse().map_err(|error| damaged(&error))?;
    let received = Timestamp::from_nanosecond(nanoseconds).map_err(|error| damaged(&error))?;
    let body = Bytes::from(found.get::<_, Vec<u8>>(5).map_err(fault)?);
    Ok((InboxOffset(offset.unsigned_abs()), InboxItem { tenant, integration, kind, received, body }))
}

pub fn stats(connection: &Connection) -> Result<LogStats, LogFault> {
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs).map_err(fault);
    let file_bytes = one("PRAGMA page_count")? * one("PRAGMA page_size")?;
    Ok(LogStats { events: one("SELECT count(*) FROM events")?, file_bytes })
}
