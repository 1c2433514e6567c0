//! `syncline state`: takes the state of an integration out of a running installation, or puts one in, through its API.

use anyhow::Context as _;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use syncline_sdk::{
    Http, HttpAnswer, HttpRequest,
    http::{Client, ClientConfig, Egress},
};

use crate::{
    cli::{StateCommand, StateOf},
    commands::{airbyte::file, say},
};

/// Does what was asked.
pub async fn run(command: &StateCommand) -> anyhow::Result<()> {
    match command {
        StateCommand::Export { of } => {
            let answer = ask(of, Method::GET, Bytes::new()).await?;
            let answer: Value = serde_json::from_slice(&answer.body).context("the API answered something that is no JSON")?;
            say(&serde_json::to_string_pretty(&answer["state"])?);
        }
        StateCommand::Import { of, state } => {
            let state = file(Some(state), "state")?;
            let streams = syncline_sdk::state::by_stream(&state).map_err(|why| anyhow::anyhow!("the state cannot be read: {why}"))?;
            ask(of, Method::PUT, Bytes::from(json!({"state": state}).to_string())).await?;
            let names: Vec<&str> = streams.keys().map(String::as_str).collect();
            say(&format!("`{}` goes on from the state of: {}", of.integration, names.join(", ")));
        }
    }
    Ok(())
}

async fn ask(of: &StateOf, method: Method, body: Bytes) -> anyhow::Result<HttpAnswer> {
    let StateOf { tenant, integration, api, key } = of;
    let address = format!("{}/api/v1/tenants/{tenant}/integrations/{integration}/state", api.trim_end_matches('/'));
    let mut bearer = HeaderValue::try_from(format!("Bearer {key}")).context("the API key cannot stand in a header")?;
    bearer.set_sensitive(true);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let url = address.parse().with_context(|| format!("`{api}` is no address"))?;
    // The API of an installation is often on the own network.
    let config = ClientConfig { egress: Egress { private_allowed: true }, ..ClientConfig::default() };
    let client = Client::new("syncline".parse()?, config)?;
    let answer = client.send(HttpRequest { method, headers, body, ..HttpRequest::get(url) }).await?;
    if answer.status.is_success() {
        return Ok(answer);
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let told = said["errors"].as_array().into_iter().flatten().filter_map(|error| error["why"].as_str());
    let why: Vec<&str> = said["detail"].as_str().into_iter().chain(told).collect();
    anyhow::bail!("the API answered {}: {}", answer.status.as_u16(), why.join("; "))
}
