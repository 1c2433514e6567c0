//! How a request spells its texts, byte for byte as Python's `requests` does it.

use bytes::Bytes;
use http::HeaderValue;
use url::Url;

use crate::template::quote_plus;

/// A form, or a query.
pub fn form(pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> String {
    let one = |(name, value): (_, _)| spelt(AsRef::as_ref(&name), AsRef::as_ref(&value));
    pairs.into_iter().map(one).collect::<Vec<_>>().join("&")
}

fn spelt(name: &str, value: &str) -> String {
    format!("{}={}", quote_plus(name), quote_plus(value))
}

/// The same as a body.
pub fn form_body(pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> Bytes {
    Bytes::from(form(pairs))
}

/// Puts pairs behind those that an address has.
pub fn add_query(url: &mut Url, pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) {
    let added = form(pairs);
    let query = match url.query() {
        Some(query) if !query.is_empty() => format!("{query}&{added}"),
        _ => added,
    };
    url.set_query(Some(&query));
}

/// The value of a header: Latin-1, without a space before it.
pub fn header_value(text: &str) -> Option<HeaderValue> {
    if text.starts_with(char::is_whitespace) {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect::<Option<_>>()?;
    HeaderValue::from_bytes(&bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn forms_are_spelt_as_requests_spells_them() {
        assert_eq!(form([("q", "a b~c*d/é"), ("x[]", "")]), "q=a+b~c%2Ad%2F%C3%A9&x%5B%5D=");
        let mut url: Url = "https://x.y/z?a=1".parse().unwrap();
        add_query(&mut url, [("b", "~*")]);
        assert_eq!(url.as_str(), "https://x.y/z?a=1&b=~%2A");
    }

    #[test]
    fn headers_are_latin_1_and_begin_with_no_space() {
        assert_eq!(header_value("tök ").unwrap().as_bytes(), b"t\xf6k ");
        assert_eq!(header_value("").unwrap(), "");
        for refused in [" a", "\ta", "a\nb", "5 €"] {
            assert_eq!(header_value(refused), None, "{refused:?}");
        }
    }
}
