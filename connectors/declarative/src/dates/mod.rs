//! Times in the formats that manifests name, exact to the microsecond, as the reference's `DatetimeParser` reads and writes them.
#![allow(dead_code, reason = "the cursors take it over one after the other")]

mod civil;
mod duration;
mod fixed;
mod iso;
mod strftime;
mod strptime;
mod time;

use serde_json::Value;

#[allow(unused_imports, reason = "the components take them over one after the other")]
pub(crate) use self::time::{DAY, SECOND};
#[allow(unused_imports, reason = "the components take them over one after the other")]
pub use self::{
    civil::Date,
    duration::Duration,
    iso::isoparse,
    strftime::{offset_text, strftime, strftime_date, zone_name},
    strptime::strptime,
    time::Time,
};

/// Reads a time. `%s`, `%s_as_float`, `%ms` and `%epoch_microseconds` are counts since 1970; everything else is Python's `strptime`, in
/// UTC unless the text says otherwise.
pub fn parse(text: &str, format: &str) -> Option<Time> {
    match format {
        "%s" => from_count(integer(text)?, SECOND),
        "%s_as_float" => Time::from_seconds(number(text)?),
        "%epoch_microseconds" => from_count(integer(text)?, 1),
        "%ms" => from_count(integer(text)?, 1000),
        _ => fixed::read(text, format).or_else(|| strptime(text, &format.replace("%_ms", "%f"))).map(Time::taken_as_utc),
    }
}

/// Reads a time out of a record: a number counts as its whole part where a format counts.
pub fn parse_value(value: &Value, format: &str) -> Option<Time> {
    match value {
        Value::String(text) => parse(text, format),
        Value::Number(number) if number.as_str().contains(['.', 'e', 'E']) && matches!(format, "%s" | "%ms" | "%epoch_microseconds") => {
            let whole: f64 = number.as_str().parse().ok()?;
            parse(&format!("{:.0}", whole.trunc()), format)
        }
        other => parse(&crate::template::python_str(other), format),
    }
}

/// Writes a time.
pub fn format(time: Time, format: &str) -> String {
    match format {
        "%s" => truncated(time.seconds()),
        "%s_as_float" => crate::template::python_float(time.seconds()),
        "%epoch_microseconds" => truncated(time.seconds() * 1e6),
        "%ms" => truncated(time.seconds() * 1e3),
        _ if format.contains("%_ms") => {
            let micros = format!("{:06}", time.clock().3);
            let milliseconds = format!("{:03}", time.clock().3 / 1000);
            strftime(time, &format.replace("%_ms", "%f")).replace(&micros, &milliseconds)
        }
        _ => strftime(time, format),
    }
}

/// ISO 8601 with or without a clock, or seconds since 1970, as the reference reads the moment at which a token expires.
pub fn parse_any(text: &str) -> Option<Time> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (!text.starts_with('-') && text.len() <= 10).then(|| parse(text, "%s")).flatten();
    }
    let others =
        ["%Y-%m-%d %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y", "%m/%d/%Y %H:%M:%S"];
    isoparse(text).or_else(|| others.iter().find_map(|format| strptime(text, format))).map(Time::taken_as_utc)
}

fn from_count(count: i64, unit: i64) -> Option<Time> {
    Time::from_micros(count.checked_mul(unit)?)
}

fn truncated(value: f64) -> String {
    let text = format!("{:.0}", value.trunc());
    if text == "-0" { "0".to_owned() } else { text }
}

/// Python's `int()` of a text.
fn integer(text: &str) -> Option<i64> {
    plain_digits(text)?.parse().ok()
}

/// Python's `float()` of a text.
fn number(text: &str) -> Option<f64> {
    plain_digits(text)?.parse().ok()
}

/// Without blanks around and with single underscores between digits only.
fn plain_digits(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let placed = |(at, _): (usize, &str)| digit(at.checked_sub(1)) && digit(Some(at + 1));
    text.match_indices('_').all(placed).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests;
