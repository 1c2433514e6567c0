//! Writes events into the tables of one tenant: rows, schema and log position in one transaction, so that the tables are the log
//! up to a place, whenever the process dies.

mod insert;
mod place;

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use syncline_model::{
    Quarantined, RecordKey, TenantId,
    log::{Logged, Position},
};

use super::{catalog, known};
use crate::{
    metrics,
    tables::{
        fault::{TableFault, unavailable},
        fold::Fold,
        port::{Applied, Rejected, TablePolicy, TableWriter},
        schema::Schema,
    },
};

/// The tables of one tenant, open for writing. A second writer does no harm, but both have to read anew what the other one did.
pub struct SqliteWriter {
    tenant: TenantId,
    db: Connection,
    schema: Schema,
    policy: TablePolicy,
    position: Position,
    schema_version: i64,
    /// A batch failed, so that the schema in memory may be ahead of the file.
    is_stale: bool,
}

impl SqliteWriter {
    /// Opens the tenant's tables in this file, or makes it.
    pub fn open(file: &Path, tenant: &TenantId, policy: TablePolicy) -> Result<Self, TableFault> {
        let fault = unavailable(tenant.as_str());
        let mut db = Connection::open(file).map_err(&fault)?;
        let found = catalog::format(&db).map_err(&fault)?;
        if found > catalog::FORMAT {
            return Err(TableFault::Newer { tenant: tenant.to_string(), found, known: catalog::FORMAT });
        }
        let owner = prepare(&mut db, tenant).map_err(&fault)?;
        if owner != tenant.as_str() {
            return Err(TableFault::ForeignTenant { owner, asked: tenant.to_string() });
        }
        let mut writer = Self {
            tenant: tenant.clone(),
            db,
            schema: Schema::default(),
            policy,
            position: Position::default(),
            schema_version: -1,
            is_stale: true,
        };
        writer.refresh().map_err(&fault)?;
        Ok(writer)
    }

    fn read_rejected(&self, records_max: usize) -> rusqlite::Result<Vec<Rejected>> {
        let sql = "SELECT id, integration, connector, stream, key, body, cause, at FROM _syncline_rejected WHERE reported = 0 ORDER BY id LIMIT ?";
        let mut found = self.db.prepare_cached(sql)?;
        let mut rows = found.query([catalog::number(records_max)])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let ids = (row.get::<_, String>(1)?.parse(), row.get::<_, String>(2)?.parse(), row.get::<_, String>(3)?.parse());
            let (Ok(integration), Ok(connector), Ok(stream)) = ids else { continue };
            let key = Some(RecordKey::of([row.get::<_, String>(4)?.as_str()]));
            let body = row.get::<_, Vec<u8>>(5)?.into();
            let record = Quarantined { tenant: self.tenant.clone(), integration, connector, stream, key, body, cause: row.get(6)? };
            records.push((row.get(0)?, record, row.get::<_, String>(7)?.parse().unwrap_or(Timestamp::UNIX_EPOCH)));
        }
        Ok(records)
    }

    /// Looks at the file again where it may differ from what we know.
    fn refresh(&mut self) -> rusqlite::Result<()> {
        if self.is_stale {
            self.schema = catalog::load(&self.db)?;
            self.schema.limit(self.policy.limits);
            self.position = catalog::position(&self.db)?;
            self.is_stale = false;
        }
        let version = self.db.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
        if version != self.schema_version {
            self.schema.foreign_names = catalog::names_in_use(&self.db)?;
            self.schema_version = version;
        }
        Ok(())
    }

    fn write(&mut self, batch: &[Logged]) -> rusqlite::Result<Applied> {
        let mut applied = Applied::default();
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = catalog::position(&step)?;
        if found != self.position {
            // Another process has written since: what it did is read anew, and what it wrote is not written again.
            self.schema = catalog::load(&step)?;
            self.schema.limit(self.policy.limits);
            self.schema.foreign_names = catalog::names_in_use(&step)?;
            self.position = found;
        }
        let mut position = self.position.clone();
        let mut folds: Vec<Fold<'_>> = Vec::new();
        let mut fold_of: HashMap<(&str, &str), usize> = HashMap::new();
        for logged in batch {
            if position.has_passed(&logged.place) {
                continue;
            }
            position.pass(&logged.place);
            applied.events += 1;
            let event = &logged.event;
            let index = *fold_of.entry((event.integration.as_str(), event.stream.as_str())).or_insert_with(|| {
                let table = self.schema.stream_table(event.connector.as_str(), event.integration.as_str(), event.stream.as_str());
                folds.push(Fold::new(table));
                folds.len() - 1
            });
            let table = folds[index].table;
            let asked = |schema: &Schema, key: &str| known::version(&step, schema, table, key);
            folds[index].take(&mut self.schema, logged, &mut applied, asked)?;
        }
        if applied.events == 0 {
            return Ok(applied);
        }
        let at = batch.last().map(|last| last.committed.to_string()).unwrap_or_default();
        let changes = self.schema.take_changes();
        applied.schema_changes = changes.len() as u64;
        catalog::grow(&step, &self.schema, &changes, &at)?;
        for fold in &folds {
            place::write(&step, &mut self.schema, fold, self.policy.deletes, &mut applied)?;
        }
        for (logged, cause) in folds.iter().flat_map(|fold| &fold.unusable) {
            set_aside(&step, logged, cause)?;
        }
        catalog::save_position(&step, &position)?;
        step.commit()?;
        self.position = position;
        Ok(applied)
    }
}

