//! Methods of `datetime`, `date` and `timedelta`.

use super::super::{
    arguments::{Arguments, index, text},
    print::isoformat_to,
    run::Run,
    value::{Outcome, Py, Stop, other},
};
use crate::dates::{Date, SECOND, Time, strftime, strftime_date, strptime, zone_name};

const NO_TIME: &str = "there is no such time";

/// Calls a method of a time.
pub fn of_time<'a>(run: &mut Run<'a>, time: Time, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    match name {
        "strftime" => {
            let [format] = arguments.bind(["format"], 1)?;
            let made = strftime(time, text(&format.ok_or(Stop::Type)?)?);
            run.made(made)
        }
        "isoformat" => {
            let [between, precision] = arguments.bind(["sep", "timespec"], 0)?;
            let between = between.unwrap_or_else(|| Py::text("T"));
            let mut letters = text(&between)?.chars();
            let (Some(letter), None) = (letters.next(), letters.next()) else { return Err(Stop::Type) };
            let precision = precision.unwrap_or_else(|| Py::text("auto"));
            isoformat_to(time, letter, text(&precision)?).map_or_else(|| other("unknown timespec value"), |made| Ok(Py::text(made)))
        }
        "timestamp" => {
            arguments.none()?;
            Ok(Py::Float(time.seconds()))
        }
        "date" => {
            arguments.none()?;
            Ok(Py::Date(time.date()))
        }
        "tzname" => {
            arguments.none()?;
            Ok(time.offset().map_or(Py::None, |offset| Py::text(zone_name(offset))))
        }
        "utcoffset" => {
            arguments.none()?;
            Ok(time.offset().map_or(Py::None, |offset| Py::Delta(i64::from(offset) * SECOND)))
        }
        "astimezone" => {
            // There is no other zone at hand in a template than that of the process, which is UTC.
            arguments.maybe()?;
            time.in_utc().map(Py::Time).ok_or_else(|| Stop::Other(NO_TIME.to_owned()))
        }
        "strptime" => {
            let [value, format] = arguments.bind(["date_string", "format"], 2)?;
            let (value, format) = (value.ok_or(Stop::Type)?, format.ok_or(Stop::Type)?);
            strptime(text(&value)?, text(&format)?).map(Py::Time).ok_or_else(|| Stop::Other("a time does not match its format".to_owned()))
        }
        "replace" => replaced(time, arguments),
        _ => of_day(time.date(), Some(time), name, arguments),
    }
}

fn replaced(time: Time, arguments: Arguments<'_>) -> Outcome<Py<'_>> {
    let names = ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"];
    let given = arguments.bind(names, 0)?;
    let ((year, month, day), (hour, minute, second, micros)) = (time.date().parts(), time.clock());
    let mut parts = [year, month, day, hour, minute, second, micros];
    for (part, value) in parts.iter_mut().zip(&given) {
        if let Some(value) = value {
            *part = index(value)?;
        }
    }
    let offset = match &given[7] {
        None => time.offset(),
        Some(Py::None) => None,
        Some(_) => Some(0),
    };
    let [year, month, day, hour, minute, second, micros] = parts;
    let known = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second) && (0..SECOND).contains(&micros);
    let clock = ((hour * 60 + minute) * 60 + second) * SECOND + micros;
    let made = Date::new(year, month, day).filter(|_| known).and_then(|date| Time::new(date, clock, offset));
    made.map(Py::Time).ok_or_else(|| Stop::Other(NO_TIME.to_owned()))
}

/// Calls a method of a day.
pub fn of_date<'a>(date: Date, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    match name {
        "strftime" => {
            let [format] = arguments.bind(["format"], 1)?;
            Ok(Py::text(strftime_date(date, text(&format.ok_or(Stop::Type)?)?)))
        }
        "isoformat" => {
            arguments.none()?;
            Ok(Py::text(super::super::print::str_of(&Py::Date(date))))
        }
        "replace" => {
            let given = arguments.bind(["year", "month", "day"], 0)?;
            let (year, month, day) = date.parts();
            let mut parts = [year, month, day];
            for (part, value) in parts.iter_mut().zip(&given) {
                if let Some(value) = value {
                    *part = index(value)?;
                }
            }
            Date::new(parts[0], parts[1], parts[2]).map(Py::Date).ok_or_else(|| Stop::Other(NO_TIME.to_owned()))
        }
        _ => of_day(date, None, name, arguments),
    }
}

fn of_day<'a>(date: Date, time: Option<Time>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    arguments.none()?;
    let number = match name {
        "weekday" => date.weekday(),
        "isoweekday" => date.weekday() + 1,
        "toordinal" => date.days() + 719_163,
        "isocalendar" => {
            let ((year, week), weekday) = (date.iso_week(), date.weekday() + 1);
            return Ok(Py::tuple([year, week, weekday].map(|number| Py::Int(i128::from(number))).into()));
        }
        "ctime" => {
            let time = time.or_else(|| Time::new(date, 0, None)).ok_or(Stop::Type)?;
            return Ok(Py::text(strftime(time, "%a %b %e %H:%M:%S %Y")));
        }
        _ => return Err(Stop::Type),
    };
    Ok(Py::Int(i128::from(number)))
}

/// `timedelta.total_seconds`
pub fn of_delta(micros: i64, arguments: Arguments<'_>) -> Outcome<Py<'_>> {
    arguments.none()?;
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let seconds = format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000);
    Ok(Py::Float(seconds.parse().unwrap_or_default()))
}
