//! Puts folded records into their tables, many rows with one statement.

use rusqlite::{
    Connection, ToSql, params,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::{
    Applied, Deletes,
    fold::{Fold, Pending},
};
use crate::{
    infer::Kind,
    json,
    tables::{
        catalog::number,
        flatten::{Cell, Row},
        schema::{Schema, Table},
        sql::{Sqlite, TableSql, engine_columns},
    },
};

/// SQLite takes 32,766 parameters; more rows than this in one statement gain nothing.
const ROWS_MAX: usize = 32;
const PARAMETERS_MAX: usize = 32_000;

type Bound<'a> = ToSqlOutput<'a>;

/// A row with its engine columns, ready to be bound.
struct Ready<'a> {
    engine: Vec<Bound<'a>>,
    row: &'a Row<'a>,
}

/// Writes the records of one stream.
pub(super) fn write(
    db: &Connection,
    schema: &mut Schema,
    fold: &Fold<'_>,
    deletes: Deletes,
    applied: &mut Applied,
) -> rusqlite::Result<()> {
    let table = fold.table;
    let family = family_of(schema, table);
    let mut times = Times::default();
    let mut ready: Vec<Vec<Ready<'_>>> = family.iter().map(|_| Vec::new()).collect();
    for (key, record) in &fold.records {
        let Some((first, last)) = record.won else { continue };
        applied.deleted += u64::from(record.deleted);
        let is_gone = record.deleted && deletes == Deletes::Hard;
        let replaces_children = record.exists && (record.parts.is_some() || is_gone);
        if replaces_children {
            for &child in family.iter().skip(1).filter(|&&child| schema.tables[child].has_rows) {
                db.prepare_cached(&Sqlite.remove(&schema.tables[child]))?.execute([key])?;
            }
        }
        remember(db, table, key, record, is_gone, deletes)?;
        if is_gone {
            db.prepare_cached(&Sqlite.remove(&schema.tables[table]))?.execute([key])?;
            continue;
        }
        let deleted_at = record.deleted.then(|| last.event.time.map_or_else(|| times.text(last.committed), |time| time.to_string()));
        let overflow = record.parts.as_ref().and_then(|parts| overflow_of(&parts.row, applied));
        let engine = vec![
            text(key),
            version(record.version),
            owned(last.event.id.to_string()),
            optional(deleted_at.clone()),
            owned(times.text(first.committed)),
            owned(times.text(last.committed)),
            Bound::Owned(Value::Integer(last.place.offset.cast_signed())),
            optional(overflow),
        ];
        let Some(parts) = &record.parts else {
            tombstone(db, schema, &family, &engine, &deleted_at)?;
            continue;
        };
        ready[0].push(Ready { engine, row: &parts.row });
        for child in &parts.children {
            let Some(slot) = family.iter().position(|&table| table == child.table) else { continue };
            let engine = vec![
                text(key),
                text(&child.key),
                text(&child.parent_key),
                Bound::Owned(Value::Integer(i64::try_from(child.index).unwrap_or(i64::MAX))),
                optional(deleted_at.clone()),
                optional(overflow_of(&child.row, applied)),
            ];
            ready[slot].push(Ready { engine, row: &child.row });
        }
    }
    for (&table, rows) in family.iter().zip(&ready) {
        insert(db, &schema.tables[table], rows)?;
        applied.rows += rows.len() as u64;
        note_nulls(db, &mut schema.tables[table], table, rows)?;
    }
    schema.tables[table].has_rows |= fold.records.iter().any(|(_, record)| record.won.is_some());
    Ok(())
}

/// The table and all that hang from it, parents first.
fn family_of(schema: &Schema, table: usize) -> Vec<usize> {
    let mut family = vec![table];
    let mut at = 0;
    while let Some(&next) = family.get(at) {
        family.extend(&schema.tables[next].children);
        at += 1;
    }
    family
}

/// A record that is gone for good leaves its version behind; one that came back needs that no more.
fn remember(db: &Connection, table: usize, key: &str, record: &Pending<'_>, is_gone: bool, deletes: Deletes) -> rusqlite::Result<()> {
    if is_gone {
        let sql = "INSERT OR REPLACE INTO _syncline_gone (table_id, key, version) VALUES (?,?,?)";
        db.prepare_cached(sql)?.execute(params![number(table), key, version(record.version)])?;
    } else if deletes == Deletes::Hard && !record.exists {
        db.prepare_cached("DELETE FROM _syncline_gone WHERE table_id = ? AND key = ?")?.execute(params![number(table), key])?;
    }
    Ok(())
}

