//! Turns pages and faults into answers.

use actix_web::{
    HttpResponse,
    body::SizedStream,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use futures::{StreamExt, future::ready, stream};

use super::page::Page;
use crate::{faults::FaultKind, limits::Allowance, state::Verdict};

/// An answer that says no, as JSON.
pub(super) fn error(status: StatusCode, why: &str) -> HttpResponse {
    HttpResponse::build(status).json(serde_json::json!({ "error": { "message": why } }))
}

/// An answer that points elsewhere.
pub(super) fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, to)).finish()
}

/// Why the request gets no page, if it gets none.
pub(super) fn refusal(verdict: &Verdict) -> Option<HttpResponse> {
    if let Some(allowance) = verdict.allowance.filter(|allowance| !allowance.allowed) {
        return Some(throttled(seconds(allowance)));
    }
    if !verdict.authorized {
        return Some(error(StatusCode::UNAUTHORIZED, "the key is wrong or expired"));
    }
    verdict.faults.iter().find_map(|fault| instead(*fault))
}

fn instead(fault: FaultKind) -> Option<HttpResponse> {
    match fault {
        FaultKind::Throttle { retry_after_s } => Some(throttled(retry_after_s)),
        FaultKind::Status { code } => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some(error(status, "this went wrong on request"))
        }
        FaultKind::Html => {
            let page = "<!doctype html><html><head><title>Sign in</title></head><body><h1>We'll be right back</h1></body></html>";
            Some(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page))
        }
        FaultKind::RedirectLoop => Some(redirect("/__loop/a")),
        FaultKind::Slow { .. }
        | FaultKind::Truncated
        | FaultKind::ExpiredKey
        | FaultKind::Reset
        | FaultKind::InvalidUtf8
        | FaultKind::NotAnObject
        | FaultKind::MissingKey
        | FaultKind::HugeRecord { .. }
        | FaultKind::CursorBackwards
        | FaultKind::DuplicateKeys => None,
    }
}

fn throttled(retry_after_s: u64) -> HttpResponse {
    let mut answer = error(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    answer
}

/// The page, or as much of it as the faults let through.
pub(super) fn page(page: Page, faults: &[FaultKind]) -> HttpResponse {
    let Page { mut body, link, .. } = page;
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/json");
    if let Some(url) = link {
        answer.insert_header((header::LINK, format!("<{url}>; rel=\"next\"")));
    }
    if faults.contains(&FaultKind::Truncated) {
        body.truncate(body.len() * 2 / 3);
    }
    if !faults.contains(&FaultKind::Reset) {
        return answer.body(body);
    }
    let promised = body.len() as u64;
    body.truncate(body.len() / 2);
    let half = stream::once(ready(Ok(Bytes::from(body))));
    // What was written leaves the server only while the body lets it wait.
    let broken = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("the connection ends on request"))
    });
    answer.body(SizedStream::new(promised, Box::pin(half.chain(broken))))
}

/// Says what is left of the rate limit.
pub(super) fn announce(answer: &mut HttpResponse, allowance: Allowance) {
    let headers = answer.headers_mut();
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(allowance.limit));
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(allowance.remaining));
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(seconds(allowance)));
}

fn seconds(allowance: Allowance) -> u64 {
    allowance.reset.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
