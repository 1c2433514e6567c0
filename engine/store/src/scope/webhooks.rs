//! Where a tenant's integrations take webhooks: addresses that nobody can guess, each with its secrets. Exchanging a secret leaves the
//! former one good for a while, because the source learns of the new one later than we do.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use syncline_model::{IntegrationId, Secret};
use zeroize::Zeroizing;

use super::{Scope, secrets::WEBHOOKS};
use crate::{
    StoreFault,
    doors::keys::random,
    entity::{
        Tenanted,
        webhook_endpoint::{ActiveModel, Column, Entity, Model},
    },
    time::{from_column, maybe_from_column, maybe_to_column, now, to_column},
    vault::Field,
};

/// An integration has no more of them.
const ENDPOINTS_MAX: u64 = 20;
/// So many former secrets are good at once.
const FORMER_MAX: usize = 3;

/// An address for webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id, which nobody can guess.
    pub id: String,
    /// The integration that it belongs to.
    pub integration: IntegrationId,
    /// When it was made.
    pub created: Timestamp,
    /// When its secret was last exchanged.
    pub rotated: Option<Timestamp>,
    /// Until when the secret before that is good.
    pub former_until: Option<Timestamp>,
}

/// The secrets of an endpoint as they are sealed. Times are nanoseconds since 1970.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    current: String,
    former: Vec<Former>,
}

#[derive(Serialize, Deserialize)]
struct Former {
    text: String,
    until: i64,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.current.zeroize();
        self.former.iter_mut().for_each(|former| former.text.zeroize());
    }
}

/// The secrets that are good at this time, the newest first.
pub(crate) fn valid(secrets: &Secrets, at: Timestamp) -> Vec<Secret> {
    let at = i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX);
    let former = secrets.former.iter().filter(|former| former.until > at).map(|former| &former.text);
    std::iter::once(&secrets.current).filter(|text| !text.is_empty()).chain(former).map(Secret::new).collect()
}

/// The door to a tenant's endpoints.
#[derive(Debug, Clone)]
pub struct Webhooks(pub(super) Scope);

impl Webhooks {
    /// Makes one with this secret.
    pub async fn create(&self, integration: &IntegrationId, secret: &Secret) -> Result<Endpoint, StoreFault> {
        let scope = &self.0;
        let transaction = scope.store.begin().await?;
        scope.must_exist(&transaction, integration).await?;
        let of_it = || Entity::of(&scope.tenant).filter(Column::Integration.eq(integration.as_str()));
        if of_it().count(&transaction).await? >= ENDPOINTS_MAX {
            return Err(StoreFault::Taken { kind: "last of 20 webhook endpoints of", id: integration.to_string() });
        }
        let row = ActiveModel {
            id: Set(format!("we_{}", hex::encode(random::<20>()?.as_slice()))),
            tenant: Set(scope.tenant.to_string()),
            integration: Set(integration.to_string()),
            created: Set(now()?),
            rotated: Set(None),
            former_until: Set(None),
        };
        let made = Entity::insert(row).exec_with_returning(&transaction).await?;
        let secrets = Secrets { current: secret.expose().to_owned(), former: Vec::new() };
        scope.seal_endpoint(&transaction, integration, &made.id, &secrets).await?;
        transaction.commit().await?;
        read(made)
    }

    /// Those of an integration, the oldest first.
    pub async fn list(&self, integration: &IntegrationId) -> Result<Vec<Endpoint>, StoreFault> {
        let rows = Entity::of(&self.0.tenant).filter(Column::Integration.eq(integration.as_str()));
        rows.order_by_asc(Column::Created).order_by_asc(Column::Id).all(self.0.store.db()).await?.into_iter().map(read).collect()
    }

