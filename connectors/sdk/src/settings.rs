//! Settings are checked against the connector's JSON Schema before anything is done with them: every mistake at once, with its
//! path and the nearest valid name, and never with the value, which may be a secret.

use serde_json::Value;
use syncline_model::nearest;

/// One mistake in settings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("`{path}`: {why}")]
pub struct Problem {
    /// JSON Pointer of the field; empty for the settings as a whole.
    pub path: String,
    /// What is wrong, as a lowercase clause.
    pub why: String,
}

impl Problem {
    fn of(error: &jsonschema::ValidationError<'_>) -> Self {
        Self { path: error.instance_path().to_string(), why: error.masked_with("the value").to_string() }
    }
}

/// All that is wrong with `settings` under `schema`. A schema that is itself broken is a problem of the whole.
pub fn problems(schema: &Value, settings: &Value) -> Vec<Problem> {
    let validator = match jsonschema::options().should_validate_formats(true).build(schema) {
        Ok(validator) => validator,
        Err(error) => {
            return vec![Problem { path: String::new(), why: format!("the connector's own schema is broken: {}", error.masked()) }];
        }
    };
    let mut found: Vec<Problem> = validator.iter_errors(settings).map(|error| Problem::of(&error)).collect();
    found.extend(unknown_names(schema, settings, ""));
    found
}

/// What JSON Schema alone has against `settings`: neither formats nor names that it does not know. A schema that is itself broken
/// refuses nothing.
pub fn misfits(schema: &Value, settings: &Value) -> Vec<Problem> {
    let validator = jsonschema::options().should_validate_formats(false).build(schema);
    validator.map(|validator| validator.iter_errors(settings).map(|error| Problem::of(&error)).collect()).unwrap_or_default()
}

/// Names that the schema does not know. JSON Schema allows them unless told otherwise; a slip in an optional name would pass.
fn unknown_names(schema: &Value, settings: &Value, path: &str) -> Vec<Problem> {
    let (Some(properties), Some(fields)) = (schema.get("properties").and_then(Value::as_object), settings.as_object()) else {
        return Vec::new();
    };
    let open = ["oneOf", "anyOf", "allOf", "patternProperties", "$ref"].iter().any(|word| schema.get(word).is_some())
        || schema.get("additionalProperties").is_some_and(|extra| extra != &Value::Bool(false));
    let mut found = Vec::new();
    for (name, value) in fields {
        let here = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        match properties.get(name) {
            Some(inner) => found.extend(unknown_names(inner, value, &here)),
            None if open => {}
            None => {
                let hint = nearest::hint(name, properties.keys().map(String::as_str));
                found.push(Problem { path: here, why: format!("unknown setting `{name}`{hint}") });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
