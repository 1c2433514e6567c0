//! Reads a tenant's tables: what there is, and pages of rows. The connection cannot write, and a name comes from the catalog or is
//! refused: nothing that was asked for becomes SQL.

mod page;

use std::{cell::RefCell, path::Path, sync::Arc};

use rusqlite::{Connection, OpenFlags};
use syncline_model::{TenantId, log::Position};

use super::{catalog, file_of};
use crate::tables::{
    fault::{TableFault, unavailable},
    name::quoted,
    port::TableReader,
    schema::Schema,
    view::{Page, RowQuery, TableView, find, view, views},
};

/// The tables of one tenant, open for reading.
pub struct SqliteReader {
    tenant: TenantId,
    db: Connection,
    /// The tables as they were, and the number that SQLite gives another value when somebody writes. Very many tables take longer to
    /// look up than a page of one of them to read.
    known: RefCell<Option<(i64, Arc<Schema>)>>,
}

impl SqliteReader {
    /// Opens the tables of a tenant. `None` if it has none yet.
    pub fn open(folder: &Path, tenant: &TenantId) -> Result<Option<Self>, TableFault> {
        let file = file_of(folder, tenant);
        if !file.exists() {
            return Ok(None);
        }
        let db = connect(&file, tenant)?;
        // Nobody can see a file the moment it is there and already made.
        let is_made = catalog::format(&db).map_err(unavailable(tenant.as_str()))? > 0;
        if is_made { Self::of(db, tenant).map(Some) } else { Ok(None) }
    }

    /// Opens the tables of a tenant in this file.
    pub fn open_file(file: &Path, tenant: &TenantId) -> Result<Self, TableFault> {
        Self::of(connect(file, tenant)?, tenant)
    }

    fn of(db: Connection, tenant: &TenantId) -> Result<Self, TableFault> {
        let owner = catalog::owner(&db).map_err(unavailable(tenant.as_str()))?;
        if owner != tenant.as_str() {
            return Err(TableFault::ForeignTenant { owner, asked: tenant.to_string() });
        }
        Ok(Self { tenant: tenant.clone(), db, known: RefCell::default() })
    }

    fn schema(&self) -> Result<Arc<Schema>, TableFault> {
        let look = || {
            let version = self.db.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0))?;
            if let Some((at, schema)) = self.known.borrow().as_ref().filter(|(at, _)| *at == version) {
                return Ok((*at, Arc::clone(schema)));
            }
            Ok((version, Arc::new(catalog::shape(&self.db)?)))
        };
        let (version, schema) = look().map_err(unavailable(self.tenant.as_str()))?;
        *self.known.borrow_mut() = Some((version, Arc::clone(&schema)));
        Ok(schema)
    }
}

fn connect(file: &Path, tenant: &TenantId) -> Result<Connection, TableFault> {
    let fault = unavailable(tenant.as_str());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags).map_err(&fault)?;
    db.busy_timeout(std::time::Duration::from_secs(10)).map_err(&fault)?;
    Ok(db)
}

impl TableReader for SqliteReader {
    fn tables(&self) -> Result<Vec<TableView>, TableFault> {
        Ok(views(&*self.schema()?))
    }

    fn table(&self, name: &str) -> Result<TableView, TableFault> {
        let schema = self.schema()?;
        let table = find(&schema, name)?;
        Ok(view(&schema, table))
    }

    fn count(&self, name: &str) -> Result<(u64, u64), TableFault> {
        let schema = self.schema()?;
        let sql = format!("SELECT count(*) - count(_syncline_deleted_at), count(*) FROM {}", quoted(&find(&schema, name)?.name));
        let counts = self.db.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let (live, all) = counts.map_err(unavailable(self.tenant.as_str()))?;
        Ok((live.cast_unsigned(), all.cast_unsigned()))
    }

    fn rows(&self, table: &str, query: &RowQuery) -> Result<Page, TableFault> {
        let schema = self.schema()?;
        page::read(&self.db, self.tenant.as_str(), find(&schema, table)?, query)
    }

    fn position(&self) -> Result<Position, TableFault> {
        catalog::position(&self.db).map_err(unavailable(self.tenant.as_str()))
    }

    fn changes(&self, changes_max: usize) -> Result<Vec<(String, String)>, TableFault> {
        let read = || {
            let mut found = self.db.prepare_cached("SELECT at, change FROM _syncline_changes ORDER BY id DESC LIMIT ?")?;
            found.query_map([catalog::number(changes_max)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(unavailable(self.tenant.as_str()))
    }
}
