//! Reads a tenant's tables: what there is, and pages of rows. The connection cannot write, and a name comes from the catalog or is
//! refused: nothing that was asked for becomes SQL.

mod page;

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use syncline_model::{TenantId, log::Position, nearest};

pub use page::{Compare, Filter, Page, RowQuery};

use super::{
    catalog,
    fault::{TableFault, unavailable},
    file_of,
    name::quoted,
    schema::{Schema, Table},
};
use crate::infer::Kind;

/// A column as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// What is in it.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The JSON pointer of the field within the record, or within the list's element.
    pub path: String,
    /// Some row has no value here.
    pub nullable: bool,
}

/// A table as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableView {
    /// Its name.
    pub name: String,
    /// The connector of the integration.
    pub connector: String,
    /// The integration whose stream it holds.
    pub integration: String,
    /// The stream.
    pub stream: String,
    /// For a child table: the table of its parents, and where in them its lists are.
    pub parent: Option<String>,
    /// For a child table: the JSON pointer of the list within the parent.
    pub path: Option<String>,
    /// Its columns, without the engine's.
    pub columns: Vec<ColumnView>,
}

/// The tables of one tenant, open for reading.
pub struct TenantTables {
    tenant: TenantId,
    db: Connection,
}

impl TenantTables {
    /// Opens the tables of a tenant. `None` if it has none yet.
    pub fn open(folder: &Path, tenant: &TenantId) -> Result<Option<Self>, TableFault> {
        let file = file_of(folder, tenant);
        if file.exists() { Self::open_file(&file, tenant).map(Some) } else { Ok(None) }
    }

    /// Opens the tables of a tenant in this file.
    pub fn open_file(file: &Path, tenant: &TenantId) -> Result<Self, TableFault> {
        let fault = unavailable(tenant.as_str());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(file, flags).map_err(&fault)?;
        db.busy_timeout(std::time::Duration::from_secs(10)).map_err(&fault)?;
        let owner = catalog::owner(&db).map_err(&fault)?;
        if owner != tenant.as_str() {
            return Err(TableFault::ForeignTenant { owner, asked: tenant.to_string() });
        }
        Ok(Self { tenant: tenant.clone(), db })
    }

    /// All tables with their columns, sorted by name.
    pub fn tables(&self) -> Result<Vec<TableView>, TableFault> {
        let schema = self.schema()?;
        let mut views: Vec<TableView> = schema.tables.iter().map(|table| view(&schema, table)).collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(views)
    }

    /// One table with its columns.
    pub fn table(&self, name: &str) -> Result<TableView, TableFault> {
        let schema = self.schema()?;
        let table = find(&schema, name)?;
        Ok(view(&schema, table))
    }

    /// How many rows a table has, without and with those that are marked as deleted.
    pub fn count(&self, name: &str) -> Result<(u64, u64), TableFault> {
        let schema = self.schema()?;
        let sql = format!("SELECT count(*) - count(_syncline_deleted_at), count(*) FROM {}", quoted(&find(&schema, name)?.name));
        let counts = self.db.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let (live, all) = counts.map_err(unavailable(self.tenant.as_str()))?;
        Ok((live.cast_unsigned(), all.cast_unsigned()))
    }

    /// A page of rows, in the order of their keys.
    pub fn rows(&self, table: &str, query: &RowQuery) -> Result<Page, TableFault> {
        let schema = self.schema()?;
        page::read(&self.db, self.tenant.as_str(), find(&schema, table)?, query)
    }

    /// How far the log was read.
    pub fn position(&self) -> Result<Position, TableFault> {
        catalog::position(&self.db).map_err(unavailable(self.tenant.as_str()))
    }

    /// The changes of the schema, newest first: when (RFC 3339) and what.
    pub fn changes(&self, changes_max: usize) -> Result<Vec<(String, String)>, TableFault> {
        let read = || {
            let mut found = self.db.prepare_cached("SELECT at, change FROM _syncline_changes ORDER BY id DESC LIMIT ?")?;
            found.query_map([catalog::number(changes_max)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(unavailable(self.tenant.as_str()))
    }

    fn schema(&self) -> Result<Schema, TableFault> {
        catalog::load(&self.db).map_err(unavailable(self.tenant.as_str()))
    }
}

fn find<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, TableFault> {
    schema.tables.iter().find(|table| table.name == name).ok_or_else(|| TableFault::NoTable {
        table: name.to_owned(),
        hint: nearest::hint(name, schema.tables.iter().map(|table| table.name.as_str())),
    })
}

fn view(schema: &Schema, table: &Table) -> TableView {
    let own = table.columns.iter().filter(|column| !column.path.is_empty());
    TableView {
        name: table.name.clone(),
        connector: table.connector.clone(),
        integration: table.integration.clone(),
        stream: table.stream.clone(),
        parent: table.parent.and_then(|parent| schema.tables.get(parent)).map(|parent| parent.name.clone()),
        path: table.parent.map(|_| table.path.clone()),
        columns: own
            .map(|column| ColumnView { name: column.name.clone(), kind: column.kind, path: column.path.clone(), nullable: column.nullable })
            .collect(),
    }
}
