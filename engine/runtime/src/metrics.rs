//! What this crate counts. Labels are closed sets: the connectors of the catalog and the words of the model. No tenant is a label.

use std::{sync::LazyLock, time::Duration};

use prometheus::{
    Histogram, IntCounterVec, IntGauge, IntGaugeVec, register_histogram, register_int_counter_vec, register_int_gauge,
    register_int_gauge_vec,
};

macro_rules! metric {
    ($made:expr) => {
        LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "a metric that cannot be registered is a mistake in this file, found by its first test")]
            $made.expect("a metric is registered once, under a valid name")
        })
    };
}

const SECONDS: &[f64] = &[0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0];

/// Jobs that ended.   labels: connector, outcome
pub static JOBS_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_jobs_total", "Jobs that ended, by outcome", &["connector", "outcome"]));

/// Records that connectors handed over.   labels: connector
pub static RECORDS_READ_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_records_read_total", "Records that connectors handed over", &["connector"]));

/// Bytes of those records.   labels: connector
pub static RECORDS_READ_BYTES_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_records_read_bytes_total",
    "Bytes of the records that connectors handed over",
    &["connector"]
));

/// Events that the log has acknowledged.   labels: connector
pub static EVENTS_APPENDED_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_events_appended_total", "Events that the log has acknowledged", &["connector"]));

/// Records that were read again and were not published again.   labels: connector
pub static RECORDS_KNOWN_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_records_known_total",
    "Records that were read again unchanged and not published again",
    &["connector"]
));

/// Ids at the newest version that no longer fit into the memory of a stream; such records may be published twice under one id.
/// labels: connector
pub static BOUNDARY_OVERFLOW_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_boundary_overflow_total",
    "Event ids at a stream's newest version that were forgotten, because there were too many of them",
    &["connector"]
));

/// Records that were quarantined.   labels: connector
pub static RECORDS_QUARANTINED_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_records_quarantined_total", "Records that were quarantined", &["connector"]));

/// Webhooks of the inboxes that were handled.   labels: connector, outcome
pub static DELIVERIES_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_deliveries_total",
    "Webhooks that were handled, by outcome: published, thin, ignored, duplicate, quarantined, deleted",
    &["connector", "outcome"]
));

/// Seconds from the receipt of a webhook until what it says was committed.
pub static DELIVERY_SECONDS: LazyLock<Histogram> = metric!(register_histogram!(
    "syncline_delivery_seconds",
    "Seconds from the receipt of a webhook until what it says was committed",
    SECONDS.to_vec()
));

/// Webhooks that wait on this node for the log.
pub static WEBHOOK_SPOOL_ITEMS: LazyLock<IntGauge> =
    metric!(register_int_gauge!("syncline_webhook_spool_items", "Webhooks in the spool of this node, because the event log is away"));

/// Bytes of these webhooks.
pub static WEBHOOK_SPOOL_BYTES: LazyLock<IntGauge> =
    metric!(register_int_gauge!("syncline_webhook_spool_bytes", "Bytes of the webhooks in the spool of this node"));

/// Faults of sources, by code.   labels: connector, code
pub static FAULTS_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_faults_total", "Faults met while reading sources", &["connector", "code"]));

/// Integrations that this node runs, by state.   labels: state
pub static INTEGRATIONS: LazyLock<IntGaugeVec> =
    metric!(register_int_gauge_vec!("syncline_integrations", "Integrations that this node owns, by state", &["state"]));

/// Integrations that are read now.
pub static JOBS_RUNNING: LazyLock<IntGauge> = metric!(register_int_gauge!("syncline_jobs_running", "Integrations that are read now"));

/// Integrations that are due and wait for a place.
pub static JOBS_QUEUED: LazyLock<IntGauge> =
    metric!(register_int_gauge!("syncline_jobs_queued", "Integrations that are due and wait for a place"));

/// Seconds that a job waited for a place.
pub static QUEUE_WAIT_SECONDS: LazyLock<Histogram> =
    metric!(register_histogram!("syncline_queue_wait_seconds", "Seconds that a due job waited for a place", SECONDS.to_vec()));

/// Seconds between the time at which an integration was due and the time at which the engine noticed.
pub static SCHEDULER_LAG_SECONDS: LazyLock<Histogram> = metric!(register_histogram!(
    "syncline_scheduler_lag_seconds",
    "Seconds between the time an integration was due and the time the engine noticed",
    SECONDS.to_vec()
));

/// Actors that died and were started again.   labels: kind (root, tenant, integration, reader)
pub static RESTARTS_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_restarts_total", "Actors that died and were started again", &["kind"]));

/// Actors that died too often and were put in quarantine.   labels: kind
pub static QUARANTINES_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
    "syncline_quarantines_total",
    "Actors that died too often and were given up until the next probe",
    &["kind"]
));

/// Waits of readers.   labels: connector, reason (limit, retry, remote_job)
pub static WAITS_TOTAL: LazyLock<IntCounterVec> =
    metric!(register_int_counter_vec!("syncline_waits_total", "Waits of readers, by reason", &["connector", "reason"]));

/// When a job of this connector last succeeded, in seconds since 1970.   labels: connector
pub static LAST_SUCCESS_TIMESTAMP_SECONDS: LazyLock<IntGaugeVec> = metric!(register_int_gauge_vec!(
    "syncline_last_success_timestamp_seconds",
    "When a job of this connector last succeeded, in seconds since 1970",
    &["connector"]
));

/// Shards that this node owns.
pub static SHARDS_OWNED: LazyLock<IntGauge> = metric!(register_int_gauge!("syncline_shards_owned", "Shards that this node owns"));

pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
