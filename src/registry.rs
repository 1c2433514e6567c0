//! The schema registry, for those who have one: each topic's events get the schema that its connector declares for the stream. Speaks
//! the REST interface that Confluent's registry and Karapace share, and asks once for each subject.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_log::kafka::{Schema, Schemas};
use syncline_model::{ConnectorName, Event, LogFault, StreamName};
use syncline_sdk::{
    Connector, Http, HttpRequest,
    http::{Client, ClientConfig, Egress},
};
use tokio::runtime::Handle;
use url::Url;

use crate::{catalog::Catalog, commands::airbyte, config::Kafka};

const JSON_OF_REGISTRIES: &str = "application/vnd.schemaregistry.v1+json";
/// A step waits for this; a registry is near.
const ANSWER_MS: u64 = 5_000;

/// A registry, and what it has told us.
pub struct Registry {
    url: Url,
    authorization: Option<HeaderValue>,
    http: Client,
    runtime: Handle,
    catalog: Catalog,
    /// Every topic has one stream, so that its name says it all.
    topic_for_each_stream: bool,
    known: Mutex<HashMap<String, Arc<Schema>>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registry at {}", self.url.host_str().unwrap_or("no host"))
    }
}

#[derive(Deserialize)]
struct Registered {
    id: u32,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
}

impl Registry {
    /// The one that is configured, if one is.
    pub fn of(config: &Kafka, catalog: &Catalog) -> anyhow::Result<Option<Arc<Self>>> {
        if config.schema_registry.is_empty() {
            return Ok(None);
        }
        // It is the operator's own, and may be anywhere.
        let limits = ClientConfig { egress: Egress { private_allowed: true }, answer_ms: ANSWER_MS, ..ClientConfig::default() };
        Ok(Some(Arc::new(Self {
            url: config.schema_registry.parse()?,
            authorization: authorization(config)?,
            http: Client::new("schema-registry".parse()?, limits)?,
            runtime: Handle::current(),
            catalog: catalog.clone(),
            topic_for_each_stream: config.topic.contains("{connector}") && config.topic.contains("{stream}"),
            known: Mutex::default(),
        })))
    }

    /// As the usual strategies name it: by the topic, or by topic and record where several kinds share one.
    fn subject(&self, topic: &str, event: &Event) -> String {
        if self.topic_for_each_stream {
            return format!("{topic}-value");
        }
        format!("{topic}-{}.{}", event.connector, event.stream)
    }

    async fn declared(&self, connector: &ConnectorName, stream: &StreamName) -> Value {
        let open = || json!({"type": "object"});
        let Ok(found) = self.catalog.get(connector.as_str()) else { return open() };
        let Ok(context) = airbyte::offline_context(connector.clone()) else { return open() };
        let streams = found.streams(&context).await.unwrap_or_default();
        let schema = streams.into_iter().find(|known| known.name == *stream).map(|known| known.json_schema);
        schema.filter(Value::is_object).unwrap_or_else(open)
    }

    async fn register(&self, subject: &str, event: &Event) -> Result<Schema, LogFault> {
        let mut schema = self.declared(&event.connector, &event.stream).await;
        schema["title"] = format!("{}.{}", event.connector, event.stream).into();
        let asked = json!({"schemaType": "JSON", "schema": schema.to_string()});
        let url = self.at(&["subjects", subject, "versions"])?;
        let answer = self.send(url, &asked).await.map_err(|why| LogFault::Unavailable(format!("the schema registry: {why}")))?;
        let url = self.at(&["schemas", "ids", &answer.id.to_string()])?;
        Ok(Schema { id: answer.id, url: url.into() })
    }

    fn at(&self, path: &[&str]) -> Result<Url, LogFault> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| LogFault::Unavailable("`kafka.schema_registry` is no URL with a path".to_owned()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn send(&self, url: Url, body: &Value) -> Result<Registered, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_OF_REGISTRIES));
        headers.insert(ACCEPT, HeaderValue::from_static(JSON_OF_REGISTRIES));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let subject = url.path().to_owned();
        let request = HttpRequest { method: Method::POST, headers, body: Bytes::from(body.to_string()), ..HttpRequest::get(url) };
        let answer = self.http.send(request).await.map_err(|fault| fault.to_string())?;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(|error| format!("it answered `{subject}` with what has no id: {error}"));
        }
        let said = serde_json::from_slice::<Refused>(&answer.body).map(|refused| format!(": {}", refused.message)).unwrap_or_default();
        let mend = match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; look at `kafka.schema_registry_username` and its password",
            StatusCode::CONFLICT => "; the schema has changed in a way that the subject's compatibility does not allow",
            _ => "",
        };
        Err(format!("it answered `{subject}` with {}{said}{mend}", answer.status))
    }
}

fn authorization(config: &Kafka) -> anyhow::Result<Option<HeaderValue>> {
    if config.schema_registry_username.is_empty() {
        return Ok(None);
    }
    let pair = format!("{}:{}", config.schema_registry_username, config.schema_registry_password.secret().expose());
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Schemas for Registry {
    fn of(&self, topic: &str, event: &Event) -> Result<Arc<Schema>, LogFault> {
        let subject = self.subject(topic, event);
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&subject) {
            return Ok(Arc::clone(known));
        }
        let schema = Arc::new(self.runtime.block_on(self.register(&subject, event))?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(subject, Arc::clone(&schema));
        Ok(schema)
    }
}
