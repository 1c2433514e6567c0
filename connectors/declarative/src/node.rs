//! A component of a resolved manifest, with its place, read field by field.

use serde_json::Value;

use crate::{problem::Problem, template::Template};

/// A component and where it stands.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// The component.
    pub value: &'a Value,
    /// Its place, as a path of names.
    pub path: String,
}

impl<'a> Node<'a> {
    /// A component.
    pub fn new(value: &'a Value, path: &str) -> Self {
        Self { value, path: path.to_owned() }
    }

    /// Its `type`; empty without one.
    pub fn kind(&self) -> &'a str {
        self.value.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// A field that is there and not null.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.value.get(field).filter(|value| !value.is_null())
    }

    /// A field as a component of its own.
    pub fn child(&self, field: &str) -> Option<Node<'a>> {
        self.get(field).map(|value| Node { value, path: self.below(field) })
    }

    /// A field as a component of its own, that must be there.
    pub fn needed(&self, field: &str) -> Result<Node<'a>, Problem> {
        self.child(field).ok_or_else(|| self.missing(field))
    }

    /// The elements of a list; one component alone counts as a list of one.
    pub fn children(&self, field: &str) -> Vec<Node<'a>> {
        match self.get(field) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(index, value)| Node { value, path: format!("{}[{index}]", self.below(field)) }).collect()
            }
            Some(value) => vec![Node { value, path: self.below(field) }],
        }
    }

    /// A field that is a text.
    pub fn word(&self, field: &str) -> Option<&'a str> {
        self.get(field).and_then(Value::as_str)
    }

    /// A field that says yes; absent is no.
    pub fn says(&self, field: &str) -> bool {
        self.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number, also when it is written as a text.
    pub fn whole(&self, field: &str) -> Result<Option<i64>, Problem> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Number(number)) if number.as_i64().is_some() => Ok(number.as_i64()),
            Some(Value::String(text)) if text.trim().parse::<i64>().is_ok() => Ok(text.trim().parse().ok()),
            Some(other) => Err(self.problem(format!("`{field}` is `{other}`, and must be a whole number"))),
        }
    }

    /// A template.
    pub fn text(&self, field: &str) -> Result<Option<Template>, Problem> {
        let text = match self.get(field) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
            Some(_) => return Err(Problem::manifest(&self.below(field), format!("`{field}` must be a text"))),
        };
        self.template(&text, field).map(Some)
    }

    /// A template that must be there.
    pub fn needed_text(&self, field: &str) -> Result<Template, Problem> {
        self.text(field)?.ok_or_else(|| self.missing(field))
    }

    /// A text as a template.
    pub fn template(&self, text: &str, field: &str) -> Result<Template, Problem> {
        Template::new(text).map_err(|why| Problem::manifest(&self.below(field), why))
    }

    /// A mistake in it.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::manifest(&self.path, message)
    }

    /// The mistake that a field is missing.
    pub fn missing(&self, field: &str) -> Problem {
        self.problem(format!("`{field}` is missing"))
    }

    /// The mistake that a component of this type cannot stand here.
    pub fn unknown(&self, what: &str, known: &[&str]) -> Problem {
        if self.kind().starts_with("Custom") {
            let class = self.word("class_name").unwrap_or("no class_name");
            return self.problem(format!("it needs the Python class `{class}`, which cannot run here"));
        }
        let hint = syncline_model::nearest::hint(self.kind(), known.iter().copied());
        self.problem(format!("unknown {what} `{}`{hint}", self.kind()))
    }

    /// The place of a field.
    pub fn below(&self, field: &str) -> String {
        crate::places::join(&self.path, field)
    }
}
