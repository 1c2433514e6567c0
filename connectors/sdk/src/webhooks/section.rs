//! Reads an object of `connector.yaml` field by field, and keeps every mistake with its place and the nearest valid name.

use std::cell::RefCell;

use serde_json::Value;
use syncline_model::nearest;

use super::template::Text;

/// A mistake in the section `webhooks`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {why}")]
pub struct Mistake {
    /// Where, as a path of names: `webhooks.events[2].stream`.
    pub path: String,
    /// What is wrong, as a lowercase clause.
    pub why: String,
}

/// An object of the section.
pub(super) struct Section<'a> {
    value: &'a Value,
    path: String,
    mistakes: &'a RefCell<Vec<Mistake>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(value: &'a Value, path: impl Into<String>, mistakes: &'a RefCell<Vec<Mistake>>) -> Self {
        let section = Self { value, path: path.into(), mistakes };
        if !value.is_object() {
            section.say("", "must be an object");
        }
        section
    }

    /// Something is wrong with a field, or with the whole where the name is empty.
    pub(super) fn say(&self, name: &str, why: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { path: self.at(name), why: why.into() });
    }

    pub(super) fn at(&self, name: &str) -> String {
        if name.is_empty() { self.path.clone() } else { format!("{}.{name}", self.path) }
    }

    /// Only fields of these names may be there.
    pub(super) fn only(&self, names: &[&str]) {
        for name in self.value.as_object().into_iter().flat_map(|fields| fields.keys()) {
            if !names.contains(&name.as_str()) {
                self.say(name, format!("unknown field `{name}`{}", nearest::hint(name, names.iter().copied())));
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn section(&self, name: &str) -> Option<Self> {
        self.get(name).map(|value| Self::new(value, self.at(name), self.mistakes))
    }

    pub(super) fn list(&self, name: &str) -> Vec<(&'a Value, String)> {
        match self.get(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(index, item)| (item, self.at(&format!("{name}[{index}]")))).collect()
            }
            Some(_) => {
                self.say(name, "must be a list");
                Vec::new()
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.get(name)?;
        if value.as_str().is_none() {
            self.say(name, "must be a text");
        }
        value.as_str()
    }

    /// A text, or a list of them.
    pub(super) fn texts(&self, name: &str) -> Vec<&'a str> {
        if self.get(name).is_some_and(Value::is_string) {
            return self.text(name).into_iter().collect();
        }
        let mut found = Vec::new();
        for (value, _) in self.list(name) {
            match value.as_str() {
                Some(text) => found.push(text),
                None => self.say(name, "must be a list of texts"),
            }
        }
        found
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        let Some(value) = self.get(name) else { return default };
        if value.as_bool().is_none() {
            self.say(name, "must be true or false");
        }
        value.as_bool().unwrap_or(default)
    }

    pub(super) fn whole(&self, name: &str, default: u64, least: u64, most: u64) -> u64 {
        let Some(value) = self.get(name) else { return default };
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.say(name, format!("must be a whole number from {least} to {most}"));
        }
        number.unwrap_or(default)
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(name) else { return default };
        let known = || words.iter().map(|(word, _)| *word);
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meant)) => *meant,
            None => {
                let all = known().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
                self.say(name, format!("there is no `{text}`{}: it can be {all}", nearest::hint(text, known())));
                default
            }
        }
    }

    /// A header's name, in lower case.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        match http::HeaderName::try_from(text) {
            Ok(header) => Some(header.as_str().to_owned()),
            Err(_) => {
                self.say(name, format!("`{text}` is no name of a header"));
                None
            }
        }
    }

    pub(super) fn template(&self, name: &str) -> Option<Text> {
        self.parsed(name, self.text(name)?)
    }

    pub(super) fn parsed(&self, name: &str, text: &str) -> Option<Text> {
        Text::parse(text).map_err(|why| self.say(name, why)).ok()
    }

    pub(super) fn missing(&self, name: &str) {
        self.say("", format!("`{name}` is missing"));
    }

    /// The fields of an object whose names are free.
    pub(super) fn fields(&self) -> Vec<(&'a str, &'a Value)> {
        self.value.as_object().into_iter().flat_map(|fields| fields.iter().map(|(name, value)| (name.as_str(), value))).collect()
    }
}
