//! A cursor with everything filled in that depends on the owner's settings and on the instant of the job.

use jiff::Timestamp;
use serde_json::Value;
use syncline_model::Fault;

use super::{
    Point,
    spec::{CursorSpec, Kind, Moment, TimeSpec},
};
use crate::{
    dates::{self, Duration},
    template::Scope,
};

/// How values are read and written.
#[derive(Debug, Clone)]
enum Format {
    Time { format: String, formats: Vec<String> },
    Count,
}

/// Where windows begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamp {
    Day,
    /// The weekday on which a week begins, Monday is 0.
    Week(i8),
    Month,
}

/// A cursor that can be asked for windows.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The records' field.
    pub field: String,
    format: Format,
    /// The names of a window's first and last moment in a slice.
    pub boundary: (String, String),
    /// Windows have boundaries that count for the state; a count cursor has none.
    pub has_boundaries: bool,
    pub start: Option<Point>,
    /// The last moment; none is endless.
    pub end: Option<Point>,
    /// Why nobody can tell the last moment. There is a state nevertheless, and no window.
    pub no_end: Option<Fault>,
    pub lookback: Option<Duration>,
    pub step: Option<Duration>,
    pub granularity: Option<Duration>,
    pub clamp: Option<Clamp>,
    pub strictly: bool,
    /// All partitions share one state.
    pub global: bool,
}

impl CursorSpec {
    /// Fills it in.
    pub fn settle(&self, scope: &Scope, now: Timestamp) -> Result<Settled, Fault> {
        let field = self.field(scope)?;
        match &self.kind {
            Kind::Time(spec) => spec.settle(field, scope, now),
            Kind::Count(start) => {
                let first = start.as_ref().map(|start| start.text(scope)).transpose()?;
                let first = first.map_or(Ok(0), |text| text.trim().parse::<i64>().map_err(|_| bad_value("start_value", &text)))?;
                Ok(Settled {
                    field,
                    format: Format::Count,
                    boundary: ("start".to_owned(), "end".to_owned()),
                    has_boundaries: false,
                    start: Some(Point::new(first)),
                    end: None,
                    no_end: None,
                    lookback: None,
                    step: None,
                    granularity: None,
                    clamp: None,
                    strictly: false,
                    global: false,
                })
            }
        }
    }
}

impl TimeSpec {
    fn settle(&self, field: String, scope: &Scope, now: Timestamp) -> Result<Settled, Fault> {
        let name = |template: &Option<crate::template::Template>, default: &str| {
            template.as_ref().map_or_else(|| Ok(default.to_owned()), |template| template.text(scope))
        };
        let duration = |template: &Option<crate::template::Template>, what: &str| {
            let text = template.as_ref().map(|template| template.eval(scope)).transpose()?;
            let text = text.filter(crate::template::Evaluated::is_truthy).map(|value| value.text());
            text.map(|text| Duration::parse(&text).ok_or_else(|| bad_duration(what, &text))).transpose()
        };
        let granularity = self.granularity.as_deref().and_then(Duration::parse);
        let end = self.end.as_ref().map_or_else(|| Ok(Point::new(now.as_microsecond())), |end| end.point(&self.format, scope));
        let mut settled = Settled {
            field,
            format: Format::Time { format: self.format.clone(), formats: self.formats.clone() },
            boundary: (name(&self.start_field, "start_time")?, name(&self.end_field, "end_time")?),
            has_boundaries: true,
            start: Some(self.start.point(&self.format, scope)?),
            end: end.as_ref().ok().copied(),
            no_end: end.err(),
            lookback: duration(&self.lookback, "lookback_window")?,
            step: duration(&self.step, "step")?,
            granularity,
            clamp: None,
            strictly: self.strictly,
            global: self.global,
        };
        if let Some(clamping) = &self.clamping {
            let target = clamping.target.text(scope)?;
            let clamp = Clamp::of(&target, clamping.weekday.as_deref())?;
            let unit = settled.granularity.filter(|unit| unit.micros() != Some(0));
            let unit = unit.or_else(|| Duration::parse(if clamp == Clamp::Day { "PT1S" } else { "P1D" }));
            if let (Some(end), Some(unit)) = (settled.end, unit) {
                settled.end = super::windows::earlier(clamp.apply(end, false), &unit);
            }
            settled.clamp = Some(clamp);
        }
        Ok(settled)
    }
}

impl Moment {
    fn point(&self, format: &str, scope: &Scope) -> Result<Point, Fault> {
        let format = self.format.as_deref().unwrap_or(format);
        let read = |text: &str| {
            dates::parse(text, format)
                .map(point)
                .ok_or_else(|| Fault::Misconfigured(format!("`{text}` is no time in the format `{format}` that the connector wants")))
        };
        let mut time = read(&self.text.text(scope)?)?;
        if let Some(min) = &self.min {
            let text = min.text(scope)?;
            time = if text.is_empty() { time } else { time.max(read(&text)?) };
        }
        if let Some(max) = &self.max {
            let text = max.text(scope)?;
            time = if text.is_empty() { time } else { time.min(read(&text)?) };
        }
        Ok(time)
    }
}

impl Settled {
    /// The place that a value of a record or of a state names; `None` if it cannot be read.
    pub fn read(&self, value: &Value) -> Option<Point> {
        match &self.format {
            Format::Time { formats, .. } => {
                if value.is_null() {
                    return None;
                }
                formats.iter().find_map(|format| dates::parse_value(value, format)).map(point)
            }
            Format::Count => match value {
                Value::Number(number) => number.as_str().parse().ok().map(Point::new),
                _ => None,
            },
        }
    }

    /// A place as the state and requests have it.
    pub fn write(&self, place: Point) -> Value {
        match &self.format {
            Format::Time { format, .. } => time(place).map_or(Value::Null, |time| Value::String(dates::format(time, format))),
            Format::Count => Value::from(place.at),
        }
    }

    /// The smallest place there is.
    pub fn zero(&self) -> Point {
        match self.format {
            // The first year that the reference knows.
            Format::Time { .. } => Point::new(-62_135_596_800_000_000),
            Format::Count => Point::new(0),
        }
    }

    /// The next place: what lies no further apart is one piece.
    pub fn after(&self, place: Point) -> Point {
        match (&self.format, &self.granularity) {
            (Format::Count, _) => Point::new(place.at.saturating_add(1)),
            (Format::Time { .. }, Some(unit)) => super::windows::later(place, unit).unwrap_or(place),
            (Format::Time { .. }, None) => Point { at: place.at.saturating_add(1_000), offset_s: place.offset_s },
        }
    }
}

/// A time as a place.
pub fn point(time: dates::Time) -> Point {
    Point { at: time.micros(), offset_s: time.offset().unwrap_or(0) }
}

/// A place as a time; `None` beyond the calendar.
pub fn time(place: Point) -> Option<dates::Time> {
    let wall = place.at.checked_add(i64::from(place.offset_s) * dates::SECOND)?;
    let date = dates::Date::from_days(wall.div_euclid(dates::DAY))?;
    dates::Time::new(date, wall.rem_euclid(dates::DAY), Some(place.offset_s))
}

fn bad_duration(what: &str, text: &str) -> Fault {
    Fault::Misconfigured(format!("`{what}` is `{text}`, and must be a duration like `P1D` or `PT1H`"))
}

fn bad_value(what: &str, text: &str) -> Fault {
    Fault::Misconfigured(format!("`{what}` is `{text}`, and must be a whole number"))
}
