//! The messages of the contract: headers from the table of attributes, the value from what is known of the stream.

use serde_json::{Map, Value, json};
use syncline_model::attribute::{ATTRIBUTES, Kind};

use super::{Described, example_headers, header, stream_key};

const VALUE: &str = "The record as the source said it, byte for byte: numbers have the digits that the source wrote.";
const GONE: &str = "What the source still said about the record, or nothing at all.";

/// What all messages have in common. With a schema registry the number of a schema stands before the value.
pub fn traits(framed: bool) -> Value {
    let mut traits = json!({
        "cloudevent": {
            "contentType": "application/json",
            "headers": headers(),
            "bindings": {"kafka": {
                "key": {"type": "string", "description": "Integration, stream and record key, with `/` between.", "examples": ["shop/orders/100001"]},
                "bindingVersion": "0.5.0",
            }},
        },
    });
    if framed {
        let binding = &mut traits["cloudevent"]["bindings"]["kafka"];
        binding["schemaIdLocation"] = "payload".into();
        binding["schemaIdPayloadEncoding"] = "confluent".into();
    }
    traits
}

/// JSON Schema of the headers.
pub fn headers() -> Value {
    let properties: Map<String, Value> = ATTRIBUTES
        .iter()
        .map(|attribute| {
            let mut schema = match attribute.kind {
                Kind::Constant(text) => json!({"type": "string", "const": text}),
                Kind::OneOf(words) => json!({"type": "string", "enum": words}),
                Kind::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
                Kind::Instant => json!({"type": "string", "format": "date-time"}),
                Kind::Text => json!({"type": "string", "minLength": 1}),
            };
            schema["description"] = attribute.about.into();
            schema["examples"] = json!([attribute.example]);
            (header(attribute.name), schema)
        })
        .collect();
    let required: Vec<String> = ATTRIBUTES.iter().filter(|attribute| attribute.required).map(|attribute| header(attribute.name)).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": true})
}

/// Every message that a channel names.
pub fn components(connectors: &[Described]) -> Value {
    let mut all = Map::new();
    if connectors.is_empty() {
        let open = json!({"type": "object", "description": VALUE});
        add(&mut all, "record", "A record", &open, true);
    }
    for (connector, streams) in connectors {
        for stream in streams {
            let key = stream_key(connector, stream);
            let schema = json!({"$ref": format!("#/components/schemas/{key}")});
            add(&mut all, &key, &format!("`{}` of `{connector}`", stream.name), &schema, false);
        }
    }
    Value::Object(all)
}

fn add(all: &mut Map<String, Value>, key: &str, what: &str, payload: &Value, example: bool) {
    let shared = json!([{"$ref": "#/components/messageTraits/cloudevent"}]);
    let mut upsert = json!({
        "name": format!("{key}.upsert"),
        "title": format!("{what} exists in this state"),
        "summary": VALUE,
        "traits": shared,
        "payload": payload,
    });
    if example {
        upsert["examples"] = json!([{"name": "order", "headers": example_headers("upsert"), "payload": {"id": 100_001, "total": "12.50", "currency": "EUR"}}]);
    }
    all.insert(format!("{key}.upsert"), upsert);
    let delete = json!({
        "name": format!("{key}.delete"),
        "title": format!("{what} is gone"),
        "summary": GONE,
        "traits": shared,
        "payload": {"description": GONE},
    });
    all.insert(format!("{key}.delete"), delete);
}
