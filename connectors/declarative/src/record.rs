//! From a piece of a page to a record: its key, its version, whether it is gone.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, value::RawValue};
use syncline_model::{Record, RecordKey, Version};
use syncline_sdk::{DeleteStrategy, Refused};

use crate::{template::python_str, window::Window};

/// How a stream's records are read.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Paths of the primary key's fields.
    pub key: Vec<Vec<String>>,
    /// Path of the field with the version.
    pub version: Vec<String>,
    /// Path of the field that says that a record is gone.
    pub deleted: Vec<String>,
}

impl Shape {
    /// The fields that identify a record, and those that `connector.yaml` names.
    pub fn new(key: Vec<Vec<String>>, version_field: Option<&str>, cursor_field: &[String], delete: &DeleteStrategy) -> Self {
        let version = version_field.map_or_else(|| cursor_field.to_vec(), dotted);
        let deleted = match delete {
            DeleteStrategy::Flag { field } => dotted(field),
            DeleteStrategy::None | DeleteStrategy::Missing => Vec::new(),
        };
        Self { key, version, deleted }
    }

    /// The record in a piece of a page, or why it is none.
    pub fn read(&self, body: &Bytes, window: Option<&Window>) -> Result<Record, Refused> {
        let refuse = |cause: &str, key: Option<RecordKey>| Refused { key, body: body.clone(), cause: cause.to_owned() };
        let Ok(text) = std::str::from_utf8(body) else { return Err(refuse("it is not UTF-8", None)) };
        if !text.starts_with('{') {
            return Err(refuse("it is not an object", None));
        }
        if let Err(error) = serde_json::from_str::<&RawValue>(text) {
            return Err(refuse(&format!("it is no JSON: {error}"), None));
        }
        let mut parts = Vec::with_capacity(self.key.len());
        for path in &self.key {
            match field(text, path) {
                Some(value) if !value.is_null() => parts.push(python_str(&value)),
                Some(_) | None => return Err(refuse(&format!("its key `{}` is missing", path.join(".")), None)),
            }
        }
        let key = if parts.is_empty() { RecordKey::digest(body) } else { RecordKey::of(parts.iter().map(String::as_str)) };
        let (version, time) = self.version(text, window);
        let deleted = !self.deleted.is_empty() && field(text, &self.deleted).is_some_and(|value| says_yes(&value));
        Ok(Record { key, version, time, deleted, body: body.clone() })
    }

    fn version(&self, text: &str, window: Option<&Window>) -> (Option<Version>, Option<Timestamp>) {
        if self.version.is_empty() {
            return (None, None);
        }
        let Some(value) = field(text, &self.version) else { return (None, None) };
        let said = python_str(&value);
        let time = window.and_then(|window| window.read(&said)).or_else(|| said.parse().ok());
        match (time, said.parse::<i128>()) {
            (Some(time), _) => (Some(Version::from(time)), Some(time)),
            (None, Ok(number)) => (Some(Version(number)), None),
            (None, Err(_)) => (None, None),
        }
    }
}

/// `a.b` as a path.
pub fn dotted(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn says_yes(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// A field of a record, read in place: only what stands there is parsed.
pub fn field(text: &str, path: &[String]) -> Option<Value> {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let found = sonic_rs::get(text, &names).ok()?;
    serde_json::from_str(found.as_raw_str()).ok()
}
