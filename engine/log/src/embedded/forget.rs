//! What goes: deliveries past their horizon, events past their retention, tenants that are purged. A piece at a time.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;
use syncline_model::{LogFault, TenantId};

use super::{fault, reading::signed, unavailable, writer::Desk};

pub(super) const EVERY: Duration = Duration::from_mins(1);
const REMOVED_AT_ONCE: u64 = 5_000;

impl Desk {
    /// Forgets a piece of a tenant, and says whether events are left. What is forgotten on purpose is also overwritten.
    pub(super) fn purge(&mut self, tenant: &TenantId) -> Result<bool, LogFault> {
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
    pub(super) fn keep_house(&mut self) -> Duration {
        let now = Timestamp::now();
        match self.forget(now) {
            Ok(removed) if removed >= REMOVED_AT_ONCE => Duration::ZERO,
            Ok(_) => EVERY,
            Err(fault) => {
                tracing::warn!(%fault, "the event log could not forget what is old");
                EVERY
            }
        }
    }

    pub(super) fn forget(&mut self, now: Timestamp) -> Result<u64, LogFault> {
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
