//! What stands in a value: attributes, items and slices, as Jinja finds them in Python's values.

use std::rc::Rc;

use serde_json::Value;

use super::{
    arguments::index,
    compare::equal,
    print::delta_parts,
    run::Run,
    value::{LoopState, Outcome, Py, Stop, Text},
};
use crate::dates::{Duration, Time};

const OF_STR: [&str; 44] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];
const OF_LIST: [&str; 11] = ["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
const OF_DICT: [&str; 11] = ["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];
const OF_TIME: [&str; 14] = [
    "astimezone",
    "ctime",
    "date",
    "isocalendar",
    "isoformat",
    "isoweekday",
    "replace",
    "strftime",
    "strptime",
    "timestamp",
    "toordinal",
    "tzname",
    "utcoffset",
    "weekday",
];
const OF_DATE: [&str; 8] = ["ctime", "isocalendar", "isoformat", "isoweekday", "replace", "strftime", "toordinal", "weekday"];

/// Whether an object has a method of this name, which hides a field.
pub fn hides_field(name: &str) -> bool {
    OF_DICT.contains(&name)
}

/// Whether a value has a method of this name, which then hides an item of the same name.
pub fn has_method(value: &Py<'_>, name: &str) -> bool {
    match value {
        Py::Str(_) | Py::Markup(_) => OF_STR.contains(&name),
        Py::Json(Value::Array(_)) | Py::List(_) => OF_LIST.contains(&name),
        Py::Json(_) | Py::Dict(_) => OF_DICT.contains(&name),
        Py::Tuple(_) => matches!(name, "count" | "index"),
        Py::Time(_) => OF_TIME.contains(&name),
        Py::Date(_) => OF_DATE.contains(&name),
        Py::Delta(_) | Py::Period(_) => name == "total_seconds",
        Py::Bytes(_) => matches!(name, "decode" | "hex"),
        Py::Float(_) => name == "is_integer",
        Py::Int(_) | Py::Bool(_) => name == "bit_length",
        Py::Loop(_) => matches!(name, "cycle" | "changed"),
        _ => false,
    }
}

impl<'a> Run<'a> {
    /// `value.name`
    pub fn attribute(&mut self, value: &Py<'a>, name: &'a str) -> Outcome<Py<'a>> {
        let value = self.current(value);
        if matches!(value, Py::Undefined) {
            return value.undefined(name);
        }
        if has_method(&value, name) {
            return Ok(Py::Method(Rc::new((value, name.into()))));
        }
        let property = match &value {
            Py::Time(time) => of_time(*time, name),
            Py::Date(date) => {
                Time::new(*date, 0, None).filter(|_| matches!(name, "year" | "month" | "day")).and_then(|time| of_time(time, name))
            }
            Py::Delta(micros) => of_delta(*micros, name),
            Py::Period(duration) => of_period(*duration, name),
            Py::Loop(state) => of_loop(state, name),
            _ => None,
        };
        if let Some(property) = property {
            return Ok(property);
        }
        self.item(&value, &Py::Str(Text::Seen(name)))
    }

    /// `value[key]`
    pub fn item(&mut self, value: &Py<'a>, key: &Py<'a>) -> Outcome<Py<'a>> {
        let value = self.current(value);
        let found = match &value {
            Py::Undefined => return value.undefined("an item"),
            Py::Json(Value::Object(fields)) => key.as_str().and_then(|name| fields.get(name)).map(Py::seen),
            Py::Dict(pairs) | Py::Namespace(pairs) => {
                self.spend(pairs.borrow().len() / 4)?;
                pairs.borrow().iter().find(|(known, _)| equal(known, key)).map(|(_, item)| item.clone())
            }
            Py::Json(Value::Array(items)) => place(key, items.len()).and_then(|at| items.get(at)).map(Py::seen),
            Py::List(items) => place(key, items.borrow().len()).and_then(|at| items.borrow().get(at).cloned()),
            Py::Tuple(items) => place(key, items.len()).and_then(|at| items.get(at).cloned()),
            Py::Bytes(bytes) => place(key, bytes.len()).and_then(|at| bytes.get(at)).map(|byte| Py::Int(i128::from(*byte))),
            Py::Str(_) | Py::Markup(_) if key.as_int().is_some() => {
                let letters = self.iterate(&value)?;
                place(key, letters.len()).and_then(|at| letters.get(at).cloned())
            }
            _ => None,
        };
        let method = key.as_str().filter(|name| has_method(&value, name));
        Ok(match (found, method) {
            (Some(found), _) => found,
            (None, Some(name)) => Py::Method(Rc::new((value.clone(), name.into()))),
            (None, None) => Py::Undefined,
        })
    }

    /// `value[start:stop:step]`
    pub fn slice(&mut self, value: &Py<'a>, bounds: &[Py<'a>]) -> Outcome<Py<'a>> {
        let value = self.current(value);
        if matches!(value, Py::Undefined) {
            return value.undefined("a slice");
        }
        let bound = |at: usize| match &bounds[at] {
            Py::None => Ok(None),
            bound => index(bound).map(Some),
        };
        let (start, stop, step) = (bound(0)?, bound(1)?, bound(2)?.unwrap_or(1));
        if step == 0 {
            return super::value::other("slice step cannot be zero");
        }
        if !matches!(value, Py::Str(_) | Py::Markup(_) | Py::Json(Value::Array(_)) | Py::List(_) | Py::Tuple(_) | Py::Bytes(_)) {
            return Err(Stop::Type);
        }
        let items = self.iterate(&value)?;
        let taken: Vec<Py<'a>> = places(items.len(), start, stop, step).filter_map(|at| items.get(at).cloned()).collect();
        match &value {
            Py::Str(_) | Py::Markup(_) => {
                let text = taken.iter().filter_map(Py::as_str).collect::<String>();
                self.made(text)
            }
            Py::Tuple(_) => Ok(Py::tuple(taken)),
            Py::Bytes(_) => {
                let bytes: Vec<u8> = taken.iter().filter_map(|byte| u8::try_from(byte.as_int()?).ok()).collect();
                Ok(Py::Bytes(bytes.into()))
            }
            _ => Ok(Py::list(taken)),
        }
    }
}

