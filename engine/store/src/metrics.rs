//! What the store counts. `register` hands them to the registry of the process.

use std::sync::LazyLock;

use prometheus::{HistogramOpts, HistogramVec, IntCounter, Opts, Registry};

/// Sealed secrets that did not open: damaged, moved or foreign. Anything but zero deserves a look.
pub static VAULT_REFUSALS_TOTAL: LazyLock<IntCounter> = LazyLock::new(|| {
    counter("syncline_vault_refusals_total", "Sealed secrets that did not open: damaged, moved to another place, or of an unknown key")
});

/// How long the engine's calls to the store take.   labels: call
pub static LEDGER_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let opts = HistogramOpts::new("syncline_ledger_seconds", "Seconds that the engine's calls to the store take")
        .buckets(vec![0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]);
    HistogramVec::new(opts, &["call"]).unwrap_or_else(|error| unreachable!("a constant metric is valid: {error}"))
});

/// Hands every metric of the store to a registry.
pub fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    registry.register(Box::new(VAULT_REFUSALS_TOTAL.clone()))?;
    registry.register(Box::new(LEDGER_SECONDS.clone()))
}

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::with_opts(Opts::new(name, help)).unwrap_or_else(|error| unreachable!("a constant metric is valid: {error}"))
}
