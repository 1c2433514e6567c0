//! The streams that a source has, and which of them are read.

use serde::Serialize;
use serde_json::Value;
use syncline_model::{StreamName, schedule::SyncMode};
use syncline_sdk::{StreamSpec, connector::DeleteStrategy};
use utoipa::ToSchema;

use super::{
    common::{Listing, ModeDoc},
    integrations::plain,
};
use crate::{
    gate::{Admin, Allowed, OneIntegration, Operator},
    http::answer::Answer,
    problem::{Code, Problem},
    settings,
};

/// A stream of the source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamView {
    /// Its name.
    #[schema(value_type = String)]
    name: StreamName,
    /// It is read: it was chosen, or nothing was and all are read.
    chosen: bool,
    /// Paths of the fields that identify a record.
    primary_key: Vec<Vec<String>>,
    /// Path of the field by which reading goes on.
    cursor_field: Vec<String>,
    /// How it can be read, the best first.
    #[schema(value_type = Vec<ModeDoc>)]
    modes: Vec<SyncMode>,
    /// How its deletions are found.
    #[schema(value_type = Object)]
    delete: DeleteStrategy,
    /// It cannot be read, and why.
    unavailable: Option<String>,
    /// JSON Schema of its records, as far as it is known.
    #[schema(value_type = Object)]
    json_schema: Value,
}

/// List the streams that the source has for these settings. Asks the source.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/streams", responses((status = 200, body = Listing<StreamView>)))]
pub(crate) async fn list_streams(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    let known = &asked.reach.integration;
    let specs = of_source(&asked).await?;
    let is_chosen = |spec: &StreamSpec| known.streams.as_ref().is_none_or(|chosen| chosen.iter().any(|choice| choice.name == spec.name));
    let items = specs.into_iter().map(|spec| StreamView { chosen: is_chosen(&spec), ..spec.into() }).collect();
    Answer::ok(&Listing { items, next: None })
}

/// The streams as the source has them.
pub(super) async fn of_source<R, I>(asked: &Allowed<R, OneIntegration, I>) -> Result<Vec<StreamSpec>, Problem> {
    let known = &asked.reach.integration;
    match asked.tools.engine.streams(&known.tenant, &known.id).await {
        Ok(specs) => Ok(specs),
        Err(fault @ (syncline_model::Fault::Internal(_) | syncline_model::Fault::Stopped)) => Err(fault.into()),
        Err(fault) => Err(Problem::because(Code::SourceRefused, plain(asked, &fault).await?)),
    }
}

/// Where reading a stream goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CursorView {
    /// The stream.
    #[schema(value_type = String)]
    stream: StreamName,
    /// How often it was written.
    revision: u64,
    /// The cursor as its connector wrote it, without the secrets that a source may have put into it.
    cursor: String,
}

/// List where reading each stream of an integration goes on.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/cursors", responses((status = 200, body = Listing<CursorView>)))]
pub(crate) async fn list_cursors(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    let known = &asked.reach.integration;
    let mut cleaner = settings::Cleaner::new(&asked.reach.scope);
    let mut items = Vec::new();
    for entry in asked.tools.engine.cursors(&known.tenant, &known.id).await?.into_iter().filter(|entry| entry.key.part.is_empty()) {
        let mut text = Some(String::from_utf8_lossy(&entry.cursor.0).into_owned());
        cleaner.clean(&known.id, &mut text).await?;
        items.push(CursorView { stream: entry.key.stream, revision: entry.revision.0, cursor: text.unwrap_or_default() });
    }
    Answer::ok(&Listing { items, next: None })
}

/// Accept that a stream's source has become much smaller: its next full refresh may delete what is missing.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}/streams/{stream}/accept-deletions",
    responses((status = 204))
)]
pub(crate) async fn accept_deletions(asked: Allowed<Admin, OneIntegration>) -> Result<Answer, Problem> {
    let (known, stream) = (&asked.reach.integration, asked.path::<StreamName>("stream")?);
    asked.tools.engine.accept_deletions(&known.tenant, &known.id, &stream).await?;
    Ok(Answer::nothing())
}

impl From<StreamSpec> for StreamView {
    fn from(spec: StreamSpec) -> Self {
        let StreamSpec { name, primary_key, cursor_field, modes, json_schema, delete, unavailable } = spec;
        Self {
            name,
            chosen: false,
            primary_key,
            cursor_field,
            modes,
            delete,
            unavailable: unavailable.map(|unavailable| unavailable.why),
            json_schema,
        }
    }
}
