//! Finds the place of each folded record: removes what it replaces, marks what it deletes, and gets its rows ready.

use rusqlite::{Connection, params, types::Value};
use syncline_model::log::Logged;

use super::insert::{Bound, Ready, insert, note_nulls, optional, owned, text, version};
use crate::tables::{
    fold::{Fold, Pending},
    port::{Applied, Deletes},
    rows::{Times, family_of, overflow_of},
    schema::{Schema, Table},
    sqlite::{catalog::number, sql::Sqlite},
};

/// Writes the records of one stream.
pub(super) fn write(
    db: &Connection,
    schema: &mut Schema,
    fold: &Fold<'_>,
    deletes: Deletes,
    applied: &mut Applied,
) -> rusqlite::Result<()> {
    let family = family_of(schema, fold.table);
    let ready = family.iter().map(|_| Vec::new()).collect();
    let mut placing = Placing { db, schema, table: fold.table, family: &family, deletes, times: Times::default(), ready };
    for (key, record) in &fold.records {
        let Some(won) = record.won else { continue };
        applied.deleted += u64::from(record.deleted);
        placing.record(key, record, won, applied)?;
    }
    let ready = placing.ready;
    for (&table, rows) in family.iter().zip(&ready) {
        insert(db, &schema.tables[table], rows)?;
        applied.rows += rows.len() as u64;
        note_nulls(db, &mut schema.tables[table], table, rows)?;
    }
    schema.tables[fold.table].has_rows |= fold.records.iter().any(|(_, record)| record.won.is_some());
    Ok(())
}

struct Placing<'p, 'a> {
    db: &'p Connection,
    schema: &'p Schema,
    table: usize,
    family: &'p [usize],
    deletes: Deletes,
    times: Times,
    ready: Vec<Vec<Ready<'a>>>,
}

impl<'a> Placing<'_, 'a> {
    fn record(
        &mut self,
        key: &'a str,
        record: &'a Pending<'a>,
        (first, last): (&'a Logged, &'a Logged),
        applied: &mut Applied,
    ) -> rusqlite::Result<()> {
        let is_gone = record.deleted && self.deletes == Deletes::Hard;
        if record.exists && (record.parts.is_some() || is_gone) {
            for child in self.filled_children() {
                self.db.prepare_cached(&Sqlite::remove(child))?.execute([key])?;
            }
        }
        self.remember(key, record, is_gone)?;
        if is_gone {
            self.db.prepare_cached(&Sqlite::remove(&self.schema.tables[self.table]))?.execute([key])?;
            return Ok(());
        }
        let deleted_at = record.deleted.then(|| last.event.time.map_or_else(|| self.times.text(last.committed), |time| time.to_string()));
        let engine = vec![
            text(key),
            version(record.version),
            owned(last.event.id.to_string()),
            optional(deleted_at.clone()),
            owned(self.times.text(first.committed)),
            owned(self.times.text(last.committed)),
            Bound::Owned(Value::Integer(last.place.offset.cast_signed())),
            optional(record.parts.as_ref().and_then(|parts| overflow_of(&parts.row, applied))),
        ];
        let Some(parts) = &record.parts else { return self.tombstone(key, &engine, deleted_at.as_deref()) };
        self.ready[0].push(Ready { engine, row: &parts.row });
        for child in &parts.children {
            let Some(slot) = self.family.iter().position(|&table| table == child.table) else { continue };
            let engine = vec![
                text(key),
                text(&child.key),
                text(&child.parent_key),
                Bound::Owned(Value::Integer(number(child.index))),
                optional(deleted_at.clone()),
                optional(overflow_of(&child.row, applied)),
            ];
            self.ready[slot].push(Ready { engine, row: &child.row });
        }
        Ok(())
    }

    /// A record that is gone for good leaves its version behind; one that came back needs that no more.
    fn remember(&self, key: &str, record: &Pending<'_>, is_gone: bool) -> rusqlite::Result<()> {
        if is_gone {
            let sql = "INSERT OR REPLACE INTO _syncline_gone (table_id, key, version) VALUES (?,?,?)";
            self.db.prepare_cached(sql)?.execute(params![number(self.table), key, version(record.version)])?;
        } else if self.deletes == Deletes::Hard && !record.exists {
            let sql = "DELETE FROM _syncline_gone WHERE table_id = ? AND key = ?";
            self.db.prepare_cached(sql)?.execute(params![number(self.table), key])?;
        }
        Ok(())
    }

    /// Nothing but a deletion came: the row keeps what it has.
    fn tombstone(&self, key: &str, engine: &[Bound<'_>], deleted_at: Option<&str>) -> rusqlite::Result<()> {
        self.db.prepare_cached(&Sqlite::tombstone(&self.schema.tables[self.table]))?.execute(rusqlite::params_from_iter(engine))?;
        for child in self.filled_children() {
            self.db.prepare_cached(&Sqlite::mark_children(child))?.execute(params![key, deleted_at])?;
        }
        Ok(())
    }

    fn filled_children(&self) -> impl Iterator<Item = &Table> {
        self.family.iter().skip(1).map(|&child| &self.schema.tables[child]).filter(|child| child.has_rows)
    }
}
