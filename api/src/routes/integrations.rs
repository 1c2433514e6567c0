//! Integrations: made, changed, tried, read now, paused, resumed, deleted.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use syncline_model::{
    ConnectorName, Fault, IntegrationId, JobId, State, TenantId,
    ledger::StateChange,
    schedule::{Schedule, StreamChoice},
};
use syncline_store::{Change, Integration, NewIntegration, Scope};
use utoipa::{IntoParams, ToSchema};

use super::common::{Listing, ScheduleDoc, StreamChoiceDoc, check, checked_name, page};
use crate::{
    gate::{Admin, Allowed, OneIntegration, OneTenant, Operator, Viewer},
    http::{
        answer::Answer,
        input::{Json, Query},
    },
    problem::{Code, Problem},
    settings,
};

/// An integration. Secrets in its settings are shown as `{"set": true}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrationView {
    /// Its id.
    #[schema(value_type = String)]
    id: IntegrationId,
    /// Whose it is.
    #[schema(value_type = String)]
    tenant: TenantId,
    /// Its connector.
    #[schema(value_type = String)]
    connector: ConnectorName,
    /// What its owner calls it.
    title: String,
    /// Its settings; a secret that is kept is shown as `{"set": true}`.
    #[schema(value_type = Object)]
    settings: Value,
    /// Where it is in its life: `draft`, `authorizing`, `testing`, `backfilling`, `live`, `waiting`, `degraded`, `reauth_required`,
    /// `paused`.
    #[schema(value_type = String)]
    state: State,
    /// Why, if there is something to explain.
    cause: Option<String>,
    /// The end of a wait.
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_until: Option<Timestamp>,
    /// When it is read.
    #[schema(value_type = ScheduleDoc)]
    schedule: Schedule,
    /// The chosen streams; `null` means all.
    #[schema(value_type = Option<Vec<StreamChoiceDoc>>)]
    streams: Option<Vec<StreamChoice>>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When it, or its state, last changed.
    #[schema(value_type = String, format = DateTime)]
    changed: Timestamp,
    /// How often its owner changed it; also its `ETag`.
    revision: u64,
    /// When its last job ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_job_ended: Option<Timestamp>,
}

/// An integration to be made. It begins as a draft; `resume` starts it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationToMake {
    /// Its id: 1 to 48 of a-z, 0-9, `-` and `_`. Never used again in this tenant.
    #[schema(value_type = String)]
    id: IntegrationId,
    /// Its connector.
    #[schema(value_type = String)]
    connector: ConnectorName,
    /// What its owner calls it; its id, if absent.
    title: Option<String>,
    /// Its settings, as the connector's schema wants them.
    #[schema(value_type = Object)]
    settings: Value,
    /// When it is read; every five minutes, if absent.
    #[schema(value_type = Option<ScheduleDoc>)]
    schedule: Option<Schedule>,
    /// The streams to read; all, if absent.
    #[schema(value_type = Option<Vec<StreamChoiceDoc>>)]
    streams: Option<Vec<StreamChoice>>,
}

/// A change of an integration: what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationPatch {
    /// Another title.
    title: Option<String>,
    /// A merge patch (RFC 7396) of the settings: what is left out stays, secrets too; `null` takes away.
    #[schema(value_type = Option<Object>)]
    settings: Option<Value>,
    /// Another schedule.
    #[schema(value_type = Option<ScheduleDoc>)]
    schedule: Option<Schedule>,
    /// Other streams; `null` means all.
    #[serde(default, deserialize_with = "also_null")]
    #[schema(value_type = Option<Vec<StreamChoiceDoc>>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a list are three different things here")]
    streams: Option<Option<Vec<StreamChoice>>>,
}

fn also_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// What the source said when the connection was tried.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tried {
    /// The connection works.
    works: bool,
    /// If it does not: `throttled`, `unavailable`, `unauthorized`, `misconfigured`, `unusable`, `internal`.
    code: Option<&'static str>,
    /// If it does not: why, in the source's own words where it has any.
    message: Option<String>,
}

