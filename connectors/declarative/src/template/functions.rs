//! The functions of the language: the reference's macros, and what Jinja has beside them.

use std::{cell::RefCell, rc::Rc};

use jiff::tz::TimeZone;

use super::{
    arguments::{Arguments, text},
    compare::{order, pairs},
    run::Run,
    value::{Outcome, Py, Stop, Text, other},
};
use crate::dates::{self, DAY, Duration, Time, strftime};

/// Every function that a template may call.
pub const NAMES: [&str; 15] = [
    "now_utc",
    "today_utc",
    "timestamp",
    "max",
    "min",
    "day_delta",
    "duration",
    "format_datetime",
    "today_with_timezone",
    "str_to_datetime",
    "sanitize_url",
    "camel_case_to_snake_case",
    "generate_uuid",
    "namespace",
    "dict",
];
const NO_TIME: &str = "a text is no time, or not in the format that is asked for";

/// The function of this name.
pub fn named(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

/// Calls a function.
pub fn call<'a>(run: &mut Run<'a>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let now = || Time::from(run.scope().now());
    match name {
        "now_utc" => {
            arguments.none()?;
            Ok(Py::Time(now()))
        }
        "today_utc" => {
            arguments.none()?;
            Ok(Py::Date(now().date()))
        }
        "today_with_timezone" => {
            let [zone] = arguments.bind(["timezone"], 1)?;
            today_in(now(), text(&zone.ok_or(Stop::Type)?)?)
        }
        "timestamp" => {
            let [value] = arguments.bind(["dt"], 1)?;
            timestamp(&value.ok_or(Stop::Type)?)
        }
        "str_to_datetime" => {
            let [value] = arguments.bind(["s"], 1)?;
            str_to_datetime(&value.ok_or(Stop::Type)?).map(Py::Time)
        }
        "day_delta" => {
            let now = now();
            let [days, format] = arguments.bind(["num_days", "format"], 1)?;
            let format = format.unwrap_or(Py::Str(Text::Seen("%Y-%m-%dT%H:%M:%S.%f%z")));
            day_delta(now, &days.ok_or(Stop::Type)?, text(&format)?)
        }
        "duration" => {
            let [value] = arguments.bind(["datestring"], 1)?;
            let value = value.ok_or(Stop::Type)?;
            let length = Duration::parse(text(&value)?).ok_or_else(|| Stop::Other("a text is no duration".to_owned()))?;
            Ok(length.micros().map_or(Py::Period(length), Py::Delta))
        }
        "format_datetime" => format_datetime(arguments),
        "max" | "min" => extreme(run, name == "max", &arguments),
        "sanitize_url" => {
            let [value] = arguments.bind(["value"], 1)?;
            let value = value.ok_or(Stop::Type)?;
            let made = super::filters::quote_plus(text(&value)?);
            run.made(made)
        }
        "camel_case_to_snake_case" => {
            let [value] = arguments.bind(["value"], 1)?;
            let made = snake(text(&value.ok_or(Stop::Type)?)?);
            run.made(made)
        }
        "generate_uuid" => {
            arguments.none()?;
            let random = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
            Ok(Py::text(random.to_string()))
        }
        "namespace" | "dict" => {
            let mut all = Vec::new();
            for value in &arguments.plain {
                all.extend(pairs(&run.current(value)).ok_or(Stop::Type)?);
            }
            for (name, value) in arguments.named {
                super::methods::put(&mut all, Py::Str(Text::from(name.into_owned())), value);
            }
            Ok(if name == "dict" { Py::dict(all) } else { Py::Namespace(Rc::new(RefCell::new(all))) })
        }
        _ => Err(Stop::Type),
    }
}

fn today_in<'a>(now: Time, zone: &str) -> Outcome<Py<'a>> {
    let zone = TimeZone::get(zone).map_err(|_| Stop::Other("there is no such time zone".to_owned()))?;
    let day = now.timestamp().to_zoned(zone).date();
    let date = dates::Date::new(day.year().into(), day.month().into(), day.day().into());
    date.map(Py::Date).ok_or_else(|| Stop::Other(NO_TIME.to_owned()))
}

