//! Log lines: text for people on a terminal, JSON for machines elsewhere, always to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry};

/// Starts writing log lines. Called once.
pub fn start(telemetry: &Telemetry) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&telemetry.log_filter).map_err(|error| anyhow::anyhow!("`telemetry.log_filter` is no filter: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = match telemetry.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let started = if json { lines.json().flatten_event(true).try_init() } else { lines.compact().with_target(false).try_init() };
    started.map_err(|error| anyhow::anyhow!("log lines cannot be written: {error}"))
}
