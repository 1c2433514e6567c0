//! The organizer's own tables in a tenant's file.

use std::{collections::BTreeMap, path::Path, time::Duration};

use rusqlite::{Connection, OptionalExtension, Result, params};
use syncline_model::{
    TenantId,
    log::{PartitionName, Position},
};

use super::UnifyFault;
use crate::tables::file_of;

const MAKE: &str = "
CREATE TABLE IF NOT EXISTS _syncline_profiles (stream TEXT NOT NULL PRIMARY KEY, key_paths TEXT NOT NULL, records INTEGER NOT NULL,
    profile TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_profiled (partition TEXT NOT NULL PRIMARY KEY, offset INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_plans (id INTEGER PRIMARY KEY AUTOINCREMENT, base INTEGER, at TEXT NOT NULL, why TEXT NOT NULL,
    state TEXT NOT NULL, note TEXT, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_organizing (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_walks (entity TEXT NOT NULL, stream TEXT NOT NULL, plan INTEGER NOT NULL, cursor TEXT,
    done INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (entity, stream)) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_held (stream TEXT NOT NULL PRIMARY KEY, plan INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_models (entity TEXT NOT NULL PRIMARY KEY, learnt_from INTEGER NOT NULL, model TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS _syncline_records (entity TEXT NOT NULL, id TEXT NOT NULL, stream TEXT NOT NULL, thing TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (entity, id)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _syncline_records_of ON _syncline_records (entity, thing);
CREATE TABLE IF NOT EXISTS _syncline_keys (entity TEXT NOT NULL, key INTEGER NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (entity, key, id)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _syncline_keys_of ON _syncline_keys (entity, id);
CREATE TABLE IF NOT EXISTS _syncline_refs (entity TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (entity, id, place)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _syncline_refs_to ON _syncline_refs (target);
CREATE TABLE IF NOT EXISTS _syncline_things (id INTEGER PRIMARY KEY, at TEXT NOT NULL, entity TEXT NOT NULL, what TEXT NOT NULL,
    thing TEXT NOT NULL, others TEXT NOT NULL, evidence TEXT NOT NULL) STRICT;
";

/// Opens a tenant's file for writing what the organizer keeps in it.
pub(super) fn open(folder: &Path, tenant: &TenantId) -> std::result::Result<Connection, UnifyFault> {
    let file = file_of(folder, tenant);
    if !file.exists() {
        return Err(UnifyFault::NoTables);
    }
    let db = Connection::open(file)?;
    db.busy_timeout(Duration::from_secs(30))?;
    db.set_prepared_statement_cache_capacity(64);
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // References between unified rows are made whole at the end of each transaction, in whatever order rows come.
    db.pragma_update(None, "foreign_keys", false)?;
    let is_made: bool =
        db.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_syncline_things')", [], |row| row.get(0))?;
    if !is_made {
        db.execute_batch(&format!("BEGIN IMMEDIATE; {MAKE} COMMIT;"))?;
    }
    Ok(db)
}

/// A setting or a mark.
pub(super) fn word(db: &Connection, name: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT value FROM _syncline_organizing WHERE name = ?")?.query_row([name], |row| row.get(0)).optional()
}

/// Keeps a setting or a mark.
pub(super) fn set_word(db: &Connection, name: &str, value: &str) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO _syncline_organizing (name, value) VALUES (?, ?)")?.execute([name, value])?;
    Ok(())
}

/// How far the log was profiled.
pub(super) fn position(db: &Connection) -> Result<Position> {
    let mut rows = db.prepare_cached("SELECT partition, offset FROM _syncline_profiled")?;
    let places = rows.query_map([], |row| Ok((PartitionName(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))?;
    Ok(Position(places.collect::<Result<BTreeMap<_, _>>>()?.into_iter().collect()))
}

/// Says how far the log was profiled.
pub(super) fn save_position(db: &Connection, position: &Position) -> Result<()> {
    for (partition, offset) in &position.0 {
        let sql = "INSERT OR REPLACE INTO _syncline_profiled (partition, offset) VALUES (?, ?)";
        db.prepare_cached(sql)?.execute(params![partition.0, offset.cast_signed()])?;
    }
    Ok(())
}

/// Writes a change of the tables down, beside those of the streams' tables.
pub(super) fn note(db: &Connection, change: &str) -> Result<()> {
    let at = jiff::Timestamp::now().to_string();
    db.prepare_cached("INSERT INTO _syncline_changes (at, change) VALUES (?, ?)")?.execute([at.as_str(), change])?;
    Ok(())
}
