//! What the tables know of the records of a batch before it is written, asked once for all of them.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Result, Row, postgres::PgRow};
use syncline_model::{Op, log::Logged};

use super::{copy::EPOCH_S, sql::Sql, written::Written};
use crate::tables::{
    by_key::{ByKey, KeyMap, KeySet},
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
    /// Nobody asked: there may be none, and it may be newer.
    is_presumed: bool,
}

/// The records of one stream before a batch.
#[derive(Debug, Default)]
pub(super) struct Before<'a> {
    seen: KeyMap<'a, Seen>,
    /// Records of which the batch brings several events. What one part of it writes, the next has to know.
    repeated: KeySet<'a>,
}

/// For so many batches tables are asked after a presumption did not hold.
const ASKED_AFTER: u32 = 20;

/// Tables, by their number, most of whose records were known the last time.
#[derive(Debug, Default)]
pub(super) struct Familiar {
    tables: HashSet<usize>,
    /// So many more batches presume nothing.
    asked: u32,
}

impl Familiar {
    fn contains(&self, table: usize) -> bool {
        self.asked == 0 && self.tables.contains(&table)
    }

    /// Most of the records of the table were known, or not.
    pub fn note(&mut self, table: usize, is_familiar: bool) {
        if is_familiar {
            self.tables.insert(table);
        } else {
            self.tables.remove(&table);
        }
    }

    /// Somebody else may have written.
    pub fn forget(&mut self) {
        self.tables.clear();
    }

    /// What was presumed did not hold.
    pub fn deceived(&mut self) {
        self.asked = ASKED_AFTER;
    }

    /// One more batch is written.
    pub fn next(&mut self) {
        self.asked = self.asked.saturating_sub(1);
    }
}

impl<'a> Before<'a> {
    /// Asks the table for those of the records that it may have. Of a familiar one it presumes that it has those that the batch writes
    /// anew, and no newer ones.
    pub async fn ask(
        db: &mut PgConnection,
        (sql, schema): (&Sql, &Schema),
        (written, familiar): (&mut Written, &mut Familiar),
        (table, events): (usize, &[&'a Logged]),
    ) -> Result<Self> {
        let mut keys = KeySet::with_capacity_and_hasher(events.len(), ByKey::default());
        let repeated = events.iter().map(|logged| logged.event.key.as_str()).filter(|key| !keys.insert(key)).collect();
        let mut before = Self { seen: KeyMap::default(), repeated };
        let of = &schema.tables[table];
        let mut asked = written.unsure(table, !of.has_rows && !of.has_gone, keys.iter().copied().collect());
        if asked.is_empty() {
            return Ok(before);
        }
        if of.has_gone {
            let number = i64::try_from(table).unwrap_or(i64::MAX);
            let rows = sqlx::query(AssertSqlSafe(sql.gone())).persistent(false).bind(number).bind(&asked).fetch_all(&mut *db).await?;
            before.note(&keys, &rows, Found::Gone)?;
        }
        if of.has_rows {
            let (count, gone) = (asked.len(), before.seen.len());
            // What becomes of records with lists has to be known before their lists are written.
            if familiar.contains(table) && !schema.tables.iter().any(|other| other.parent == Some(table)) {
                before.presume(events, &mut asked);
            }
            if !asked.is_empty() {
                let rows = sqlx::query(AssertSqlSafe(sql.versions(of))).bind(&asked).fetch_all(db).await?;
                before.note(&keys, &rows, Found::There)?;
            }
            familiar.note(table, (before.seen.len() - gone) * 2 > count);
        }
        Ok(before)
    }

    /// Takes the records out of those that are asked for of which the batch brings one state.
    fn presume(&mut self, events: &[&'a Logged], asked: &mut Vec<&'a str>) {
        let others = events.iter().filter(|logged| logged.event.op != Op::Upsert).map(|logged| logged.event.key.as_str());
        let others: KeySet<'_> = others.collect();
        let presumed = Seen { known: Known { exists: true, version: None }, first: Timestamp::UNIX_EPOCH, is_presumed: true };
        asked.retain(|key| {
            let is_asked = others.contains(key) || self.repeated.contains(key) || self.seen.contains_key(key);
            if !is_asked {
                self.seen.insert(key, presumed);
            }
            is_asked
        });
    }

    fn note(&mut self, keys: &KeySet<'a>, rows: &[PgRow], found: Found) -> Result<()> {
        self.seen.reserve(rows.len());
        for row in rows {
            let Some(&key) = keys.get(row.try_get::<&str, _>(0)?) else { continue };
            let version = row.try_get::<Option<&str>, _>(1)?.and_then(|version| version.parse().ok());
            let exists = found != Found::Gone;
            let first = if exists { moment(row, 2)? } else { Timestamp::UNIX_EPOCH };
            self.seen.insert(key, Seen { known: Known { exists, version }, first, is_presumed: false });
        }
        Ok(())
    }

    /// Nobody asked for the record: it may have no row, or a newer one.
    pub fn is_presumed(&self, key: &str) -> bool {
        self.seen.get(key).is_some_and(|seen| seen.is_presumed)
    }

    /// Some records were presumed.
    pub fn presumes(&self) -> bool {
        self.seen.values().any(|seen| seen.is_presumed)
    }

    /// None of the records was known, and none comes twice.
    pub fn is_empty(&self) -> bool {
        self.repeated.is_empty() && self.seen.is_empty()
    }

    /// Some of the records come twice.
    pub fn repeats(&self) -> bool {
        !self.repeated.is_empty()
    }

    /// What is known of a record.
    pub fn of(&self, key: &str) -> Option<Known> {
        self.seen.get(key).map(|seen| seen.known)
    }

    /// When the row of a record was first written.
    pub fn first_seen(&self, key: &str) -> Option<Timestamp> {
        self.seen.get(key).filter(|seen| seen.known.exists && !seen.is_presumed).map(|seen| seen.first)
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
            self.seen.insert(key, Seen { known: Known { exists, version: record.version }, first, is_presumed: false });
        }
    }
}

/// How a record was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is gone for good.
    Gone,
    /// It has a row.
    There,
}

/// A moment in PostgreSQL's binary form: microseconds since the year 2000.
fn moment(row: &PgRow, at: usize) -> Result<Timestamp> {
    let bytes = row.try_get_raw(at)?.as_bytes().map_err(sqlx::Error::Decode)?;
    let us = <[u8; 8]>::try_from(bytes).map(i64::from_be_bytes).unwrap_or_default();
    Timestamp::from_microsecond(us.saturating_add(EPOCH_S * 1_000_000)).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
