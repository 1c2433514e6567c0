//! The file: its tables, its pragmas, its version.

use std::{num::NonZeroU16, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use syncline_model::LogFault;

use super::fault;

const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, shard INTEGER NOT NULL, tenant TEXT NOT NULL, committed_us INTEGER NOT NULL, event BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_tenant ON events (tenant, seq);
CREATE INDEX IF NOT EXISTS events_of_shard ON events (shard, seq);
CREATE TABLE IF NOT EXISTS cursors (tenant TEXT, integration TEXT, stream TEXT, part TEXT, revision INTEGER NOT NULL, cursor BLOB NOT NULL,
  PRIMARY KEY (tenant, integration, stream, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (shard INTEGER, offset INTEGER, tenant TEXT NOT NULL, integration TEXT NOT NULL, kind INTEGER NOT NULL,
  received_ns TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (shard, offset)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shards (shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, inbox_last INTEGER NOT NULL, inbox_done INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seen (tenant TEXT, delivery TEXT, until_us INTEGER NOT NULL, PRIMARY KEY (tenant, delivery)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_until ON seen (until_us);
CREATE TABLE IF NOT EXISTS consumer_groups (name TEXT, shard INTEGER, seq INTEGER NOT NULL, PRIMARY KEY (name, shard)) WITHOUT ROWID;
";

/// Checkpoints are the keeper's; SQLite's own, in the middle of a commit, is for the case that the keeper falls far behind.
const AUTOCHECKPOINT_PAGES: u32 = 64_000;

/// Opens the file for writing, and makes it and its folder if they do not exist.
pub fn open(path: &Path) -> Result<Connection, LogFault> {
    let named = |error: &dyn std::fmt::Display| LogFault::Unavailable(format!("`{}` cannot be opened: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| named(&error))?;
    }
    let connection = Connection::open(path).map_err(|error| named(&error))?;
    connection.busy_timeout(Duration::from_secs(30)).map_err(fault)?;
    let pragmas = "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; PRAGMA journal_size_limit=67108864;";
    let pragmas = format!("{pragmas} PRAGMA wal_autocheckpoint={AUTOCHECKPOINT_PAGES};");
    connection.execute_batch(&pragmas).map_err(|error| named(&error))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens the file for reading only.
pub fn open_reader(path: &Path) -> Result<Connection, LogFault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(Duration::from_secs(30)).map_err(fault)?;
    connection.execute_batch("PRAGMA cache_size=-4000;").map_err(fault)?;
    Ok(connection)
}

/// Makes the tables, or checks that they are of a version we know. Returns the number of shards.
pub fn prepare(connection: &Connection, shards: NonZeroU16) -> Result<NonZeroU16, LogFault> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
    if version > VERSION {
        return Err(LogFault::Damaged(format!("the file has version {version} and this program knows {VERSION}; use a newer program")));
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
    let made = tables(connection, shards);
    let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).map_err(fault)?;
    made
}

fn tables(connection: &Connection, shards: NonZeroU16) -> Result<NonZeroU16, LogFault> {
    connection.execute_batch(TABLES).map_err(fault)?;
    connection.execute_batch(&format!("PRAGMA user_version={VERSION}")).map_err(fault)?;
    let found: Option<u16> =
        connection.query_row("SELECT value FROM meta WHERE name = 'shards'", [], |row| row.get(0)).optional().map_err(fault)?;
    let count = found.and_then(NonZeroU16::new).unwrap_or(shards);
    connection.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('shards', ?1), ('head', 0)", [count.get()]).map_err(fault)?;
    for shard in 0..count.get() {
        connection.execute("INSERT OR IGNORE INTO shards VALUES (?1, 0, 0, 0)", [shard]).map_err(fault)?;
    }
    Ok(count)
}

/// The sequence number of the last event ever written.
pub fn head(connection: &Connection) -> Result<u64, LogFault> {
    let head: i64 = connection.query_row("SELECT value FROM meta WHERE name = 'head'", [], |row| row.get(0)).map_err(fault)?;
    Ok(head.unsigned_abs())
}

/// The epoch of the latest owner.
pub fn epoch(connection: &Connection) -> Result<i64, LogFault> {
    connection.query_row("SELECT max(epoch) FROM shards", [], |row| row.get(0)).map_err(fault)
}
