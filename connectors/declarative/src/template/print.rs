//! Values as Python prints them while a template runs.

use std::fmt::Write as _;

use super::{
    python::{float, python_repr, write_number, write_text},
    run::STEPS_MAX,
    value::{Py, View},
};
use crate::dates::{DAY, Duration, SECOND, Time, offset_text};

/// A text that is longer is refused by whoever counts the steps, so that the rest of it need not be made.
const LETTERS_MAX: usize = 16 * STEPS_MAX + 16;

/// What `str()` prints.
pub fn str_of(value: &Py<'_>) -> String {
    let mut out = String::new();
    write_str(&mut out, value);
    out
}

/// Prints as `str()` does.
pub fn write_str(out: &mut String, value: &Py<'_>) {
    match value {
        Py::Undefined => {}
        Py::Str(text) | Py::Markup(text) => out.push_str(text.as_str()),
        Py::Time(time) => out.push_str(&isoformat(*time, ' ', None)),
        Py::Date(date) => {
            let (year, month, day) = date.parts();
            put(out, format_args!("{year:04}-{month:02}-{day:02}"));
        }
        Py::Delta(micros) => out.push_str(&delta(*micros)),
        Py::Period(duration) => out.push_str(&period(*duration)),
        other => write_repr(out, other),
    }
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(what);
    debug_assert!(written.is_ok(), "a text takes every letter");
}

/// What `repr()` prints.
pub fn repr_of(value: &Py<'_>) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

fn write_repr(out: &mut String, value: &Py<'_>) {
    match value {
        Py::Undefined => out.push_str("Undefined"),
        Py::None => out.push_str("None"),
        Py::Bool(yes) => out.push_str(if *yes { "True" } else { "False" }),
        Py::Int(number) => out.push_str(&number.to_string()),
        Py::Long(digits) => write_number(out, digits),
        Py::Float(number) => out.push_str(&float(*number)),
        Py::Str(text) => write_text(out, text.as_str()),
        Py::Markup(text) => {
            out.push_str("Markup(");
            write_text(out, text.as_str());
            out.push(')');
        }
        Py::Bytes(bytes) => out.push_str(&super::literal::bytes_repr(bytes)),
        Py::Json(json) => out.push_str(&python_repr(json)),
        Py::List(items) => match items.try_borrow() {
            Ok(items) => sequence(out, "[", items.iter(), "]"),
            Err(_) => out.push_str("[...]"),
        },
        Py::Tuple(items) => sequence(out, "(", items.iter(), if items.len() == 1 { ",)" } else { ")" }),
        Py::Dict(pairs) => match pairs.try_borrow() {
            Ok(pairs) => write_pairs(out, &pairs),
            Err(_) => out.push_str("{...}"),
        },
        Py::View(view, items) => {
            out.push_str(match view {
                View::Keys => "dict_keys(",
                View::Values => "dict_values(",
                View::Items => "dict_items(",
            });
            sequence(out, "[", items.iter(), "])");
        }
        Py::Time(time) => out.push_str(&time_repr(*time)),
        Py::Date(date) => {
            let (year, month, day) = date.parts();
            put(out, format_args!("datetime.date({year}, {month}, {day})"));
        }
        Py::Delta(micros) => out.push_str(&delta_repr(*micros)),
        Py::Period(duration) => {
            let (years, months, micros) = duration.parts();
            let (days, seconds, rest) = delta_parts(micros);
            put(out, format_args!("isodate.duration.Duration({days}, {seconds}, {rest}, years={years}, months={months})"));
        }
        Py::Flow(_) => out.push_str("<generator object>"),
        Py::Function(name) => put(out, format_args!("<function {name}>")),
        Py::Method(method) => put(out, format_args!("<built-in method {}>", method.1)),
        Py::Macro(defined) => put(out, format_args!("<Macro '{}'>", defined.node.name)),
        Py::Namespace(pairs) => {
            out.push_str("<Namespace ");
            if let Ok(pairs) = pairs.try_borrow() {
                write_pairs(out, &pairs);
            }
            out.push('>');
        }
        Py::Loop(state) => put(out, format_args!("<LoopContext {}/{}>", state.at.get() + 1, state.items.len())),
        Py::Template => out.push_str("<TemplateReference None>"),
    }
}

fn sequence<'a, 'b: 'a>(out: &mut String, open: &str, items: impl Iterator<Item = &'a Py<'b>>, close: &str) {
    out.push_str(open);
    for (index, item) in items.enumerate() {
        if out.len() > LETTERS_MAX {
            return;
        }
        out.push_str(if index == 0 { "" } else { ", " });
        write_repr(out, item);
    }
    out.push_str(close);
}

