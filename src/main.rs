//! Syncline: syncs the SaaS apps and databases of many tenants into one event log and typed tables.
//! This is where everything meets: configuration, wiring, the commands.

mod catalog;
mod cli;
mod commands;
mod config;
mod contract;
mod event_log;
mod metrics;
#[cfg(feature = "kafka")]
mod registry;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("syncline: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A program that reads one stream after the other has one thing to do at a time, and handing it from thread to thread costs more than
/// the work itself.
fn runtime(command: &Command) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match command {
        Command::Spec(_) | Command::Check(_) | Command::Discover(_) | Command::Read(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().thread_name("syncline").build()
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = runtime(&command)?;
    let well = match command {
        Command::Serve(arguments) => runtime.block_on(commands::serve::run(&arguments)).map(|()| true),
        Command::Demo(arguments) => runtime.block_on(commands::demo::run(&arguments)).map(|()| true),
        Command::Sync(arguments) => runtime.block_on(commands::sync::run(&arguments)),
        Command::Doctor(arguments) => runtime.block_on(commands::doctor::run(&arguments)),
        Command::Events(command) => runtime.block_on(commands::events::run(&command)).map(|()| true),
        Command::State(command) => runtime.block_on(commands::state::run(&command)).map(|()| true),
        Command::Key(command) => runtime.block_on(commands::key::run(&command)).map(|()| true),
        Command::Connectors(command) => runtime.block_on(commands::connectors::run(&command)),
        Command::Spec(arguments) => return runtime.block_on(commands::airbyte::run(commands::airbyte::Verb::Spec, &arguments)),
        Command::Check(arguments) => return runtime.block_on(commands::airbyte::run(commands::airbyte::Verb::Check, &arguments)),
        Command::Discover(arguments) => return runtime.block_on(commands::airbyte::run(commands::airbyte::Verb::Discover, &arguments)),
        Command::Read(arguments) => return runtime.block_on(commands::airbyte::run(commands::airbyte::Verb::Read, &arguments)),
        Command::Organize { arguments } => return commands::organize(&arguments),
        Command::Settings => {
            commands::say(config::documented_defaults());
            Ok(true)
        }
    };
    well.map(|well| if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
