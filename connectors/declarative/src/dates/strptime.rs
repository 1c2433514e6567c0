//! Python's `datetime.strptime`: a format becomes a regular expression, as in Python itself, so that both take the same texts.

use std::{cell::RefCell, collections::HashMap, fmt::Write as _, rc::Rc};

use regex::{Captures, Regex};

use super::{
    civil::{Date, MONTHS, WEEKDAYS},
    time::{SECOND, Time},
};

/// More formats than a connector names; when a thread has seen so many, it forgets them all.
const KNOWN_MAX: usize = 256;

thread_local! {
    static KNOWN: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::new(HashMap::new());
}

/// Reads a time. One whose text does not say how far from UTC its clock is says nothing about it.
pub fn strptime(text: &str, format: &str) -> Option<Time> {
    let regex = compiled(format)?;
    let found = regex.captures(text)?;
    (found.get(0)?.end() == text.len()).then(|| Fields(&found).time()).flatten()
}

fn compiled(format: &str) -> Option<Rc<Regex>> {
    KNOWN.with_borrow_mut(|known| {
        if let Some(regex) = known.get(format) {
            return regex.clone();
        }
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let regex = pattern(format).and_then(|pattern| Regex::new(&pattern).ok()).map(Rc::new);
        known.insert(format.to_owned(), regex.clone());
        regex
    })
}

/// The regular expression of a format; `None` where Python knows no such directive.
fn pattern(format: &str) -> Option<String> {
    let mut out = "^(?i)".to_owned();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => out.push_str(&directive(letters.next()?)?),
            white if is_space(white) => {
                while letters.next_if(|next| is_space(*next)).is_some() {}
                out.push_str(r"\s+");
            }
            plain => out.push_str(&regex::escape(plain.encode_utf8(&mut [0; 4]))),
        }
    }
    Some(out)
}

/// What Python's `\s` takes.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\x1c'..='\x1f').contains(&letter)
}

fn directive(letter: char) -> Option<String> {
    let fixed = match letter {
        'd' => r"(?P<d>3[0-1]|[1-2][0-9]|0[1-9]|[1-9]| [1-9])",
        'f' => r"(?P<f>[0-9]{1,6})",
        'H' => r"(?P<H>2[0-3]|[0-1][0-9]|[0-9])",
        'I' => r"(?P<I>1[0-2]|0[1-9]|[1-9])",
        'G' => r"(?P<G>[0-9][0-9][0-9][0-9])",
        'j' => r"(?P<j>36[0-6]|3[0-5][0-9]|[1-2][0-9][0-9]|0[1-9][0-9]|00[1-9]|[1-9][0-9]|0[1-9]|[1-9])",
        'm' => r"(?P<m>1[0-2]|0[1-9]|[1-9])",
        'M' => r"(?P<M>[0-5][0-9]|[0-9])",
        'S' => r"(?P<S>6[0-1]|[0-5][0-9]|[0-9])",
        'U' => r"(?P<U>5[0-3]|[0-4][0-9]|[0-9])",
        'W' => r"(?P<W>5[0-3]|[0-4][0-9]|[0-9])",
        'w' => r"(?P<w>[0-6])",
        'u' => r"(?P<u>[1-7])",
        'V' => r"(?P<V>5[0-3]|0[1-9]|[1-4][0-9]|[0-9])",
        'y' => r"(?P<y>[0-9][0-9])",
        'Y' => r"(?P<Y>[0-9][0-9][0-9][0-9])",
        'z' => r"(?P<z>[+-][0-9][0-9]:?[0-5][0-9](:?[0-5][0-9](\.[0-9]{1,6})?)?|(?-i:Z))",
        'p' => r"(?P<p>am|pm)",
        'Z' => r"(?P<Z>utc|gmt)",
        '%' => "%",
        'A' => return Some(names('A', WEEKDAYS.iter().copied())),
        'a' => return Some(names('a', WEEKDAYS.iter().map(|name| &name[..3]))),
        'B' => return Some(names('B', MONTHS.iter().copied())),
        'b' => return Some(names('b', MONTHS.iter().map(|name| &name[..3]))),
        'c' => return inner("%a %b %d %H:%M:%S %Y"),
        'x' => return inner("%m/%d/%y"),
        'X' => return inner("%H:%M:%S"),
        _ => return None,
    };
    Some(fixed.to_owned())
}

fn inner(format: &str) -> Option<String> {
    pattern(format)?.strip_prefix("^(?i)").map(str::to_owned)
}

