//! Python's `ast.literal_eval`: a text that spells a value of Python becomes that value, every other text stays as it is.

mod number;
mod parse;
mod strings;

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use super::{
    evaluated::{Evaluated, Kind},
    python::{float, write_text},
};

/// A value that a text spells.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// A whole number, by its digits.
    Int(String),
    /// A double.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Literal>),
    /// A tuple.
    Tuple(Vec<Literal>),
    /// A set.
    Set(Vec<Literal>),
    /// A dict.
    Dict(Vec<(Literal, Literal)>),
    /// `...`
    Ellipsis,
}

/// What a text spells, or itself.
pub fn evaluate(text: String) -> Evaluated {
    match literal(&text) {
        Some(literal) => literal.evaluated(),
        None => Evaluated::from(Value::String(text)),
    }
}

/// What a text spells, if it spells anything. The reference leaves a complex number the text that it is.
pub fn literal(text: &str) -> Option<Literal> {
    if !might_spell(text) {
        return None;
    }
    parse::parse(text).filter(|literal| !matches!(literal, Literal::Complex(..)))
}

/// Most texts are told from a literal by how they begin.
fn might_spell(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t']);
    let begins = |names: &[&str]| names.iter().any(|name| text.starts_with(name));
    match text.as_bytes().first() {
        // Python writes no number with a zero before its digits.
        Some(b'0') if text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit()) => text.bytes().all(|byte| byte == b'0'),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'\'' | b'"' | b'(' | b'[' | b'{' | b'\n' | b'\r' | 0x0c | b'\\' | b'#') => true,
        Some(b'T' | b'F' | b'N' | b's') => begins(&["True", "False", "None", "set"]),
        Some(b'b' | b'B' | b'r' | b'R' | b'u' | b'U') => text.bytes().take(3).any(|byte| matches!(byte, b'\'' | b'"')),
        _ => false,
    }
}

/// Whether no literal begins with this byte.
#[inline]
pub fn none_begins(first: u8) -> bool {
    first.is_ascii_alphabetic() && !matches!(first, b'T' | b'F' | b'N' | b's' | b'b' | b'B' | b'r' | b'R' | b'u' | b'U')
}

impl Literal {
    /// What it is to everybody else.
    pub fn evaluated(self) -> Evaluated {
        let kind = self.kind();
        let text = (!self.is_json()).then(|| self.repr().into_boxed_str());
        Evaluated { kind, text, json: self.json() }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::None => Kind::None,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Complex(..) => Kind::Complex,
            Self::Str(_) => Kind::Str,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Tuple(_) => Kind::Tuple,
            Self::Set(_) => Kind::Set,
            Self::Dict(_) => Kind::Dict,
            Self::Ellipsis => Kind::Ellipsis,
        }
    }

    /// Python prints the JSON value as it prints this one.
    fn is_json(&self) -> bool {
        match self {
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Str(_) => true,
            Self::List(items) => items.iter().all(Self::is_json),
            Self::Dict(pairs) => pairs.iter().all(|(key, value)| matches!(key, Self::Str(_)) && value.is_json()),
            Self::Complex(..) | Self::Bytes(_) | Self::Tuple(_) | Self::Set(_) | Self::Ellipsis => false,
        }
    }

    fn json(self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Bool(yes) => Value::Bool(yes),
            Self::Int(digits) => number(&digits),
            Self::Float(value) if value.is_infinite() => number(if value > 0.0 { "1e999" } else { "-1e999" }),
            Self::Float(value) => number(&float(value)),
            Self::Str(text) => Value::String(text),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => Value::Array(items.into_iter().map(Self::json).collect()),
            Self::Dict(pairs) => Value::Object(pairs.into_iter().map(|(key, value)| (key.name(), value.json())).collect::<Map<_, _>>()),
            other @ (Self::Complex(..) | Self::Bytes(_) | Self::Ellipsis) => Value::String(other.repr()),
        }
    }

    /// What a key of a dict is called in JSON.
    fn name(self) -> String {
        match self {
            Self::Str(text) => text,
            Self::Bool(yes) => yes.to_string(),
            Self::None => "null".to_owned(),
            other => other.repr(),
        }
    }

    fn repr(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::None => out.push_str("None"),
            Self::Bool(yes) => out.push_str(if *yes { "True" } else { "False" }),
            Self::Int(digits) => out.push_str(digits),
            Self::Float(value) => out.push_str(&float(*value)),
            Self::Complex(real, imaginary) => out.push_str(&complex(*real, *imaginary)),
            Self::Str(text) => write_text(out, text),
            Self::Bytes(bytes) => out.push_str(&bytes_repr(bytes)),
            Self::List(items) => sequence(out, "[", items, "]"),
            Self::Tuple(items) => sequence(out, "(", items, if items.len() == 1 { ",)" } else { ")" }),
            Self::Set(items) if items.is_empty() => out.push_str("set()"),
            Self::Set(items) => sequence(out, "{", items, "}"),
            Self::Dict(pairs) => {
                out.push('{');
                for (at, (key, value)) in pairs.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    key.write(out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
            Self::Ellipsis => out.push_str("Ellipsis"),
        }
    }

    /// A dict's key must not be a list, a set or a dict.
    fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }

    /// Python's `==` between keys.
    fn equals(&self, other: &Self) -> bool {
        match (self.double(), other.double()) {
            #[expect(clippy::float_cmp, reason = "as Python does")]
            (Some(one), Some(two)) => one == two && (!matches!((self, other), (Self::Int(_), Self::Int(_))) || self == other),
            _ => self == other,
        }
    }

    fn double(&self) -> Option<f64> {
        match self {
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Int(digits) => digits.parse().ok(),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }
}

fn number(digits: &str) -> Value {
    serde_json::from_str::<Number>(digits).map_or(Value::Null, Value::Number)
}

fn sequence(out: &mut String, open: &str, items: &[Literal], close: &str) {
    out.push_str(open);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        item.write(out);
    }
    out.push_str(close);
}

fn complex(real: f64, imaginary: f64) -> String {
    let short = |value: f64| {
        let text = float(value);
        text.strip_suffix(".0").unwrap_or(&text).to_owned()
    };
    if real == 0.0 && !real.is_sign_negative() {
        return format!("{}j", short(imaginary));
    }
    let sign = if imaginary.is_sign_negative() { "" } else { "+" };
    format!("({}{sign}{}j)", short(real), short(imaginary))
}

/// Bytes as Python's `repr()` prints them.
pub fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(*byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => {
                let written = write!(out, "\\x{byte:02x}");
                debug_assert!(written.is_ok(), "a text takes every letter");
            }
        }
    }
    out.push(quote);
    out
}
