//! The Gregorian calendar for ever, as Python's `datetime.date` counts it: the years 1 to 9999.

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}

/// The names as the C locale writes them; the week begins on Monday.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// The names as the C locale writes them.
pub const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

impl Date {
    /// A day of a month, if there is one.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let exists = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        exists.then(|| Self { days: days_before(year, month) + day - 1 })
    }

    /// So many days after 1970-01-01, within the years that there are.
    pub fn from_days(days: i64) -> Option<Self> {
        (-719_162..=2_932_896).contains(&days).then_some(Self { days })
    }

    /// 1970-01-01.
    pub fn epoch() -> Self {
        Self { days: 0 }
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        self.days
    }

    /// So many days later.
    pub fn plus(self, days: i64) -> Option<Self> {
        Self::from_days(self.days.checked_add(days)?)
    }

    /// Year, month and day.
    pub fn parts(self) -> (i64, i64, i64) {
        // The era begins on the first of March, so that the leap day is a year's last.
        let shifted = self.days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }

    /// 0 is Monday.
    pub fn weekday(self) -> i64 {
        (self.days + 3).rem_euclid(7)
    }

    /// 1 is the first of January.
    pub fn day_of_year(self) -> i64 {
        let (year, _, _) = self.parts();
        self.days - days_before(year, 1) + 1
    }

    /// Year and number of the ISO week.
    pub fn iso_week(self) -> (i64, i64) {
        // A week belongs to the year of its Thursday.
        let thursday = Self { days: self.days - self.weekday() + 3 };
        (thursday.parts().0, (thursday.day_of_year() - 1) / 7 + 1)
    }

    /// A day of an ISO week; 1 is Monday.
    pub fn from_iso_week(year: i64, week: i64, weekday: i64) -> Option<Self> {
        let fourth = Self::new(year, 1, 4)?;
        Self::from_days(fourth.days - fourth.weekday() + (week - 1) * 7 + weekday - 1)
    }
}

/// Whether a year has 366 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
