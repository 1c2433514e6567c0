//! Requests that are no deliveries: a provider tries the address, and wants to hear something back.

use std::collections::BTreeSet;

use syncline_model::Secret;

use super::{Call, Verification, template::Text};

/// What is echoed is not longer than this.
const ECHO_LONGEST: usize = 1024;

/// A request that is answered at once and is no delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    pub(super) method: String,
    /// It is answered only once it was found to be the provider's.
    pub is_signed: bool,
    /// What must be so for a request to be one.
    pub(super) when: Vec<Condition>,
    /// What must be the endpoint's own id, where the provider sends back a word that its owner gave it.
    pub(super) verify_token: Option<Text>,
    pub(super) answer: Reply,
}

/// A text of the request is this, or is there at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) text: Text,
    pub(super) is: Option<String>,
}

impl Condition {
    pub(super) fn holds(&self, call: &Call) -> bool {
        self.text.text(call).is_some_and(|told| self.is.as_ref().is_none_or(|is| *is == told))
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Nothing,
    Text(Text),
    Json(Vec<(String, Text)>),
}

/// What is answered to a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its type.
    pub content_type: &'static str,
    /// Its body.
    pub body: String,
}

impl Handshake {
    pub(super) fn is_meant(&self, call: &Call) -> bool {
        call.method == self.method && self.when.iter().all(|condition| condition.holds(call))
    }

    /// What is answered; `None` if the request is not as it must be.
    pub fn answer(&self, call: &Call, verification: &Verification, secrets: &[Secret]) -> Option<Answer> {
        if let Some(token) = &self.verify_token {
            use subtle::ConstantTimeEq;
            let told = token.text(call)?;
            if !bool::from(told.as_bytes().ct_eq(call.endpoint.as_bytes())) {
                return None;
            }
        }
        let sign = |bytes: &[u8]| secrets.first().map(|secret| verification.sign_hex(secret, bytes)).unwrap_or_default();
        let echoed =
            |text: &Text| text.text_signed(call, &sign).filter(|made| made.len() <= ECHO_LONGEST && !made.chars().any(char::is_control));
        Some(match &self.answer {
            Reply::Nothing => Answer { content_type: "text/plain; charset=utf-8", body: String::new() },
            Reply::Text(text) => Answer { content_type: "text/plain; charset=utf-8", body: echoed(text)? },
            Reply::Json(fields) => {
                let mut object = serde_json::Map::new();
                for (name, text) in fields {
                    object.insert(name.clone(), echoed(text)?.into());
                }
                Answer { content_type: "application/json", body: serde_json::Value::Object(object).to_string() }
            }
        })
    }

    pub(super) fn headers(&self, names: &mut BTreeSet<String>) {
        self.when.iter().for_each(|condition| condition.text.headers(names));
        self.verify_token.iter().for_each(|token| token.headers(names));
    }
}
