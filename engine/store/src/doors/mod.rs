//! The few things that belong to the installation and not to a tenant. Only here may a query begin without one.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use syncline_model::{State, ledger::Enrolled};

use crate::{
    Retention, Store, StoreFault,
    entity::{idempotency_key, integration, job_log},
    time::{maybe_from_column, to_column},
    word::{from_id, from_json, from_word},
};

pub mod audit;
pub mod endpoints;
pub mod keys;
pub mod tenants;

/// For the engine: every integration that is not deleted.
pub(crate) async fn enrolled(store: &Store) -> Result<Vec<Enrolled>, StoreFault> {
    let rows = integration::Entity::find().filter(integration::Column::State.ne(State::Deleted.as_str())).all(store.db()).await?;
    rows.iter().map(enrol).collect()
}

pub(crate) fn enrol(row: &integration::Model) -> Result<Enrolled, StoreFault> {
    Ok(Enrolled {
        tenant: from_id(&row.tenant)?,
        integration: from_id(&row.id)?,
        connector: from_id(&row.connector)?,
        state: from_word(&row.state)?,
        schedule: from_json(&row.schedule)?,
        streams: row.streams.as_deref().map(from_json).transpose()?,
        last_job_ended: maybe_from_column(row.last_job_ended)?,
    })
}

pub(crate) async fn prune(store: &Store, retention: Retention) -> Result<u64, StoreFault> {
    let requests = idempotency_key::Entity::delete_many().filter(idempotency_key::Column::At.lt(to_column(retention.idempotency)?));
    let lines = job_log::Entity::delete_many().filter(job_log::Column::At.lt(to_column(retention.job_logs)?));
    Ok(requests.exec(store.db()).await?.rows_affected + lines.exec(store.db()).await?.rows_affected)
}
