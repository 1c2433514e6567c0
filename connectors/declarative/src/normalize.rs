//! Makes the values of a record what its schema says they are, as the reference does under `schema_normalization: Default`: a value is
//! converted by the `type` of its own property, never by `anyOf` and its like, and one that cannot be converted stays as it is.

use serde_json::{Map, Number, Value};

use crate::template::{is_truthy, python_str};

/// References that lead to references go no deeper than this.
const DEPTH_MAX: usize = 600;

/// Converts records to a schema.
#[derive(Debug, Clone)]
pub struct Normalizer {
    schema: Value,
}

impl Normalizer {
    /// Converts to this JSON Schema.
    pub fn new(schema: &Value) -> Self {
        Self { schema: schema.clone() }
    }

    /// Converts the fields of a record, and what they hold.
    pub fn normalize(&self, record: &mut Value) {
        self.descend(record, &self.schema, 0);
    }

    fn descend(&self, value: &mut Value, schema: &Value, depth: usize) {
        let Value::Object(keywords) = schema else { return };
        if depth > DEPTH_MAX {
            return;
        }
        for (keyword, means) in keywords {
            match (keyword.as_str(), means) {
                ("properties", Value::Object(properties)) => self.properties(value, properties, depth),
                ("items", Value::Object(_)) => self.items(value, means, depth),
                ("$ref", Value::String(reference)) => {
                    if let Some(schema) = reference.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer)) {
                        self.descend(value, schema, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn properties(&self, value: &mut Value, properties: &Map<String, Value>, depth: usize) {
        let Value::Object(fields) = value else { return };
        for (name, schema) in properties {
            if let Some(field) = fields.get_mut(name) {
                convert(field, schema);
            }
        }
        for (name, schema) in properties {
            if let Some(field) = fields.get_mut(name).filter(|field| field.is_object() || field.is_array()) {
                self.descend(field, schema, depth + 1);
            }
        }
    }

    fn items(&self, value: &mut Value, schema: &Value, depth: usize) {
        let Value::Array(items) = value else { return };
        items.iter_mut().for_each(|item| convert(item, schema));
        for item in items.iter_mut().filter(|item| item.is_object() || item.is_array()) {
            self.descend(item, schema, depth + 1);
        }
    }
}

/// Converts a value to the one type besides `null` that its schema names, as Python's `str`, `float`, `int` and `bool` convert.
fn convert(value: &mut Value, schema: &Value) {
    let (kind, nullable) = match schema.get("type") {
        Some(Value::String(kind)) => (kind.as_str(), kind == "null"),
        Some(Value::Array(kinds)) => {
            let mut others = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let (Some(kind), None) = (others.next(), others.next()) else { return };
            (kind, kinds.iter().any(|kind| kind == "null"))
        }
        _ => return,
    };
    if value.is_null() && nullable {
        return;
    }
    let converted = match kind {
        "string" if !value.is_string() => Some(Value::String(python_str(value))),
        "number" => float(value),
        "integer" => integer(value),
        "boolean" => boolean(value),
        "array" if !value.is_array() && !value.is_object() && wraps(schema) => Some(Value::Array(vec![value.take()])),
        _ => None,
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

/// Whether one value becomes a list of it: only where the elements have no type, or a list of simple ones.
fn wraps(schema: &Value) -> bool {
    const SIMPLE: [&str; 5] = ["string", "number", "integer", "boolean", "null"];
    match schema.get("items") {
        None => true,
        Some(Value::Object(items)) => match items.get("type") {
            None => true,
            Some(Value::Array(kinds)) => kinds.iter().all(|kind| kind.as_str().is_some_and(|kind| SIMPLE.contains(&kind))),
            Some(_) => false,
        },
        Some(_) => false,
    }
}

/// A number keeps its digits, and gets a point if it has none.
fn float(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => u8::from(*yes).to_string(),
        Value::String(text) => without_underscores(text.trim())?,
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let parsed: f64 = text.parse().ok()?;
    if !parsed.is_finite() {
        return Some(Value::Null);
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(&text)), |digits| ("-", digits));
    let at = digits.find(['e', 'E']).unwrap_or(digits.len());
    let (mantissa, exponent) = digits.split_at(at);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let part = if part.is_empty() { "0" } else { part };
    serde_json::from_str::<Number>(&format!("{sign}{whole}.{part}{exponent}")).ok().map(Value::Number)
}

/// Python reads `1_000`, with single underscores between digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let misplaced = |(at, byte): (usize, &u8)| *byte == b'_' && !(is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)));
    if bytes.iter().enumerate().any(misplaced) { None } else { Some(text.replace('_', "")) }
}

fn integer(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Number(number) => {
            let text = number.to_string();
            if !text.contains(['.', 'e', 'E']) {
                return None;
            }
            let parsed: f64 = text.parse().ok()?;
            if !parsed.is_finite() {
                return None;
            }
            format!("{:.0}", parsed.trunc())
        }
        Value::Bool(yes) => u8::from(*yes).to_string(),
        Value::String(text) => {
            let text = without_underscores(text.trim())?;
            let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let trimmed = digits.trim_start_matches('0');
            let digits = if trimmed.is_empty() { "0" } else { trimmed };
            if text.starts_with('-') && digits != "0" { format!("-{digits}") } else { digits.to_owned() }
        }
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let text = if text == "-0" { "0" } else { &text };
    serde_json::from_str::<Number>(text).ok().map(Value::Number)
}

fn boolean(value: &Value) -> Option<Value> {
    let yes = match value {
        Value::String(text) => match text.to_lowercase().trim() {
            "y" | "yes" | "t" | "true" | "on" | "1" => true,
            "n" | "no" | "f" | "false" | "off" | "0" => false,
            _ => return None,
        },
        Value::Bool(_) => return None,
        other => is_truthy(other),
    };
    Some(Value::Bool(yes))
}

#[cfg(test)]
mod tests;
