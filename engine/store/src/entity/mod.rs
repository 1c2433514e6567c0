//! The tables as sea-orm knows them, and the only places where a query begins. What has a tenant begins with it.
//! Times are nanoseconds since 1970; see `time`.

use sea_orm::{ColumnTrait, DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany};
use syncline_model::TenantId;

pub(crate) mod api_key;
pub(crate) mod audit_entry;
pub(crate) mod data_key;
pub(crate) mod idempotency_key;
pub(crate) mod integration;
pub(crate) mod job;
pub(crate) mod job_log;
pub(crate) mod quarantined;
pub(crate) mod secret;
pub(crate) mod tenant;
pub(crate) mod webhook_endpoint;

/// A table whose rows belong to tenants.
pub(crate) trait Tenanted: EntityTrait {
    /// Its column that says whose a row is.
    const TENANT: Self::Column;

    /// The rows of one tenant.
    fn of(tenant: &TenantId) -> Select<Self> {
        Self::find().filter(Self::TENANT.eq(tenant.as_str()))
    }

    /// A change of rows of one tenant.
    fn change_of(tenant: &TenantId) -> UpdateMany<Self> {
        Self::update_many().filter(Self::TENANT.eq(tenant.as_str()))
    }

    /// The removal of rows of one tenant.
    fn removal_of(tenant: &TenantId) -> DeleteMany<Self> {
        Self::delete_many().filter(Self::TENANT.eq(tenant.as_str()))
    }
}

macro_rules! tenanted {
    ($($table:ident),* $(,)?) => {
        $(impl Tenanted for $table::Entity { const TENANT: $table::Column = $table::Column::Tenant; })*
    };
}

tenanted!(data_key, integration, job, job_log, quarantined, secret, webhook_endpoint);

// The scope of a repeated request is a tenant or an API key; see `Scope::idempotency` and `Store::idempotency`.
impl idempotency_key::Entity {
    pub(crate) fn in_scope(scope: &str) -> Select<Self> {
        Self::find().filter(idempotency_key::Column::Scope.eq(scope))
    }

    pub(crate) fn change_in_scope(scope: &str) -> UpdateMany<Self> {
        Self::update_many().filter(idempotency_key::Column::Scope.eq(scope))
    }

    pub(crate) fn removal_in_scope(scope: &str) -> DeleteMany<Self> {
        Self::delete_many().filter(idempotency_key::Column::Scope.eq(scope))
    }
}
