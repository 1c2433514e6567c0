//! The tenants, as far as a key may see them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use syncline_model::TenantId;
use syncline_store::Tenant;
use utoipa::ToSchema;

use super::common::{Listing, Paging, checked_name};
use crate::{
    gate::{Allowed, Installation, OneTenant, Owner, Viewer, Wherever},
    http::{
        answer::Answer,
        input::{Json, Query},
    },
    problem::Problem,
};

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    /// Its id.
    #[schema(value_type = String)]
    id: TenantId,
    /// What it is called.
    name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl From<Tenant> for TenantView {
    fn from(Tenant { id, name, created }: Tenant) -> Self {
        Self { id, name, created }
    }
}

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    /// Its id: 1 to 48 of a-z, 0-9, `-` and `_`. Never used again.
    #[schema(value_type = String)]
    id: TenantId,
    /// What it is called; its id, if absent.
    name: Option<String>,
}

/// Another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    /// What it is called.
    name: String,
}

/// List the tenants that the key may see.
#[utoipa::path(get, path = "/api/v1/tenants", params(Paging), responses((status = 200, body = Listing<TenantView>)))]
pub(crate) async fn list_tenants(asked: Allowed<Viewer, Wherever, Query<Paging>>) -> Result<Answer, Problem> {
    let tenants = asked.reach.store.tenants();
    let Some(own) = &asked.reach.tenant else {
        return Answer::ok(&Listing::of(tenants.list(&asked.input.0.request()).await?, TenantView::from));
    };
    let items = tenants.by_id(own).await?.into_iter().map(TenantView::from).collect();
    Answer::ok(&Listing { items, next: None })
}

/// Make a tenant.
#[utoipa::path(post, path = "/api/v1/tenants", request_body = NewTenant, responses((status = 201, body = TenantView)))]
pub(crate) async fn create_tenant(asked: Allowed<Owner, Installation, Json<NewTenant>>) -> Result<Answer, Problem> {
    let NewTenant { id, name } = asked.input.0;
    let name = name.unwrap_or_else(|| id.to_string());
    checked_name("/name", &name)?;
    let made = asked.reach.store.tenants().create(&id, &name).await?;
    Answer::created(format!("/api/v1/tenants/{id}"), &TenantView::from(made))
}

/// Show one tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}", responses((status = 200, body = TenantView)))]
pub(crate) async fn get_tenant(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    Answer::ok(&TenantView::from(asked.reach.tenant))
}

/// Call a tenant by another name.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}", request_body = Rename, responses((status = 200, body = TenantView)))]
pub(crate) async fn rename_tenant(asked: Allowed<Owner, OneTenant, Json<Rename>>) -> Result<Answer, Problem> {
    checked_name("/name", &asked.input.0.name)?;
    let renamed = asked.reach.rename(&asked.input.0.name).await?;
    Answer::ok(&TenantView::from(renamed))
}
