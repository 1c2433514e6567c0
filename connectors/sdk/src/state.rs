//! The state of streams as Airbyte writes it: in the messages of its protocol, in its API, and as old connectors kept it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The states in such a text, by stream. What is none of the known forms is an error, as a lowercase clause.
pub fn by_stream(written: &Value) -> Result<BTreeMap<String, Value>, String> {
    match written {
        Value::Array(messages) => messages.iter().map(of_message).try_fold(BTreeMap::new(), |mut all, states| {
            all.extend(states?);
            Ok(all)
        }),
        Value::Object(fields) => object(fields),
        Value::Null => Ok(BTreeMap::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Err("a state is a list of messages or an object".to_owned()),
    }
}

/// States as messages of the protocol.
pub fn messages(states: &BTreeMap<String, Value>) -> Value {
    let one = |(name, state): (&String, &Value)| json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}});
    states.iter().map(one).collect()
}

fn object(fields: &Map<String, Value>) -> Result<BTreeMap<String, Value>, String> {
    let listed =
        |of: &Map<String, Value>, name: &str| of.get(name).and_then(Value::as_array).map(|list| list.iter().map(message).collect());
    // What the API of Airbyte answers says what kind it is.
    match fields.get("stateType").and_then(Value::as_str) {
        Some("stream") => listed(fields, "streamState").unwrap_or_else(|| Err("`streamState` is missing".to_owned())),
        Some("legacy") => fields.get("state").map_or_else(|| Err("`state` is missing".to_owned()), by_stream),
        Some("not_set") => Ok(BTreeMap::new()),
        Some("global") => {
            let global = fields.get("globalState").and_then(Value::as_object);
            global
                .and_then(|global| listed(global, "streamStates"))
                .unwrap_or_else(|| Err("`globalState.streamStates` is missing".to_owned()))
        }
        Some(other) => Err(format!("a state of the kind `{other}` is not known")),
        None if fields.get("type").is_some_and(Value::is_string) => of_message(&Value::Object(fields.clone())),
        // One state for all, as older platforms wrote it.
        None => Ok(fields.iter().map(|(name, state)| (name.clone(), state.clone())).collect()),
    }
}

/// The states of one message, with or without its envelope.
fn of_message(written: &Value) -> Result<BTreeMap<String, Value>, String> {
    let inner = written.get("state").filter(|state| state.is_object()).unwrap_or(written);
    let Some(global) = inner.get("global").filter(|global| global.is_object()) else {
        return message(written).map(|one| [one].into());
    };
    if global.get("shared_state").and_then(Value::as_object).is_some_and(|shared| !shared.is_empty()) {
        return Err("a state that streams share (`shared_state`) belongs to no stream, and cannot be read on from".to_owned());
    }
    let streams = global.get("stream_states").and_then(Value::as_array);
    streams.ok_or_else(|| "`global.stream_states` is missing".to_owned())?.iter().map(message).collect()
}

/// The stream and the state of one stream's message, with or without its envelope.
fn message(message: &Value) -> Result<(String, Value), String> {
    let inner = message.pointer("/state/stream").or_else(|| message.get("stream")).unwrap_or(message);
    let either = |of: &Value, one: &str, other: &str| of.get(one).or_else(|| of.get(other)).cloned();
    let descriptor = either(inner, "stream_descriptor", "streamDescriptor");
    let name = descriptor.as_ref().and_then(|descriptor| descriptor.get("name")).and_then(Value::as_str);
    let name = name.ok_or_else(|| "a state has no `stream_descriptor` with a `name`".to_owned())?;
    let state = either(inner, "stream_state", "streamState").filter(|state| !state.is_null());
    Ok((name.to_owned(), state.unwrap_or_else(|| json!({}))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_in_which_airbyte_writes_a_state_is_read() {
        let state = json!({"updated_at": "2024-01-01"});
        let inner = json!({"stream_descriptor": {"name": "orders", "namespace": null}, "stream_state": state});
        let camel = json!({"streamDescriptor": {"name": "orders"}, "streamState": state});
        for written in [
            json!([{"type": "STREAM", "stream": inner}]),
            json!([{"type": "STATE", "state": {"type": "STREAM", "stream": inner}}]),
            json!({"type": "STATE", "state": {"type": "STREAM", "stream": inner}}),
            json!([{"type": "GLOBAL", "global": {"shared_state": null, "stream_states": [inner]}}]),
            json!({"type": "STATE", "state": {"type": "GLOBAL", "global": {"stream_states": [inner]}}}),
            json!({"stateType": "stream", "connectionId": "c", "streamState": [camel]}),
            json!({"stateType": "global", "globalState": {"shared_state": {}, "streamStates": [camel]}}),
            json!({"stateType": "legacy", "state": {"orders": state}}),
            json!({"orders": state}),
        ] {
            let found = by_stream(&written).unwrap();
            assert_eq!(found, BTreeMap::from([("orders".to_owned(), state.clone())]), "{written}");
            assert_eq!(by_stream(&messages(&found)).unwrap(), found);
        }
        assert_eq!(by_stream(&json!({"stateType": "not_set"})).unwrap(), BTreeMap::new());
    }

    #[test]
    fn what_is_no_state_is_told_and_never_taken_for_an_empty_one() {
        let shared = json!([{"type": "GLOBAL", "global": {"shared_state": {"at": 1}, "stream_states": []}}]);
        for written in [
            shared,
            json!([{"type": "GLOBAL", "global": {}}]),
            json!("x"),
            json!([{"type": "STREAM"}]),
            json!({"stateType": "stream"}),
            json!({"stateType": "odd"}),
        ] {
            assert!(by_stream(&written).is_err(), "{written}");
        }
    }
}
