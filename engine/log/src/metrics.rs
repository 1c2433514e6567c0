//! What this crate counts.

use std::sync::LazyLock;

use prometheus::{
    Histogram, IntCounter, IntGauge, IntGaugeVec, register_histogram, register_int_counter, register_int_gauge, register_int_gauge_vec,
};

macro_rules! metric {
    ($made:expr) => {
        LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "a metric that cannot be registered is a mistake in this file, found by its first test")]
            $made.expect("a metric is registered once, under a valid name")
        })
    };
}

/// Events that were made durable.
pub static LOG_EVENTS_APPENDED_TOTAL: LazyLock<IntCounter> =
    metric!(register_int_counter!("syncline_log_events_appended_total", "Events that were made durable"));

/// Seconds from handing a step over until it is durable.
pub static LOG_COMMIT_SECONDS: LazyLock<Histogram> = metric!(register_histogram!(
    "syncline_log_commit_seconds",
    "Seconds from handing a step over until it is durable",
    vec![0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0]
));

/// Steps that shared one transaction.
pub static LOG_STEPS_PER_TRANSACTION: LazyLock<Histogram> = metric!(register_histogram!(
    "syncline_log_steps_per_transaction",
    "Steps and other writes that shared one transaction",
    vec![1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0]
));

/// Events in a step.
pub static LOG_STEP_EVENTS: LazyLock<Histogram> = metric!(register_histogram!(
    "syncline_log_step_events",
    "Events in a step that was written",
    vec![0.0, 1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 10_000.0]
));

/// Bytes of the log's file and its write-ahead log.
pub static LOG_BYTES: LazyLock<IntGauge> =
    metric!(register_int_gauge!("syncline_log_bytes", "Bytes of the event log's file and its write-ahead log"));

/// Events that a consumer group has not committed yet.   labels: group
pub static LOG_GROUP_LAG_EVENTS: LazyLock<IntGaugeVec> =
    metric!(register_int_gauge_vec!("syncline_log_group_lag_events", "Events behind what a consumer group has committed", &["group"]));

/// What only the log on Kafka counts.
#[cfg(feature = "kafka")]
pub use of_kafka::*;

#[cfg(feature = "kafka")]
mod of_kafka {
    use prometheus::{IntCounterVec, register_int_counter_vec};

    use super::{Histogram, IntCounter, IntGauge, LazyLock, register_histogram, register_int_counter, register_int_gauge};

    /// Seconds from beginning a transaction until brokers have committed it.
    pub static LOG_KAFKA_TRANSACTION_SECONDS: LazyLock<Histogram> = metric!(register_histogram!(
        "syncline_log_kafka_transaction_seconds",
        "Seconds from beginning a transaction until the brokers have committed it",
        vec![0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0]
    ));

    /// Transactions that were aborted.
    pub static LOG_KAFKA_ABORTS_TOTAL: LazyLock<IntCounter> =
        metric!(register_int_counter!("syncline_log_kafka_aborts_total", "Transactions that were aborted"));

    /// Commits that were asked for again because no broker had answered.
    pub static LOG_KAFKA_COMMITS_UNANSWERED_TOTAL: LazyLock<IntCounter> = metric!(register_int_counter!(
        "syncline_log_kafka_commits_unanswered_total",
        "Commits that were asked for again because no broker had answered"
    ));

    /// Shards that were lost in the middle of a transaction.
    pub static LOG_KAFKA_FENCED_TOTAL: LazyLock<IntCounter> = metric!(register_int_counter!(
        "syncline_log_kafka_fenced_total",
        "Shards that were lost in the middle of a transaction, because another node had taken them over"
    ));

    /// Transactions that brokers had left open after a crash of theirs, when somebody takes their shard over: `ended`, or `refused` each
    /// time that the shard cannot be taken over because of it.
    pub static LOG_KAFKA_LEFT_OPEN_TOTAL: LazyLock<IntCounterVec> = metric!(register_int_counter_vec!(
        "syncline_log_kafka_left_open_total",
        "Transactions that brokers had left open when somebody takes their shard over, by outcome; refused each time that it was tried",
        &["outcome"]
    ));

    /// Producers that busy shards have beside their first.
    pub static LOG_KAFKA_LANES: LazyLock<IntGauge> =
        metric!(register_int_gauge!("syncline_log_kafka_lanes", "Producers that busy shards have beside their first"));

    /// Steps that were handed over and are not decided yet.
    pub static LOG_KAFKA_STEPS_WAITING: LazyLock<IntGauge> =
        metric!(register_int_gauge!("syncline_log_kafka_steps_waiting", "Steps that were handed over and are not decided yet"));

    /// Bytes of the events of those steps.
    pub static LOG_KAFKA_BYTES_WAITING: LazyLock<IntGauge> =
        metric!(register_int_gauge!("syncline_log_kafka_bytes_waiting", "Bytes of the events in steps that are not decided yet"));

    /// Changes of who owns which shard, as this node has heard of them.
    pub static LOG_KAFKA_REBALANCES_TOTAL: LazyLock<IntCounter> = metric!(register_int_counter!(
        "syncline_log_kafka_rebalances_total",
        "Changes of who owns which shard, as this node has heard of them"
    ));

    /// Seconds from taking a shard over until its cursors are restored.
    pub static LOG_KAFKA_TAKEOVER_SECONDS: LazyLock<Histogram> = metric!(register_histogram!(
        "syncline_log_kafka_takeover_seconds",
        "Seconds from taking a shard over until its cursors are restored",
        vec![0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0]
    ));

    /// Shards that the group has assigned to this node.
    pub static LOG_KAFKA_SHARDS_ASSIGNED: LazyLock<IntGauge> =
        metric!(register_int_gauge!("syncline_log_kafka_shards_assigned", "Shards that the group has assigned to this node"));

    /// Seconds that this node's clock is ahead of the brokers'.
    pub static LOG_KAFKA_CLOCK_AHEAD_SECONDS: LazyLock<IntGauge> = metric!(register_int_gauge!(
        "syncline_log_kafka_clock_ahead_seconds",
        "Seconds that this node's clock is ahead of the brokers' at least; negative where it is behind"
    ));

    /// Errors that the client library has reported.
    pub static LOG_KAFKA_ERRORS_TOTAL: LazyLock<IntCounter> = metric!(register_int_counter!(
        "syncline_log_kafka_errors_total",
        "Errors that the client library has reported, such as a broker that is away"
    ));
}
