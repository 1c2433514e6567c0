//! Serves the fake providers until it is interrupted.

use clap::Parser;
use syncline_sandbox::{Provider, Sandbox, SandboxConfig};

#[derive(Debug, Parser)]
struct Options {
    /// Any free port, if 0.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// About how many records in all streams together.
    #[arg(long, default_value_t = 10_000)]
    records: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// How many changes happen by themselves.
    #[arg(long, default_value_t = 0)]
    changes_per_s: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Options { port, records, seed, workers, changes_per_s } = Options::parse();
    let running = Sandbox::start(SandboxConfig { seed, records, port, workers, changes_per_s, rate_limit: None })?;
    for provider in Provider::ALL {
        say(&format!("{} key={}", running.url(provider), running.key(provider)))?;
    }
    say(&running.control_url())?;
    tokio::signal::ctrl_c().await?;
    running.stop();
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")
}