/// Where an index points, counted from the end if it is negative.
pub fn place(key: &Py<'_>, length: usize) -> Option<usize> {
    let at = key.as_int()?;
    let from_end = i128::try_from(length).ok()? + at;
    usize::try_from(if at < 0 { from_end } else { at }).ok()
}

/// The places that a slice takes, as Python's `slice.indices`.
fn places(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |at: Option<i64>, otherwise: i64| match at {
        None => otherwise,
        Some(at) if at < 0 => at.saturating_add(length).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (start, stop) = if step > 0 { (bound(start, low), bound(stop, high)) } else { (bound(start, high), bound(stop, low)) };
    let mut at = start;
    std::iter::from_fn(move || {
        let inside = if step > 0 { at < stop } else { at > stop };
        let here = inside.then(|| usize::try_from(at).ok()).flatten();
        at = at.saturating_add(step);
        here
    })
}

fn of_time<'a>(time: Time, name: &str) -> Option<Py<'a>> {
    let (year, month, day) = time.date().parts();
    let (hour, minute, second, micros) = time.clock();
    let number = match name {
        "year" => year,
        "month" => month,
        "day" => day,
        "hour" => hour,
        "minute" => minute,
        "second" => second,
        "microsecond" => micros,
        "tzinfo" => return Some(time.offset().map_or(Py::None, |offset| Py::text(crate::dates::zone_name(offset)))),
        _ => return None,
    };
    Some(Py::Int(i128::from(number)))
}

fn of_delta<'a>(micros: i64, name: &str) -> Option<Py<'a>> {
    let (days, seconds, rest) = delta_parts(micros);
    let number = match name {
        "days" => days,
        "seconds" => seconds,
        "microseconds" => rest,
        _ => return None,
    };
    Some(Py::Int(i128::from(number)))
}

fn of_period<'a>(duration: Duration, name: &str) -> Option<Py<'a>> {
    let (years, months, micros) = duration.parts();
    match name {
        "years" => Some(Py::Int(years.into())),
        "months" => Some(Py::Int(months.into())),
        _ => of_delta(micros, name),
    }
}

fn of_loop<'a>(state: &LoopState<'a>, name: &str) -> Option<Py<'a>> {
    let (at, length) = (state.at.get(), state.items.len());
    let number = |number: usize| i128::try_from(number).map(Py::Int).ok();
    match name {
        "index" => number(at + 1),
        "index0" => number(at),
        "revindex" => number(length - at),
        "revindex0" => number(length - at - 1),
        "first" => Some(Py::Bool(at == 0)),
        "last" => Some(Py::Bool(at + 1 == length)),
        "length" => number(length),
        "depth" => number(state.depth + 1),
        "depth0" => number(state.depth),
        "previtem" => Some(at.checked_sub(1).and_then(|at| state.items.get(at).cloned()).unwrap_or(Py::Undefined)),
        "nextitem" => Some(state.items.get(at + 1).cloned().unwrap_or(Py::Undefined)),
        _ => None,
    }
}
