//! The state of an integration as Airbyte keeps it: taken along from there, and back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::{Fault, StreamName, nearest};
use utoipa::ToSchema;

use crate::{
    gate::{Admin, Allowed, OneIntegration, Operator},
    http::{answer::Answer, input::Json},
    problem::{Code, Problem},
    settings,
};

/// The state of an integration's streams.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateView {
    /// One message of the Airbyte protocol for each stream that has something to go on from.
    #[schema(value_type = Vec<Object>)]
    state: Value,
}

/// A state to go on from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateToTake {
    /// As Airbyte writes it: the messages of its protocol, what its API answers, or one object with a state for each stream. Streams that
    /// it does not name stay where they are.
    #[schema(value_type = Object)]
    state: Value,
}

/// Show the state of an integration as Airbyte would keep it.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/state", responses((status = 200, body = StateView)))]
pub(crate) async fn get_state(asked: Allowed<Operator, OneIntegration>) -> Result<Answer, Problem> {
    Answer::ok(&StateView { state: written(&asked).await? })
}

/// Let a paused integration go on from a state that Airbyte or another installation wrote.
#[utoipa::path(
    put,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}/state",
    request_body = StateToTake,
    responses((status = 204))
)]
pub(crate) async fn set_state(asked: Allowed<Admin, OneIntegration, Json<StateToTake>>) -> Result<Answer, Problem> {
    let known = &asked.reach.integration;
    if known.state.is_active() {
        return Err(Problem::because(Code::WrongState, format!("integration `{}` is {}: pause it first", known.id, known.state)));
    }
    let wanted = |why: String| Problem::invalid_at("/state", why);
    let states = syncline_sdk::state::by_stream(&asked.input.0.state).map_err(wanted)?;
    check_names(&asked, &states).await?;
    let connector = asked.tools.connector(&known.connector)?;
    let mut cursors = Vec::with_capacity(states.len());
    for (name, state) in &states {
        let stream: StreamName = name.parse().map_err(|error: syncline_model::id::BadId| wanted(error.to_string()))?;
        let cursor = connector.cursor(state).map_err(|fault| wanted(format!("stream `{name}`: {fault}")))?;
        cursors.extend(cursor.map(|cursor| (stream, cursor)));
    }
    match asked.tools.engine.go_on(&known.tenant, &known.id, cursors).await {
        Ok(()) => Ok(Answer::nothing()),
        Err(Fault::Misconfigured(why)) => Err(Problem::because(Code::WrongState, why)),
        Err(fault) => Err(fault.into()),
    }
}

/// A state for a stream that is not there would never be read.
async fn check_names<I>(asked: &Allowed<Admin, OneIntegration, I>, states: &BTreeMap<String, Value>) -> Result<(), Problem> {
    let known = &asked.reach.integration;
    let specs = super::streams::of_source(asked).await?;
    for name in states.keys() {
        if !specs.iter().any(|spec| spec.name.as_str() == name) {
            let hint = nearest::hint(name, specs.iter().map(|spec| spec.name.as_str()));
            return Err(Problem::invalid_at("/state", format!("integration `{}` has no stream `{name}`{hint}", known.id)));
        }
    }
    Ok(())
}

async fn written<R>(asked: &Allowed<R, OneIntegration>) -> Result<Value, Problem> {
    let known = &asked.reach.integration;
    let connector = asked.tools.connector(&known.connector)?;
    let mut states = BTreeMap::new();
    for entry in asked.tools.engine.cursors(&known.tenant, &known.id).await?.into_iter().filter(|entry| entry.key.part.is_empty()) {
        let state = connector.state(&entry.cursor).map_err(|fault| Problem::because(Code::WrongState, fault.to_string()))?;
        if let Some(state) = state {
            states.insert(entry.key.stream.to_string(), state);
        }
    }
    let mut text = Some(syncline_sdk::state::messages(&states).to_string());
    settings::Cleaner::new(&asked.reach.scope).clean(&known.id, &mut text).await?;
    let cleaned = serde_json::from_str(&text.unwrap_or_default());
    cleaned.map_err(|_| Problem::because(Code::WrongState, "the state holds a secret of the integration and cannot be shown without it"))
}
