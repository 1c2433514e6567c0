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
    /// Its row was taken away already, for the one that comes.
    is_taken: bool,
}

/// The records of one stream before a batch.
#[derive(Debug, Default)]
pub(super) struct Before<'a> {
    seen: KeyMap<'a, Seen>,
    /// Records of which the batch brings several events. What one part of it writes, the next has to know.
    repeated: KeySet<'a>,
}

/// Tables, by their number, most of whose records were known when they were last asked for some.
pub(super) type Familiar = HashSet<usize>;

impl<'a> Before<'a> {
    /// Asks the table for those of the records that it may have. Of a familiar one it takes the rows that the batch writes anew in the
    /// same turn.
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
            if familiar.contains(&table) {
                let replaced = before.replaced(events, &asked);
                if replaced.keys.len() * 2 > count {
                    let rows = replaced.take(db, &sql.take(of, replaced.newest.is_some())).await?;
                    before.note(&keys, &rows, Found::Taken)?;
                    asked.retain(|key| !before.is_taken(key));
                }
            }
            if !asked.is_empty() {
                let rows = sqlx::query(AssertSqlSafe(sql.versions(of))).bind(&asked).fetch_all(db).await?;
                before.note(&keys, &rows, Found::There)?;
            }
            let is_familiar = (before.seen.len() - gone) * 2 > count;
            if is_familiar {
                familiar.insert(table)
            } else {
                familiar.remove(&table)
            };
        }
        Ok(before)
    }

    /// Records that the batch writes anew whatever it finds, if nothing newer is there than the oldest version that it brings.
    fn replaced(&self, events: &[&'a Logged], asked: &[&str]) -> Replaced<'a> {
        let asked: KeySet<'_> = asked.iter().copied().collect();
        let mut replaced = Replaced { keys: Vec::with_capacity(asked.len()), newest: None };
        for logged in events {
            let (event, key) = (&logged.event, logged.event.key.as_str());
            if event.op != Op::Upsert || self.repeated.contains(key) || self.seen.contains_key(key) || !asked.contains(key) {
                continue;
            }
            replaced.keys.push(key);
            let version = event.version.map(|version| version.0);
            replaced.newest = replaced.newest.into_iter().chain(version).min();
        }
        replaced
    }

    fn note(&mut self, keys: &KeySet<'a>, rows: &[PgRow], found: Found) -> Result<()> {
        self.seen.reserve(rows.len());
        for row in rows {
            let Some(&key) = keys.get(row.try_get::<&str, _>(0)?) else { continue };
            let version = row.try_get::<Option<&str>, _>(1)?.and_then(|version| version.parse().ok());
            let exists = found != Found::Gone;
            let first = if exists { moment(row, 2)? } else { Timestamp::UNIX_EPOCH };
            self.seen.insert(key, Seen { known: Known { exists, version }, first, is_taken: found == Found::Taken });
        }
        Ok(())
    }

    /// The row of the record was taken away already.
    pub fn is_taken(&self, key: &str) -> bool {
        self.seen.get(key).is_some_and(|seen| seen.is_taken)
    }

    /// Nothing has to be taken away before rows of the batch are written.
    pub fn is_clear(&self) -> bool {
        self.repeated.is_empty() && self.seen.values().all(|seen| seen.is_taken)
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
            self.seen.insert(key, Seen { known: Known { exists, version: record.version }, first, is_taken: false });
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
    /// It had a row.
    Taken,
}

/// Records whose rows are replaced.
struct Replaced<'a> {
    keys: Vec<&'a str>,
    /// The newest version that a row may have, unless none has any.
    newest: Option<i128>,
}

impl Replaced<'_> {
    /// Takes the rows away that are not newer.
    async fn take(&self, db: &mut PgConnection, statement: &str) -> Result<Vec<PgRow>> {
        let query = sqlx::query(AssertSqlSafe(statement)).bind(&self.keys);
        let query = if let Some(newest) = self.newest { query.bind(newest.to_string()) } else { query };
        query.fetch_all(db).await
    }
}

/// A moment in PostgreSQL's binary form: microseconds since the year 2000.
fn moment(row: &PgRow, at: usize) -> Result<Timestamp> {
    let bytes = row.try_get_raw(at)?.as_bytes().map_err(sqlx::Error::Decode)?;
    let us = <[u8; 8]>::try_from(bytes).map(i64::from_be_bytes).unwrap_or_default();
    Timestamp::from_microsecond(us.saturating_add(EPOCH_S * 1_000_000)).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
