//! A moment as Python's `datetime` keeps it: what the clock on the wall says, to the microsecond, and how far that clock is from UTC.

use std::{cmp::Ordering, hash};

use jiff::Timestamp;

use super::civil::Date;

/// Microseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A moment. Two of them are equal if they are the same instant, wherever their clocks hang.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// Microseconds that the clock on the wall is away from 1970-01-01T00:00.
    wall: i64,
    /// Seconds that the clock on the wall is ahead of UTC; a clock that does not say counts as UTC.
    offset: Option<i32>,
}

impl Time {
    /// What a clock says, if there is such a time in the years 1 to 9999.
    pub fn new(date: Date, micros: i64, offset: Option<i32>) -> Option<Self> {
        (0..DAY).contains(&micros).then(|| Self { wall: date.days() * DAY + micros, offset })
    }

    /// So many microseconds after 1970-01-01 in UTC.
    pub fn from_micros(micros: i64) -> Option<Self> {
        Self { wall: micros, offset: Some(0) }.checked()
    }

    /// Seconds after 1970-01-01 in UTC, rounded to even microseconds as `datetime.fromtimestamp` does.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let micros = (seconds.fract() * 1e6).round_ties_even();
        let whole = seconds.trunc();
        let known = whole.abs() < 1e13;
        // Both are whole numbers far within the range by now.
        #[expect(clippy::cast_possible_truncation, reason = "checked")]
        known.then(|| Self::from_micros(whole as i64 * SECOND + micros as i64)).flatten()
    }

    fn checked(self) -> Option<Self> {
        Date::from_days(self.wall.div_euclid(DAY)).map(|_| self)
    }

    /// Microseconds after 1970-01-01 in UTC.
    pub fn micros(self) -> i64 {
        self.wall - i64::from(self.offset.unwrap_or(0)) * SECOND
    }

    /// Seconds after 1970-01-01 in UTC, as `datetime.timestamp()`.
    pub fn seconds(self) -> f64 {
        let micros = self.micros();
        let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000).parse().unwrap_or_default()
    }

    /// The day on the wall.
    pub fn date(self) -> Date {
        // Every `Time` was checked to be within the years that there are.
        Date::from_days(self.wall.div_euclid(DAY)).unwrap_or_else(Date::epoch)
    }

    /// Microseconds since midnight on the wall.
    pub fn micros_of_day(self) -> i64 {
        self.wall.rem_euclid(DAY)
    }

    /// Hour, minute, second and microsecond on the wall.
    pub fn clock(self) -> (i64, i64, i64, i64) {
        let micros = self.micros_of_day();
        let seconds = micros / SECOND;
        (seconds / 3600, seconds / 60 % 60, seconds % 60, micros % SECOND)
    }

    /// Seconds that the clock is ahead of UTC, if it says so.
    pub fn offset(self) -> Option<i32> {
        self.offset
    }

    /// The same instant on a clock in UTC.
    pub fn in_utc(self) -> Option<Self> {
        Self::from_micros(self.micros())
    }

    /// The same time on the wall, of a clock in UTC.
    #[must_use]
    pub fn taken_as_utc(self) -> Self {
        Self { offset: self.offset.or(Some(0)), ..self }
    }

    /// So many microseconds later on the same clock.
    pub fn plus(self, micros: i64) -> Option<Self> {
        Self { wall: self.wall.checked_add(micros)?, ..self }.checked()
    }

    /// Another day on the same clock.
    pub(super) fn on(self, date: Date) -> Self {
        Self { wall: date.days() * DAY + self.micros_of_day(), ..self }
    }

    /// The instant.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.micros()).unwrap_or(Timestamp::MAX)
    }
}

impl From<Timestamp> for Time {
    /// What is finer than a microsecond is dropped; what Python has no year for becomes the nearest it has.
    fn from(instant: Timestamp) -> Self {
        let nearest = instant.as_microsecond().clamp(-719_162 * DAY, 2_932_897 * DAY - 1);
        Self { wall: nearest, offset: Some(0) }
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.micros() == other.micros()
    }
}

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.micros().cmp(&other.micros())
    }
}

impl hash::Hash for Time {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.micros().hash(state);
    }
}