fn tombstone(
    db: &Connection,
    schema: &Schema,
    family: &[usize],
    engine: &[Bound<'_>],
    deleted_at: &Option<String>,
) -> rusqlite::Result<()> {
    let (Some(&table), Some(key)) = (family.first(), engine.first()) else { return Ok(()) };
    db.prepare_cached(&Sqlite.tombstone(&schema.tables[table]))?.execute(rusqlite::params_from_iter(engine))?;
    for &child in family.iter().skip(1).filter(|&&child| schema.tables[child].has_rows) {
        db.prepare_cached(&Sqlite.mark_children(&schema.tables[child]))?.execute(params![key, deleted_at])?;
    }
    Ok(())
}

fn insert(db: &Connection, table: &Table, rows: &[Ready<'_>]) -> rusqlite::Result<()> {
    let width = engine_columns(table).len() + table.columns.len();
    let at_once = (PARAMETERS_MAX / width).clamp(1, ROWS_MAX);
    let (whole, rest) = rows.split_at(rows.len() - rows.len() % at_once);
    run(db, table, whole, at_once)?;
    run(db, table, rest, 1)
}

fn run(db: &Connection, table: &Table, rows: &[Ready<'_>], at_once: usize) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let engine_width = engine_columns(table).len();
    let width = engine_width + table.columns.len();
    let mut statement = db.prepare_cached(&Sqlite.insert(table, at_once))?;
    for chunk in rows.chunks(at_once) {
        statement.clear_bindings();
        for (index, ready) in chunk.iter().enumerate() {
            let base = index * width + 1;
            for (column, value) in ready.engine.iter().enumerate() {
                statement.raw_bind_parameter(base + column, value)?;
            }
            for (column, cell) in &ready.row.cells {
                let kind = table.columns.get(*column).map_or(Kind::Json, |column| column.kind);
                statement.raw_bind_parameter(base + engine_width + column, Stored(cell, kind))?;
            }
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// A column that some row left empty is nullable from now on, and the catalog says so.
fn note_nulls(db: &Connection, table: &mut Table, index: usize, rows: &[Ready<'_>]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    table.has_rows = true;
    let is_settled = table.columns.iter().all(|column| column.nullable);
    if is_settled {
        return Ok(());
    }
    let mut filled = vec![(0_usize, usize::MAX); table.columns.len()];
    for (number, ready) in rows.iter().enumerate() {
        for (column, _) in &ready.row.cells {
            if let Some((count, last)) = filled.get_mut(*column)
                && *last != number
            {
                (*count, *last) = (*count + 1, number);
            }
        }
    }
    for (ordinal, (column, (count, _))) in table.columns.iter_mut().zip(filled).enumerate() {
        if !column.nullable && count < rows.len() {
            column.nullable = true;
            super::catalog::save_column(db, index, ordinal, column)?;
        }
    }
    Ok(())
}

fn overflow_of(row: &Row<'_>, applied: &mut Applied) -> Option<String> {
    if row.overflow.is_empty() {
        return None;
    }
    applied.overflow += row.overflow.len() as u64;
    let fields: Vec<String> = row.overflow.iter().map(|(path, raw)| format!("{}:{raw}", json::quote(path))).collect();
    Some(format!("{{{}}}", fields.join(",")))
}

/// A cell in the form of its column's kind.
struct Stored<'c, 'a>(&'c Cell<'a>, Kind);

impl ToSql for Stored<'_, '_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match (self.0, self.1) {
            (Cell::Boolean(value), Kind::Boolean) => Bound::Owned(Value::Integer(i64::from(*value))),
            (Cell::Boolean(value), _) => text(if *value { "true" } else { "false" }),
            (Cell::Integer(value), Kind::Integer) => Bound::Owned(Value::Integer(*value)),
            (Cell::Integer(value), _) => owned(value.to_string()),
            (Cell::Text(value), Kind::Json) => owned(json::quote(value)),
            (Cell::Text(value), _) => text(value),
            (Cell::Exact(raw) | Cell::Json(raw), _) => text(raw),
        })
    }
}

/// The same moment is written many times in a row.
#[derive(Default)]
struct Times(Option<(jiff::Timestamp, String)>);

impl Times {
    fn text(&mut self, time: jiff::Timestamp) -> String {
        match &self.0 {
            Some((known, text)) if *known == time => text.clone(),
            _ => self.0.insert((time, time.to_string())).1.clone(),
        }
    }
}

fn text(text: &str) -> Bound<'_> {
    Bound::Borrowed(ValueRef::Text(text.as_bytes()))
}

fn owned(text: String) -> Bound<'static> {
    Bound::Owned(Value::Text(text))
}

fn optional(text: Option<String>) -> Bound<'static> {
    Bound::Owned(text.map_or(Value::Null, Value::Text))
}

fn version(version: Option<i128>) -> Bound<'static> {
    let Some(version) = version else { return Bound::Owned(Value::Null) };
    Bound::Owned(i64::try_from(version).map_or_else(|_| Value::Text(version.to_string()), Value::Integer))
}
