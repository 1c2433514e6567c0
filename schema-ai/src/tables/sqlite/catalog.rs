//! The engine's own tables in a tenant's file: what the tables and columns are, how far the log was read, what was refused, what
//! changed.

use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior, params};
use syncline_model::log::{PartitionName, Position};

use super::sql::Sqlite;
use crate::{
    infer::Kind,
    tables::{
        name::quoted,
        schema::{Change, Column, Schema, Table},
    },
};

/// The format of the file, in `PRAGMA user_version`.
pub(crate) const FORMAT: i64 = 1;

const MAKE: &str = "
CREATE TABLE IF NOT EXISTS _syncline_meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, connector TEXT NOT NULL,
    integration TEXT NOT NULL, stream TEXT NOT NULL, parent_id INTEGER, path TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_columns (table_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, name TEXT NOT NULL,
    path TEXT NOT NULL, type TEXT NOT NULL, nullable INTEGER NOT NULL, moment INTEGER, PRIMARY KEY (table_id, ordinal)) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_changes (id INTEGER PRIMARY KEY, at TEXT NOT NULL, change TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_position (partition TEXT NOT NULL PRIMARY KEY, offset INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_gone (table_id INTEGER NOT NULL, key TEXT NOT NULL, version ANY,
    PRIMARY KEY (table_id, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _syncline_rejected (id INTEGER PRIMARY KEY, at TEXT NOT NULL, integration TEXT NOT NULL,
    connector TEXT NOT NULL, stream TEXT NOT NULL, key TEXT NOT NULL, cause TEXT NOT NULL, body BLOB NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0) STRICT;
";

/// Makes the engine's tables and claims the file for a tenant, all at once. Gives the tenant whose file it is.
pub(crate) fn make(db: &mut Connection, tenant: &str) -> Result<String> {
    if format(db)? != FORMAT {
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(MAKE)?;
        step.execute("INSERT OR IGNORE INTO _syncline_meta (name, value) VALUES ('tenant', ?1)", [tenant])?;
        step.pragma_update(None, "user_version", FORMAT)?;
        step.commit()?;
    }
    owner(db)
}

/// Whose file it is.
pub(crate) fn owner(db: &Connection) -> Result<String> {
    db.query_row("SELECT value FROM _syncline_meta WHERE name = 'tenant'", [], |row| row.get(0))
}

/// The schema as the file has it.
pub(crate) fn load(db: &Connection) -> Result<Schema> {
    let mut schema = shape(db)?;
    for index in 0..schema.tables.len() {
        let table = &mut schema.tables[index];
        // What is gone for good still has a version that later events are compared with.
        let sql =
            format!("SELECT EXISTS (SELECT 1 FROM {}) OR EXISTS (SELECT 1 FROM _syncline_gone WHERE table_id = ?1)", quoted(&table.name));
        table.has_rows = db.query_row(&sql, [number(index)], |row| row.get(0))?;
    }
    Ok(schema)
}

/// The schema without what is in the tables.
pub(crate) fn shape(db: &Connection) -> Result<Schema> {
    let mut schema = Schema::default();
    let mut tables = db.prepare("SELECT name, connector, integration, stream, parent_id, path FROM _syncline_tables ORDER BY id")?;
    let mut rows = tables.query([])?;
    while let Some(row) = rows.next()? {
        let texts: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        let [name, connector, integration, stream] = texts;
        schema.tables.push(Table::new(name, &connector, &integration, &stream, optional_index(row, 4)?, row.get(5)?));
    }
    let mut columns =
        db.prepare("SELECT table_id, name, path, type, nullable, moment FROM _syncline_columns ORDER BY table_id, ordinal")?;
    let mut rows = columns.query([])?;
    while let Some(row) = rows.next()? {
        let table = optional_index(row, 0)?.unwrap_or(usize::MAX);
        let kind = Kind::named(&row.get::<_, String>(3)?).unwrap_or(Kind::Text);
        let column = Column { name: row.get(1)?, path: row.get(2)?, kind, nullable: row.get(4)?, moment: optional_index(row, 5)? };
        if let Some(table) = schema.tables.get_mut(table) {
            table.columns.push(column);
        }
    }
    schema.link();
    Ok(schema)
}

/// Every name in the file, lower case: what a new table must not be called.
pub(crate) fn names_in_use(db: &Connection) -> Result<Vec<String>> {
    let mut names = db.prepare_cached("SELECT lower(name) FROM sqlite_schema")?;
    names.query_map([], |row| row.get(0))?.collect()
}

/// Makes what the schema has and the file has not.
pub(crate) fn grow(db: &Connection, schema: &Schema, changes: &[Change], at: &str) -> Result<()> {
    let is_new_table = |table: usize| changes.contains(&Change::Table(table));
    let mut widened = Vec::new();
    for change in changes {
        match *change {
            Change::Full(table) => note(db, at, &schema.tables[table].full_note(schema.limits))?,
            Change::Table(table) => {
                let of = &schema.tables[table];
                db.execute_batch(&Sqlite::create(of))?;
                db.prepare_cached(
                    "INSERT INTO _syncline_tables (id, name, connector, integration, stream, parent_id, path) VALUES (?,?,?,?,?,?,?)",
                )?
                .execute(params![
                    number(table),
                    of.name,
                    of.connector,
                    of.integration,
                    of.stream,
                    of.parent.map(number),
                    of.path
                ])?;
                note(db, at, &format!("table `{}` was made", of.name))?;
            }
            Change::Column(table, column) => {
                let (of, new) = (&schema.tables[table], &schema.tables[table].columns[column]);
                if !is_new_table(table) {
                    db.execute_batch(&Sqlite::add_column(of, new))?;
                    note(db, at, &format!("column `{}` was added to `{}`", new.name, of.name))?;
                }
                save_column(db, table, column, new)?;
            }
            Change::Widened(table, column, before) => {
                let is_new = is_new_table(table) || changes.contains(&Change::Column(table, column));
                let is_repeated = widened.contains(&(table, column));
                if is_new || is_repeated {
                    continue;
                }
                widened.push((table, column));
                let (of, wider) = (&schema.tables[table], &schema.tables[table].columns[column]);
                if let Some(sql) = Sqlite::widen(of, wider, before) {
                    db.execute_batch(&sql)?;
                }
                save_column(db, table, column, wider)?;
                note(db, at, &format!("column `{}` of `{}` was widened from {before} to {}", wider.name, of.name, wider.kind))?;
            }
        }
    }
    Ok(())
}

/// Writes a column down as it is now.
pub(crate) fn save_column(db: &Connection, table: usize, ordinal: usize, column: &Column) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO _syncline_columns (table_id, ordinal, name, path, type, nullable, moment) VALUES (?,?,?,?,?,?,?)",
    )?
    .execute(params![
        number(table),
        number(ordinal),
        column.name,
        column.path,
        column.kind.as_str(),
        column.nullable,
        column.moment.map(number)
    ])?;
    Ok(())
}

fn note(db: &Connection, at: &str, change: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO _syncline_changes (at, change) VALUES (?, ?)")?.execute([at, change])?;
    Ok(())
}

/// How far the log was read.
pub(crate) fn position(db: &Connection) -> Result<Position> {
    let mut rows = db.prepare_cached("SELECT partition, offset FROM _syncline_position")?;
    let places = rows.query_map([], |row| Ok((PartitionName(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))?;
    Ok(Position(places.collect::<Result<_>>()?))
}

/// Writes down how far the log was read.
pub(crate) fn save_position(db: &Connection, position: &Position) -> Result<()> {
    let mut save = db.prepare_cached("INSERT OR REPLACE INTO _syncline_position (partition, offset) VALUES (?, ?)")?;
    for (partition, offset) in &position.0 {
        save.execute(params![partition.0, offset.cast_signed()])?;
    }
    Ok(())
}

/// The format of a file, 0 for a new one.
pub(crate) fn format(db: &Connection) -> Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0)).optional().map(Option::unwrap_or_default)
}

/// An index or a count as SQLite takes it.
pub(crate) fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn optional_index(row: &rusqlite::Row<'_>, at: usize) -> Result<Option<usize>> {
    row.get::<_, Option<i64>>(at).map(|index| index.and_then(|index| usize::try_from(index).ok()))
}
