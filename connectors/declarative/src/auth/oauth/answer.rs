//! What a token endpoint answered.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::HttpAnswer;
use tokio::time::Instant;

use super::OAuth;
use crate::{
    auth::tokens::Until,
    dates::{self, Time},
    template::{Scope, is_truthy, python_str},
};

/// What was granted. Its texts are secrets.
pub struct Granted {
    pub access: String,
    pub refresh: Option<String>,
    ends: Option<Ends>,
}

enum Ends {
    After(i64),
    At(Time),
}

/// A token of which nobody says how long it lasts is taken to last an hour, as the reference does.
const USUAL: Duration = Duration::from_secs(3600);
/// The deepest field that is looked for.
const DEEPEST: usize = 5;
/// The longest text of the source that is shown.
const SHOWN: usize = 64;

impl Granted {
    /// How long it is good from `now` on; `known` is what was known of the one before.
    pub fn until(&self, known: Until, now: Timestamp) -> Until {
        match (&self.ends, known) {
            (Some(Ends::After(seconds)), _) => {
                u64::try_from(*seconds).map_or(Until::Past, |seconds| Until::after(Duration::from_secs(seconds)))
            }
            (Some(Ends::At(time)), _) => Until::moment(*time, now),
            (None, known @ (Until::Then(_) | Until::Ever)) if !known.is_over() => known,
            (None, _) => Until::after(USUAL),
        }
    }

    /// How the settings spell the time at which it ends.
    pub fn until_text(&self, until: Until, now: Timestamp) -> String {
        let time = match (&self.ends, until) {
            (Some(Ends::At(time)), _) => *time,
            (Some(Ends::After(seconds)), _) => Time::from(now.checked_add(SignedDuration::from_secs(*seconds)).unwrap_or(Timestamp::MAX)),
            (None, Until::Then(then)) => {
                let left = then.saturating_duration_since(Instant::now());
                Time::from(now.checked_add(left).unwrap_or(Timestamp::MAX))
            }
            (None, Until::Past | Until::Ever) => Time::from(now),
        };
        let format = if time.micros() % 1_000_000 == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S.%f" };
        let utc = time.in_utc().unwrap_or(time);
        format!("{}+00:00", dates::format(utc, format))
    }
}

impl OAuth {
    /// What an answer grants.
    pub(super) fn granted(&self, scope: &Scope, answer: &HttpAnswer) -> Result<Granted, Fault> {
        let body: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| Fault::Unusable("the token endpoint answered something that is no JSON".to_owned()))?;
        let name = self.access_name.text(scope)?;
        let access = find(&body, &name, 0)?.filter(|token| is_truthy(token)).map(python_str);
        let access = access.ok_or_else(|| Fault::Unusable(format!("the token endpoint's answer has no `{name}`")))?;
        let refresh = match self.updater {
            Some(_) => find(&body, &self.refresh_token.0.text(scope)?, 0)?.map(python_str),
            None => None,
        };
        let ends = find(&body, &self.expires_name.text(scope)?, 0)?.map(|value| self.ends(value)).transpose()?;
        Ok(Granted { access, refresh, ends })
    }

    fn ends(&self, value: &Value) -> Result<Ends, Fault> {
        let text = python_str(value);
        let bad = || Fault::Unusable("the token endpoint's answer does not say readably when the token ends".to_owned());
        if self.expires_as_date {
            return dates::parse_any(&text).map(Ends::At).ok_or_else(bad);
        }
        let digits = text.trim();
        let whole = digits.split_once('.').map_or(
            digits,
            |(whole, fraction)| {
                if fraction.bytes().all(|byte| byte.is_ascii_digit()) { whole } else { digits }
            },
        );
        whole.parse().map(Ends::After).map_err(|_| bad())
    }

    /// Why the token endpoint granted nothing. `secrets` are never shown, even if the source repeats them.
    pub(super) fn refusal(&self, answer: &HttpAnswer, secrets: &[Option<String>]) -> Fault {
        let status = answer.status.as_u16();
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = detail(&body, secrets).map(|detail| format!(" ({detail})")).unwrap_or_default();
        if self.refused.fits(status, &body) {
            return Fault::Unauthorized(format!("the refresh token is invalid, expired or used already{detail}"));
        }
        match status {
            400 | 401 | 403 => Fault::Unauthorized(format!("the token endpoint answered {status}{detail}")),
            _ => Fault::Misconfigured(format!("the token endpoint answered {status}{detail}")),
        }
    }
}

/// The first value of this name, looked for from the outside in.
fn find<'a>(body: &'a Value, name: &str, depth: usize) -> Result<Option<&'a Value>, Fault> {
    if depth > DEEPEST {
        return Err(Fault::Unusable(format!("the token endpoint's answer is too deep to find `{name}` in it")));
    }
    let inner: Vec<&Value> = match body {
        Value::Object(fields) => match fields.get(name) {
            Some(found) => return Ok(Some(found).filter(|found| !found.is_null())),
            None => fields.values().collect(),
        },
        Value::Array(items) => items.iter().collect(),
        _ => return Ok(None),
    };
    for value in inner {
        if let Some(found) = find(value, name, depth + 1)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The error's name (RFC 6749 section 5.2) and the code that leads its description. The prose behind it is not shown: it may hold
/// anything.
fn detail(body: &Value, secrets: &[Option<String>]) -> Option<String> {
    let error = body.get("error").and_then(Value::as_str).map(|error| error.split_whitespace().collect::<Vec<_>>().join(" "));
    let code = body.get("error_description").and_then(Value::as_str).and_then(leading_code);
    let parts: Vec<String> = error.into_iter().chain(code).filter(|part| !part.is_empty()).collect();
    let mut text = parts.join(": ");
    for secret in secrets.iter().flatten().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret.as_str(), "****");
    }
    (!text.is_empty()).then(|| text.chars().take(SHOWN).collect())
}

/// `AADSTS50173` and its like.
fn leading_code(text: &str) -> Option<String> {
    let word: String = text.trim().chars().take_while(char::is_ascii_alphanumeric).collect();
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = word.bytes().skip(letters).take_while(u8::is_ascii_digit).count();
    (letters >= 3 && digits >= 4 && letters + digits == word.len()).then_some(word)
}
