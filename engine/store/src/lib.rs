//! What Syncline knows about itself: tenants, integrations, jobs, keys, audit; and the vault of sealed secrets.
//!
//! Everything of a tenant is behind [`Store::of`]. What belongs to the installation has doors of its own ([`Store::tenants`],
//! [`Store::keys`], [`Store::audit`]), and the engine has the [`syncline_model::Ledger`], which [`Store`] implements.

pub mod doors;
mod entity;
mod fault;
mod ledger;
pub mod metrics;
mod page;
pub mod scope;
mod store;
mod time;
pub mod vault;
mod word;

pub use doors::keys::random_bytes;
pub use doors::{
    audit::{Act, Audit, AuditEntry, Chain},
    endpoints::{Endpoints, Receiving},
    keys::{ApiKey, Keys, NewKey, Role},
    tenants::{Tenant, Tenants},
};
pub use fault::StoreFault;
pub use page::{Page, PageRequest};
pub use scope::{
    Scope,
    idempotency::{Answer, Begun, Idempotency},
    integrations::{Change, Integration, Integrations, NewIntegration, NewSettings},
    jobs::{Job, JobLogs, Jobs, LogLine},
    quarantine::{Quarantine, QuarantineFilter, QuarantineState, QuarantinedRecord},
    secrets::Secrets,
    webhooks::{Endpoint, Webhooks},
};
pub use store::{Retention, Store};
pub use vault::{Key, Vault, VaultFault};
