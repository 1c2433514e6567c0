//! What a text looks like, from its bytes alone. Each text has one format, the most special that fits.

use serde::{Deserialize, Serialize};

/// How many formats there are.
pub const FORMATS: usize = 19;

/// The look of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Format {
    /// No characters
    Empty,
    /// `12`, `-3`
    Integer,
    /// Digits that are no number: `00123`, or more than 38 of them
    Digits,
    /// `1.50`, `1e9`
    Decimal,
    /// `true`, `false`
    Bool,
    /// `2024-02-29`
    Date,
    /// A date and a time with a zone
    Instant,
    /// A date and a time without a zone
    LocalTime,
    /// `12:30:00`
    Clock,
    /// 8-4-4-4-12 hex digits
    Uuid,
    /// `ann@example.org`
    Email,
    /// `https://…`
    Url,
    /// `example.org`
    Domain,
    /// `+1 (555) 010-99`
    Phone,
    /// `cus_1AbC…`, `gid://…`
    PrefixedId,
    /// Two or three letters of one case: countries, currencies, languages, states
    ShortCode,
    /// One word of letters
    Word,
    /// Letters and digits without a space
    Token,
    /// Anything else
    Text,
}

/// The format of a JSON number's text.
pub fn of_number(text: &str) -> Format {
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) { Format::Decimal } else { Format::Integer }
}

/// Digits before and behind the point, the exponent applied.
pub fn digits(text: &str) -> (u8, u8) {
    let text = text.trim_start_matches(['-', '+']);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let clamp = |count: i64| u8::try_from(count.max(0)).unwrap_or(u8::MAX);
    (clamp(whole.len() as i64 + exponent), clamp(fraction.trim_end_matches('0').len() as i64 - exponent))
}

/// The format of a text.
pub fn classify(text: &str) -> Format {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else { return Format::Empty };
    if bytes.len() > 320 {
        return if is_url(text) { Format::Url } else { Format::Text };
    }
    let numeric = first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'(' | b'.');
    if numeric && let Some(format) = numeric_format(text, bytes) {
        return format;
    }
    word_format(text, bytes)
}

fn numeric_format(text: &str, bytes: &[u8]) -> Option<Format> {
    if let Some(format) = number(bytes) {
        return Some(format);
    }
    if bytes.len() >= 10 && bytes[4] == b'-' && is_date(&bytes[..10]) {
        return moment(bytes);
    }
    if is_clock(bytes).is_some_and(|length| length == bytes.len()) {
        return Some(Format::Clock);
    }
    if bytes.len() == 36 && is_uuid(bytes) {
        return Some(Format::Uuid);
    }
    let day = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    (!day && is_phone(text)).then_some(Format::Phone)
}

