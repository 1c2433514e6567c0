//! JSON values as Python prints them.

use std::fmt::Write as _;

use serde_json::Value;

/// A value as Python's `str()` prints it.
pub fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

/// A value as Python's `repr()` prints it.
pub fn python_repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => write_number(out, number.as_str()),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_repr(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, inner)) in fields.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_text(out, name);
                out.push_str(": ");
                write_repr(out, inner);
            }
            out.push('}');
        }
    }
}

/// A number of JSON: whole ones keep their digits, all others are doubles in Python.
pub(super) fn write_number(out: &mut String, digits: &str) {
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return out.push_str(if digits == "-0" { "0" } else { digits });
    }
    out.push_str(&float(digits.parse().unwrap_or(f64::NAN)));
}

/// A double as Python prints it: the shortest digits that name it.
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

/// A text in the quotes that Python chooses, with its escapes.
pub(super) fn write_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter == quote => out.extend(['\\', letter]),
            letter if is_printable(letter) => out.push(letter),
            letter => write_escape(out, letter as u32),
        }
    }
    out.push(quote);
}

fn write_escape(out: &mut String, code: u32) {
    let written = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    debug_assert!(written.is_ok(), "a text takes every letter");
}

/// Python's `str.isprintable` for one letter.
fn is_printable(letter: char) -> bool {
    static UNPRINTABLE: std::sync::LazyLock<Option<regex::Regex>> = std::sync::LazyLock::new(|| regex::Regex::new(r"[\p{C}\p{Z}]").ok());
    if letter.is_ascii() {
        return !letter.is_ascii_control();
    }
    let mut buffer = [0; 4];
    !UNPRINTABLE.as_ref().is_some_and(|pattern| pattern.is_match(letter.encode_utf8(&mut buffer)))
}
