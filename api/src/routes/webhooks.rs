//! The addresses to which the source of an integration sends webhooks, and their secrets.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use syncline_model::Secret;
use syncline_sdk::Connector;
use syncline_store::Endpoint;
use utoipa::ToSchema;

use crate::{
    gate::{Admin, Allowed, OneIntegration, Operator},
    http::{answer::Answer, input::Json},
    problem::{Code, Problem},
};

/// For how long the former secret is good where nobody says otherwise.
const FORMER_S: u64 = 86_400;
const FORMER_S_MAX: u64 = 30 * 86_400;

/// An address for webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookEndpoint {
    /// Its id, which nobody can guess. Where a source wants a word that it sends back, this is the one.
    id: String,
    /// Where the source sends its webhooks, on this server or on the address that is configured as the public one.
    url: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When its secret was last exchanged.
    #[schema(value_type = Option<String>, format = DateTime)]
    rotated: Option<Timestamp>,
    /// Until when the secret before that is good.
    #[schema(value_type = Option<String>, format = DateTime)]
    former_until: Option<Timestamp>,
}

/// An address whose secret is new.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookEndpointWithSecret {
    /// The address.
    endpoint: WebhookEndpoint,
    /// Its secret. Shown here and never again.
    secret: String,
}

/// The addresses of an integration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookEndpoints {
    /// The oldest first.
    items: Vec<WebhookEndpoint>,
}

/// An address to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookEndpointToMake {
    /// The secret, where the source made one; a new one is made, if absent.
    #[schema(value_type = Option<String>)]
    secret: Option<Secret>,
}

/// Another secret for an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSecretToSet {
    /// The secret, where the source made one; a new one is made, if absent.
    #[schema(value_type = Option<String>)]
    secret: Option<Secret>,
    /// For how many seconds the former one stays good: a day, if absent; 0 ends it at once.
    keep_former_s: Option<u64>,
}

impl<R, I> Allowed<R, OneIntegration, I> {
    fn view(&self, endpoint: Endpoint) -> WebhookEndpoint {
        let Endpoint { id, created, rotated, former_until, .. } = endpoint;
        let url = format!("{}/webhooks/{}/{id}", self.tools.desk.public_url(), self.reach.integration.connector);
        WebhookEndpoint { id, url, created, rotated, former_until: former_until.filter(|until| *until > Timestamp::now()) }
    }

    fn with_secret(&self, endpoint: Endpoint, secret: &Secret) -> WebhookEndpointWithSecret {
        WebhookEndpointWithSecret { endpoint: self.view(endpoint), secret: secret.expose().to_owned() }
    }
}

/// The secret that was sent, or a new one, as the connector's scheme wants it.
fn secret_of(connector: &dyn Connector, given: Option<Secret>) -> Result<Secret, Problem> {
    let takes_none = || Problem::because(Code::WrongState, format!("the connector `{}` takes no webhooks", connector.file().name));
    let webhooks = connector.webhooks().ok_or_else(takes_none)?;
    let Some(secret) = given else { return Ok(webhooks.verification.secret(&syncline_store::random_bytes()?)) };
    webhooks.verification.takes(&secret).map_err(|why| Problem::invalid_at("/secret", why))?;
    Ok(secret)
}

/// List the addresses to which the source may send webhooks.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/webhooks", responses((status = 200, body = WebhookEndpoints)))]
pub(crate) async fn list_webhook_endpoints(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    let found = asked.reach.scope.webhooks().list(&asked.reach.integration.id).await?;
    Answer::ok(&WebhookEndpoints { items: found.into_iter().map(|endpoint| asked.view(endpoint)).collect() })
}

/// Make an address for webhooks. Its secret is in this answer and is never shown again.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}/webhooks",
    request_body = WebhookEndpointToMake,
    responses((status = 201, body = WebhookEndpointWithSecret))
)]
pub(crate) async fn create_webhook_endpoint(
    mut asked: Allowed<Admin, OneIntegration, Json<WebhookEndpointToMake>>,
) -> Result<Answer, Problem> {
    let connector = asked.tools.connector(&asked.reach.integration.connector)?;
    let given = asked.input.0.secret.take();
    let secret = secret_of(connector.as_ref(), given)?;
    let integration = &asked.reach.integration;
    let made = asked.reach.scope.webhooks().create(&integration.id, &secret).await?;
    let location = format!("/api/v1/tenants/{}/integrations/{}/webhooks/{}", integration.tenant, integration.id, made.id);
    Ok(Answer::created(location, &asked.with_secret(made, &secret))?.shown_once())
}

/// Exchange the secret of an address. Both are good for a while.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}/webhooks/{endpoint}/rotate",
    request_body = WebhookSecretToSet,
    responses((status = 200, body = WebhookEndpointWithSecret))
)]
pub(crate) async fn rotate_webhook_endpoint(
    mut asked: Allowed<Admin, OneIntegration, Json<WebhookSecretToSet>>,
) -> Result<Answer, Problem> {
    let id: String = asked.path("endpoint")?;
    let connector = asked.tools.connector(&asked.reach.integration.connector)?;
    let keep_s = asked.input.0.keep_former_s.unwrap_or(FORMER_S);
    if keep_s > FORMER_S_MAX {
        return Err(Problem::invalid_at("/keep_former_s", format!("must be at most {FORMER_S_MAX}")));
    }
    let given = asked.input.0.secret.take();
    let secret = secret_of(connector.as_ref(), given)?;
    let kept = SignedDuration::from_secs(i64::try_from(keep_s).unwrap_or_default());
    let until = (keep_s > 0).then(|| Timestamp::now().checked_add(kept).unwrap_or(Timestamp::MAX));
    let changed = asked.reach.scope.webhooks().rotate(&asked.reach.integration.id, &id, &secret, until).await?;
    asked.tools.desk.forget(&id);
    Ok(Answer::ok(&asked.with_secret(changed, &secret))?.shown_once())
}

/// Take an address away for good.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}/webhooks/{endpoint}",
    responses((status = 204))
)]
pub(crate) async fn delete_webhook_endpoint(asked: Allowed<Admin, OneIntegration>) -> Result<Answer, Problem> {
    let id: String = asked.path("endpoint")?;
    asked.reach.scope.webhooks().delete(&asked.reach.integration.id, &id).await?;
    asked.tools.desk.forget(&id);
    Ok(Answer::nothing())
}