impl TableWriter for SqliteWriter {
    fn position(&self) -> &Position {
        &self.position
    }

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn apply(&mut self, batch: &[Logged]) -> Result<Applied, TableFault> {
        if let Some(foreign) = batch.iter().find(|logged| logged.event.tenant != self.tenant) {
            return Err(TableFault::ForeignTenant { owner: self.tenant.to_string(), asked: foreign.event.tenant.to_string() });
        }
        let started = Instant::now();
        let applied = self.refresh().and_then(|()| self.write(batch));
        self.is_stale = applied.is_err();
        let applied = applied.map_err(unavailable(self.tenant.as_str()))?;
        metrics::observe(&applied, started.elapsed());
        Ok(applied)
    }

    fn rejected(&mut self, records_max: usize) -> Result<Vec<Rejected>, TableFault> {
        self.read_rejected(records_max).map_err(unavailable(self.tenant.as_str()))
    }

    fn mark_reported(&mut self, ids: &[i64]) -> Result<(), TableFault> {
        let mark = |db: &mut Connection| {
            let step = db.transaction()?;
            for id in ids {
                step.prepare_cached("UPDATE _syncline_rejected SET reported = 1 WHERE id = ?")?.execute([id])?;
            }
            step.commit()
        };
        mark(&mut self.db).map_err(unavailable(self.tenant.as_str()))
    }
}

fn prepare(db: &mut Connection, tenant: &TenantId) -> rusqlite::Result<String> {
    db.busy_timeout(Duration::from_secs(30))?;
    db.set_prepared_statement_cache_capacity(128);
    db.pragma_update(None, "journal_mode", "WAL")?;
    // The log forgets that we have read an event as soon as we say so, so what we say must survive a loss of power.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "cache_size", -16_000)?;
    catalog::make(db, tenant.as_str())
}

/// Sets a record aside that cannot be used.
fn set_aside(db: &Connection, logged: &Logged, cause: &str) -> rusqlite::Result<()> {
    let event = &logged.event;
    let sql = "INSERT INTO _syncline_rejected (at, integration, connector, stream, key, cause, body) VALUES (?,?,?,?,?,?,?)";
    let names = (event.integration.as_str(), event.connector.as_str(), event.stream.as_str(), event.key.as_str());
    db.prepare_cached(sql)?.execute(params![
        logged.committed.to_string(),
        names.0,
        names.1,
        names.2,
        names.3,
        cause,
        event.body.as_ref()
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests;
