//! The tenants' files that are open; the one that was not used for longest is closed first.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use syncline_model::TenantId;

use super::OrganizerConfig;
use crate::tables::{TablePolicy, TableWriter, file_of};

/// A file that is open. Only one task has it at a time, and only on a thread that may block.
pub(super) type OpenFile = Arc<Mutex<TableWriter>>;

pub(super) struct Files {
    folder: PathBuf,
    policy: TablePolicy,
    open_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    files: HashMap<TenantId, (u64, OpenFile)>,
    uses: u64,
}

impl Files {
    pub fn new(config: &OrganizerConfig) -> Self {
        let open_max = config.open_files_max.max(1);
        Self { folder: config.folder.clone(), policy: config.policy, open_max, open: Mutex::default() }
    }

    /// Does something with a tenant's file, on a thread that may block. What fails closes the file, so that the next attempt
    /// opens it anew.
    pub async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        tenant: &TenantId,
        work: impl FnOnce(&mut TableWriter) -> Result<T, crate::tables::TableFault> + Send + 'static,
    ) -> Result<T, String> {
        let (files, tenant) = (Arc::clone(self), tenant.clone());
        let done = tokio::task::spawn_blocking(move || {
            let result = files.open(&tenant).and_then(|file| {
                let mut writer = file.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut writer).map_err(|fault| fault.to_string())
            });
            if result.is_err() {
                files.close(&tenant);
            }
            result
        });
        done.await.unwrap_or_else(|error| Err(format!("writing the tables broke off: {error}")))
    }

    fn open(&self, tenant: &TenantId) -> Result<OpenFile, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((used, file)) = open.files.get_mut(tenant) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        drop(open);
        std::fs::create_dir_all(&self.folder).map_err(|error| format!("`{}` cannot be made: {error}", self.folder.display()))?;
        let writer = TableWriter::open(&file_of(&self.folder, tenant), tenant, self.policy).map_err(|fault| fault.to_string())?;
        let file = Arc::new(Mutex::new(writer));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.files.insert(tenant.clone(), (now, Arc::clone(&file)));
        if open.files.len() > self.open_max {
            let oldest = open.files.iter().min_by_key(|(_, (used, _))| *used).map(|(tenant, _)| tenant.clone());
            oldest.and_then(|tenant| open.files.remove(&tenant));
        }
        Ok(file)
    }

    fn close(&self, tenant: &TenantId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).files.remove(tenant);
    }
}
