//! Which of several states of a record wins: the newest version; of equal ones, and where there is none, the later in the log.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, types::ValueRef};
use syncline_model::{Op, log::Logged};

use super::{Applied, set_aside};
use crate::tables::{
    catalog::number,
    flatten::{Parts, flatten},
    schema::Schema,
    sql::{Sqlite, TableSql},
};

/// The record after the events of a batch, as far as they concern it.
pub(super) struct Pending<'a> {
    /// The newest version that was ever seen.
    pub version: Option<i128>,
    /// The file has a row for it.
    pub exists: bool,
    /// What to write, unless nothing but a deletion came.
    pub parts: Option<Parts<'a>>,
    /// It ends deleted.
    pub deleted: bool,
    /// The first event that won, and the last.
    pub won: Option<(&'a Logged, &'a Logged)>,
}

/// The records of one stream that a batch concerns, in the order in which they came.
pub(super) struct Fold<'a> {
    pub table: usize,
    pub records: Vec<(&'a str, Pending<'a>)>,
    index: HashMap<&'a str, usize>,
}

impl<'a> Fold<'a> {
    pub fn new(table: usize) -> Self {
        Self { table, records: Vec::new(), index: HashMap::new() }
    }

    /// Takes one event in.
    pub fn take(&mut self, db: &Connection, schema: &mut Schema, logged: &'a Logged, applied: &mut Applied) -> rusqlite::Result<()> {
        let (event, key) = (&logged.event, logged.event.key.as_str());
        let at = match self.index.get(key) {
            Some(&at) => at,
            None => self.look_up(db, schema, key)?,
        };
        let record = &mut self.records[at].1;
        let version = event.version.map(|version| version.0);
        if !wins(record.version, version) {
            applied.outdated += 1;
            return Ok(());
        }
        if event.op == Op::Upsert {
            match flatten(schema, self.table, key, &event.body) {
                Ok(parts) => record.parts = Some(parts),
                Err(error) => {
                    applied.rejected += 1;
                    return set_aside(db, logged, &format!("the record is not JSON: {error}"));
                }
            }
        }
        record.deleted = event.op == Op::Delete;
        record.version = record.version.max(version);
        record.won = Some((record.won.map_or(logged, |(first, _)| first), logged));
        Ok(())
    }

    fn look_up(&mut self, db: &Connection, schema: &Schema, key: &'a str) -> rusqlite::Result<usize> {
        let known = if schema.tables[self.table].has_rows { known_version(db, schema, self.table, key)? } else { None };
        let (exists, version) = known.map_or((false, None), |(exists, version)| (exists, version));
        self.records.push((key, Pending { version, exists, parts: None, deleted: false, won: None }));
        self.index.insert(key, self.records.len() - 1);
        Ok(self.records.len() - 1)
    }
}

/// A state of this version replaces one of that version.
pub(crate) fn wins(known: Option<i128>, new: Option<i128>) -> bool {
    match (known, new) {
        (Some(known), Some(new)) => new >= known,
        (None, _) | (_, None) => true,
    }
}

fn known_version(db: &Connection, schema: &Schema, table: usize, key: &str) -> rusqlite::Result<Option<(bool, Option<i128>)>> {
    let row =
        db.prepare_cached(&Sqlite.version(&schema.tables[table]))?.query_row([key], |row| Ok(version_of(row.get_ref(0)?))).optional()?;
    if let Some(version) = row {
        return Ok(Some((true, version)));
    }
    let sql = "SELECT version FROM _syncline_gone WHERE table_id = ? AND key = ?";
    let gone =
        db.prepare_cached(sql)?.query_row(rusqlite::params![number(table), key], |row| Ok(version_of(row.get_ref(0)?))).optional()?;
    Ok(gone.map(|version| (false, version)))
}

fn version_of(value: ValueRef<'_>) -> Option<i128> {
    match value {
        ValueRef::Integer(version) => Some(i128::from(version)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}
