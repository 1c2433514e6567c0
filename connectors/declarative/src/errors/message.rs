//! What the body of an answer says about what is wrong, as far as bodies have habits.

use serde_json::Value;

use crate::template::is_truthy;

/// The fields in which sources say what is wrong, in the order in which they are believed.
const FIELDS: [&str; 12] =
    ["message", "messages", "error", "errors", "failures", "failure", "detail", "err", "error_message", "msg", "reason", "status_message"];

/// What a document says is wrong.
pub fn of(document: &Value) -> Option<String> {
    match document {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(of).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let first = FIELDS.iter().filter_map(|name| fields.get(*name)).find(|value| is_truthy(value));
            // Python's `or` ends with the last of its values, also where that says nothing.
            first.or_else(|| fields.get(FIELDS[FIELDS.len() - 1])).and_then(of)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