/// A choice of names, the longest first.
fn names(group: char, names: impl Iterator<Item = &'static str>) -> String {
    let mut sorted: Vec<&str> = names.collect();
    sorted.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut out = String::new();
    let written = write!(out, "(?P<{group}>{})", sorted.join("|"));
    debug_assert!(written.is_ok(), "a text takes every letter");
    out
}

/// What the directives of a format took.
struct Fields<'a>(&'a Captures<'a>);

impl Fields<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.name(name).map(|found| found.as_str())
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    fn position(&self, name: &str, names: &[&str], letters: usize) -> Option<i64> {
        let text = self.text(name)?;
        let place = names.iter().position(|known| known[..letters.min(known.len())].eq_ignore_ascii_case(text))?;
        i64::try_from(place).ok()
    }

    fn time(&self) -> Option<Time> {
        let date = self.date()?;
        let second = self.number("S").unwrap_or(0);
        let fraction = self.text("f").map_or(Some(0), |digits| format!("{digits:0<6}").parse().ok())?;
        let seconds = self.hour() * 3600 + self.number("M").unwrap_or(0) * 60 + second;
        let offset = self.text("z").map(offset);
        if second > 59 || offset == Some(None) {
            return None;
        }
        Time::new(date, seconds * SECOND + fraction, offset.flatten())
    }

    fn hour(&self) -> i64 {
        let Some(hour) = self.number("I") else { return self.number("H").unwrap_or(0) };
        let afternoon = self.text("p").is_some_and(|text| text.eq_ignore_ascii_case("pm"));
        hour % 12 + if afternoon { 12 } else { 0 }
    }

    fn year(&self) -> Option<i64> {
        let short = self.number("y").map(|year| if year <= 68 { year + 2000 } else { year + 1900 });
        self.number("Y").or(short)
    }

    fn weekday(&self) -> Option<i64> {
        let sunday_first = self.number("w").map(|day| (day + 6) % 7);
        let monday_first = self.number("u").map(|day| day - 1);
        let named = self.position("A", &WEEKDAYS, usize::MAX).or_else(|| self.position("a", &WEEKDAYS, 3));
        named.or(sunday_first).or(monday_first)
    }

    fn date(&self) -> Option<Date> {
        let (year, weekday, of_year) = (self.year(), self.weekday(), self.number("j"));
        let (iso_year, iso_week) = (self.number("G"), self.number("V"));
        let week = self.number("U").map(|week| (week, false)).or_else(|| self.number("W").map(|week| (week, true)));
        if year.is_none() && iso_year.is_some() && (iso_week.is_none() || weekday.is_none() || of_year.is_some()) {
            return None;
        }
        if (year.is_some() || iso_year.is_none()) && week.is_none() && iso_week.is_some() {
            return None;
        }
        let named = self.position("B", &MONTHS, usize::MAX).or_else(|| self.position("b", &MONTHS, 3)).map(|month| month + 1);
        let (month, day) = (self.number("m").or(named).unwrap_or(1), self.number("d").unwrap_or(1));
        let assumed = year.unwrap_or(1900);
        if let Some(of_year) = of_year {
            return Date::new(assumed, 1, 1)?.plus(of_year - 1);
        }
        match (weekday, week, iso_year, iso_week) {
            (Some(weekday), Some((week, monday_first)), ..) => {
                let first = Date::new(assumed, 1, 1)?;
                first.plus(day_of_week(first.weekday(), week, weekday, monday_first) - 1)
            }
            (Some(weekday), None, Some(year), Some(week)) => Date::from_iso_week(year, week, weekday + 1),
            _ if year.is_none() && month == 2 && day == 29 => None,
            _ => Date::new(assumed, month, day),
        }
    }
}

/// The day of the year of a weekday in a week whose first day is Monday or Sunday.
fn day_of_week(first_weekday: i64, week: i64, weekday: i64, monday_first: bool) -> i64 {
    let shift = |day: i64| if monday_first { day } else { (day + 1) % 7 };
    let (first, day) = (shift(first_weekday), shift(weekday));
    if week == 0 { 1 + day - first } else { 1 + (7 - first) % 7 + 7 * (week - 1) + day }
}

/// Seconds ahead of UTC; `None` where Python refuses the text.
pub(super) fn offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = text.split_at(1);
    let colon = rest.as_bytes().get(2) == Some(&b':');
    let later_colon = rest.as_bytes().get(if colon { 5 } else { 4 }) == Some(&b':');
    let digits: String = rest.split('.').next()?.chars().filter(char::is_ascii_digit).collect();
    if colon && digits.len() > 4 && !later_colon {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let seconds = part(0)? * 3600 + part(2)? * 60 + part(4)?;
    (seconds < 86_400).then_some(if sign == "-" { -seconds } else { seconds })
}
