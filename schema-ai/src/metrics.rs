//! What the tables count, for operators.

use std::{sync::LazyLock, time::Duration};

use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, core::Collector};

use crate::tables::Applied;

fn registered<M: Collector + Clone + 'static>(metric: prometheus::Result<M>) -> Option<M> {
    let metric = metric.ok()?;
    prometheus::default_registry().register(Box::new(metric.clone())).ok()?;
    Some(metric)
}

fn counter(name: &str, help: &str) -> Option<IntCounter> {
    registered(IntCounter::with_opts(Opts::new(name, help)))
}

macro_rules! counters {
    ($($(#[doc = $help:literal])* $name:ident $metric:literal;)*) => {
        $($(#[doc = $help])* pub static $name: LazyLock<Option<IntCounter>> = LazyLock::new(|| counter($metric, concat!($($help),*)));)*
    };
}

counters! {
    /// Events that were applied to tables.
    TABLE_EVENTS_TOTAL "syncline_table_events_total";
    /// Rows written into tables, child rows included.
    TABLE_ROWS_TOTAL "syncline_table_rows_total";
    /// Transactions that wrote rows and log position together.
    TABLE_BATCHES_TOTAL "syncline_table_batches_total";
    /// Values that had no column and went to the overflow column.
    TABLE_OVERFLOW_VALUES_TOTAL "syncline_table_overflow_values_total";
    /// Tables and columns that were made or widened.
    TABLE_SCHEMA_CHANGES_TOTAL "syncline_table_schema_changes_total";
    /// Records that could not be used and were set aside.
    TABLE_REJECTED_TOTAL "syncline_table_rejected_total";
    /// Attempts to write a tenant's tables that failed and are tried again.
    TABLE_FAILURES_TOTAL "syncline_table_failures_total";
}

/// How long a batch took, from its first event to its commit.
pub static TABLE_BATCH_SECONDS: LazyLock<Option<Histogram>> = LazyLock::new(|| {
    let help = "How long a batch took, from its first event to its commit.";
    let buckets = vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0];
    registered(Histogram::with_opts(HistogramOpts::new("syncline_table_batch_seconds", help).buckets(buckets)))
});

/// Age of the event that was applied last, when it was applied.
pub static TABLE_LAG_SECONDS: LazyLock<Option<Gauge>> =
    LazyLock::new(|| registered(Gauge::new("syncline_table_lag_seconds", "Age of the event that was applied last, when it was applied.")));

/// Tenants whose tables cannot be written at the moment.
pub static TABLE_TENANTS_FAILING: LazyLock<Option<IntGauge>> =
    LazyLock::new(|| registered(IntGauge::new("syncline_table_tenants_failing", "Tenants whose tables cannot be written at the moment.")));

/// Adds to a counter.
pub(crate) fn add(counter: &LazyLock<Option<IntCounter>>, by: u64) {
    if let Some(counter) = counter.as_ref() {
        counter.inc_by(by);
    }
}

/// Counts a batch.
pub(crate) fn observe(applied: &Applied, took: Duration) {
    add(&TABLE_EVENTS_TOTAL, applied.events);
    add(&TABLE_ROWS_TOTAL, applied.rows);
    add(&TABLE_BATCHES_TOTAL, 1);
    add(&TABLE_OVERFLOW_VALUES_TOTAL, applied.overflow);
    add(&TABLE_SCHEMA_CHANGES_TOTAL, applied.schema_changes);
    add(&TABLE_REJECTED_TOTAL, applied.rejected);
    if let Some(seconds) = TABLE_BATCH_SECONDS.as_ref() {
        seconds.observe(took.as_secs_f64());
    }
}
