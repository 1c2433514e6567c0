//! Whose an address for webhooks is. Whoever sends one names no tenant: the address does.

use jiff::Timestamp;
use sea_orm::EntityTrait;
use syncline_model::{ConnectorName, IntegrationId, Secret, State, TenantId};

use crate::{Store, StoreFault, entity::webhook_endpoint::Entity, scope::webhooks::valid, word::from_id};

/// What a request to an endpoint is held against.
#[derive(Debug, Clone)]
pub struct Receiving {
    /// Whose it is.
    pub tenant: TenantId,
    /// The integration that it belongs to.
    pub integration: IntegrationId,
    /// Its connector.
    pub connector: ConnectorName,
    /// Where the integration is in its life.
    pub state: State,
    /// The secrets that are good now, the newest first.
    pub secrets: Vec<Secret>,
}

/// The door to the endpoints of all tenants.
#[derive(Debug, Clone)]
pub struct Endpoints(Store);

impl Endpoints {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// Whose endpoint this is; `None` if it is nobody's, or its integration was deleted.
    pub async fn by_id(&self, id: &str, now: Timestamp) -> Result<Option<Receiving>, StoreFault> {
        let Some(row) = Entity::find_by_id(id).one(self.0.db()).await? else { return Ok(None) };
        let (tenant, integration): (TenantId, IntegrationId) = (from_id(&row.tenant)?, from_id(&row.integration)?);
        let scope = self.0.of(&tenant);
        let Some(known) = scope.integrations().by_id(&integration).await? else { return Ok(None) };
        let secrets = valid(&scope.endpoint_secrets(&integration, id).await?, now);
        Ok(Some(Receiving { tenant, integration, connector: known.connector, state: known.state, secrets }))
    }
}
