//! Puts rows that are ready into their table, many with one statement.

use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, Value, ValueRef},
};

use crate::{
    infer::Kind,
    json,
    tables::{
        engine::engine_columns,
        flatten::{Cell, Row},
        schema::Table,
        sqlite::{catalog, sql::Sqlite},
    },
};

/// SQLite takes 32,766 parameters; more rows than this in one statement gain nothing.
const ROWS_MAX: usize = 32;
const PARAMETERS_MAX: usize = 32_000;

pub(super) type Bound<'a> = ToSqlOutput<'a>;

/// A row with its engine columns, ready to be bound.
pub(super) struct Ready<'a> {
    pub engine: Vec<Bound<'a>>,
    pub row: &'a Row<'a>,
}

/// Puts rows in.
pub(super) fn insert(db: &Connection, table: &Table, rows: &[Ready<'_>]) -> rusqlite::Result<()> {
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
    let mut statement = db.prepare_cached(&Sqlite::insert(table, at_once))?;
    for chunk in rows.chunks(at_once) {
        statement.clear_bindings();
        for (index, ready) in chunk.iter().enumerate() {
            let base = index * width + 1;
            for (column, value) in ready.engine.iter().enumerate() {
                statement.raw_bind_parameter(base + column, value)?;
            }
            for (column, cell) in &ready.row.cells {
                let known = table.columns.get(*column);
                let kind = known.map_or(Kind::Json, |column| column.kind);
                statement.raw_bind_parameter(base + engine_width + column, Stored(cell, kind))?;
                if let (Cell::Moment(_, us), Some(moment)) = (cell, known.and_then(|column| column.moment)) {
                    statement.raw_bind_parameter(base + engine_width + moment, us)?;
                }
            }
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// A column that some row left empty is nullable from now on, and the catalog says so.
pub(super) fn note_nulls(db: &Connection, table: &mut Table, index: usize, rows: &[Ready<'_>]) -> rusqlite::Result<()> {
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
            catalog::save_column(db, index, ordinal, column)?;
        }
    }
    Ok(())
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
            (Cell::Text(value) | Cell::Moment(value, _), Kind::Json) => owned(json::quote(value)),
            (Cell::Text(value) | Cell::Moment(value, _), _) => text(value),
            (Cell::Exact(raw) | Cell::Json(raw), _) => text(raw),
        })
    }
}

pub(super) fn text(text: &str) -> Bound<'_> {
    Bound::Borrowed(ValueRef::Text(text.as_bytes()))
}

pub(super) fn owned(text: String) -> Bound<'static> {
    Bound::Owned(Value::Text(text))
}

pub(super) fn optional(text: Option<String>) -> Bound<'static> {
    Bound::Owned(text.map_or(Value::Null, Value::Text))
}

pub(super) fn version(version: Option<i128>) -> Bound<'static> {
    let Some(version) = version else { return Bound::Owned(Value::Null) };
    Bound::Owned(i64::try_from(version).map_or_else(|_| Value::Text(version.to_string()), Value::Integer))
}
