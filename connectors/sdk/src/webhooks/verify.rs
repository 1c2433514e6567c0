//! Is a request the provider's? Told by a signature over its raw bytes, or by a token, with any of the endpoint's secrets, in a time
//! that does not depend on how much of them was guessed. Whatever is missing or cannot be read is a refusal.

use std::{collections::BTreeSet, time::Duration};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use syncline_model::Secret;

use super::{Call, template::Text};

/// More signatures than this nobody sends.
const SIGNATURES_MAX: usize = 16;
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Why a request was not taken for the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Nothing in it says who it is from, or what is signed is not all there.
    #[error("it is not signed")]
    Unsigned,
    /// No secret of the endpoint makes this signature.
    #[error("its signature is wrong")]
    Wrong,
    /// It says that it was sent too long ago, or will be.
    #[error("it is of another time")]
    Stale,
}

impl Unverified {
    /// The word for it in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Wrong => "wrong_signature",
            Self::Stale => "stale",
        }
    }
}

/// How a request shows that it is the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// By a signature.
    Signature(Box<Signature>),
    /// By a token that only the provider and we know.
    Token(Text),
}

/// A signature over what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub(super) algorithm: Algorithm,
    /// Where it stands.
    pub(super) header: String,
    /// What stands between several things in the header.
    pub(super) separator: Option<String>,
    /// What a signature begins with.
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    /// What is signed.
    pub(super) content: Text,
    /// How the secret is written.
    pub(super) secret: Written,
    pub(super) timestamp: Option<Stamp>,
    /// The header with the sender's id of the message.
    pub(super) id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Hex,
    Base64,
    Text,
}

/// How a secret is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// What it begins with and is not part of the key.
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
}

/// When the sender sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) place: StampPlace,
    pub(super) in_ms: bool,
    /// How far it may be from now.
    pub(super) tolerance: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StampPlace {
    Header(String),
    /// Beside the signatures, behind this prefix.
    Item(String),
}

impl Verification {
    /// Finds out whether a request is the provider's, and notes in it when it was sent and under which id.
    pub fn verify(&self, call: &mut Call, secrets: &[Secret]) -> Result<(), Unverified> {
        match self {
            Self::Signature(signature) => signature.verify(call, secrets),
            Self::Token(token) => {
                let told = token.text(call).filter(|told| !told.is_empty()).ok_or(Unverified::Unsigned)?;
                let same = |secret: &Secret| bool::from(told.as_bytes().ct_eq(secret.expose().as_bytes()));
                if any(secrets, same) { Ok(()) } else { Err(Unverified::Wrong) }
            }
        }
    }

    /// A secret of an endpoint can be used: it is long enough, and written as it must be.
    pub fn takes(&self, secret: &Secret) -> Result<(), String> {
        const SHORTEST: usize = 8;
        const LONGEST: usize = 1024;
        let text = secret.expose();
        if !(SHORTEST..=LONGEST).contains(&text.len()) || text.chars().any(char::is_control) {
            return Err(format!("must have {SHORTEST} to {LONGEST} bytes, in one line"));
        }
        let Self::Signature(signature) = self else { return Ok(()) };
        match signature.secret.key(secret) {
            Some(key) if key.len() >= SHORTEST => Ok(()),
            _ => Err(format!("must be `{}` and a key in {}", signature.secret.prefix, signature.secret.encoding.as_str())),
        }
    }

    /// A new secret, written as it must be, of these random bytes.
    pub fn secret(&self, random: &[u8; 32]) -> Secret {
        let (prefix, encoding) = match self {
            Self::Signature(signature) => (signature.secret.prefix.as_str(), signature.secret.encoding),
            Self::Token(_) => ("", Encoding::Text),
        };
        let key = match encoding {
            Encoding::Base64 => BASE64.encode(random),
            Encoding::Hex | Encoding::Text => hex::encode(random),
        };
        Secret::new(format!("{prefix}{key}"))
    }

    /// Signs something with a secret, as handshakes want it.
    pub fn sign_hex(&self, secret: &Secret, bytes: &[u8]) -> String {
        let key = match self {
            Self::Signature(signature) => signature.secret.key(secret).unwrap_or_default(),
            Self::Token(_) => secret.expose().as_bytes().to_vec(),
        };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
        mac.update(bytes);
        hex::encode(mac.finalize().into_bytes())
    }

