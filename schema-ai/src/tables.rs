//! Typed tables in the tenant's own SQLite file: a table for each stream, child tables for lists of objects, and a catalog that
//! says what they are. [`TableWriter`] writes them, [`TenantTables`] reads them.

mod catalog;
mod fault;
mod flatten;
pub mod name;
pub mod postgres;
mod read;
pub mod schema;
mod sql;
mod writer;

use std::path::{Path, PathBuf};

pub use fault::TableFault;
pub use read::{ColumnView, Compare, Filter, Page, RowQuery, TableView, TenantTables};
pub use writer::{Applied, Deletes, TablePolicy, TableWriter};

use syncline_model::TenantId;

/// The file of a tenant's tables within the folder of all of them.
pub fn file_of(folder: &Path, tenant: &TenantId) -> PathBuf {
    folder.join(format!("{tenant}.sqlite"))
}
