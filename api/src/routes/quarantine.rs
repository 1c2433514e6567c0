//! Records that could not be handled: why, and what becomes of them.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use syncline_model::{ConnectorName, IntegrationId, JobId, StreamName};
use syncline_store::{QuarantineFilter, QuarantineState, QuarantinedRecord};
use utoipa::{IntoParams, ToSchema};

use super::common::{Listing, page};
use crate::{
    gate::{Allowed, OneTenant, Operator, Viewer},
    http::{answer::Answer, input::Query},
    problem::{Code, Problem},
    settings::Cleaner,
};

/// A record that could not be handled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantinedView {
    /// Its id.
    id: String,
    /// Where it came from.
    #[schema(value_type = String)]
    integration: IntegrationId,
    /// Its connector.
    #[schema(value_type = String)]
    connector: ConnectorName,
    /// Its stream.
    #[schema(value_type = String)]
    stream: StreamName,
    /// Its key, as far as one could be read.
    key: Option<String>,
    /// Why it could not be handled.
    cause: String,
    /// When it was first refused.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What became of it: `open`, `retried`, `dismissed`.
    #[schema(value_type = String)]
    state: QuarantineState,
    /// How many bytes it has.
    body_bytes: u64,
    /// What the source sent, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
    /// What the source sent, if it is no JSON or was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl From<QuarantinedRecord> for QuarantinedView {
    fn from(record: QuarantinedRecord) -> Self {
        let json: Option<Box<RawValue>> = serde_json::from_slice(&record.body).ok();
        let body_base64 = json.is_none().then(|| BASE64_STANDARD.encode(&record.body));
        let QuarantinedRecord { id, integration, connector, stream, key, body_bytes, cause, at, state, .. } = record;
        Self { id, integration, connector, stream, key, cause, at, state, body_bytes, body: json, body_base64 }
    }
}

/// Which records are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// In this state: `open` (if absent), `retried`, `dismissed`.
    #[param(value_type = Option<String>)]
    state: Option<QuarantineState>,
    /// Of this integration only.
    #[param(value_type = Option<String>)]
    integration: Option<IntegrationId>,
    /// Of this stream only.
    #[param(value_type = Option<String>)]
    stream: Option<StreamName>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many items at most: 1 to 500, 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
}

/// A record that was marked, and the job that reads its integration again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retried {
    /// The record.
    record: QuarantinedView,
    /// The job.
    #[schema(value_type = String, format = "uuid")]
    job: JobId,
}

/// List the records that could not be handled, the newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/quarantine", params(Wanted), responses((status = 200, body = Listing<QuarantinedView>)))]
pub(crate) async fn list_quarantined(asked: Allowed<Viewer, OneTenant, Query<Wanted>>) -> Result<Answer, Problem> {
    let Wanted { state, integration, stream, after, limit } = asked.input.0;
    let filter = QuarantineFilter { state: state.unwrap_or(QuarantineState::Open), integration, stream };
    let records = asked.reach.scope.quarantined().list(&filter, &page(after, limit)).await?;
    let mut cleaner = Cleaner::new(&asked.reach.scope);
    let mut items = Vec::with_capacity(records.items.len());
    for record in records.items {
        items.push(shown(&mut cleaner, record).await?);
    }
    Answer::ok(&Listing { items, next: records.next })
}

/// Show one record that could not be handled.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/quarantine/{record}", responses((status = 200, body = QuarantinedView)))]
pub(crate) async fn get_quarantined(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let known = record(&asked).await?;
    Answer::ok(&shown(&mut Cleaner::new(&asked.reach.scope), known).await?)
}

/// Read its integration again now, and open the record again if it is refused again. A stream that is read incrementally sends only
/// what has changed at the source.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/quarantine/{record}/retry", responses((status = 202, body = Retried)))]
pub(crate) async fn retry_quarantined(asked: Allowed<Operator, OneTenant>) -> Result<Answer, Problem> {
    let known = record(&asked).await?;
    let integration = asked.reach.scope.integrations().by_id(&known.integration).await?;
    let integration = integration.ok_or_else(|| Problem::not_found("integration", &known.integration))?;
    if !integration.state.is_active() {
        return Err(Problem::because(
            Code::WrongState,
            format!("integration `{}` is {}: resume it first", integration.id, integration.state),
        ));
    }
    settled(&asked, &known, QuarantineState::Retried).await?;
    let job = asked.tools.engine.sync_now(&integration.tenant, &integration.id).await?;
    let now = record(&asked).await?;
    Answer::accepted(&Retried { record: shown(&mut Cleaner::new(&asked.reach.scope), now).await?, job })
}

/// Say that a record is not needed.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/quarantine/{record}/dismiss", responses((status = 200, body = QuarantinedView)))]
pub(crate) async fn dismiss_quarantined(asked: Allowed<Operator, OneTenant>) -> Result<Answer, Problem> {
    let known = record(&asked).await?;
    settled(&asked, &known, QuarantineState::Dismissed).await?;
    let now = record(&asked).await?;
    Answer::ok(&shown(&mut Cleaner::new(&asked.reach.scope), now).await?)
}

async fn shown(cleaner: &mut Cleaner<'_>, record: QuarantinedRecord) -> Result<QuarantinedView, Problem> {
    let mut view = QuarantinedView::from(record);
    let mut cause = Some(std::mem::take(&mut view.cause));
    cleaner.clean(&view.integration, &mut cause).await?;
    view.cause = cause.unwrap_or_default();
    Ok(view)
}

async fn settled(asked: &Allowed<Operator, OneTenant>, known: &QuarantinedRecord, state: QuarantineState) -> Result<(), Problem> {
    if asked.reach.scope.quarantined().settle(&known.id, state).await? {
        return Ok(());
    }
    Err(Problem::because(Code::WrongState, format!("the record is {} already", known.state.as_str())))
}

async fn record<R>(asked: &Allowed<R, OneTenant>) -> Result<QuarantinedRecord, Problem> {
    let id: String = asked.path("record")?;
    asked.reach.scope.quarantined().by_id(&id).await?.ok_or_else(|| Problem::not_found("record in quarantine", id))
}