    /// Gives one another secret. The one before stays good until then, where a time is given.
    pub async fn rotate(
        &self,
        integration: &IntegrationId,
        id: &str,
        secret: &Secret,
        former_until: Option<Timestamp>,
    ) -> Result<Endpoint, StoreFault> {
        let scope = &self.0;
        let transaction = scope.store.begin().await?;
        scope.must_exist(&transaction, integration).await?;
        let at = now()?;
        let set = ActiveModel { rotated: Set(Some(at)), former_until: Set(maybe_to_column(former_until)?), ..Default::default() };
        let rows = Entity::change_of(&scope.tenant).filter(Column::Integration.eq(integration.as_str())).filter(Column::Id.eq(id));
        if rows.set(set).exec(&transaction).await?.rows_affected == 0 {
            return Err(StoreFault::not_found("webhook endpoint", id));
        }
        let mut old = scope.read_endpoint_secrets(&transaction, integration, id).await?;
        let mut new = Secrets { current: secret.expose().to_owned(), former: Vec::new() };
        if let Some(until) = former_until {
            new.former.push(Former { text: std::mem::take(&mut old.current), until: to_column(until)? });
            new.former.extend(std::mem::take(&mut old.former).into_iter().filter(|former| former.until > at));
            new.former.truncate(FORMER_MAX);
        }
        scope.seal_endpoint(&transaction, integration, id, &new).await?;
        let row = Entity::of(&scope.tenant).filter(Column::Id.eq(id)).one(&transaction).await?;
        transaction.commit().await?;
        read(row.ok_or_else(|| StoreFault::not_found("webhook endpoint", id))?)
    }

    /// Takes one away for good.
    pub async fn delete(&self, integration: &IntegrationId, id: &str) -> Result<(), StoreFault> {
        let transaction = self.0.store.begin().await?;
        let rows = Entity::removal_of(&self.0.tenant).filter(Column::Integration.eq(integration.as_str())).filter(Column::Id.eq(id));
        if rows.exec(&transaction).await?.rows_affected == 0 {
            return Err(StoreFault::not_found("webhook endpoint", id));
        }
        self.0.forget(&transaction, integration, &[field(id)]).await?;
        Ok(transaction.commit().await?)
    }
}

impl Scope {
    /// The secrets of an endpoint.
    pub(crate) async fn endpoint_secrets(&self, integration: &IntegrationId, id: &str) -> Result<Secrets, StoreFault> {
        self.read_endpoint_secrets(self.store.db(), integration, id).await
    }

    async fn read_endpoint_secrets<C: ConnectionTrait>(
        &self,
        db: &C,
        integration: &IntegrationId,
        id: &str,
    ) -> Result<Secrets, StoreFault> {
        let text = self.unseal_one(db, integration, &field(id)).await?;
        let Some(text) = text else { return Ok(Secrets::default()) };
        // What serde says about a text may hold a part of it.
        serde_json::from_str(text.expose()).map_err(|_| StoreFault::unreadable("the sealed secrets of a webhook endpoint"))
    }

    async fn seal_endpoint<C: ConnectionTrait>(
        &self,
        db: &C,
        integration: &IntegrationId,
        id: &str,
        secrets: &Secrets,
    ) -> Result<(), StoreFault> {
        let text = Zeroizing::new(serde_json::to_string(secrets).map_err(|_| StoreFault::unreadable("the secrets of a webhook endpoint"))?);
        self.seal(db, integration, &[(field(id), Secret::new(text.as_str()))]).await
    }

    /// Takes away those of an integration that is deleted.
    pub(super) async fn forget_endpoints<C: ConnectionTrait>(&self, db: &C, integration: &IntegrationId) -> Result<(), StoreFault> {
        Entity::removal_of(&self.tenant).filter(Column::Integration.eq(integration.as_str())).exec(db).await?;
        Ok(())
    }
}

fn field(endpoint: &str) -> Field {
    Field::of(&[WEBHOOKS.to_owned(), endpoint.to_owned()])
}

fn read(row: Model) -> Result<Endpoint, StoreFault> {
    Ok(Endpoint {
        integration: crate::word::from_id(&row.integration)?,
        created: from_column(row.created)?,
        rotated: maybe_from_column(row.rotated)?,
        former_until: maybe_from_column(row.former_until)?,
        id: row.id,
    })
}
