//! Python's `strftime` on Linux: `%f`, `%z` and `%Z` are Python's own, everything else the C library's in the C locale, with its
//! flags (`%-d`) and widths.

use std::fmt::Write as _;

use super::{
    civil::{Date, MONTHS, WEEKDAYS},
    time::{SECOND, Time},
};

/// The longest field that a format may ask for.
const WIDTH_MAX: usize = 1024;

/// Writes a time.
pub fn strftime(time: Time, format: &str) -> String {
    let mut out = String::new();
    Writer { time }.write(&mut out, &python_fields(time, format));
    out
}

/// Writes a day, at midnight of a clock that does not say where it hangs.
pub fn strftime_date(date: Date, format: &str) -> String {
    Time::new(date, 0, None).map(|time| strftime(time, format)).unwrap_or_default()
}

/// Replaces what Python replaces before the C library sees the format.
fn python_fields(time: Time, format: &str) -> String {
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        let next = if letter == '%' { letters.next() } else { None };
        match (letter, next) {
            ('%', Some('f')) => write_into(&mut out, format_args!("{:06}", time.clock().3)),
            ('%', Some('z')) => out.push_str(&time.offset().map(|offset| offset_text(offset, "")).unwrap_or_default()),
            ('%', Some('Z')) => out.push_str(&time.offset().map(zone_name).unwrap_or_default()),
            ('%', Some(other)) => out.extend(['%', other]),
            (letter, _) => out.push(letter),
        }
    }
    out
}

/// `+0200`; seconds only where there are some.
pub fn offset_text(offset: i32, between: &str) -> String {
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    let mut out = format!("{sign}{:02}{between}{:02}", size / 3600, size / 60 % 60);
    if size % 60 != 0 {
        write_into(&mut out, format_args!("{between}{:02}", size % 60));
    }
    out
}

/// The name of a clock that hangs so far from UTC.
pub fn zone_name(offset: i32) -> String {
    if offset == 0 { "UTC".to_owned() } else { format!("UTC{}", offset_text(offset, ":")) }
}

fn write_into(out: &mut String, what: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(what);
    debug_assert!(written.is_ok(), "a text takes every letter");
}

/// How the C library is asked to write a field.
#[derive(Clone, Copy, Default)]
struct Look {
    /// `_`, `0` or `-`
    pad: Option<char>,
    upper: bool,
    swap: bool,
    width: usize,
}

struct Writer {
    time: Time,
}

