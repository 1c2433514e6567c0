//! The port of a tenant's tables: who writes them, who reads them, and where all of them are. SQLite and PostgreSQL implement it, and
//! one conformance suite holds both.
//!
//! The traits wait for a disk or a server: call them on a thread that may block.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use syncline_model::{
    Event, Quarantined, Secret, TenantId,
    log::{Logged, PartitionName, Place, Position},
};

use super::{
    database::Database,
    fault::TableFault,
    schema::Limits,
    view::{Compare, Filter, Page, RowQuery, TableView},
};

/// What a deletion does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deletes {
    /// The row stays and says when it was deleted.
    #[default]
    Soft,
    /// The row goes; only its key and version are remembered, so that an older state does not bring it back.
    Hard,
}

/// How tables are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct TablePolicy {
    /// How far the schema may grow.
    pub limits: Limits,
    /// What a deletion does.
    pub deletes: Deletes,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Events that were not passed before.
    pub events: u64,
    /// Events of these that an equal or newer state made void.
    pub outdated: u64,
    /// Rows written, child rows included.
    pub rows: u64,
    /// Records marked or removed.
    pub deleted: u64,
    /// Values that went to an overflow column.
    pub overflow: u64,
    /// Records that could not be used.
    pub rejected: u64,
    /// Tables and columns made or widened.
    pub schema_changes: u64,
}

impl std::ops::AddAssign for Applied {
    fn add_assign(&mut self, more: Self) {
        self.events += more.events;
        self.outdated += more.outdated;
        self.rows += more.rows;
        self.deleted += more.deleted;
        self.overflow += more.overflow;
        self.rejected += more.rejected;
        self.schema_changes += more.schema_changes;
    }
}

/// A record that was set aside: by which id it is said to be reported, what it is, and when it was committed to the log.
pub type Rejected = (i64, Quarantined, Timestamp);

/// The partition of events that come without a log.
const DIRECT: &str = "direct";

/// The tables of one tenant, open for writing: rows, schema and log position in one transaction, so that the tables are the log up to
/// a place, whenever the process dies.
pub trait TableWriter: Send {
    /// Whose tables they are.
    fn tenant(&self) -> &TenantId;

    /// How far the log was read.
    fn position(&self) -> &Position;

    /// Writes the events of a log, in its order. What was passed before is skipped; records that cannot be used are set aside.
    fn apply(&mut self, batch: &[Logged]) -> Result<Applied, TableFault>;

    /// Records that were set aside and not yet reported, oldest first.
    fn rejected(&mut self, records_max: usize) -> Result<Vec<Rejected>, TableFault>;

    /// These records were reported.
    fn mark_reported(&mut self, ids: &[i64]) -> Result<(), TableFault>;

    /// Writes events that come without a log, in this order.
    fn write_events(&mut self, events: Vec<Event>, at: Timestamp) -> Result<Applied, TableFault> {
        let partition = PartitionName(DIRECT.to_owned());
        let last = self.position().0.get(&partition).copied().unwrap_or_default();
        let logged = (last + 1..).zip(events).map(|(offset, event)| {
            let place = Place { partition: partition.clone(), offset };
            Logged { place, committed: at, event }
        });
        self.apply(&logged.collect::<Vec<_>>())
    }
}

/// The tables of one tenant, open for reading. A name comes from the catalog or is refused: nothing that was asked for becomes SQL.
pub trait TableReader: Send {
    /// All tables with their columns, sorted by name.
    fn tables(&self) -> Result<Vec<TableView>, TableFault>;

    /// One table with its columns.
    fn table(&self, name: &str) -> Result<TableView, TableFault>;

    /// How many rows a table has, without and with those that are marked as deleted.
    fn count(&self, name: &str) -> Result<(u64, u64), TableFault>;

    /// A page of rows, in the order of their keys.
    fn rows(&self, table: &str, query: &RowQuery) -> Result<Page, TableFault>;

    /// The rows of these records, in any order, without those that are marked as deleted.
    fn of_keys(&self, table: &str, keys: &[String]) -> Result<Vec<Map<String, Value>>, TableFault> {
        let mut found = Vec::new();
        for key in keys {
            let filter = Filter { column: "_syncline_key".to_owned(), compare: Compare::Is, value: Some(key.clone()) };
            found.extend(self.rows(table, &RowQuery { filters: vec![filter], rows_max: 1, ..RowQuery::default() })?.rows);
        }
        Ok(found)
    }

    /// The rows of a child table that are of these records, in any order, without those that are marked as deleted.
    fn of_roots(&self, table: &str, roots: &[String]) -> Result<Vec<Map<String, Value>>, TableFault> {
        let mut found = Vec::new();
        for root in roots {
            let filter = Filter { column: "_syncline_root_key".to_owned(), compare: Compare::Is, value: Some(root.clone()) };
            let mut query = RowQuery { filters: vec![filter], rows_max: usize::MAX, ..RowQuery::default() };
            loop {
                let page = self.rows(table, &query)?;
                found.extend(page.rows);
                query.cursor = page.next;
                if query.cursor.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// How far the log was read.
    fn position(&self) -> Result<Position, TableFault>;

    /// The changes of the schema, newest first: when (RFC 3339) and what.
    fn changes(&self, changes_max: usize) -> Result<Vec<(String, String)>, TableFault>;
}

/// What a tenant needs to look at its own tables with its own tools.
#[derive(Debug)]
pub struct TenantLogin {
    /// The database.
    pub database: String,
    /// The schema in which its tables are.
    pub schema: String,
    /// The role as which it logs in.
    pub role: String,
    /// The role's password. Nobody keeps it: who loses it asks for another one.
    pub password: Secret,
}

/// Where all tenants' tables are.
pub trait TableHome: Send + Sync {
    /// Opens a tenant's tables for writing, or makes them.
    fn writer(&self, tenant: &TenantId, policy: TablePolicy) -> Result<Box<dyn TableWriter>, TableFault>;

    /// Opens a tenant's tables for reading. `None` if it has none yet.
    fn reader(&self, tenant: &TenantId) -> Result<Option<Box<dyn TableReader>>, TableFault>;

    /// Opens the database in which a tenant's tables are, for what is kept beside them. `None` if it has no tables yet.
    fn database(&self, tenant: &TenantId) -> Result<Option<Box<dyn Database>>, TableFault>;

    /// All tenants that have tables, each with a mark that changes when something of it is written; now and then it is late.
    fn tenants(&self) -> Result<Vec<(TenantId, String)>, TableFault>;

    /// Gives the tenant a new password for its own role, which ends the one before. `None` where tables are not reached by logging in.
    fn login(&self, tenant: &TenantId) -> Result<Option<TenantLogin>, TableFault>;
}

/// Any place for tables.
pub type AnyHome = Arc<dyn TableHome>;
