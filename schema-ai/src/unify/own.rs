//! The organizer's own tables, beside a tenant's.

use std::collections::BTreeMap;

use syncline_model::log::{PartitionName, Position};

use super::UnifyFault;
use crate::tables::database::{Cell, Database, cells, marks};

/// Values of one statement.
pub(super) const VALUES_AT_ONCE: usize = 500;

const MAKE: &str = "
CREATE TABLE IF NOT EXISTS _syncline_profiles (stream TEXT NOT NULL PRIMARY KEY, key_paths TEXT NOT NULL, records {number} NOT NULL,
    profile TEXT NOT NULL) {end};
CREATE TABLE IF NOT EXISTS _syncline_profiled (partition TEXT NOT NULL PRIMARY KEY, \"offset\" {number} NOT NULL) {end};
CREATE TABLE IF NOT EXISTS _syncline_plans (id {counting_key}, base {number}, at TEXT NOT NULL, why TEXT NOT NULL,
    state TEXT NOT NULL, note TEXT, body TEXT NOT NULL) {end};
CREATE TABLE IF NOT EXISTS _syncline_organizing (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) {end};
CREATE TABLE IF NOT EXISTS _syncline_walks (entity TEXT NOT NULL, stream TEXT NOT NULL, plan {number} NOT NULL, cursor TEXT,
    done {number} NOT NULL, records {number} NOT NULL, PRIMARY KEY (entity, stream)) {end};
CREATE TABLE IF NOT EXISTS _syncline_held (stream TEXT NOT NULL PRIMARY KEY, plan {number} NOT NULL) {end};
CREATE TABLE IF NOT EXISTS _syncline_models (entity TEXT NOT NULL PRIMARY KEY, learnt_from {number} NOT NULL, model TEXT NOT NULL) {end};
CREATE TABLE IF NOT EXISTS _syncline_unified (name TEXT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (name, field)) {end};
CREATE TABLE IF NOT EXISTS _syncline_records (entity TEXT NOT NULL, id TEXT NOT NULL, stream TEXT NOT NULL, thing TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (entity, id)) {keyed_end};
CREATE INDEX IF NOT EXISTS _syncline_records_of ON _syncline_records (entity, thing);
CREATE TABLE IF NOT EXISTS _syncline_keys (entity TEXT NOT NULL, key {number} NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (entity, key, id)) {keyed_end};
CREATE INDEX IF NOT EXISTS _syncline_keys_of ON _syncline_keys (entity, id);
CREATE TABLE IF NOT EXISTS _syncline_refs (entity TEXT NOT NULL, id TEXT NOT NULL, place {number} NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (entity, id, place)) {keyed_end};
CREATE INDEX IF NOT EXISTS _syncline_refs_to ON _syncline_refs (target);
CREATE TABLE IF NOT EXISTS _syncline_parts (entity TEXT NOT NULL, id TEXT NOT NULL, root TEXT NOT NULL,
    PRIMARY KEY (entity, id)) {keyed_end};
CREATE INDEX IF NOT EXISTS _syncline_parts_of ON _syncline_parts (entity, root);
CREATE TABLE IF NOT EXISTS _syncline_things (id {counting_key}, at TEXT NOT NULL, entity TEXT NOT NULL, what TEXT NOT NULL,
    thing TEXT NOT NULL, others TEXT NOT NULL, evidence TEXT NOT NULL) {end};
";

/// Makes them, unless they are there.
pub(super) fn make(db: &dyn Database) -> Result<(), UnifyFault> {
    // The one that came last.
    if !db.columns("_syncline_parts")?.is_empty() {
        return Ok(());
    }
    let dialect = db.dialect();
    let statements = MAKE
        .replace("{number}", dialect.number)
        .replace("{counting_key}", dialect.counting_key)
        .replace("{end}", dialect.end)
        .replace("{keyed_end}", dialect.keyed_end);
    let step = db.begin()?;
    step.batch(&statements)?;
    Ok(step.commit()?)
}

/// A setting or a mark.
pub(super) fn word(db: &dyn Database, name: &str) -> Result<Option<String>, UnifyFault> {
    let found = db.row("SELECT value FROM _syncline_organizing WHERE name = ?", cells![name])?;
    Ok(found.map(|row| row.text(0)))
}

/// Keeps a setting or a mark.
pub(super) fn set_word(db: &dyn Database, name: &str, value: &str) -> Result<(), UnifyFault> {
    let sql = "INSERT INTO _syncline_organizing (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.run(sql, cells![name, value])?;
    Ok(())
}

/// How far the log was profiled.
pub(super) fn position(db: &dyn Database) -> Result<Position, UnifyFault> {
    let rows = db.rows("SELECT partition, \"offset\" FROM _syncline_profiled", &[])?;
    let places: BTreeMap<_, _> = rows.iter().map(|row| (PartitionName(row.text(0)), row.number(1).cast_unsigned())).collect();
    Ok(Position(places.into_iter().collect()))
}

/// Says how far the log was profiled.
pub(super) fn save_position(db: &dyn Database, position: &Position) -> Result<(), UnifyFault> {
    for (partition, offset) in &position.0 {
        let sql = "INSERT INTO _syncline_profiled (partition, \"offset\") VALUES (?, ?) \
                   ON CONFLICT (partition) DO UPDATE SET \"offset\" = excluded.\"offset\"";
        db.run(sql, cells![&partition.0, offset.cast_signed()])?;
    }
    Ok(())
}

/// Writes a change of the tables down, beside those of the streams' tables.
pub(super) fn note(db: &dyn Database, change: &str) -> Result<(), UnifyFault> {
    db.run("INSERT INTO _syncline_changes (at, change) VALUES (?, ?)", cells![jiff::Timestamp::now().to_string(), change])?;
    Ok(())
}

/// Writes rows, a few hundred values at once.
pub(super) fn insert(db: &dyn Database, into: &str, rows: &[Vec<Cell>], then: &str) -> Result<(), UnifyFault> {
    let Some(columns) = rows.first().map(Vec::len) else { return Ok(()) };
    let one = format!("({})", marks(columns));
    for some in rows.chunks((VALUES_AT_ONCE / columns).max(1)) {
        let values: Vec<Cell> = some.iter().flatten().cloned().collect();
        db.run(&format!("INSERT INTO {into} VALUES {} {then}", vec![one.as_str(); some.len()].join(",")), &values)?;
    }
    Ok(())
}
