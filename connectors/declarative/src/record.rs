//! From a piece of a page to a record: its key, its version, whether it is gone.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};
use sonic_rs::LazyValue;
use syncline_model::{Record, RecordKey, Version};
use syncline_sdk::{DeleteStrategy, Refused};

use crate::{
    cursor::{Point, Settled},
    fields,
    template::python_str as python_text,
};

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
    pub fn read(&self, body: &Bytes, cursor: Option<&Settled>) -> Result<Record, Refused> {
        self.read_with_place(body, cursor).1
    }

    /// The same, and how far the cursor comes with it, whether it is a record or not.
    pub fn read_with_place(&self, body: &Bytes, cursor: Option<&Settled>) -> (Option<Point>, Result<Record, Refused>) {
        let refuse = |cause: &str| Refused { key: None, body: body.clone(), cause: cause.to_owned() };
        let Ok(text) = std::str::from_utf8(body) else { return (None, Err(refuse("it is not UTF-8"))) };
        if !text.starts_with('{') {
            return (None, Err(refuse("it is not an object")));
        }
        let found = match self.find(text, cursor) {
            Ok(found) => found,
            Err(error) => return (None, Err(refuse(&format!("it is no JSON: {error}")))),
        };
        let at_cursor = found.cursor.as_ref().and_then(|value| read_at(value, &[]));
        let place = cursor.zip(at_cursor.as_ref()).and_then(|(cursor, value)| cursor.read(value));
        let mut parts = Vec::with_capacity(self.key.len());
        for (path, value) in self.key.iter().zip(&found.key) {
            match value.as_ref().and_then(|value| key_text(value, path)) {
                Some(part) => parts.push(part),
                None => return (place, Err(refuse(&format!("its key `{}` is missing", path.join("."))))),
            }
        }
        let key = if parts.is_empty() { RecordKey::digest(body) } else { RecordKey::of(parts.iter().map(AsRef::as_ref)) };
        let (version, time) = match (at_cursor, self.version.as_slice()) {
            (Some(value), [name]) if cursor.is_some_and(|cursor| cursor.field == *name) => version(&value, place),
            _ => found.version.and_then(|value| read_at(&value, &self.version)).map_or((None, None), |value| {
                let place = cursor.and_then(|cursor| cursor.read(&value));
                version(&value, place)
            }),
        };
        let deleted = found.deleted.and_then(|value| read_at(&value, &self.deleted)).is_some_and(|value| says_yes(&value));
        (place, Ok(Record { key, version, time, deleted, body: body.clone() }))
    }

    /// What stands at the top of a record where a path begins; of two fields of a name the last. An error if the record is no JSON.
    fn find<'t>(&self, text: &'t str, cursor: Option<&Settled>) -> serde_json::Result<Found<LazyValue<'t>>> {
        let names = Found {
            key: self.key.iter().map(|path| path.first().map(String::as_str)).collect(),
            version: self.version.first().map(String::as_str),
            deleted: self.deleted.first().map(String::as_str),
            cursor: cursor.map(|cursor| cursor.field.as_str()),
        };
        let mut reader = sonic_rs::Deserializer::from_str(text);
        if let Ok(found) = reader.deserialize_map(Fields(&names))
            && reader.end().is_ok()
        {
            return Ok(found);
        }
        // JSON may hold names that are no text, such as half a pair of surrogates.
        serde_json::from_str::<&RawValue>(text)?;
        Ok(names.map(|name| fields::field(text.as_bytes(), name).and_then(|at| sonic_rs::from_str(text.get(at)?).ok())))
    }
}

/// Something for each of what is looked for in a record.
struct Found<T> {
    key: Vec<Option<T>>,
    version: Option<T>,
    deleted: Option<T>,
    cursor: Option<T>,
}

