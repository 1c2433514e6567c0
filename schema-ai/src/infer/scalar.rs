//! What a number's or a text's own characters say about its kind.

use jiff::{Timestamp, civil};

use super::Kind;

/// A JSON number by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// It is a whole number of 64 bits, and its text is the usual one of that number.
    Integer(i64),
    /// Only its text holds it.
    Exact(Kind),
}

/// What this valid JSON number is. `-0` is a decimal, because no integer comes back as `-0`.
pub fn number_of(text: &str) -> Number {
    if text == "-0" || text.bytes().any(|c| matches!(c, b'.' | b'e' | b'E')) {
        return Number::Exact(Kind::Decimal);
    }
    text.parse().map_or(Number::Exact(Kind::BigInteger), Number::Integer)
}

/// A text by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A moment with its zone, and the microseconds since 1970 in UTC.
    Timestamp(i64),
    /// A day.
    Date,
    /// A UUID.
    Uuid,
    /// Anything else. A text that looks like a number is a text.
    Text,
}

impl TextKind {
    /// Its kind.
    pub fn kind(self) -> Kind {
        match self {
            Self::Timestamp(_) => Kind::Timestamp,
            Self::Date => Kind::Date,
            Self::Uuid => Kind::Uuid,
            Self::Text => Kind::Text,
        }
    }
}

/// What the form of this text says.
pub fn text_kind_of(text: &str) -> TextKind {
    let bytes = text.as_bytes();
    if !(10..=40).contains(&bytes.len()) {
        return TextKind::Text;
    }
    if bytes.len() == 36 && is_uuid(bytes) {
        return TextKind::Uuid;
    }
    if !starts_with_day(bytes) {
        return TextKind::Text;
    }
    if bytes.len() == 10 {
        return if text.parse::<civil::Date>().is_ok() { TextKind::Date } else { TextKind::Text };
    }
    moment_of(text).map_or(TextKind::Text, TextKind::Timestamp)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { *c == b'-' } else { c.is_ascii_hexdigit() })
}

fn starts_with_day(bytes: &[u8]) -> bool {
    bytes.iter().take(10).enumerate().all(|(at, c)| if matches!(at, 4 | 7) { *c == b'-' } else { c.is_ascii_digit() })
}

/// Microseconds since 1970 of a text with day, time and zone. Without a zone nobody knows which moment it is, so it is no moment.
fn moment_of(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (separator, last) = (bytes.get(10)?, bytes.last()?);
    let has_zone = matches!(last, b'Z' | b'z') || bytes.get(16..)?.iter().any(|c| matches!(c, b'+' | b'-'));
    if !matches!(separator, b'T' | b't' | b' ') || !has_zone || bytes.contains(&b'[') {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}
