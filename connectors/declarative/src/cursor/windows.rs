//! The windows of time that a stream is read in.

use jiff::civil::DateTime;
use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{
    Point, Progress, Settled,
    settle::{Clamp, point, time},
};
use crate::dates::Duration;

/// A window, first and last moment as the source writes them.
pub type Window = Map<String, Value>;

/// More windows than any honest step makes.
const WINDOWS_MAX: usize = 1_000_000;

impl Settled {
    /// The windows that are still to be read.
    pub fn windows(&self, progress: &Progress) -> Result<Vec<Window>, Fault> {
        if let Some(fault) = &self.no_end {
            return Err(fault.clone());
        }
        let mut found = Vec::new();
        let merged = progress.merged(self);
        if let (Some(start), Some(first)) = (self.start, merged.first())
            && start < first.start
        {
            self.split(start, Some(first.start), false, &mut found)?;
        }
        for pair in merged.windows(2) {
            let [one, next] = pair else { continue };
            let from = self.granularity.as_ref().and_then(|unit| later(one.end, unit)).unwrap_or(one.end);
            self.split(from, Some(next.start), false, &mut found)?;
        }
        if let Some(last) = merged.last() {
            let from = self.lookback.as_ref().and_then(|lookback| earlier(last.end, lookback)).unwrap_or(last.end);
            self.split(from, self.end, true, &mut found)?;
        }
        Ok(found)
    }

    fn window(&self, start: Point, end: Option<Point>) -> Window {
        let end = end.map_or_else(|| Value::from("inf"), |end| self.write(end));
        Window::from_iter([(self.boundary.0.clone(), self.write(start)), (self.boundary.1.clone(), end)])
    }

    fn split(&self, lower: Point, upper: Option<Point>, is_end: bool, found: &mut Vec<Window>) -> Result<(), Fault> {
        let Some(upper) = upper else {
            found.push(self.window(self.start.map_or(lower, |start| lower.max(start)), None));
            return Ok(());
        };
        let unit = self.granularity.as_ref();
        if lower > upper || (lower == upper && unit.is_none()) || self.start.is_some_and(|start| upper < start) {
            return Ok(());
        }
        let clamped = |place: Point| self.clamp.map_or(place, |clamp| clamp.apply(place, true));
        let lower = clamped(self.start.map_or(lower, |start| if start > lower { start } else { lower }));
        if lower > upper || (lower == upper && (self.strictly || !is_end)) {
            return Ok(());
        }
        let minus = |place: Point| unit.and_then(|unit| earlier(place, unit)).unwrap_or(place);
        let step = |from: Point| self.step.as_ref().map_or(Some(upper), |step| later(from, step));
        if step(lower).is_none_or(|next| next >= upper) {
            let end = if is_end && unit.is_some() { upper } else { clamped(upper) };
            found.push(self.window(lower, Some(if is_end { end } else { minus(end) })));
            return Ok(());
        }
        let mut from = lower;
        loop {
            if found.len() >= WINDOWS_MAX {
                return Err(Fault::Misconfigured(format!("the step makes more than {WINDOWS_MAX} windows; a larger step is needed")));
            }
            let to = step(from).map_or(upper, |next| next.min(upper));
            let end = if to == upper { to } else { clamped(to) };
            let reached = to >= upper || end == upper;
            let begin = clamped(from);
            if begin >= end {
                return Ok(());
            }
            found.push(self.window(begin, Some(if is_end && reached { end } else { minus(end) })));
            if reached {
                return Ok(());
            }
            from = end;
        }
    }