impl<T> Found<T> {
    fn map<V>(&self, each: impl Fn(&T) -> Option<V>) -> Found<V> {
        let each = |one: &Option<T>| one.as_ref().and_then(&each);
        Found {
            key: self.key.iter().map(each).collect(),
            version: each(&self.version),
            deleted: each(&self.deleted),
            cursor: each(&self.cursor),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Option<T>> {
        self.key.iter().chain([&self.version, &self.deleted, &self.cursor])
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Option<T>> {
        self.key.iter_mut().chain([&mut self.version, &mut self.deleted, &mut self.cursor])
    }
}

/// The fields of a record with these names.
struct Fields<'n>(&'n Found<&'n str>);

impl<'t> Visitor<'t> for Fields<'_> {
    type Value = Found<LazyValue<'t>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'t>>(self, mut record: M) -> Result<Self::Value, M::Error> {
        let mut found = self.0.map(|_| None);
        while let Some(name) = record.next_key_seed(Name(self.0))? {
            let Some(name) = name else {
                record.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: LazyValue<'t> = record.next_value()?;
            for (wanted, found) in self.0.iter().zip(found.iter_mut()) {
                if *wanted == Some(name) {
                    *found = Some(value.clone());
                }
            }
        }
        Ok(found)
    }
}

/// A name, if it is one of these.
struct Name<'n>(&'n Found<&'n str>);

impl<'n, 't> DeserializeSeed<'t> for Name<'n> {
    type Value = Option<&'n str>;

    fn deserialize<D: Deserializer<'t>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Name<'n> {
    type Value = Option<&'n str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().flatten().find(|wanted| *wanted == name))
    }
}

/// What stands at the end of a path that begins with this value.
fn read_at(value: &LazyValue<'_>, path: &[String]) -> Option<Value> {
    let raw = value.as_raw_str();
    match path {
        [] | [_] => serde_json::from_str(raw).ok(),
        [_, rest @ ..] => field(raw, rest),
    }
}

/// The text of a part of a key; `None` if it is missing.
fn key_text<'v>(value: &'v LazyValue<'_>, path: &[String]) -> Option<Cow<'v, str>> {
    let raw = value.as_raw_str();
    let plain = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|text| !text.contains('\\'));
    if let (Some(text), [_]) = (plain, path) {
        return Some(Cow::Borrowed(text));
    }
    let value = read_at(value, path)?;
    (!value.is_null()).then(|| Cow::Owned(python_text(&value)))
}

fn version(value: &Value, place: Option<Point>) -> (Option<Version>, Option<Timestamp>) {
    if let Some(time) = place.and_then(|place| Timestamp::from_microsecond(place.at).ok()) {
        return (Some(Version::from(time)), Some(time));
    }
    let said = python_text(value);
    match said.parse::<Timestamp>() {
        Ok(time) => (Some(Version::from(time)), Some(time)),
        Err(_) => (said.parse().ok().map(Version), None),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn shape() -> Shape {
        let path = |path: &str| dotted(path);
        Shape { key: vec![path("id"), path("of.id")], version: path("of.at"), deleted: path("gone") }
    }

    fn read(text: &'static str) -> Result<Record, Refused> {
        shape().read(&Bytes::from_static(text.as_bytes()), None)
    }

    #[test]
    fn what_is_looked_for_is_found_wherever_it_stands() {
        let record = read(r#"{"of": {"at": "2025-01-01T00:00:00Z", "id": 1.50}, "gone": "yes", "x": [{"id": 7}], "id": "a|b"}"#).unwrap();
        assert_eq!((record.key.as_str(), record.deleted), (r"a\|b|1.5", true));
        assert_eq!(record.time, Some("2025-01-01T00:00:00Z".parse().unwrap()));
        let record = read(r#"{"\u0069d": "\u0041", "of": {"id": true, "at": 12}, "gone": false}"#).unwrap();
        assert_eq!((record.key.as_str(), record.version, record.time, record.deleted), ("A|True", Some(Version(12)), None, false));
    }

    #[test]
    fn a_name_that_is_no_text_spoils_nothing() {
        let record = read(r#"{"\ud83d": 1, "id": "a", "of": {"id": 1}}"#).unwrap();
        assert_eq!((record.key.as_str(), record.version), ("a|1", None));
    }

    #[test]
    fn of_two_fields_of_a_name_the_last_one_counts() {
        let record = read(r#"{"id": "a", "of": {"id": 1}, "gone": true, "id": "b", "of": {"id": 2}, "gone": null}"#).unwrap();
        assert_eq!((record.key.as_str(), record.deleted), ("b|2", false));
    }

    #[test]
    fn a_record_without_its_key_is_refused_by_the_name_that_is_missing() {
        for (text, cause) in [
            ("{}", "its key `id` is missing"),
            (r#"{"id": null, "of": {"id": 1}}"#, "its key `id` is missing"),
            (r#"{"id": 1, "of": {"at": 1}}"#, "its key `of.id` is missing"),
            (r#"{"id": 1, "of": 2}"#, "its key `of.id` is missing"),
            ("[1]", "it is not an object"),
        ] {
            assert_eq!(read(text).unwrap_err().cause, cause, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_json_and_all_of_it(
            text in r#"\{("(id|of|x|\\u00e9|\\ud83d|\\q|é)?": ?(-?0?[0-9]{0,2}(\.[0-9]?)?([eE][+-]?[0-9]?)?|true|nul|null|"[a\t\\"]{0,2}"|\{"(id|at)": ?[0-9"]{1,3}\}|\[[0-9, ]{0,4}\]),? ?){0,3}\}[ \n}]?"#,
        ) {
            let is_json = serde_json::from_str::<&RawValue>(&text).is_ok();
            prop_assert_eq!(shape().find(&text, None).is_ok(), is_json, "{}", text);
        }
    }
}
