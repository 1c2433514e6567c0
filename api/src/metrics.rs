//! What an operator can watch of the API. No tenant is a label, and no path: a route is its pattern.

use std::sync::LazyLock;

use actix_web::http::Method;
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, register_histogram, register_histogram_vec, register_int_counter,
    register_int_counter_vec, register_int_gauge,
};

macro_rules! metric {
    ($made:expr) => {
        LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "a metric that cannot be registered is a mistake in this file, found by its first test")]
            $made.expect("a metric is registered once, under a valid name")
        })
    };
}

const SECONDS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// Requests that were answered.   labels: route, method, status
pub static REQUESTS_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_api_requests_total", "Requests that were answered", &["route", "method", "status"]));

/// Seconds until the head of an answer was ready.   labels: route
pub static REQUEST_SECONDS: LazyLock<HistogramVec> = metric!(register_histogram_vec!(
    "syncline_api_request_seconds",
    "Seconds until the head of an answer was ready",
    &["route"],
    SECONDS.to_vec()
));

/// Requests with a key that is not valid.
pub static REFUSED_KEYS_TOTAL: LazyLock<IntCounter> =
    metric!(register_int_counter!("syncline_api_refused_keys_total", "Requests with an API key that is not valid"));

/// Server-sent event streams that are open.
pub static OPEN_STREAMS: LazyLock<IntGauge> =
    metric!(register_int_gauge!("syncline_api_open_streams", "Server-sent event streams that are open"));

/// Handlers that panicked; each is a mistake of ours.
pub static PANICS_TOTAL: LazyLock<IntCounter> =
    metric!(register_int_counter!("syncline_api_panics_total", "Handlers that panicked; each is a mistake of ours"));

/// Requests to the addresses of webhooks.   labels: outcome
pub static WEBHOOKS_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_webhooks_total",
    "Requests to the addresses of webhooks, by outcome: accepted, handshake, unknown, unsigned, wrong_signature, stale, malformed, \
     too_large, paused, busy, unavailable",
    &["outcome"]
));

/// Seconds until a webhook was verified and durable.
pub static WEBHOOK_SECONDS: LazyLock<Histogram> = metric!(register_histogram!(
    "syncline_webhook_seconds",
    "Seconds until a webhook was verified, durable and answered",
    vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]
));

/// A method as a label; a caller can invent methods, so unknown ones share a name.
pub fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
