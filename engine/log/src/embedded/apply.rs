//! What a transaction writes. A step is checked whole before anything of it is written.

use std::{collections::HashMap, num::NonZeroU16, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params, params_from_iter, types::ToSqlOutput};
use syncline_model::{
    Advance, CursorKey, Event, LogFault, Revision, ShardId, Step, TenantId,
    log::{InboxItem, InboxKind, InboxOffset},
    step::Seen,
};

use super::{
    fault,
    reading::signed,
    shard::check_epoch,
    writer::{Acquired, Desk},
};
use crate::metrics;

const ROWS_PER_INSERT: usize = 100;

impl Desk {
    pub(super) fn note_write(&mut self) {
        if let Some(on_write) = &self.config.on_write {
            on_write(self.written);
        }
        self.written += 1;
    }

    pub(super) fn commit(
        &mut self,
        owned: Acquired,
        step: &Step,
        head: &mut u64,
        latest: &mut Vec<(TenantId, u64)>,
    ) -> Result<(), LogFault> {
        check_epoch(&self.connection, owned)?;
        let encoded: Vec<Bytes> = step.events.iter().map(Event::encode).collect();
        let limit_bytes = self.config.event_bytes_max;
        if let Some((index, event)) = encoded.iter().enumerate().find(|(_, event)| event.len() > limit_bytes) {
            return Err(LogFault::TooLarge { index, bytes: event.len(), limit_bytes });
        }
        check_tenants(step, owned.shard, self.shards)?;
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
        let Some(cursor) = &advance.to else {
            let sql = "DELETE FROM cursors WHERE tenant = ?1 AND integration = ?2 AND stream = ?3 AND part = ?4";
            let values = params![tenant, integration, stream, key.part];
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
            return Ok(());
        };
        let sql = "INSERT OR REPLACE INTO cursors (tenant, integration, stream, part, revision, cursor) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![tenant, integration, stream, key.part, signed(advance.from.next().0), cursor.0.as_ref()];
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
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

    pub(super) fn append(&mut self, shard: ShardId, item: &InboxItem) -> Result<InboxOffset, LogFault> {
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

    pub(super) fn acquire(&mut self) -> Result<Vec<Acquired>, LogFault> {
        self.note_write();
        let mut statement = self.connection.prepare("UPDATE shards SET epoch = epoch + 1 RETURNING shard, epoch").map_err(fault)?;
        let found = statement.query_map([], |row| Ok(Acquired { shard: ShardId(row.get(0)?), epoch: row.get(1)? })).map_err(fault)?;
        let mut acquired: Vec<Acquired> = found.collect::<Result<_, _>>().map_err(fault)?;
        acquired.sort_by_key(|owned| owned.shard);
        Ok(acquired)
    }

    pub(super) fn consumed(&mut self, group: &str, member: u64, offsets: &[(ShardId, u64)]) -> Result<(), LogFault> {
        let sql = "INSERT INTO consumer_groups (name, shard, seq) VALUES (?1, ?2, ?3) ON CONFLICT (name, shard) DO UPDATE SET seq = max(seq, excluded.seq)";
        let groups = Arc::clone(&self.groups);
        for (shard, seq) in offsets.iter().filter(|(shard, _)| groups.owns(group, member, *shard)) {
            self.note_write();
            let values = params![group, shard.0, signed(*seq)];
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(fault)?;
        }
        Ok(())
    }
}

/// A tenant belongs to exactly one shard: its events, cursors and deliveries go nowhere else.
fn check_tenants(step: &Step, ours: ShardId, shards: NonZeroU16) -> Result<(), LogFault> {
    let mut checked: Option<&TenantId> = None;
    for tenant in tenants_of(step) {
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

/// The tenants of everything in a step, again and again.
pub(crate) fn tenants_of(step: &Step) -> impl Iterator<Item = &TenantId> {
    let tenants = step.events.iter().map(|event| &event.tenant).chain(step.advances.iter().map(|advance| &advance.key.tenant));
    tenants.chain(step.seen.iter().map(|seen| &seen.tenant))
}
