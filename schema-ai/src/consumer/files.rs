//! The tenants' tables that are open for writing; those that were not used for longest are closed first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use syncline_model::TenantId;

use super::OrganizerConfig;
use crate::tables::{AnyHome, TableFault, TablePolicy, TableWriter};

/// Tables that are open. Only one task has it at a time, and only on a thread that may block.
pub(super) type OpenTables = Arc<Mutex<Box<dyn TableWriter>>>;

pub(super) struct Files {
    home: AnyHome,
    policy: TablePolicy,
    open_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    files: HashMap<TenantId, (u64, OpenTables)>,
    uses: u64,
}

impl Files {
    pub fn new(config: &OrganizerConfig) -> Self {
        let open_max = config.open_files_max.max(1);
        Self { home: Arc::clone(&config.home), policy: config.policy, open_max, open: Mutex::default() }
    }

    /// Does something with a tenant's file, on a thread that may block. What fails closes the file, so that the next attempt
    /// opens it anew.
    pub async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        tenant: &TenantId,
        work: impl FnOnce(&mut dyn TableWriter) -> Result<T, TableFault> + Send + 'static,
    ) -> Result<T, String> {
        let (files, tenant) = (Arc::clone(self), tenant.clone());
        let done = tokio::task::spawn_blocking(move || {
            let result = files.open(&tenant).and_then(|file| {
                let mut writer = file.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut **writer).map_err(|fault| fault.to_string())
            });
            if result.is_err() {
                files.close(&tenant);
            }
            result
        });
        done.await.unwrap_or_else(|error| Err(format!("writing the tables broke off: {error}")))
    }

    fn open(&self, tenant: &TenantId) -> Result<OpenTables, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((used, file)) = open.files.get_mut(tenant) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        drop(open);
        let writer = self.home.writer(tenant, self.policy).map_err(|fault| fault.to_string())?;
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