    /// A window in two halves; `None` when it cannot be made smaller.
    pub fn halves(&self, window: &Window, smallest: Option<&Duration>) -> Option<[Window; 2]> {
        let unit = self.granularity?.micros()?;
        let read = |name: &str| self.read(window.get(name)?);
        let (start, end) = (read(&self.boundary.0)?, read(&self.boundary.1)?);
        let span = end.at.checked_sub(start.at)?;
        if unit <= 0 || span <= 0 || smallest.and_then(|smallest| smallest.micros()).is_some_and(|smallest| span <= smallest) {
            return None;
        }
        let units = span / unit + 1;
        if units <= 1 {
            return None;
        }
        let first_end = Point { at: start.at + (units / 2) * unit - unit, offset_s: start.offset_s };
        let second = Point { at: first_end.at + unit, offset_s: start.offset_s };
        let ordered = start <= first_end && first_end < second && second <= end;
        ordered.then(|| [self.window(start, Some(first_end)), self.window(second, Some(end))])
    }

    /// A window from the newest record on that was seen in it.
    pub fn beginning_at(&self, window: &Window, newest: Point) -> Window {
        let mut made = window.clone();
        made.insert(self.boundary.0.clone(), self.write(newest));
        made
    }
}

/// A duration later; months go by the calendar. `None` beyond the end of time.
pub fn later(place: Point, duration: &Duration) -> Option<Point> {
    duration.after(time(place)?).map(point)
}

/// A duration earlier.
pub fn earlier(place: Point, duration: &Duration) -> Option<Point> {
    duration.before(time(place)?).map(point)
}

impl Clamp {
    /// By its name in a manifest.
    pub fn of(target: &str, weekday: Option<&str>) -> Result<Self, Fault> {
        const DAYS: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
        match (target, weekday) {
            ("DAY", _) => Ok(Self::Day),
            ("MONTH", _) => Ok(Self::Month),
            ("WEEK", Some(day)) => DAYS
                .iter()
                .position(|known| *known == day)
                .and_then(|index| i8::try_from(index).ok())
                .map(Self::Week)
                .ok_or_else(|| Fault::Misconfigured(format!("`{day}` is no weekday{}", syncline_model::nearest::hint(day, DAYS)))),
            ("WEEK", None) => Err(Fault::Misconfigured("clamping to a week needs `weekday` in `target_details`".to_owned())),
            (other, _) => {
                let hint = syncline_model::nearest::hint(other, ["DAY", "WEEK", "MONTH"]);
                Err(Fault::Misconfigured(format!("clamping to `{other}` is not possible{hint}")))
            }
        }
    }

    /// The beginning of the day, week or month: the one at or after a place, or the one at or before it. A month that has begun is
    /// only left by the first of the next; the first of a month stays, at midnight.
    pub fn apply(self, place: Point, up: bool) -> Point {
        let Some(civil) = civil(place) else { return place };
        let midnight = civil.date().at(0, 0, 0, 0);
        let moved = match self {
            Self::Day if up && midnight != civil => midnight.tomorrow().ok(),
            Self::Day => Some(midnight),
            Self::Week(day) => {
                let today = midnight.weekday().to_monday_zero_offset();
                let ahead = if today > day { 7 - (today - day) } else { day - today };
                let days = if up || ahead == 0 { ahead } else { ahead - 7 };
                midnight.checked_add(jiff::Span::new().days(i64::from(days))).ok()
            }
            Self::Month if civil.day() == 1 => Some(midnight),
            Self::Month if up => midnight.first_of_month().checked_add(jiff::Span::new().months(1)).ok(),
            Self::Month => Some(midnight.first_of_month()),
        };
        let shifted = moved.and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC).ok());
        shifted.map_or(place, |zoned| Point {
            at: zoned.timestamp().as_microsecond() - i64::from(place.offset_s) * 1_000_000,
            offset_s: place.offset_s,
        })
    }
}

/// The local date and time of a place.
fn civil(place: Point) -> Option<DateTime> {
    let local = jiff::Timestamp::from_microsecond(place.at.checked_add(i64::from(place.offset_s) * 1_000_000)?).ok()?;
    Some(local.to_zoned(jiff::tz::TimeZone::UTC).datetime())
}