fn timestamp<'a>(value: &Py<'a>) -> Outcome<Py<'a>> {
    match value {
        Py::Int(_) | Py::Bool(_) => value.as_int().map(Py::Int).ok_or(Stop::Type),
        #[expect(clippy::cast_possible_truncation, reason = "as Python does")]
        Py::Float(number) if number.is_finite() => Ok(Py::Int(number.trunc() as i128)),
        Py::Float(_) => other("cannot convert a float to an integer"),
        value => Ok(Py::Float(str_to_datetime(value)?.seconds())),
    }
}

/// A text in ISO 8601, in UTC.
fn str_to_datetime(value: &Py<'_>) -> Outcome<Time> {
    if matches!(value, Py::Undefined) {
        return Err(Stop::Undefined("something undefined is read as a time".to_owned()));
    }
    // Something that has a length is found to be too short before it is found to be no text.
    let length = match value {
        Py::Tuple(items) => Some(items.len()),
        value => super::compare::items(value).map(|items| items.len()).or_else(|| pairs(value).map(|pairs| pairs.len())),
    };
    if length.is_some_and(|length| length < 4) {
        return other(NO_TIME);
    }
    let time = dates::isoparse(text(value)?).map(Time::taken_as_utc).and_then(Time::in_utc);
    time.ok_or_else(|| Stop::Other(NO_TIME.to_owned()))
}

fn day_delta<'a>(now: Time, days: &Py<'a>, format: &str) -> Outcome<Py<'a>> {
    let days = days.as_float().ok_or(Stop::Type)?;
    if days.abs() > 1e9 {
        return other("a time lies outside of the calendar");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "checked")]
    let micros = days.trunc() as i64 * DAY + (days.fract() * DAY as f64).round_ties_even() as i64;
    let time = now.plus(micros).ok_or_else(|| Stop::Other("a time lies outside of the calendar".to_owned()))?;
    Ok(Py::text(strftime(time, format)))
}

fn format_datetime(arguments: Arguments<'_>) -> Outcome<Py<'_>> {
    let [value, format, input] = arguments.bind(["dt", "format", "input_format"], 2)?;
    let (value, format) = (value.ok_or(Stop::Type)?, format.ok_or(Stop::Type)?);
    if let Py::Time(time) = value {
        return Ok(Py::text(strftime(time, text(&format)?)));
    }
    let input = input.filter(super::compare::is_true);
    let wrong = || Stop::Other(NO_TIME.to_owned());
    let time = match (value.as_int(), &input) {
        (Some(count), input) => {
            let input = input.as_ref().map_or(Ok("%s"), text)?;
            dates::parse(&count.to_string(), input).ok_or_else(wrong)?
        }
        (None, Some(input)) => dates::strptime(text(&value)?, text(input)?).ok_or_else(wrong)?,
        (None, None) => str_to_datetime(&value)?,
    };
    Ok(Py::text(dates::format(time.taken_as_utc(), text(&format)?)))
}

fn extreme<'a>(run: &mut Run<'a>, greatest: bool, arguments: &Arguments<'a>) -> Outcome<Py<'a>> {
    if !arguments.named.is_empty() {
        return Err(Stop::Type);
    }
    let items = match arguments.plain.as_slice() {
        [] => return Err(Stop::Type),
        [one] => run.iterate(one)?,
        many => many.to_vec(),
    };
    let mut items = items.into_iter();
    let Some(mut best) = items.next() else { return other("an empty list has no greatest and no least") };
    for item in items {
        let wanted = if greatest { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less };
        if order(&item, &best)? == Some(wanted) {
            best = item;
        }
    }
    Ok(best)
}

/// `CamelCase` becomes `camel_case`.
fn snake(own: &str) -> String {
    let mut out = String::new();
    for (at, letter) in own.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter);
    }
    out.to_lowercase()
}