fn write_pairs(out: &mut String, pairs: &[(Py<'_>, Py<'_>)]) {
    out.push('{');
    for (index, (key, value)) in pairs.iter().enumerate() {
        if out.len() > LETTERS_MAX {
            return;
        }
        out.push_str(if index == 0 { "" } else { ", " });
        write_repr(out, key);
        out.push_str(": ");
        write_repr(out, value);
    }
    out.push('}');
}

/// `datetime.isoformat`; `None` where there is no such precision.
pub fn isoformat_to(time: Time, between: char, precision: &str) -> Option<String> {
    let known = ["auto", "hours", "minutes", "seconds", "milliseconds", "microseconds"];
    known.contains(&precision).then(|| isoformat(time, between, Some(precision)))
}

fn isoformat(time: Time, between: char, precision: Option<&str>) -> String {
    let (year, month, day) = time.date().parts();
    let (hour, minute, second, micros) = time.clock();
    let mut out = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}");
    let precision = match precision {
        None | Some("auto") => {
            if micros == 0 {
                "seconds"
            } else {
                "microseconds"
            }
        }
        Some(other) => other,
    };
    let written = match precision {
        "hours" => Ok(()),
        "minutes" => write!(out, ":{minute:02}"),
        "seconds" => write!(out, ":{minute:02}:{second:02}"),
        "milliseconds" => write!(out, ":{minute:02}:{second:02}.{:03}", micros / 1000),
        _ => write!(out, ":{minute:02}:{second:02}.{micros:06}"),
    };
    debug_assert!(written.is_ok(), "a text takes every letter");
    out + &time.offset().map(|offset| offset_text(offset, ":")).unwrap_or_default()
}

fn time_repr(time: Time) -> String {
    let (year, month, day) = time.date().parts();
    let (hour, minute, second, micros) = time.clock();
    let mut parts = vec![year, month, day, hour, minute];
    if second != 0 || micros != 0 {
        parts.push(second);
    }
    if micros != 0 {
        parts.push(micros);
    }
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let zone = match time.offset() {
        None => String::new(),
        Some(0) => ", tzinfo=datetime.timezone.utc".to_owned(),
        Some(offset) => format!(", tzinfo=datetime.timezone({})", delta_repr(i64::from(offset) * SECOND)),
    };
    format!("datetime.datetime({}{zone})", parts.join(", "))
}

/// Days, seconds and microseconds; only the days may be negative.
pub fn delta_parts(micros: i64) -> (i64, i64, i64) {
    let rest = micros.rem_euclid(DAY);
    (micros.div_euclid(DAY), rest / SECOND, rest % SECOND)
}

fn delta_repr(micros: i64) -> String {
    let (days, seconds, rest) = delta_parts(micros);
    let parts = [("days", days), ("seconds", seconds), ("microseconds", rest)];
    let said: Vec<String> = parts.iter().filter(|(_, value)| *value != 0).map(|(name, value)| format!("{name}={value}")).collect();
    format!("datetime.timedelta({})", if said.is_empty() { "0".to_owned() } else { said.join(", ") })
}

fn delta(micros: i64) -> String {
    let (days, seconds, rest) = delta_parts(micros);
    let mut out = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    put(&mut out, format_args!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if rest != 0 {
        put(&mut out, format_args!(".{rest:06}"));
    }
    out
}

fn period(duration: Duration) -> String {
    let (years, months, micros) = duration.parts();
    let mut parts = Vec::new();
    if years != 0 {
        parts.push(format!("{years} years"));
    }
    if months != 0 {
        parts.push(format!("{months} month{}", if months <= 1 { "" } else { "s" }));
    }
    parts.push(delta(micros));
    parts.join(", ")
}
