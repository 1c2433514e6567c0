//! Who asks. A wrong key costs its sender an attempt; a right one always passes, so that nobody can lock others out.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use actix_web::{HttpRequest, http::header};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use syncline_model::Secret;
use syncline_store::ApiKey;

use crate::{
    metrics,
    parts::Parts,
    problem::{Code, Problem},
};

const ADDRESSES_REMEMBERED: usize = 10_000;

/// How many wrong keys an address may still send.
#[derive(Clone)]
pub(crate) struct FailedAttempts(Arc<DefaultKeyedRateLimiter<IpAddr>>);

impl FailedAttempts {
    pub(crate) fn per_minute(attempts: NonZeroU32) -> Self {
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(attempts))))
    }

    fn count(&self, address: Option<IpAddr>) -> Problem {
        metrics::REFUSED_KEYS_TOTAL.inc();
        if self.0.len() > ADDRESSES_REMEMBERED {
            self.0.retain_recent();
        }
        let Some(address) = address else { return Problem::because(Code::Unauthenticated, "the API key is not valid") };
        match self.0.check_key(&address) {
            Ok(()) => Problem::because(Code::Unauthenticated, "the API key is not valid"),
            Err(_) => Problem::because(Code::TooManyAttempts, "too many wrong API keys came from this address").retry_after(60),
        }
    }
}

/// A caller that was found, and the text that proved it.
pub(crate) struct Known {
    pub(crate) key: ApiKey,
    pub(crate) text: Secret,
}

/// Finds the caller by `Authorization: Bearer …` or `X-Api-Key: …`.
pub(crate) async fn know(request: &HttpRequest, parts: &Parts) -> Result<Known, Problem> {
    let Some(text) = key_text(request) else {
        return Err(Problem::because(Code::Unauthenticated, "send an API key as `authorization: Bearer …`"));
    };
    match parts.store.keys().verify(&text).await? {
        Some(key) => Ok(Known { key, text }),
        None => Err(parts.failed_attempts.count(request.peer_addr().map(|address| address.ip()))),
    }
}

fn key_text(request: &HttpRequest) -> Option<Secret> {
    let headers = request.headers();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, text) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(text)
    });
    let plain = || headers.get("x-api-key").and_then(|value| value.to_str().ok());
    bearer.or_else(plain).map(|text| Secret::new(text.trim())).filter(|text| !text.expose().is_empty())
}
