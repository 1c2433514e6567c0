//! The contract with whoever reads events from Kafka: an AsyncAPI 3 document made from the same tables and templates that the events
//! are made from. `syncline events contract` prints it.

mod message;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use syncline_model::{ConnectorName, attribute::ATTRIBUTES};
use syncline_sdk::StreamSpec;

use crate::config::Config;

/// Changes when consumers must change.
pub const VERSION: &str = "1.0.0";

const ABOUT: &str = "Every event says that a record of a tenant's source exists in this state, or is gone. Events are in CloudEvents' \
    binary mode of Kafka: attributes are headers, the record's own bytes are the value, untouched. All events of a record have the same \
    message key and are in one partition, in order. Steps are transactions: read with `isolation.level=read_committed`. Deduplicate by \
    `ce_id`; of two states of a record the one with the larger `ce_entityversion` is newer, and where there is none, the later one.";

/// A connector and its streams, whose events get channels of their own.
pub type Described = (ConnectorName, Vec<StreamSpec>);

/// The document: for all streams alike, or for those of these connectors with their schemas.
pub fn document(config: &Config, tenant: Option<&str>, connectors: &[Described]) -> Value {
    let channels = channels(config, tenant, connectors);
    let operations: Map<String, Value> = channels.keys().map(|name| (format!("publish-{name}"), operation(name))).collect();
    let schemas: Map<String, Value> = connectors.iter().flat_map(schemas).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events of Syncline",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": servers(config),
        "channels": channels,
        "operations": operations,
        "components": {"messages": message::components(connectors), "messageTraits": message::traits(!config.kafka.schema_registry.is_empty()), "schemas": schemas},
    })
}

/// The name under which the messages of a stream are kept.
fn stream_key(connector: &ConnectorName, stream: &StreamSpec) -> String {
    let plain: String = stream.name.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{connector}.{plain}")
}

fn servers(config: &Config) -> Value {
    let secure = config.kafka.tls;
    let hosts = config.kafka.bootstrap.split(',').map(str::trim).filter(|host| !host.is_empty());
    let all: Map<String, Value> = hosts
        .enumerate()
        .map(|(index, host)| {
            let protocol = if secure { "kafka-secure" } else { "kafka" };
            let mut server = json!({"host": host, "protocol": protocol, "protocolVersion": "3.0"});
            if !config.kafka.schema_registry.is_empty() {
                server["bindings"] = json!({"kafka": {"schemaRegistryUrl": config.kafka.schema_registry, "bindingVersion": "0.5.0"}});
            }
            (format!("broker-{}", index + 1), server)
        })
        .collect();
    Value::Object(all)
}

/// One channel for each address: streams that share a topic share a channel.
fn channels(config: &Config, tenant: Option<&str>, connectors: &[Described]) -> Map<String, Value> {
    if connectors.is_empty() {
        let names = ["upsert", "delete"].map(|op| (op.to_owned(), format!("record.{op}")));
        let channel = channel(config, &address(config, tenant, None), names);
        return [("events".to_owned(), channel)].into_iter().collect();
    }
    let mut by_address: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for (connector, streams) in connectors {
        for stream in streams {
            let key = stream_key(connector, stream);
            let at = address(config, tenant, Some((connector.as_str(), stream.name.as_str())));
            by_address.entry(at).or_insert_with(|| (key.clone(), Vec::new())).1.push(key);
        }
    }
    by_address
        .into_iter()
        .map(|(address, (first, keys))| {
            let name = if keys.len() == 1 { first } else { "events".to_owned() };
            let names = keys.into_iter().flat_map(|key| ["upsert", "delete"].map(|op| (format!("{key}.{op}"), format!("{key}.{op}"))));
            let channel = channel(config, &address, names);
            (name, channel)
        })
        .collect()
}

/// The template with everything filled in that is known.
fn address(config: &Config, tenant: Option<&str>, stream: Option<(&str, &str)>) -> String {
    let mut address = config.kafka.topic.replace("{prefix}", &config.kafka.prefix);
    if let Some(tenant) = tenant {
        address = address.replace("{tenant}", tenant);
    }
    if let Some((connector, stream)) = stream {
        address = address.replace("{connector}", connector).replace("{stream}", &topic_part(stream));
    }
    address
}

#[cfg(feature = "kafka")]
fn topic_part(stream: &str) -> String {
    syncline_log::kafka::Names::stream_part(stream)
}

/// Without Kafka nobody writes to topics, and only names that need no change are told as they are.
#[cfg(not(feature = "kafka"))]
fn topic_part(stream: &str) -> String {
    stream.to_owned()
}

fn channel(config: &Config, address: &str, messages: impl IntoIterator<Item = (String, String)>) -> Value {
    let messages: Map<String, Value> =
        messages.into_iter().map(|(name, id)| (name, json!({"$ref": format!("#/components/messages/{id}")}))).collect();
    let parameters: Map<String, Value> = [
        ("tenant", "The id of the tenant."),
        ("connector", "The name of the connector."),
        ("stream", "The name of the stream. Letters that no topic may have are `-`, and then a digest follows."),
    ]
    .into_iter()
    .filter(|(name, _)| address.contains(&format!("{{{name}}}")))
    .map(|(name, about)| (name.to_owned(), json!({"description": about})))
    .collect();
    let mut channel = json!({
        "address": address,
        "messages": messages,
        "bindings": {"kafka": {
            "partitions": config.kafka.event_partitions,
            "topicConfiguration": {
                "cleanup.policy": ["delete"],
                "retention.ms": i64::from(config.log.retention_days).checked_mul(86_400_000).filter(|ms| *ms > 0).unwrap_or(-1),
            },
            "bindingVersion": "0.5.0",
        }},
    });
    if !parameters.is_empty() {
        channel["parameters"] = Value::Object(parameters);
    }
    channel
}

fn operation(channel: &str) -> Value {
    json!({
        "action": "send",
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": "Syncline publishes what it learned, in transactions.",
    })
}

fn schemas((connector, streams): &Described) -> Vec<(String, Value)> {
    let of = |stream: &StreamSpec| {
        let mut schema = if stream.json_schema.is_object() { stream.json_schema.clone() } else { json!({"type": "object"}) };
        if let Some(schema) = schema.as_object_mut() {
            schema.shift_remove("$schema");
        }
        (stream_key(connector, stream), schema)
    };
    streams.iter().map(of).collect()
}

/// The header in which Kafka's binary mode keeps an attribute.
fn header(attribute: &str) -> String {
    if attribute == "datacontenttype" { "content-type".to_owned() } else { format!("ce_{attribute}") }
}

/// An example of every header.
fn example_headers(op: &str) -> Value {
    let of = |attribute: &syncline_model::attribute::Attribute| {
        let text = match attribute.name {
            "op" => op.to_owned(),
            "type" => attribute.example.replace("upsert", op),
            _ => attribute.example.to_owned(),
        };
        (header(attribute.name), Value::String(text))
    };
    Value::Object(ATTRIBUTES.iter().filter(|attribute| attribute.required).map(of).collect())
}

#[cfg(test)]
mod tests;