    pub(super) fn headers(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        match self {
            Self::Token(token) => token.headers(&mut names),
            Self::Signature(signature) => {
                names.insert(signature.header.clone());
                names.extend(signature.id.clone());
                if let Some(Stamp { place: StampPlace::Header(name), .. }) = &signature.timestamp {
                    names.insert(name.clone());
                }
                signature.content.headers(&mut names);
            }
        }
        names
    }
}

impl Signature {
    fn verify(&self, call: &mut Call, secrets: &[Secret]) -> Result<(), Unverified> {
        let value = call.header(&self.header).ok_or(Unverified::Unsigned)?.to_owned();
        let items: Vec<&str> = match &self.separator {
            Some(separator) => value.split(separator.as_str()).map(str::trim).collect(),
            None => vec![value.trim()],
        };
        if let Some(name) = &self.id {
            call.id = Some(call.header(name).filter(|id| !id.is_empty()).ok_or(Unverified::Unsigned)?.to_owned());
        }
        if let Some(stamp) = &self.timestamp {
            let told = match &stamp.place {
                StampPlace::Header(name) => call.header(name),
                StampPlace::Item(prefix) => items.iter().find_map(|item| item.strip_prefix(prefix.as_str())),
            };
            call.timestamp = Some(told.ok_or(Unverified::Unsigned)?.to_owned());
        }
        let told: Vec<Vec<u8>> = items
            .iter()
            .filter_map(|item| item.strip_prefix(self.prefix.as_str()))
            .take(SIGNATURES_MAX)
            .filter_map(|text| self.encoding.decode(text))
            .collect();
        if told.is_empty() {
            return Err(Unverified::Unsigned);
        }
        let is_made_by = |secret: &Secret| self.secret.key(secret).is_some_and(|key| self.is_made(call, &key, &told));
        if !any(secrets, is_made_by) {
            return Err(Unverified::Wrong);
        }
        // Behind the signature, so that nobody learns from it what our clock says.
        match &self.timestamp {
            Some(stamp) if !stamp.is_fresh(call.timestamp.as_deref().unwrap_or_default(), call.received) => Err(Unverified::Stale),
            Some(_) | None => Ok(()),
        }
    }

    fn is_made(&self, call: &Call, key: &[u8], told: &[Vec<u8>]) -> bool {
        match self.algorithm {
            Algorithm::Sha1 => is_made::<Hmac<Sha1>>(&self.content, call, key, told),
            Algorithm::Sha256 => is_made::<Hmac<Sha256>>(&self.content, call, key, told),
            Algorithm::Sha512 => is_made::<Hmac<Sha512>>(&self.content, call, key, told),
        }
    }
}

fn is_made<M: Mac + KeyInit + Clone>(content: &Text, call: &Call, key: &[u8], told: &[Vec<u8>]) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return false };
    if !content.feed(call, &mut |bytes| mac.update(bytes)) {
        return false;
    }
    any(told, |signature: &Vec<u8>| mac.clone().verify_slice(signature).is_ok())
}

/// All of them are looked at, so that the time says nothing about which one it was.
fn any<T>(all: &[T], holds: impl Fn(&T) -> bool) -> bool {
    all.iter().fold(false, |found, one| holds(one) | found)
}

impl Encoding {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Text => "text",
        }
    }

    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Text => Some(text.as_bytes().to_vec()),
        }
    }
}

impl Written {
    fn key(&self, secret: &Secret) -> Option<Vec<u8>> {
        let text = secret.expose();
        self.encoding.decode(text.strip_prefix(self.prefix.as_str()).unwrap_or(text)).filter(|key| !key.is_empty())
    }
}

impl Stamp {
    fn is_fresh(&self, told: &str, now: Timestamp) -> bool {
        let Ok(number) = told.parse::<i64>() else { return false };
        let time = if self.in_ms { Timestamp::from_millisecond(number) } else { Timestamp::from_second(number) };
        let Ok(tolerance) = SignedDuration::try_from(self.tolerance) else { return false };
        time.is_ok_and(|time| now.duration_since(time).abs() <= tolerance)
    }
}
