//! Every metric of every crate, so that all of them are exported from the start: a dashboard finds a family before anything has
//! happened in it.

use std::sync::LazyLock;

use prometheus::{core::Collector, proto::MetricFamily};

macro_rules! families {
    ($made:ident: $($($part:ident)::+),* $(,)?) => {
        $($made.extend(LazyLock::force(&$($part)::+).collect());)*
    };
}

/// The families of all metrics there are, those without a series included.
pub fn declared() -> Vec<MetricFamily> {
    let mut made = Vec::new();
    // Those of the store join the registry here; a second time they are in it already.
    let _ = syncline_store::metrics::register(prometheus::default_registry());
    families!(made:
        syncline_runtime::metrics::JOBS_TOTAL,
        syncline_runtime::metrics::RECORDS_READ_TOTAL,
        syncline_runtime::metrics::RECORDS_READ_BYTES_TOTAL,
        syncline_runtime::metrics::EVENTS_APPENDED_TOTAL,
        syncline_runtime::metrics::RECORDS_KNOWN_TOTAL,
        syncline_runtime::metrics::BOUNDARY_OVERFLOW_TOTAL,
        syncline_runtime::metrics::RECORDS_QUARANTINED_TOTAL,
        syncline_runtime::metrics::DELIVERIES_TOTAL,
        syncline_runtime::metrics::DELIVERY_SECONDS,
        syncline_runtime::metrics::WEBHOOK_SPOOL_ITEMS,
        syncline_runtime::metrics::WEBHOOK_SPOOL_BYTES,
        syncline_runtime::metrics::FAULTS_TOTAL,
        syncline_runtime::metrics::INTEGRATIONS,
        syncline_runtime::metrics::JOBS_RUNNING,
        syncline_runtime::metrics::JOBS_QUEUED,
        syncline_runtime::metrics::QUEUE_WAIT_SECONDS,
        syncline_runtime::metrics::SCHEDULER_LAG_SECONDS,
        syncline_runtime::metrics::RESTARTS_TOTAL,
        syncline_runtime::metrics::QUARANTINES_TOTAL,
        syncline_runtime::metrics::WAITS_TOTAL,
        syncline_runtime::metrics::LAST_SUCCESS_TIMESTAMP_SECONDS,
        syncline_runtime::metrics::SHARDS_OWNED,
        syncline_log::metrics::LOG_EVENTS_APPENDED_TOTAL,
        syncline_log::metrics::LOG_COMMIT_SECONDS,
        syncline_log::metrics::LOG_STEPS_PER_TRANSACTION,
        syncline_log::metrics::LOG_STEP_EVENTS,
        syncline_log::metrics::LOG_BYTES,
        syncline_log::metrics::LOG_GROUP_LAG_EVENTS,
        syncline_sdk::metrics::HTTP_REQUESTS_TOTAL,
        syncline_sdk::metrics::HTTP_REQUEST_SECONDS,
        syncline_sdk::metrics::HTTP_RECEIVED_BYTES_TOTAL,
        syncline_sdk::metrics::HTTP_WAIT_MS_TOTAL,
        syncline_api::metrics::REQUESTS_TOTAL,
        syncline_api::metrics::REQUEST_SECONDS,
        syncline_api::metrics::REFUSED_KEYS_TOTAL,
        syncline_api::metrics::OPEN_STREAMS,
        syncline_api::metrics::PANICS_TOTAL,
        syncline_api::metrics::WEBHOOKS_TOTAL,
        syncline_api::metrics::WEBHOOK_SECONDS,
        syncline_store::metrics::VAULT_REFUSALS_TOTAL,
        syncline_store::metrics::LEDGER_SECONDS,
    );
    #[cfg(feature = "kafka")]
    families!(made:
        syncline_log::metrics::LOG_KAFKA_TRANSACTION_SECONDS,
        syncline_log::metrics::LOG_KAFKA_ABORTS_TOTAL,
        syncline_log::metrics::LOG_KAFKA_COMMITS_UNANSWERED_TOTAL,
        syncline_log::metrics::LOG_KAFKA_FENCED_TOTAL,
        syncline_log::metrics::LOG_KAFKA_LEFT_OPEN_TOTAL,
        syncline_log::metrics::LOG_KAFKA_LANES,
        syncline_log::metrics::LOG_KAFKA_STEPS_WAITING,
        syncline_log::metrics::LOG_KAFKA_BYTES_WAITING,
        syncline_log::metrics::LOG_KAFKA_REBALANCES_TOTAL,
        syncline_log::metrics::LOG_KAFKA_TAKEOVER_SECONDS,
        syncline_log::metrics::LOG_KAFKA_SHARDS_ASSIGNED,
        syncline_log::metrics::LOG_KAFKA_CLOCK_AHEAD_SECONDS,
        syncline_log::metrics::LOG_KAFKA_ERRORS_TOTAL,
    );
    let optional: [Option<Vec<MetricFamily>>; 10] = [
        schema_ai::metrics::TABLE_EVENTS_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_ROWS_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_BATCHES_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_OVERFLOW_VALUES_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_SCHEMA_CHANGES_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_REJECTED_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_FAILURES_TOTAL.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_BATCH_SECONDS.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_LAG_SECONDS.as_ref().map(Collector::collect),
        schema_ai::metrics::TABLE_TENANTS_FAILING.as_ref().map(Collector::collect),
    ];
    made.extend(optional.into_iter().flatten().flatten());
    made
}