fn number(bytes: &[u8]) -> Option<Format> {
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let whole = unsigned.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if whole == unsigned.len() && whole > 0 {
        let plain = whole <= 38 && (unsigned[0] != b'0' || (whole == 1 && bytes.len() == 1));
        return Some(if plain { Format::Integer } else { Format::Digits });
    }
    if whole > 1 && unsigned[0] == b'0' {
        return None;
    }
    let rest = &unsigned[whole..];
    let fraction = rest.strip_prefix(b".").map_or(0, |digits| digits.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let after = if fraction > 0 { &rest[fraction + 1..] } else { rest };
    let exponent = after.strip_prefix(b"e").or_else(|| after.strip_prefix(b"E"));
    let exponent_fits = exponent.is_none_or(|digits| {
        let digits = digits.strip_prefix(b"-").or_else(|| digits.strip_prefix(b"+")).unwrap_or(digits);
        (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
    });
    let complete = after.is_empty() || exponent.is_some();
    (whole > 0 && (fraction > 0 || exponent.is_some()) && complete && exponent_fits).then_some(Format::Decimal)
}

fn two(bytes: &[u8]) -> Option<u8> {
    (bytes.len() >= 2 && bytes[0].is_ascii_digit() && bytes[1].is_ascii_digit()).then(|| (bytes[0] - b'0') * 10 + bytes[1] - b'0')
}

fn is_date(bytes: &[u8]) -> bool {
    let (Some(century), Some(year), Some(month), Some(day)) = (two(bytes), two(&bytes[2..]), two(&bytes[5..]), two(&bytes[8..])) else {
        return false;
    };
    let year = u32::from(century) * 100 + u32::from(year);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    bytes[4] == b'-' && bytes[7] == b'-' && year > 0 && (1..=longest).contains(&day)
}

/// The bytes of a time of day at the start, if there is one.
fn is_clock(bytes: &[u8]) -> Option<usize> {
    let (hour, minute) = (two(bytes)?, two(bytes.get(3..)?)?);
    if bytes[2] != b':' || hour > 24 || minute > 59 {
        return None;
    }
    let Some(second) = bytes.get(5..).filter(|rest| rest.first() == Some(&b':')).and_then(|rest| two(&rest[1..])) else {
        return Some(5);
    };
    let fraction = bytes
        .get(8..)
        .filter(|rest| matches!(rest.first(), Some(b'.' | b',')))
        .map_or(0, |rest| 1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count());
    (second <= 60).then_some(8 + fraction)
}

fn moment(bytes: &[u8]) -> Option<Format> {
    if bytes.len() == 10 {
        return Some(Format::Date);
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let rest = &bytes[11..];
    let zone = &rest[is_clock(rest)?..];
    match zone {
        [] => Some(Format::LocalTime),
        [b'Z' | b'z'] | [b' ', b'U', b'T', b'C'] => Some(Format::Instant),
        [b'+' | b'-', offset @ ..]
            if matches!(offset.len(), 2 | 4 | 5) && offset.iter().all(|byte| byte.is_ascii_digit() || *byte == b':') =>
        {
            Some(Format::Instant)
        }
        _ => None,
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = text.split(['x', 'e']).next().unwrap_or(text);
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b' ' | b'(' | b')' | b'.' | b'/'));
    let extension = text[number.len()..].bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'x' | b'e' | b't' | b'.' | b' '));
    let marks = text.bytes().any(|byte| !byte.is_ascii_digit());
    (7..=20).contains(&digits) && text.len() <= 28 && plain && extension && marks
}

fn word_format(text: &str, bytes: &[u8]) -> Format {
    if text == "true" || text == "false" {
        return Format::Bool;
    }
    if bytes.len() == 36 && is_uuid(bytes) {
        return Format::Uuid;
    }
    if is_url(text) {
        return Format::Url;
    }
    let spaced = bytes.contains(&b' ');
    if !spaced && is_email(text) {
        return Format::Email;
    }
    if !spaced && is_prefixed(text) {
        return Format::PrefixedId;
    }
    let letters = bytes.iter().all(u8::is_ascii_alphabetic);
    let one_case = bytes.iter().all(u8::is_ascii_uppercase) || bytes.iter().all(u8::is_ascii_lowercase);
    if letters && one_case && (2..=3).contains(&bytes.len()) {
        return Format::ShortCode;
    }
    if text.chars().all(char::is_alphabetic) {
        return Format::Word;
    }
    if spaced {
        return Format::Text;
    }
    if is_domain(text) {
        return Format::Domain;
    }
    if text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '#' | '=' | '+')) {
        Format::Token
    } else {
        Format::Text
    }
}

/// One `@` with a name before and a dotted host behind.
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty()
        && !host.contains('@')
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !text.contains(['/', ','])
}

fn is_url(text: &str) -> bool {
    const SCHEMES: [&str; 7] = ["https://", "http://", "ftp://", "HTTP://", "HTTPS://", "ws://", "wss://"];
    matches!(text.as_bytes()[0], b'h' | b'H' | b'f' | b'w')
        && SCHEMES.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme))
}

fn is_prefixed(text: &str) -> bool {
    if text.starts_with("gid://") || text.starts_with("urn:") {
        return true;
    }
    let Some((prefix, rest)) = text.rsplit_once('_') else { return false };
    let mixed = rest.bytes().any(|byte| byte.is_ascii_digit()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (1..=12).contains(&prefix.len()) && rest.len() >= 6 && mixed && prefix.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn is_domain(text: &str) -> bool {
    let Some((rest, top)) = text.rsplit_once('.') else { return false };
    let labels = rest.split('.').all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    labels
        && (2..=12).contains(&top.len())
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        && rest.bytes().any(|b| b.is_ascii_alphabetic())
}
