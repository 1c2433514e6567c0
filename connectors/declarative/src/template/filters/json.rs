//! Values as JSON, spelt as Python's `json.dumps` spells it.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::{
    arguments::{Arguments, index},
    compare::{items, order, pairs},
    print::{repr_of, str_of},
    python::{float, write_number},
    run::Run,
    value::{Outcome, Py, Stop},
};

/// Applies one of them.
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let value = run.settled(value);
    match name {
        "string" => {
            arguments.none()?;
            if value.as_str().is_some() {
                return Ok(value);
            }
            let mut out = "\"\"\"".to_owned();
            Dump { indent: None, sorted: false }.write(&mut out, &value, 0)?;
            out.push_str("\"\"\"");
            run.made(out)
        }
        "pprint" => {
            arguments.none()?;
            run.made(repr_of(&value))
        }
        _ => {
            let [indent] = arguments.bind(["indent"], 0)?;
            let indent = match indent {
                None | Some(Py::None) => None,
                Some(indent) => Some(usize::try_from(index(&indent)?).unwrap_or(0).min(64)),
            };
            let mut out = String::new();
            Dump { indent, sorted: true }.write(&mut out, &value, 0)?;
            let safe = out.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027");
            run.spend(safe.len() / 16)?;
            Ok(Py::Markup(safe.into()))
        }
    }
}

struct Dump {
    indent: Option<usize>,
    sorted: bool,
}

impl Dump {
    fn write(&self, out: &mut String, value: &Py<'_>, depth: usize) -> Outcome<()> {
        match value {
            Py::None => out.push_str("null"),
            Py::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Py::Int(number) => out.push_str(&number.to_string()),
            Py::Long(digits) => write_number(out, digits),
            Py::Float(number) => out.push_str(&spelt(*number)),
            Py::Str(text) | Py::Markup(text) => write_text(out, text.as_str()),
            Py::Json(Value::Array(_)) | Py::List(_) => self.list(out, &items(value).unwrap_or_default(), depth)?,
            Py::Tuple(items) => self.list(out, items, depth)?,
            Py::Json(_) | Py::Dict(_) => self.dict(out, pairs(value).unwrap_or_default(), depth)?,
            // What JSON has no word for is Python's `TypeError`.
            _ => return Err(Stop::Type),
        }
        Ok(())
    }

    fn line(&self, out: &mut String, depth: usize) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent * depth));
        }
    }

    fn between(&self, out: &mut String, at: usize, depth: usize) {
        match (at, self.indent) {
            (0, _) => {}
            (_, None) => out.push_str(", "),
            (_, Some(_)) => out.push(','),
        }
        self.line(out, depth + 1);
    }

    fn list(&self, out: &mut String, items: &[Py<'_>], depth: usize) -> Outcome<()> {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            self.between(out, at, depth);
            self.write(out, item, depth + 1)?;
        }
        if !items.is_empty() {
            self.line(out, depth);
        }
        out.push(']');
        Ok(())
    }

    fn dict(&self, out: &mut String, mut pairs: Vec<(Py<'_>, Py<'_>)>, depth: usize) -> Outcome<()> {
        if self.sorted {
            let mut failed = None;
            pairs.sort_by(|left, right| {
                order(&left.0, &right.0)
                    .unwrap_or_else(|stop| {
                        failed = Some(stop);
                        None
                    })
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
            if let Some(stop) = failed {
                return Err(stop);
            }
        }
        let empty = pairs.is_empty();
        out.push('{');
        for (at, (key, value)) in pairs.into_iter().enumerate() {
            self.between(out, at, depth);
            let name = match &key {
                Py::Str(_) | Py::Markup(_) | Py::Int(_) | Py::Long(_) => str_of(&key),
                Py::Bool(yes) => yes.to_string(),
                Py::None => "null".to_owned(),
                Py::Float(number) => spelt(*number),
                _ => return Err(Stop::Type),
            };
            write_text(out, &name);
            out.push_str(": ");
            self.write(out, &value, depth + 1)?;
        }
        if !empty {
            self.line(out, depth);
        }
        out.push('}');
        Ok(())
    }
}

fn spelt(number: f64) -> String {
    match float(number).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        digits => digits.to_owned(),
    }
}

/// Everything beyond ASCII is escaped.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            letter => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let written = write!(out, "\\u{unit:04x}");
                debug_assert!(written.is_ok(), "a text takes every letter");
            }),
        }
    }
    out.push('"');
}
