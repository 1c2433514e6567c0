//! Hashes, base64 and the spelling of URLs.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::super::{
    arguments::{Arguments, text},
    compare::{is_true, pairs},
    run::Run,
    value::{Outcome, Py, Stop, other},
};

/// Applies one of them.
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let made = match name {
        "hash" => hashed(run, value, arguments)?,
        "hmac" => signed(run, value, arguments)?,
        "urlencode" => {
            arguments.none()?;
            urlencode(run, value)?
        }
        _ => {
            arguments.none()?;
            let own = encodable(value)?;
            match name {
                "base64decode" => {
                    let letters: String =
                        own.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=')).collect();
                    let bytes = BASE64_STANDARD.decode(letters).map_err(|_| Stop::Other("a text is no base64".to_owned()))?;
                    String::from_utf8(bytes).map_err(|_| Stop::Other("a base64 is no text".to_owned()))?
                }
                "base64binascii_decode" if !own.is_ascii() => return other("a text is not ASCII"),
                _ => BASE64_STANDARD.encode(own),
            }
        }
    };
    run.made(made)
}

/// A text; asking anything else for its `encode` is Python's `AttributeError`.
fn encodable<'v>(value: &'v Py<'_>) -> Outcome<&'v str> {
    match value {
        Py::Undefined => Err(Stop::Undefined("something undefined is encoded".to_owned())),
        value => value.as_str().ok_or_else(|| Stop::Other(format!("{} cannot be encoded", value.kind()))),
    }
}

fn hashed<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<String> {
    let [kind, salt] = arguments.bind(["hash_type", "salt"], 0)?;
    let kind = kind.unwrap_or_else(|| Py::text("md5"));
    let mut all = run.str_of(value);
    if let Some(salt) = salt.filter(is_true) {
        all.push_str(&run.str_of(&salt));
    }
    run.spend(all.len() / 64)?;
    Ok(match text(&kind)? {
        "md5" => hex::encode(md5::Md5::digest(all)),
        "sha1" => hex::encode(sha1::Sha1::digest(all)),
        "sha224" => hex::encode(Sha224::digest(all)),
        "sha256" => hex::encode(Sha256::digest(all)),
        "sha384" => hex::encode(Sha384::digest(all)),
        "sha512" => hex::encode(Sha512::digest(all)),
        kind => return other(format!("there is no hash named `{kind}` here")),
    })
}

fn signed<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<String> {
    let [key, kind] = arguments.bind(["key", "hash_type"], 1)?;
    let kind = kind.unwrap_or_else(|| Py::text("sha256"));
    if text(&kind)? != "sha256" {
        return other("only sha256 can sign");
    }
    let key = run.str_of(&key.ok_or(Stop::Type)?);
    let mut signer = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| Stop::Other("a key cannot sign".to_owned()))?;
    signer.update(run.str_of(value).as_bytes());
    Ok(hex::encode(signer.finalize().into_bytes()))
}

fn urlencode<'a>(run: &mut Run<'a>, value: &Py<'a>) -> Outcome<String> {
    if let Some(text) = value.as_str() {
        return Ok(quoted(text.as_bytes(), b"/"));
    }
    let both = match pairs(value) {
        Some(pairs) => pairs,
        None => match value {
            Py::Bytes(bytes) => return Ok(quoted(bytes, b"/")),
            Py::None | Py::Bool(_) | Py::Int(_) | Py::Long(_) | Py::Float(_) | Py::Time(_) | Py::Date(_) | Py::Delta(_) | Py::Period(_) => {
                return Ok(quoted(run.str_of(value).as_bytes(), b"/"));
            }
            _ => {
                let mut both = Vec::new();
                for pair in run.iterate(value)? {
                    let pair = run.iterate(&pair)?;
                    let [key, item] = pair.as_slice() else { return other("what is encoded is no pair") };
                    both.push((key.clone(), item.clone()));
                }
                both
            }
        },
    };
    let one = |(key, item): &(Py<'a>, Py<'a>)| format!("{}={}", quote_plus(&run.str_of(key)), quote_plus(&run.str_of(item)));
    Ok(both.iter().map(one).collect::<Vec<_>>().join("&"))
}

/// `urllib.parse.quote_plus`
pub fn quote_plus(text: &str) -> String {
    quoted(text.as_bytes(), b" ").replace(' ', "+")
}

fn quoted(bytes: &[u8], safe: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(byte) || safe.contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([*byte]));
        }
    }
    out
}
