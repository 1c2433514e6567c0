//! Lets templates see the parameters of their component.

use serde_json::Value;

/// Gives every template the parameters of its component. They are fixed by now, so each template that looks at them begins with a
/// statement that sets them. Templates of streams that are still to be made from a template get theirs when they are made.
pub fn bind(node: &mut Value) {
    bind_in(node, None);
}

fn bind_in(node: &mut Value, parameters: Option<&Value>) {
    match node {
        Value::String(text) => {
            let looks = text.contains("parameters") && (text.contains("{{") || text.contains("{%"));
            if let Some(parameters) = parameters.filter(|_| looks) {
                *text = format!("{{% set parameters = {} %}}{text}", as_jinja(parameters));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| bind_in(item, parameters)),
        Value::Object(fields) => {
            let own = fields.get("$parameters").cloned();
            let parameters = own.as_ref().or(parameters);
            for (name, inner) in fields.iter_mut() {
                let stays =
                    ["$parameters", "stream_template", "schema", "connection_specification", "definitions"].contains(&name.as_str());
                if !stays {
                    bind_in(inner, parameters);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value as a template spells it.
fn as_jinja(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(as_jinja).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), as_jinja(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
