//! The tenants' tables in SQLite: a file for each tenant.

mod catalog;
mod database;
mod known;
mod read;
mod sql;
mod writer;

use std::path::{Path, PathBuf};

pub use read::SqliteReader;
pub use writer::SqliteWriter;

use self::database::SqliteDatabase;
use super::{
    database::Database,
    fault::TableFault,
    port::{TableHome, TablePolicy, TableReader, TableWriter, TenantLogin},
};
use syncline_model::TenantId;

/// The file of a tenant's tables within the folder of all of them.
pub fn file_of(folder: &Path, tenant: &TenantId) -> PathBuf {
    folder.join(format!("{tenant}.sqlite"))
}

/// A folder with a file for each tenant.
#[derive(Debug, Clone)]
pub struct SqliteHome(pub PathBuf);

impl TableHome for SqliteHome {
    fn writer(&self, tenant: &TenantId, policy: TablePolicy) -> Result<Box<dyn TableWriter>, TableFault> {
        std::fs::create_dir_all(&self.0).map_err(|error| TableFault::Unavailable {
            tenant: tenant.to_string(),
            cause: format!("`{}` cannot be made: {error}", self.0.display()),
        })?;
        Ok(Box::new(SqliteWriter::open(&file_of(&self.0, tenant), tenant, policy)?))
    }

    fn reader(&self, tenant: &TenantId) -> Result<Option<Box<dyn TableReader>>, TableFault> {
        Ok(SqliteReader::open(&self.0, tenant)?.map(|reader| Box::new(reader) as Box<dyn TableReader>))
    }

    fn database(&self, tenant: &TenantId) -> Result<Option<Box<dyn Database>>, TableFault> {
        // The reader knows whose file it is.
        if SqliteReader::open(&self.0, tenant)?.is_none() {
            return Ok(None);
        }
        Ok(Some(Box::new(SqliteDatabase::open(&file_of(&self.0, tenant), tenant)?)))
    }

    fn tenants(&self) -> Result<Vec<(TenantId, String)>, TableFault> {
        let Ok(listed) = std::fs::read_dir(&self.0) else { return Ok(Vec::new()) };
        let written = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let one = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let tenant: TenantId = name.strip_suffix(".sqlite")?.parse().ok()?;
            Some((tenant, format!("{:?} {:?}", written(entry.path()), written(self.0.join(format!("{name}-wal"))))))
        };
        Ok(listed.filter_map(Result::ok).filter_map(one).collect())
    }

    fn login(&self, _: &TenantId) -> Result<Option<TenantLogin>, TableFault> {
        Ok(None)
    }
}
