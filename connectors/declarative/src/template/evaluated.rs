//! What a text becomes.

use serde_json::Value;

use super::python::python_str;

/// The kinds of values that Python tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `None`
    None,
    /// `True` and `False`
    Bool,
    /// A whole number.
    Int,
    /// A double.
    Float,
    /// A text.
    Str,
    /// A list.
    List,
    /// A mapping.
    Dict,
    /// `(1, 2)`
    Tuple,
    /// `b'x'`
    Bytes,
    /// `{1, 2}`
    Set,
    /// `...`
    Ellipsis,
    /// `1j`
    Complex,
}

/// What a text became in Python: a JSON value, or something JSON has no word for, with what Python prints for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    pub(super) json: Value,
    pub(super) kind: Kind,
    /// What Python prints, where it is not what it prints for the JSON value.
    pub(super) text: Option<Box<str>>,
}

impl Evaluated {
    /// The nearest JSON value: a tuple is a list, what has no JSON at all is the text that Python prints.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The nearest JSON value.
    pub fn into_json(self) -> Value {
        self.json
    }

    /// What kind it is in Python.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What Python's `str()` prints.
    pub fn text(&self) -> String {
        self.text.as_deref().map_or_else(|| python_str(&self.json), str::to_owned)
    }

    /// What Python's `str()` prints.
    pub fn into_text(self) -> String {
        match (self.text, self.json) {
            (Some(text), _) => text.into(),
            (None, Value::String(text)) => text,
            (None, other) => python_str(&other),
        }
    }

    /// Whether Python takes it for true.
    pub fn is_truthy(&self) -> bool {
        match self.kind {
            Kind::Bytes => self.text.as_deref() != Some("b''"),
            Kind::Set => self.text.as_deref() != Some("set()"),
            _ => is_truthy(&self.json),
        }
    }
}

/// Whether Python takes a value for true.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => {
            number.as_str().split(['e', 'E']).next().unwrap_or_default().bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

impl From<Value> for Evaluated {
    fn from(json: Value) -> Self {
        let kind = match &json {
            Value::Null => Kind::None,
            Value::Bool(_) => Kind::Bool,
            Value::Number(number) if number.as_str().contains(['.', 'e', 'E']) => Kind::Float,
            Value::Number(_) => Kind::Int,
            Value::String(_) => Kind::Str,
            Value::Array(_) => Kind::List,
            Value::Object(_) => Kind::Dict,
        };
        Self { json, kind, text: None }
    }
}