/// A job that was set off.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Begun {
    /// The job.
    #[schema(value_type = String, format = "uuid")]
    job: JobId,
}

/// Which integrations are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Of this connector only.
    #[param(value_type = Option<String>)]
    connector: Option<ConnectorName>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many items at most: 1 to 500, 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
}

async fn view(scope: &Scope, integration: Integration) -> Result<IntegrationView, Problem> {
    let sealed = scope.secrets().fields(&integration.id).await?;
    let settings = settings::shown(&integration.settings, &sealed);
    let Integration { tenant, id, connector, title, state, mut cause, waiting_until, schedule, streams, created, changed, .. } =
        integration;
    settings::Cleaner::new(scope).clean(&id, &mut cause).await?;
    let (revision, last_job_ended) = (integration.revision.0, integration.last_job_ended);
    Ok(IntegrationView {
        id,
        tenant,
        connector,
        title,
        settings,
        state,
        cause,
        waiting_until,
        schedule,
        streams,
        created,
        changed,
        revision,
        last_job_ended,
    })
}

async fn shown(scope: &Scope, integration: Integration) -> Result<Answer, Problem> {
    let revision = integration.revision;
    Ok(Answer::ok(&view(scope, integration).await?)?.at(revision))
}

/// List a tenant's integrations.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations", params(Filter), responses((status = 200, body = Listing<IntegrationView>)))]
pub(crate) async fn list_integrations(asked: Allowed<Viewer, OneTenant, Query<Filter>>) -> Result<Answer, Problem> {
    let Filter { connector, after, limit } = asked.input.0;
    let scope = &asked.reach.scope;
    let found = scope.integrations().list(connector.as_ref(), &page(after, limit)).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for integration in found.items {
        items.push(view(scope, integration).await?);
    }
    Answer::ok(&Listing { items, next: found.next })
}

/// Make an integration, as a draft.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/integrations", request_body = IntegrationToMake, responses((status = 201, body = IntegrationView)))]
pub(crate) async fn create_integration(asked: Allowed<Admin, OneTenant, Json<IntegrationToMake>>) -> Result<Answer, Problem> {
    let scope = &asked.reach.scope;
    let IntegrationToMake { id, connector, title, settings, schedule, streams } = asked.input.0;
    let kind =
        asked.tools.connector(&connector).map_err(|problem| Problem::invalid_at("/connector", problem.detail.unwrap_or_default()))?;
    check(schedule.as_ref(), streams.as_deref())?;
    let title = title.unwrap_or_else(|| id.to_string());
    checked_name("/title", &title)?;
    let new = NewIntegration {
        title,
        settings: settings::checked(kind.as_ref(), settings)?,
        schedule: schedule.unwrap_or_default(),
        id,
        connector,
        streams,
    };
    let made = scope.integrations().create(new).await?;
    let location = format!("/api/v1/tenants/{}/integrations/{}", made.tenant, made.id);
    let revision = made.revision;
    Ok(Answer::created(location, &view(scope, made).await?)?.at(revision))
}

/// Show one integration.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}", responses((status = 200, body = IntegrationView)))]
pub(crate) async fn get_integration(asked: Allowed<Viewer, OneIntegration>) -> Result<Answer, Problem> {
    shown(&asked.reach.scope, asked.reach.integration).await
}