impl Writer {
    fn write(&self, out: &mut String, format: &str) {
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let field = &rest[at..];
            let length = self.field(out, field);
            if length == 0 {
                // An unknown directive stands for itself.
                let whole = field.char_indices().nth(2).map_or(field.len(), |(end, _)| end);
                out.push_str(&field[..whole]);
                rest = &field[whole..];
            } else {
                rest = &field[length..];
            }
        }
        out.push_str(rest);
    }

    /// Writes one field and says how long its directive is; 0 if there is no such directive.
    fn field(&self, out: &mut String, field: &str) -> usize {
        let mut look = Look::default();
        let mut letters = field.char_indices().skip(1).peekable();
        while let Some((_, flag)) = letters.next_if(|(_, letter)| matches!(letter, '_' | '-' | '0' | '^' | '#')) {
            match flag {
                '^' => look.upper = true,
                '#' => look.swap = true,
                pad => look.pad = Some(pad),
            }
        }
        while let Some((_, digit)) = letters.next_if(|(_, letter)| letter.is_ascii_digit()) {
            let digit = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(0);
            look.width = (look.width * 10 + digit).min(WIDTH_MAX);
        }
        while letters.next_if(|(_, letter)| matches!(letter, 'E' | 'O')).is_some() {}
        let Some((at, letter)) = letters.next() else { return 0 };
        match self.value(letter) {
            Some(Field::Number { value, width, pad }) => out.push_str(&number(value, width, pad, look)),
            Some(Field::Text(text)) => out.push_str(&Self::text(letter, &text, look)),
            None => return 0,
        }
        at + letter.len_utf8()
    }

    fn text(letter: char, text: &str, look: Look) -> String {
        let text = match (look.upper, look.swap) {
            (true, _) => text.to_uppercase(),
            (_, true) if matches!(letter, 'p' | 'Z') => text.to_lowercase(),
            (_, true) if matches!(letter, 'a' | 'A' | 'b' | 'B' | 'h') => text.to_uppercase(),
            _ => text.to_owned(),
        };
        let missing = look.width.saturating_sub(text.chars().count());
        let pad = if look.pad == Some('0') { "0" } else { " " };
        if look.pad == Some('-') { text } else { format!("{}{text}", pad.repeat(missing)) }
    }

    fn value(&self, letter: char) -> Option<Field> {
        let (year, month, day) = self.time.date().parts();
        let (hour, minute, second, _) = self.time.clock();
        let (weekday, of_year) = (self.time.date().weekday(), self.time.date().day_of_year());
        let (iso_year, iso_week) = self.time.date().iso_week();
        let half = if hour % 12 == 0 { 12 } else { hour % 12 };
        let composed = |format: &str| {
            let mut out = String::new();
            self.write(&mut out, format);
            Some(Field::Text(out))
        };
        let name = |names: &[&str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).map(|name| (*name).to_owned()));
        Some(match letter {
            'Y' => number_field(year, 1),
            'C' => number_field(year / 100, 1),
            'y' => number_field(year % 100, 2),
            'G' => number_field(iso_year, 1),
            'g' => number_field(iso_year % 100, 2),
            'm' => number_field(month, 2),
            'd' => number_field(day, 2),
            'e' => spaced(day),
            'H' => number_field(hour, 2),
            'k' => spaced(hour),
            'I' => number_field(half, 2),
            'l' => spaced(half),
            'M' => number_field(minute, 2),
            'S' => number_field(second, 2),
            'j' => number_field(of_year, 3),
            'u' => number_field(weekday + 1, 1),
            'w' => number_field((weekday + 1) % 7, 1),
            'U' => number_field((of_year + 6 - (weekday + 1) % 7) / 7, 2),
            'W' => number_field((of_year + 6 - weekday) / 7, 2),
            'V' => number_field(iso_week, 2),
            // The C library takes the time for one of its own zone, which is UTC here.
            's' => number_field(self.time.wall_seconds(), 1),
            'a' => Field::Text(name(&WEEKDAYS, weekday)?.chars().take(3).collect()),
            'A' => Field::Text(name(&WEEKDAYS, weekday)?),
            'b' | 'h' => Field::Text(name(&MONTHS, month - 1)?.chars().take(3).collect()),
            'B' => Field::Text(name(&MONTHS, month - 1)?),
            'p' => Field::Text(if hour < 12 { "AM" } else { "PM" }.to_owned()),
            'P' => Field::Text(if hour < 12 { "am" } else { "pm" }.to_owned()),
            'n' => Field::Text("\n".to_owned()),
            't' => Field::Text("\t".to_owned()),
            '%' => Field::Text("%".to_owned()),
            'c' => return composed("%a %b %e %H:%M:%S %Y"),
            'D' | 'x' => return composed("%m/%d/%y"),
            'F' => return composed("%Y-%m-%d"),
            'T' | 'X' => return composed("%H:%M:%S"),
            'R' => return composed("%H:%M"),
            'r' => return composed("%I:%M:%S %p"),
            _ => return None,
        })
    }
}

enum Field {
    Number { value: i64, width: usize, pad: char },
    Text(String),
}

fn number_field(value: i64, width: usize) -> Field {
    Field::Number { value, width, pad: '0' }
}

fn spaced(value: i64) -> Field {
    Field::Number { value, width: 2, pad: ' ' }
}

fn number(value: i64, width: usize, pad: char, look: Look) -> String {
    let pad = match look.pad {
        Some('-') => return value.to_string(),
        Some('_') => ' ',
        Some(_) => '0',
        None => pad,
    };
    let text = value.to_string();
    let missing = width.max(look.width).saturating_sub(text.len());
    format!("{}{text}", pad.to_string().repeat(missing))
}

impl Time {
    /// Seconds that the clock on the wall is away from 1970-01-01T00:00.
    fn wall_seconds(self) -> i64 {
        self.date().days() * 86_400 + self.micros_of_day() / SECOND
    }
}
