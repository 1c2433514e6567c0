//! Gives each request an id (the caller's own, if it is decent), writes it into the answer, the log line and the metrics' line,
//! and sets the headers that every answer has.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use tracing::{debug, info};

use crate::metrics;

/// The header of the id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const FOR_EVERY_ANSWER: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cache-control", "no-store"),
];

/// The id of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    /// The id that was given to this request.
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// Wraps the whole application.
pub async fn attend(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let id = chosen_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut answer = next.call(request).await?;
    let headers = answer.headers_mut();
    for (name, value) in FOR_EVERY_ANSWER {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    report(&answer, &id, began);
    Ok(answer)
}

/// The caller's id may go into logs and headers, so it must be short and plain.
fn chosen_id(headers: &HeaderMap) -> String {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.:".contains(&c);
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let decent = given.filter(|text| (1..=128).contains(&text.len()) && text.bytes().all(is_plain));
    decent.map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

// The path of the pattern, not of the request: ids in a URL would make a metric without bounds, and a query may hold anything.
fn report<B>(answer: &ServiceResponse<B>, id: &str, began: Instant) {
    let request = answer.request();
    let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    let (method, status) = (metrics::method_label(request.method()), answer.status());
    let elapsed = began.elapsed();
    metrics::REQUESTS_TOTAL.with_label_values(&[&route, method, status.as_str()]).inc();
    metrics::REQUEST_SECONDS.with_label_values(&[route.as_str()]).observe(elapsed.as_secs_f64());
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    // Who knows the address of a webhook may try to send one; and there are many of them.
    if route.starts_with("/webhooks/") {
        debug!(request_id = id, method, route, status = status.as_u16(), elapsed_ms, "answered `{method} {route}`");
        return;
    }
    info!(request_id = id, method, route, status = status.as_u16(), elapsed_ms, "answered `{method} {}`", request.path());
}

/// The `ETag` of a revision.
pub fn etag(revision: u64) -> String {
    format!("\"{revision}\"")
}

/// The revision that `If-Match` names; `None` without the header, or with `*`.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, crate::problem::Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let bad =
        || crate::problem::Problem::because(crate::problem::Code::Malformed, "`if-match` must be an ETag of this integration, or `*`");
    let text = value.to_str().map_err(|_| bad())?.trim();
    if text == "*" {
        return Ok(None);
    }
    text.trim_matches('"').parse().map(Some).map_err(|_| bad())
}
