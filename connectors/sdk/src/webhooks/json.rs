//! Places in a JSON text, read where they stand: what is found are the sender's own bytes.

use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;

/// A place in a JSON text: names and numbers with dots between, `data.items.0.id`. Empty is the whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<String>);

impl Path {
    /// Reads one; `None` if a part of it is empty.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        (!parts.iter().any(String::is_empty)).then_some(Self(parts))
    }

    /// What stands there, as it is written.
    pub fn find<'a>(&self, json: &'a str) -> Option<&'a str> {
        let whole: &'a RawValue = serde_json::from_str(json).ok()?;
        self.0.iter().try_fold(whole.get(), |at, name| step(at, name))
    }

    /// The text, number or truth value that stands there, as text.
    pub fn scalar(&self, json: &str) -> Option<String> {
        let found = self.find(json)?;
        match found.as_bytes().first()? {
            b'"' => serde_json::from_str(found).ok(),
            b'{' | b'[' | b'n' => None,
            _ => Some(found.to_owned()),
        }
    }
}

/// The items of a JSON list as they are written; `None` if it is none.
pub fn items(json: &str) -> Option<Vec<&str>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

fn step<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    if json.starts_with('[') {
        let number: usize = name.parse().ok()?;
        return items(json)?.get(number).copied();
    }
    let fields: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(json).ok()?;
    fields.get(name).map(|value| value.get())
}
