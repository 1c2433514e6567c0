//! Durations as manifests write them, by the rules of Python's `isodate`: `P30D`, `PT1H`, `P1M`, `PT0.000001S`. Months and years go by
//! the calendar, everything else by the clock.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    civil::{Date, days_in},
    time::{DAY, SECOND, Time},
};

static PERIOD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let part = |letter: char| format!(r"(?:([0-9]+(?:[,.][0-9]+)?){letter})?");
    let clock = format!("(?:T{}{}{})?", part('H'), part('M'), part('S'));
    Regex::new(&format!(r"^([+-])?P{}{}{}{}{clock}\n?$", part('Y'), part('M'), part('W'), part('D'))).ok()
});

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    years: i64,
    months: i64,
    micros: i64,
    /// Years or months were not whole numbers: such a duration cannot be added to a day.
    fractional: bool,
}

impl Duration {
    /// So many microseconds.
    pub fn from_micros(micros: i64) -> Self {
        Self { micros, ..Self::default() }
    }

    /// Reads one; `None` where `isodate` refuses the text.
    pub fn parse(text: &str) -> Option<Self> {
        let Some(found) = PERIOD.as_ref()?.captures(text) else { return Self::as_date(text) };
        let after_p = text.trim_start_matches(['+', '-']).strip_prefix('P')?;
        if !after_p.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            return Self::as_date(text);
        }
        let part = |at: usize| found.get(at).map_or_else(|| "0".to_owned(), |part| part.as_str().replace(',', "."));
        let (years, months) = (part(2), part(3));
        let sizes = [(4, 7 * DAY), (5, DAY), (6, 3600 * SECOND), (7, 60 * SECOND), (8, SECOND)];
        let micros = micros_of(&sizes.map(|(at, size)| (part(at), size)))?;
        let whole = |digits: &str| {
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            Some((whole.parse::<i64>().ok()?, fraction.bytes().any(|digit| digit != b'0')))
        };
        let ((years, years_cut), (months, months_cut)) = (whole(&years)?, whole(&months)?);
        let sign = if text.starts_with('-') { -1 } else { 1 };
        Some(Self { years: sign * years, months: sign * months, micros: sign * micros, fractional: years_cut || months_cut })
    }

    /// `P0003-06-04T12:30:05` and `P00030604T123005`.
    fn as_date(text: &str) -> Option<Self> {
        let time = super::strptime(text, "P%Y-%m-%dT%H:%M:%S").or_else(|| super::strptime(text, "P%Y%m%dT%H%M%S"))?;
        let (years, months, days) = time.date().parts();
        Some(Self { years, months, micros: days * DAY + time.micros_of_day(), fractional: false })
    }

    /// Its microseconds, if it goes by the clock alone.
    pub fn micros(self) -> Option<i64> {
        (self.years == 0 && self.months == 0 && !self.fractional).then_some(self.micros)
    }

    /// Whether it names years or months.
    pub fn goes_by_the_calendar(self) -> bool {
        self.micros().is_none()
    }

    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self.micros() == Some(0)
    }

    /// Years, months and microseconds.
    pub(crate) fn parts(self) -> (i64, i64, i64) {
        (self.years, self.months, self.micros)
    }

    /// The same length the other way; `None` where there is no such number.
    pub fn negated(self) -> Option<Self> {
        self.times(-1)
    }

    /// So many times as long.
    pub fn times(self, factor: i64) -> Option<Self> {
        let times = |value: i64| value.checked_mul(factor);
        Some(Self { years: times(self.years)?, months: times(self.months)?, micros: times(self.micros)?, ..self })
    }

    /// Both lengths one after the other.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            years: self.years.checked_add(other.years)?,
            months: self.months.checked_add(other.months)?,
            micros: self.micros.checked_add(other.micros)?,
            fractional: self.fractional || other.fractional,
        })
    }

    /// The time so much later; `None` behind the end of the calendar.
    pub fn after(self, time: Time) -> Option<Time> {
        let moved = time.on(self.shifted(time.date())?);
        moved.plus(self.micros)
    }

    /// The time so much earlier; `None` before the beginning of the calendar.
    pub fn before(self, time: Time) -> Option<Time> {
        self.negated()?.after(time)
    }

    /// The day so much later; what is less than a day does not count.
    pub fn after_date(self, date: Date) -> Option<Date> {
        self.shifted(date)?.plus(self.micros.div_euclid(DAY))
    }

    /// The day so many years and months later, or the last of that month.
    fn shifted(self, date: Date) -> Option<Date> {
        if self.fractional {
            return None;
        }
        if self.years == 0 && self.months == 0 {
            return Some(date);
        }
        let (year, month, day) = date.parts();
        let months = (month - 1).checked_add(self.months)?;
        let year = year.checked_add(self.years)?.checked_add(months.div_euclid(12))?;
        let month = months.rem_euclid(12) + 1;
        Date::new(year, month, day.min(days_in(year, month)))
    }
}

/// The sum of decimal counts of sizes, rounded to even microseconds as `timedelta` does.
fn micros_of(parts: &[(String, i64)]) -> Option<i64> {
    let (mut whole, mut rest) = (0_i64, 0.0_f64);
    for (digits, size) in parts {
        let value: f64 = digits.parse().ok()?;
        if value >= 1e12 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked")]
        let count = value.trunc() as i64;
        whole = whole.checked_add(count.checked_mul(*size)?)?;
        #[expect(clippy::cast_precision_loss, reason = "a size has twelve digits at most")]
        let fraction = value.fract() * *size as f64;
        rest += fraction;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a few weeks at most")]
    let rounded = rest.round_ties_even() as i64;
    whole.checked_add(rounded)
}
