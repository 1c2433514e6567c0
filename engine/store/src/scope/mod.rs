//! Everything of one tenant. Every query in here begins with the tenant; see `entity::Tenanted`.

use syncline_model::TenantId;

use crate::Store;

mod engine;
pub mod idempotency;
pub mod integrations;
pub mod jobs;
mod merge;
pub mod quarantine;
pub mod secrets;
pub mod webhooks;

/// One tenant's part of the store.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) store: Store,
    pub(crate) tenant: TenantId,
}

impl Scope {
    pub(crate) fn new(store: Store, tenant: TenantId) -> Self {
        Self { store, tenant }
    }

    /// Whose part it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The tenant's integrations.
    pub fn integrations(&self) -> integrations::Integrations {
        integrations::Integrations(self.clone())
    }

    /// The sealed secrets of the tenant's integrations.
    pub fn secrets(&self) -> secrets::Secrets {
        secrets::Secrets(self.clone())
    }

    /// Where the tenant's integrations take webhooks.
    pub fn webhooks(&self) -> webhooks::Webhooks {
        webhooks::Webhooks(self.clone())
    }

    /// The runs of the tenant's integrations.
    pub fn jobs(&self) -> jobs::Jobs {
        jobs::Jobs(self.clone())
    }

    /// The tenant's records that could not be handled.
    pub fn quarantined(&self) -> quarantine::Quarantine {
        quarantine::Quarantine(self.clone())
    }

    /// The tenant's requests that must not be done twice.
    pub fn idempotency(&self) -> idempotency::Idempotency {
        idempotency::Idempotency::new(self.store.clone(), format!("tenant/{}", self.tenant))
    }
}
