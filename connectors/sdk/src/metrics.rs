//! What this crate counts. Labels are closed sets: the connectors of the catalog and classes of status.

use std::{sync::LazyLock, time::Duration};

use http::StatusCode;
use prometheus::{HistogramVec, IntCounterVec, register_histogram_vec, register_int_counter_vec};
use syncline_model::ConnectorName;

macro_rules! metric {
    ($made:expr) => {
        LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "a metric that cannot be registered is a mistake in this file, found by its first test")]
            $made.expect("a metric is registered once, under a valid name")
        })
    };
}

/// Requests that were sent.   labels: connector, status (2xx, 3xx, 4xx, 429, 5xx, none)
pub static HTTP_REQUESTS_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_http_requests_total",
    "Requests that were sent to providers, by status class",
    &["connector", "status"]
));

/// Seconds from a request to the last byte of its answer.   labels: connector
pub static HTTP_REQUEST_SECONDS: LazyLock<HistogramVec> = metric!(register_histogram_vec!(
    "syncline_http_request_seconds",
    "Seconds from a request to the last byte of its answer",
    &["connector"],
    vec![0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0]
));

/// Bytes of answers, after decompression.   labels: connector
pub static HTTP_RECEIVED_BYTES_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_http_received_bytes_total",
    "Bytes of providers' answers, after decompression",
    &["connector"]
));

/// Milliseconds that requests waited for a budget or for the provider's own limit.   labels: connector
pub static HTTP_WAIT_MS_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_http_wait_ms_total", "Milliseconds that requests waited for a limit", &["connector"]));

pub(crate) fn requests(connector: &ConnectorName, status: &str, took: Duration) {
    HTTP_REQUESTS_TOTAL.with_label_values(&[connector.as_str(), status]).inc();
    HTTP_REQUEST_SECONDS.with_label_values(&[connector.as_str()]).observe(took.as_secs_f64());
}

pub(crate) fn received(connector: &ConnectorName, bytes: usize) {
    HTTP_RECEIVED_BYTES_TOTAL.with_label_values(&[connector.as_str()]).inc_by(bytes as u64);
}

pub(crate) fn waited(connector: &ConnectorName, wait: Duration) {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    HTTP_WAIT_MS_TOTAL.with_label_values(&[connector.as_str()]).inc_by(wait_ms);
}

pub(crate) fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        429 => "429",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
