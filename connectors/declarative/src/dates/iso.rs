//! ISO 8601 as `dateutil.parser.isoparse` reads it.

use super::{
    civil::{Date, is_leap},
    time::{DAY, SECOND, Time},
};

/// Reads a time. One whose text does not say how far from UTC its clock is says nothing about it.
pub fn isoparse(text: &str) -> Option<Time> {
    if !text.is_ascii() {
        return None;
    }
    let (date, end) = match common_date(text) {
        Some(((year, month, day), end)) => (Date::new(year, month, day)?, end),
        None => uncommon_date(text)?,
    };
    let rest = &text[end..];
    if rest.is_empty() {
        return Time::new(date, 0, None);
    }
    // Any letter may stand between day and time.
    let (clock, offset) = clock(rest.get(1..)?)?;
    if clock == DAY { Time::new(date.plus(1)?, 0, offset) } else { Time::new(date, clock, offset) }
}

fn digits(text: &str, from: usize, length: usize) -> Option<i64> {
    let part = text.get(from..(from + length).min(text.len()))?;
    let all = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| part.parse().ok()).flatten()
}

/// `2024`, `2024-06`, `2024-06-15`, `20240615`. Only the spelling counts here; whether there is such a day is asked later.
fn common_date(text: &str) -> Option<((i64, i64, i64), usize)> {
    let bytes = text.as_bytes();
    if bytes.len() < 4 {
        return None;
    }
    let year = digits(text, 0, 4)?;
    if bytes.len() == 4 {
        return Some(((year, 1, 1), 4));
    }
    let dashed = bytes[4] == b'-';
    let at = 4 + usize::from(dashed);
    let month = text.get(at..at + 2).and_then(|_| digits(text, at, 2))?;
    if bytes.len() == at + 2 {
        return dashed.then_some(((year, month, 1), at + 2));
    }
    if dashed && bytes[at + 2] != b'-' {
        return None;
    }
    let at = at + 2 + usize::from(dashed);
    let day = text.get(at..at + 2).and_then(|_| digits(text, at, 2))?;
    Some(((year, month, day), at + 2))
}

/// `2024-W24-6`, `2024W246`, `2024-167`, `2024167`
fn uncommon_date(text: &str) -> Option<(Date, usize)> {
    let year = text.get(..4).and_then(|_| digits(text, 0, 4))?;
    let dashed = text.as_bytes().get(4) == Some(&b'-');
    let at = 4 + usize::from(dashed);
    if text.as_bytes().get(at) != Some(&b'W') {
        let day = text.get(at..at + 3).and_then(|_| digits(text, at, 3))?;
        let exists = (1..=365 + i64::from(is_leap(year))).contains(&day);
        return exists.then(|| Some((Date::new(year, 1, 1)?.plus(day - 1)?, at + 3))).flatten();
    }
    let week = digits(text, at + 1, 2)?;
    let mut end = at + 3;
    let mut weekday = 1;
    if text.len() > end {
        if (text.as_bytes()[end] == b'-') != dashed {
            return None;
        }
        end += usize::from(dashed);
        weekday = digits(text, end, 1)?;
        end += 1;
    }
    let exists = (1..54).contains(&week) && (1..8).contains(&weekday);
    exists.then(|| Some((Date::from_iso_week(year, week, weekday)?, end))).flatten()
}

/// Microseconds of the day, and how far the clock is from UTC.
fn clock(text: &str) -> Option<(i64, Option<i32>)> {
    if text.len() < 2 {
        return None;
    }
    let (mut parts, mut offset) = ([0_i64; 4], None);
    let (mut at, mut colons) = (0, false);
    for part in 0..5 {
        if at >= text.len() {
            break;
        }
        if matches!(text.as_bytes()[at], b'-' | b'+' | b'Z' | b'z') {
            offset = Some(zone(&text[at..])?);
            at = text.len();
            break;
        }
        if part == 1 && text.as_bytes()[at] == b':' {
            colons = true;
            at += 1;
        } else if part == 2 && colons {
            if text.as_bytes()[at] != b':' {
                return None;
            }
            at += 1;
        }
        match part {
            0..=2 => {
                parts[part] = digits(text, at, 2)?;
                at = (at + 2).min(text.len());
            }
            3 => {
                let Some(fraction) = text[at..].strip_prefix(['.', ',']) else { continue };
                let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
                if length == 0 {
                    continue;
                }
                parts[3] = format!("{:0<6}", &fraction[..length.min(6)]).parse().ok()?;
                at += 1 + length;
            }
            _ => {}
        }
    }
    let [hour, minute, second, micros] = parts;
    if at < text.len() || minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute, second, micros) != (0, 0, 0)) {
        return None;
    }
    Some((((hour * 60 + minute) * 60 + second) * SECOND + micros, offset))
}

/// `Z`, `+02`, `+0200`, `+02:00`
fn zone(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    if !matches!(text.len(), 3 | 5 | 6) {
        return None;
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let hours = digits(text, 1, 2)?;
    let from = 3 + usize::from(text.as_bytes().get(3) == Some(&b':'));
    let minutes = if text.len() == 3 { 0 } else { digits(text, from, text.len() - from)? };
    (minutes < 60 && hours < 24).then(|| i32::try_from(sign * (hours * 60 + minutes) * 60).ok()).flatten()
}
