//! API keys: made, listed, revoked. A key's text is in the answer that makes it, and nowhere else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use syncline_model::TenantId;
use syncline_store::{ApiKey, NewKey, Role};
use utoipa::ToSchema;

use super::common::{Listing, Paging, checked_name};
use crate::{
    gate::{Allowed, Owner, Viewer, Wherever},
    http::{
        answer::Answer,
        input::{Json, Query},
    },
    problem::{Code, Problem},
};

/// What the holder of a key may do. Each role may do what the ones before it may.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
#[expect(dead_code, reason = "describes the store's type in the document")]
pub(crate) enum RoleDoc {
    /// Look.
    Viewer,
    /// Start, pause and retry.
    Operator,
    /// Make, change and delete integrations.
    Admin,
    /// Everything, keys and tenants included.
    Owner,
}

/// An API key without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// Its id.
    id: String,
    /// What it is for.
    name: String,
    /// What its holder may do.
    #[schema(value_type = RoleDoc)]
    role: Role,
    /// The only tenant it is good for; `null` means all.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked: Option<Timestamp>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, role, tenant, created, last_used, revoked } = key;
        Self { id, name, role, tenant, created, last_used, revoked }
    }
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeKey {
    /// The key without its text.
    key: KeyView,
    /// Its text. Shown here and never again.
    text: String,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyToMake {
    /// What it is for.
    name: String,
    /// What its holder may do.
    #[schema(value_type = RoleDoc)]
    role: Role,
    /// The only tenant it is good for; all, if absent.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// Show the key that was sent with this request.
#[utoipa::path(get, path = "/api/v1/whoami", responses((status = 200, body = KeyView)))]
pub(crate) async fn whoami(asked: Allowed<Viewer, Wherever>) -> Result<Answer, Problem> {
    Answer::ok(&KeyView::from(asked.caller))
}

/// List the keys; a key of one tenant sees those of its tenant.
#[utoipa::path(get, path = "/api/v1/keys", params(Paging), responses((status = 200, body = Listing<KeyView>)))]
pub(crate) async fn list_keys(asked: Allowed<Owner, Wherever, Query<Paging>>) -> Result<Answer, Problem> {
    let keys = asked.reach.store.keys().list(asked.reach.tenant.as_ref(), &asked.input.0.request()).await?;
    Answer::ok(&Listing::of(keys, KeyView::from))
}

/// Make a key. Its text is in this answer and is never shown again.
#[utoipa::path(post, path = "/api/v1/keys", request_body = KeyToMake, responses((status = 201, body = MadeKey)))]
pub(crate) async fn create_key(asked: Allowed<Owner, Wherever, Json<KeyToMake>>) -> Result<Answer, Problem> {
    let KeyToMake { name, role, tenant } = asked.input.0;
    checked_name("/name", &name)?;
    if let Some(own) = &asked.reach.tenant {
        match &tenant {
            Some(other) if other != own => return Err(Problem::not_found("tenant", other)),
            Some(_) => {}
            None => {
                return Err(Problem::because(Code::ScopeTooNarrow, format!("this key may make keys of tenant `{own}` only: say `tenant`")));
            }
        }
    }
    let (key, text) = asked.reach.store.keys().create(NewKey { name, role, tenant }).await?;
    let location = format!("/api/v1/keys/{}", key.id);
    let made = MadeKey { key: key.into(), text: text.expose().to_owned() };
    Ok(Answer::created(location, &made)?.shown_once())
}

/// Show one key.
#[utoipa::path(get, path = "/api/v1/keys/{key}", responses((status = 200, body = KeyView)))]
pub(crate) async fn get_key(asked: Allowed<Owner, Wherever>) -> Result<Answer, Problem> {
    Answer::ok(&KeyView::from(visible(&asked).await?))
}

/// Revoke a key for good.
#[utoipa::path(delete, path = "/api/v1/keys/{key}", responses((status = 200, body = KeyView)))]
pub(crate) async fn revoke_key(asked: Allowed<Owner, Wherever>) -> Result<Answer, Problem> {
    let key = visible(&asked).await?;
    Answer::ok(&KeyView::from(asked.reach.store.keys().revoke(&key.id).await?))
}

async fn visible(asked: &Allowed<Owner, Wherever>) -> Result<ApiKey, Problem> {
    let id: String = asked.path("key")?;
    let key = asked.reach.store.keys().by_id(&id).await?;
    let key = key.filter(|key| asked.reach.tenant.is_none() || asked.reach.tenant == key.tenant);
    key.ok_or_else(|| Problem::not_found("key", id))
}
