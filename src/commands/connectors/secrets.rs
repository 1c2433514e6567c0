//! Takes secrets out of a recording: those of the settings, and the tokens that answers gave in exchange for them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Fields of answers that hold what proves who asks.
const TELLTALE: [&str; 8] = ["access_token", "refresh_token", "id_token", "session_token", "token", "password", "secret", "api_key"];
/// Shorter ones would be found in words that they have nothing to do with.
const SHORTEST: usize = 4;

/// Secrets, and what stands in their place.
#[derive(Debug, Default)]
pub struct Secrets {
    known: BTreeMap<String, String>,
}

impl Secrets {
    /// Those that the settings' schema calls so.
    pub fn of_settings(schema: &Value, settings: &Value) -> Self {
        let mut made = Self::default();
        made.of_schema(schema, settings);
        made
    }

    fn of_schema(&mut self, schema: &Value, settings: &Value) {
        let kinds = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema[word].as_array()).flatten();
        kinds.for_each(|kind| self.of_schema(kind, settings));
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            match &settings[name] {
                Value::String(secret) if field["airbyte_secret"] == true => self.keep(name, secret),
                inner @ Value::Object(_) => self.of_schema(field, inner),
                _ => {}
            }
        }
    }

    /// Those that an answer hands out.
    pub fn find_in(&mut self, answer: &str) {
        if let Ok(answer) = serde_json::from_str::<Value>(answer) {
            self.walk(&answer);
        }
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if TELLTALE.contains(&name.to_lowercase().as_str()) => self.keep(name, text),
                        other => self.walk(other),
                    }
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, name: &str, secret: &str) {
        if secret.len() >= SHORTEST {
            let count = self.known.len();
            self.known.entry(secret.to_owned()).or_insert_with(|| format!("SECRET-{name}-{count}"));
        }
    }

    /// A value without them, however deep they stand.
    pub fn taken_out(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.replaced(text)),
            Value::Array(items) => items.iter().map(|item| self.taken_out(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.taken_out(value))).collect(),
            other => other.clone(),
        }
    }

    fn replaced(&self, text: &str) -> String {
        // The longest first: one may be a part of another.
        let mut known: Vec<_> = self.known.iter().collect();
        known.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        known.into_iter().fold(text.to_owned(), |text, (secret, instead)| {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let escaped = Value::from(secret.as_str()).to_string();
            let escaped = escaped.trim_matches('"');
            [secret.as_str(), &encoded, escaped].iter().fold(text, |text, form| text.replace(form, instead))
        })
    }
}

#[cfg(test)]
mod tests;