/// Change an integration. Secrets that are left out stay.
#[utoipa::path(
    patch,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}",
    params(("if-match" = Option<String>, Header, description = "The `ETag` that was read; the change is refused if it is no longer the one.")),
    request_body = IntegrationPatch,
    responses((status = 200, body = IntegrationView))
)]
pub(crate) async fn change_integration(asked: Allowed<Admin, OneIntegration, Json<IntegrationPatch>>) -> Result<Answer, Problem> {
    let expected = asked.if_match()?;
    let (scope, known) = (&asked.reach.scope, &asked.reach.integration);
    let IntegrationPatch { title, settings: patch, schedule, streams } = asked.input.0;
    check(schedule.as_ref(), streams.as_ref().and_then(Option::as_deref))?;
    title.iter().try_for_each(|title| checked_name("/title", title))?;
    let settings = match patch {
        Some(patch) if !patch.is_object() => return Err(Problem::invalid_at("/settings", "must be an object")),
        Some(patch) => {
            let kind = asked.tools.connector(&known.connector)?;
            let old = scope.integrations().settings(&known.id).await?;
            Some(settings::replacing(kind.as_ref(), &old, patch)?)
        }
        None => None,
    };
    let change = Change { title, settings, schedule, streams };
    let changed = scope.integrations().update(&known.id, expected.unwrap_or(known.revision), change).await?;
    asked.tools.engine.enrol(&changed.tenant, &changed.id).await?;
    shown(scope, changed).await
}

/// Delete an integration for good. Its secrets go, its id stays taken, what it read stays.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}",
    params(("if-match" = Option<String>, Header, description = "The `ETag` that was read; refused if it is no longer the one.")),
    responses((status = 204))
)]
pub(crate) async fn delete_integration(asked: Allowed<Admin, OneIntegration>) -> Result<Answer, Problem> {
    let (scope, known) = (&asked.reach.scope, &asked.reach.integration);
    scope.integrations().delete(&known.id, asked.if_match()?).await?;
    asked.tools.engine.enrol(&known.tenant, &known.id).await?;
    Ok(Answer::nothing())
}

/// Try the connection for real, now. The answer is the source's own.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/integrations/{integration}/test", responses((status = 200, body = Tried)))]
pub(crate) async fn test_integration(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    let known = &asked.reach.integration;
    let tried = asked.tools.engine.test(&known.tenant, &known.id).await;
    let Err(fault) = tried else { return Answer::ok(&Tried { works: true, code: None, message: None }) };
    if let Fault::Internal(_) | Fault::Stopped = fault {
        return Err(fault.into());
    }
    let message = plain(&asked, &fault).await?;
    Answer::ok(&Tried { works: false, code: Some(fault.code()), message: Some(message) })
}

/// What the source said, without the secrets that it may have repeated.
pub(super) async fn plain<R, I>(asked: &Allowed<R, OneIntegration, I>, fault: &Fault) -> Result<String, Problem> {
    let mut text = Some(fault.to_string());
    settings::Cleaner::new(&asked.reach.scope).clean(&asked.reach.integration.id, &mut text).await?;
    Ok(text.unwrap_or_default())
}

/// Read the integration now. If it is being read, that job is answered.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/integrations/{integration}/sync", responses((status = 202, body = Begun)))]
pub(crate) async fn sync_integration(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    let known = &asked.reach.integration;
    if !known.state.is_active() {
        return Err(Problem::because(Code::WrongState, format!("integration `{}` is {}: resume it first", known.id, known.state)));
    }
    let job = asked.tools.engine.sync_now(&known.tenant, &known.id).await?;
    Answer::accepted(&Begun { job })
}

/// Stop reading at the end of the next step. Nothing that was read is lost.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/integrations/{integration}/pause", responses((status = 200, body = IntegrationView)))]
pub(crate) async fn pause_integration(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    moved(asked, State::Paused).await
}

/// Start a draft, or go on with an integration that was paused or must be authorized again.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/integrations/{integration}/resume", responses((status = 200, body = IntegrationView)))]
pub(crate) async fn resume_integration(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    if asked.reach.integration.state.is_active() {
        return shown(&asked.reach.scope, asked.reach.integration).await;
    }
    moved(asked, State::Testing).await
}

async fn moved(asked: Allowed<Operator, OneIntegration>, state: State) -> Result<Answer, Problem> {
    let (scope, known) = (&asked.reach.scope, &asked.reach.integration);
    let change = StateChange { state, cause: None, waiting_until: None };
    let moved = scope.integrations().move_to(&known.id, asked.if_match()?, change).await?;
    asked.tools.engine.enrol(&moved.tenant, &moved.id).await?;
    shown(scope, moved).await
}
