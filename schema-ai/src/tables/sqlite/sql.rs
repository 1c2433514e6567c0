//! The SQL of a tenant's tables in SQLite. Every text that goes into it is a name that the schema made.

use crate::{
    infer::Kind,
    tables::{
        engine::{STREAM_COLUMNS, engine_columns},
        name::quoted,
        schema::{Column, Table},
    },
};

/// SQLite. All tables are `STRICT`, and a column is either `TEXT` and only ever gets texts, or `ANY`: so SQLite never converts.
#[derive(Clone, Copy)]
pub(crate) struct Sqlite;

fn key_column(table: &Table) -> &'static str {
    if table.parent.is_none() { "_syncline_key" } else { "_syncline_root_key" }
}

fn storage(kind: Kind) -> &'static str {
    // A number or a boolean may become a text later, and only `ANY` takes both as they are.
    match kind {
        Kind::Null | Kind::Boolean | Kind::Integer => "ANY",
        Kind::BigInteger | Kind::Decimal | Kind::Timestamp | Kind::Date | Kind::Uuid | Kind::Text | Kind::Json => "TEXT",
    }
}

fn column_list(table: &Table) -> Vec<String> {
    let engine = engine_columns(table).iter().map(|name| quoted(name));
    engine.chain(table.columns.iter().map(|column| quoted(&column.name))).collect()
}

fn excluded(columns: impl IntoIterator<Item = String>) -> String {
    let assignments: Vec<String> = columns.into_iter().map(|name| format!("{name}=excluded.{name}")).collect();
    assignments.join(", ")
}

impl Sqlite {
    /// Makes a table with all of its columns.
    pub(crate) fn create(table: &Table) -> String {
        let engine = if table.parent.is_none() {
            "_syncline_key TEXT NOT NULL PRIMARY KEY, _syncline_version ANY, _syncline_event_id TEXT NOT NULL, _syncline_deleted_at TEXT, \
             _syncline_first_seen TEXT NOT NULL, _syncline_last_seen TEXT NOT NULL, _syncline_offset INTEGER NOT NULL, \
             _syncline_overflow TEXT"
        } else {
            "_syncline_root_key TEXT NOT NULL, _syncline_key TEXT NOT NULL, _syncline_parent_key TEXT NOT NULL, \
             _syncline_index INTEGER NOT NULL, _syncline_deleted_at TEXT, _syncline_overflow TEXT"
        };
        let own: Vec<String> = table.columns.iter().map(|column| format!(", {} {}", quoted(&column.name), storage(column.kind))).collect();
        let key = if table.parent.is_none() { "" } else { ", PRIMARY KEY (_syncline_root_key, _syncline_key)" };
        format!("CREATE TABLE {} ({engine}{}{key}) STRICT", quoted(&table.name), own.concat())
    }

    /// Adds a column.
    pub(crate) fn add_column(table: &Table, column: &Column) -> String {
        format!("ALTER TABLE {} ADD COLUMN {} {}", quoted(&table.name), quoted(&column.name), storage(column.kind))
    }

    /// Brings stored values into the form of the wider kind; `None` where they have it already.
    pub(crate) fn widen(table: &Table, column: &Column, before: Kind) -> Option<String> {
        let name = quoted(&column.name);
        let is_text = matches!(before, Kind::Timestamp | Kind::Date | Kind::Uuid | Kind::Text);
        let form = match before {
            Kind::Boolean => format!("CASE {name} WHEN 0 THEN 'false' ELSE 'true' END"),
            Kind::Integer => format!("CAST({name} AS TEXT)"),
            _ if is_text && column.kind == Kind::Json => format!("json_quote({name})"),
            _ => return None,
        };
        Some(format!("UPDATE {} SET {name} = {form} WHERE {name} IS NOT NULL", quoted(&table.name)))
    }

    /// Puts in this many rows; a stream's row replaces the one with the same key, except for when it was first seen.
    pub(crate) fn insert(table: &Table, rows: usize) -> String {
        let columns = column_list(table);
        let row = format!("({})", vec!["?"; columns.len()].join(","));
        let head = format!("INSERT INTO {} ({}) VALUES {}", quoted(&table.name), columns.join(","), vec![row.as_str(); rows].join(","));
        if table.parent.is_some() {
            return head;
        }
        let fixed = [quoted("_syncline_key"), quoted("_syncline_first_seen")];
        let replaced = columns.into_iter().filter(|name| !fixed.contains(name));
        format!("{head} ON CONFLICT (_syncline_key) DO UPDATE SET {}", excluded(replaced))
    }

    /// Marks a row as deleted, or leaves the mark of one that never was here. Parameters: the engine's columns.
    pub(crate) fn tombstone(table: &Table) -> String {
        let marks = ["_syncline_version", "_syncline_event_id", "_syncline_deleted_at", "_syncline_last_seen", "_syncline_offset"];
        format!(
            "INSERT INTO {} ({}) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (_syncline_key) DO UPDATE SET {}",
            quoted(&table.name),
            STREAM_COLUMNS.join(","),
            excluded(marks.map(str::to_owned))
        )
    }

    /// The version of the row with the key `?1`.
    pub(crate) fn version(table: &Table) -> String {
        format!("SELECT _syncline_version FROM {} WHERE _syncline_key = ?1", quoted(&table.name))
    }

    /// Removes the rows of the record with the key `?1`.
    pub(crate) fn remove(table: &Table) -> String {
        format!("DELETE FROM {} WHERE {} = ?1", quoted(&table.name), key_column(table))
    }

    /// Marks the child rows of the record with the key `?1` as deleted at `?2`.
    pub(crate) fn mark_children(table: &Table) -> String {
        format!("UPDATE {} SET _syncline_deleted_at = ?2 WHERE _syncline_root_key = ?1", quoted(&table.name))
    }
}
