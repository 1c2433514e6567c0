//! Times in the formats that manifests name, exact to the nanosecond.

use jiff::{Timestamp, fmt::strtime};

/// Reads a time. `%s`, `%ms` and `%epoch_microseconds` are counts since 1970; everything else is strftime, in UTC unless it has a zone.
pub fn parse(text: &str, format: &str) -> Option<Timestamp> {
    let count = || text.trim().parse::<i64>().ok();
    match format {
        "%s" => return Timestamp::from_second(count()?).ok(),
        "%ms" => return Timestamp::from_millisecond(count()?).ok(),
        "%epoch_microseconds" => return Timestamp::from_microsecond(count()?).ok(),
        _ => {}
    }
    let broken = strtime::parse(for_jiff(format), text).ok()?;
    if broken.offset().is_some() {
        return broken.to_timestamp().ok();
    }
    let date = broken.to_date().ok()?;
    let time = broken.to_time().unwrap_or(jiff::civil::Time::midnight());
    date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Writes a time.
pub fn format(time: Timestamp, format: &str) -> String {
    match format {
        "%s" => time.as_second().to_string(),
        "%ms" => time.as_millisecond().to_string(),
        "%epoch_microseconds" => time.as_microsecond().to_string(),
        _ => {
            // Python's `%f` is always six digits.
            let format = format.replace("%f", "%6f");
            strtime::format(&format, &time.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_else(|_| time.to_string())
        }
    }
}

fn for_jiff(format: &str) -> String {
    // Python reads `Z` and `+0000` with `%z`; jiff wants `%:z` for a colon, and reads both with `%z`.
    format.to_owned()
}

/// ISO 8601 durations as manifests write them: `P30D`, `PT1H`, `P1M`. Months and years go by the calendar.
pub fn earlier(time: Timestamp, duration: &str) -> Option<Timestamp> {
    let span: jiff::Span = duration.parse().ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(span).ok().map(|zoned| zoned.timestamp())
}
