//! Addresses as the reference writes them: joined as Python's `urljoin` joins, quoted as its HTTP client quotes.

use std::sync::{Mutex, PoisonError};

use syncline_model::Fault;
use url::Url;

/// The address that was joined last: one page after the other is asked for at the same.
#[derive(Debug, Default)]
pub struct LastJoined(Mutex<Option<Joined>>);

#[derive(Debug)]
struct Joined {
    base: Box<str>,
    path: Box<str>,
    url: Url,
}

impl LastJoined {
    /// What [`joined`] makes of them.
    pub fn joined(&self, base: &str, path: &str) -> Result<Url, Fault> {
        let last = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| *last.base == *base && *last.path == *path) {
            return Ok(last.url.clone());
        }
        let url = joined(base, path)?;
        *last = Some(Joined { base: base.into(), path: path.into(), url: url.clone() });
        Ok(url)
    }
}

impl Clone for LastJoined {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A base and a path. A path that is a whole address takes the base's place; without a path the base stays as it is written.
pub fn joined(base: &str, path: &str) -> Result<Url, Fault> {
    let (base, path) = (&quoted(base), &quoted(path));
    let bad = |text: &str| Fault::Misconfigured(format!("`{}` is no address", without_query(text)));
    if path.is_empty() {
        return base.parse().map_err(|_| bad(base));
    }
    let slash = if base.ends_with('/') { "" } else { "/" };
    match Url::parse(&format!("{base}{slash}")) {
        Ok(base) => {
            let mut url = base.join(path).map_err(|_| bad(path))?;
            if Url::parse(path).is_err() {
                drop_empty_segments(&mut url);
            }
            Ok(url)
        }
        Err(_) => path.parse().map_err(|_| bad(base)),
    }
}

/// What stands behind the host, with everything quoted that may not stand there.
fn quoted(text: &str) -> String {
    // An address within a query begins no host.
    let from = match text.find("://").filter(|scheme| !text[..*scheme].contains(['/', '?', '#'])) {
        Some(scheme) => text[scheme + 3..].find(['/', '?', '#']).map_or(text.len(), |slash| scheme + 3 + slash),
        None => 0,
    };
    let (host, rest) = text.split_at(from);
    // A sign for quoting that quotes nothing makes all of them plain signs.
    let escapes = rest.match_indices('%').all(|(at, _)| escaped(rest, at).is_some());
    let mut made = host.to_owned();
    let mut at = 0;
    while let Some(letter) = rest[at..].chars().next() {
        match escaped(rest, at).filter(|_| letter == '%' && escapes) {
            Some(byte) if is_unreserved(byte) => made.push(char::from(byte)),
            Some(byte) => push_escaped(&mut made, byte),
            None if letter.is_ascii() && may_stand(letter) => made.push(letter),
            None => letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_escaped(&mut made, byte)),
        }
        at += if letter == '%' && escapes { 3 } else { letter.len_utf8() };
    }
    made
}

/// The byte that is quoted at a place.
fn escaped(text: &str, at: usize) -> Option<u8> {
    let digits = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

fn push_escaped(made: &mut String, byte: u8) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    made.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// It may stand in a path or a query; `#` ends both.
fn may_stand(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?#".contains(letter)
}

/// `a//b` as `a/b`, as Python's `urljoin` has it.
fn drop_empty_segments(url: &mut Url) {
    if !url.path().contains("//") {
        return;
    }
    let segments: Vec<&str> = url.path().split('/').skip(1).collect();
    let Some((last, before)) = segments.split_last() else { return };
    let kept: Vec<&str> = before.iter().copied().filter(|segment| !segment.is_empty()).chain([*last]).collect();
    let path = format!("/{}", kept.join("/"));
    url.set_path(&path);
}

/// A query may hold a secret, and what is said about an address is read by people.
fn without_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{LastJoined, joined};

    #[test]
    fn the_last_address_is_joined_anew_when_a_part_of_it_changes() {
        let last = LastJoined::default();
        for (base, path) in [("https://a.example", "b"), ("https://a.example", "b"), ("https://a.example", "c"), ("https://b.example", "c")]
        {
            assert_eq!(last.joined(base, path).unwrap().to_string(), format!("{base}/{path}"));
        }
        assert!(last.joined("a.example", "c").is_err());
        assert_eq!(last.joined("https://b.example", "c").unwrap().as_str(), "https://b.example/c");
    }

    #[test]
    fn addresses_are_joined_as_python_joins_them() {
        for (base, path, whole) in [
            ("https://a.example/v1", "b", "https://a.example/v1/b"),
            ("https://a.example/v1/", "b//c/", "https://a.example/v1/b/c/"),
            ("https://a.example/v1/", "", "https://a.example/v1/"),
            ("https://a.example/v1", "https://b.example//c?d=1", "https://b.example//c?d=1"),
            ("https://a.example/v1", "[1, 2]/50%/a\\b|c", "https://a.example/v1/%5B1,%202%5D/50%25/a%5Cb%7Cc"),
            ("http://[::1]:80/v1", "%7e/%c3%bc/ü", "http://[::1]/v1/~/%C3%BC/%C3%BC"),
            ("https://a.example/v1", "b?c=https://d//e", "https://a.example/v1/b?c=https://d//e"),
            ("https://a.example/v1", "[b]?c=https://d/[e]", "https://a.example/v1/%5Bb%5D?c=https://d/%5Be%5D"),
        ] {
            assert_eq!(joined(base, path).map(|url| url.to_string()).ok().as_deref(), Some(whole));
        }
    }
}
