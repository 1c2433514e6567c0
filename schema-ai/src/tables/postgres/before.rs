//! What the tables know of the records of a batch before it is written, asked once for all of them.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Result, Row, postgres::PgRow};
use syncline_model::log::Logged;

use super::{copy::EPOCH_S, sql::Sql, written::Written};
use crate::tables::{
    fold::{Fold, Known},
    port::Deletes,
    schema::Schema,
};

/// What is known of one record.
#[derive(Debug, Clone, Copy)]
struct Seen {
    known: Known,
    /// When its row was first written.
    first: Timestamp,
}

/// The records of one stream before a batch.
#[derive(Debug, Default)]
pub(super) struct Before<'a> {
    seen: HashMap<&'a str, Seen>,
    /// Records of which the batch brings several events. What one part of it writes, the next has to know.
    repeated: HashSet<&'a str>,
}

impl<'a> Before<'a> {
    /// Asks the table for those of the records that it may have.
    pub async fn ask(
        db: &mut PgConnection,
        (sql, schema, written): (&Sql, &Schema, &mut Written),
        table: usize,
        events: &[&'a Logged],
    ) -> Result<Self> {
        let mut keys: HashSet<&'a str> = HashSet::with_capacity(events.len());
        let repeated = events.iter().map(|logged| logged.event.key.as_str()).filter(|key| !keys.insert(key)).collect();
        let mut before = Self { seen: HashMap::new(), repeated };
        let of = &schema.tables[table];
        let asked = written.unsure(table, !of.has_rows && !of.has_gone, keys.iter().copied().collect());
        if asked.is_empty() {
            return Ok(before);
        }
        if of.has_gone {
            let number = i64::try_from(table).unwrap_or(i64::MAX);
            let rows = sqlx::query(AssertSqlSafe(sql.gone())).persistent(false).bind(number).bind(&asked).fetch_all(&mut *db).await?;
            before.take(&keys, &rows, false)?;
        }
        if of.has_rows {
            let rows = sqlx::query(AssertSqlSafe(sql.versions(of))).bind(&asked).fetch_all(db).await?;
            before.take(&keys, &rows, true)?;
        }
        Ok(before)
    }

    fn take(&mut self, keys: &HashSet<&'a str>, rows: &[PgRow], exists: bool) -> Result<()> {
        self.seen.reserve(rows.len());
        for row in rows {
            let Some(&key) = keys.get(row.try_get::<&str, _>(0)?) else { continue };
            let version = row.try_get::<Option<&str>, _>(1)?.and_then(|version| version.parse().ok());
            let first = if exists { moment(row, 2)? } else { Timestamp::UNIX_EPOCH };
            self.seen.insert(key, Seen { known: Known { exists, version }, first });
        }
        Ok(())
    }

    /// What is known of a record.
    pub fn of(&self, key: &str) -> Option<Known> {
        self.seen.get(key).map(|seen| seen.known)
    }

    /// When the row of a record was first written.
    pub fn first_seen(&self, key: &str) -> Option<Timestamp> {
        self.seen.get(key).filter(|seen| seen.known.exists).map(|seen| seen.first)
    }

    /// A part of the batch was written; later parts may bring more of the same records.
    pub fn written(&mut self, fold: &Fold<'a>, deletes: Deletes) {
        if self.repeated.is_empty() {
            return;
        }
        for (key, record) in &fold.records {
            let Some((first, _)) = record.won.filter(|_| self.repeated.contains(key)) else { continue };
            let exists = !(record.deleted && deletes == Deletes::Hard);
            let first = self.first_seen(key).unwrap_or(first.committed);
            self.seen.insert(key, Seen { known: Known { exists, version: record.version }, first });
        }
    }
}

/// A moment in PostgreSQL's binary form: microseconds since the year 2000.
fn moment(row: &PgRow, at: usize) -> Result<Timestamp> {
    let bytes = row.try_get_raw(at)?.as_bytes().map_err(sqlx::Error::Decode)?;
    let us = <[u8; 8]>::try_from(bytes).map(i64::from_be_bytes).unwrap_or_default();
    Timestamp::from_microsecond(us.saturating_add(EPOCH_S * 1_000_000)).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
