//! The usual way to write a time: digits, each part at its full width, between letters that stand in the format as they are. What is
//! not so plain is left to [`strptime`](super::strptime), which reads all of this in the same way, with a regular expression.

use super::{
    civil::Date,
    strptime::offset,
    time::{SECOND, Time},
};

/// The time of a text in a format, if both are plain.
pub fn read(text: &str, format: &str) -> Option<Time> {
    let mut parts = Parts::default();
    let (mut text, mut format) = (text.as_bytes(), format.as_bytes());
    while let [letter, then @ ..] = format {
        format = then;
        if *letter != b'%' {
            text = text.strip_prefix(&[*letter])?;
            continue;
        }
        let [directive, then @ ..] = format else { return None };
        format = then;
        match directive {
            b'Y' => take(&mut text, 4, &mut parts.year)?,
            b'm' => take(&mut text, 2, &mut parts.month)?,
            b'd' => take(&mut text, 2, &mut parts.day)?,
            b'H' => take(&mut text, 2, &mut parts.hour)?,
            b'M' => take(&mut text, 2, &mut parts.minute)?,
            b'S' => take(&mut text, 2, &mut parts.second)?,
            b'f' => {
                let digits = text.iter().take(6).take_while(|digit| digit.is_ascii_digit()).count();
                take(&mut text, digits.max(1), &mut parts.fraction)?;
                let missing = u32::try_from(6_usize.saturating_sub(digits)).ok()?;
                parts.fraction = parts.fraction.map(|fraction| fraction * 10_i64.pow(missing));
            }
            b'z' if format.is_empty() => {
                parts.offset = Some(plain_offset(text)?);
                text = &[];
            }
            _ => return None,
        }
    }
    text.is_empty().then(|| parts.time()).flatten()
}

#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    fraction: Option<i64>,
    offset: Option<i32>,
}

impl Parts {
    fn time(&self) -> Option<Time> {
        let (hour, minute, second) = (self.hour.unwrap_or(0), self.minute.unwrap_or(0), self.second.unwrap_or(0));
        let exists = hour < 24 && minute < 60 && second < 60;
        let date = Date::new(self.year?, self.month?, self.day?).filter(|_| exists)?;
        Time::new(date, (hour * 3600 + minute * 60 + second) * SECOND + self.fraction.unwrap_or(0), self.offset)
    }
}

/// Takes so many digits. No format has a part twice.
fn take(text: &mut &[u8], digits: usize, part: &mut Option<i64>) -> Option<()> {
    let (taken, rest) = text.split_at_checked(digits)?;
    let is_new = part.is_none() && taken.iter().all(u8::is_ascii_digit);
    *part = is_new.then(|| taken.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')));
    *text = rest;
    part.map(|_| ())
}

/// `Z`, `+01:00` or `+0100`, and nothing else.
fn plain_offset(text: &[u8]) -> Option<i32> {
    let is_plain = match text {
        [b'Z'] => true,
        [b'+' | b'-', a, b, b':', c @ b'0'..=b'5', d] | [b'+' | b'-', a, b, c @ b'0'..=b'5', d] => {
            [a, b, c, d].iter().all(|digit| digit.is_ascii_digit())
        }
        _ => false,
    };
    is_plain.then(|| std::str::from_utf8(text).ok().and_then(offset)).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::{prelude::*, sample::select};

    use super::{super::strptime::strptime, read};

    const FORMATS: &[&str] = &[
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S.%fZ",
        "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%dT%H:%M:%S.%f%z",
        "%Y-%m-%d",
        "%Y%m%d%H%M%S",
        "%Y-%m-%d %H:%M:%S",
        "%d/%m/%Y",
        "%m/%d/%Y %H:%M",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%H:%M",
        "%Y",
        "%Y-%Y-%m-%d",
        "%Y-%m-%d %z %H",
        "%Y%%%m-%d",
        "%f%Y-%m-%d%S",
        "%y-%m-%d",
        "%Y-%j",
        "%",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_read_at_once_is_what_python_reads(
            format in select(FORMATS), instant in -62_000_000_000_000_000_i64..250_000_000_000_000_000, zone in select(vec!["", "Z", "z", "+00:00", "-0530", "+0160", "+14:00:30"]),
            at in any::<prop::sample::Index>(), other in select(vec!['0', '1', '3', '6', '9', ' ', 'Z', 't', '٣', ':']), is_changed in any::<bool>(),
        ) {
            let time = super::Time::from_micros(instant).unwrap();
            let mut text = super::super::strftime(time, &format.replace("%z", zone));
            if is_changed && !text.is_empty() {
                let mut letters: Vec<char> = text.chars().collect();
                letters[at.index(text.chars().count())] = other;
                text = letters.into_iter().collect();
            }
            if let Some(found) = read(&text, format) {
                let slow = strptime(&text, format);
                prop_assert_eq!(Some((found.micros(), found.offset())), slow.map(|time| (time.micros(), time.offset())), "{:?} as {:?}", text, format);
            }
        }
    }

    #[test]
    fn what_providers_send_is_plain() {
        let texts = [
            ("2026-11-22T10:20:30Z", "%Y-%m-%dT%H:%M:%SZ"),
            ("2026-11-22T10:20:30.5Z", "%Y-%m-%dT%H:%M:%S.%fZ"),
            ("2026-11-22T10:20:30.123456+01:00", "%Y-%m-%dT%H:%M:%S.%f%z"),
            ("2026-11-22 10:20:30-0730", "%Y-%m-%d %H:%M:%S%z"),
            ("20261122", "%Y%m%d"),
        ];
        for (text, format) in texts {
            let found = read(text, format).map(|time| (time.micros(), time.offset()));
            assert_eq!(found, strptime(text, format).map(|time| (time.micros(), time.offset())));
            assert!(found.is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "2026-11-22T10:20:60Z",
            "2026-11-22T10:60:30Z",
            "2026-11-22T24:20:30Z",
            "2026-13-22T10:20:30Z",
            "2026-02-29T10:20:30Z",
            "0000-11-22T10:20:30Z",
        ] {
            let format = "%Y-%m-%dT%H:%M:%SZ";
            assert!(read(text, format).is_none() && strptime(text, format).is_none(), "{text}");
        }
    }
}
