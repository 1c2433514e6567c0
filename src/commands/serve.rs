//! `syncline serve`: everything, until it is told to stop.

use crate::{
    cli::ServeArgs,
    commands::{require_config, say},
    telemetry, wiring,
};

/// Runs until SIGINT or SIGTERM, and ends in order.
pub async fn run(arguments: &ServeArgs) -> anyhow::Result<()> {
    let listen: Vec<(&str, String)> = arguments.listen.iter().map(|listen| ("api.listen", listen.clone())).collect();
    let config = require_config(&arguments.config, &listen)?;
    telemetry::start(&config.telemetry)?;
    let running = wiring::start(&config, &arguments.roles).await?;
    if let Some(key) = &running.first_key {
        say(&format!("the first API key, shown this once: {}", key.expose()));
    }
    match &running.api {
        Some(api) => say(&format!("Syncline listens on http://{}", api.addr())),
        None => say("Syncline runs, without an API"),
    }
    stop_signal().await?;
    tracing::info!("told to stop; running steps are brought to their end");
    running.stop().await
}

/// Waits until somebody wants us to end.
pub async fn stop_signal() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
