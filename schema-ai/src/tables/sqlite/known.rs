//! What a tenant's file knows of a record.

use rusqlite::{Connection, OptionalExtension, params, types::ValueRef};

use super::{catalog::number, sql::Sqlite};
use crate::tables::{fold::Known, schema::Schema};

/// The newest version that was ever seen of this record.
pub(super) fn version(db: &Connection, schema: &Schema, table: usize, key: &str) -> rusqlite::Result<Option<Known>> {
    if !schema.tables[table].has_rows {
        return Ok(None);
    }
    let row =
        db.prepare_cached(&Sqlite::version(&schema.tables[table]))?.query_row([key], |row| Ok(version_of(row.get_ref(0)?))).optional()?;
    if let Some(version) = row {
        return Ok(Some(Known { exists: true, version }));
    }
    let sql = "SELECT version FROM _syncline_gone WHERE table_id = ? AND key = ?";
    let gone = db.prepare_cached(sql)?.query_row(params![number(table), key], |row| Ok(version_of(row.get_ref(0)?))).optional()?;
    Ok(gone.map(|version| Known { exists: false, version }))
}

fn version_of(value: ValueRef<'_>) -> Option<i128> {
    match value {
        ValueRef::Integer(version) => Some(i128::from(version)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}
