//! What each command does. What they share: reading the configuration, and saying something to the person at the terminal.

pub mod airbyte;
pub mod connectors;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod key;
pub mod serve;
pub mod state;
pub mod sync;

use std::io::Write;

use crate::{
    cli::ConfigArgs,
    config::{self, Config, Problem, Sources},
};

/// Writes a line to standard output, which is for what a command was asked for; everything else goes to the log lines.
pub fn say(line: &str) {
    // Whoever reads us may have gone away, which is no fault of ours.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n"));
}

/// Reads the configuration of these arguments and of the environment; `more` are settings given by other flags.
pub fn load_config(arguments: &ConfigArgs, more: &[(&str, String)]) -> anyhow::Result<Result<Config, Vec<Problem>>> {
    let file = match &arguments.config {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| anyhow::anyhow!("the configuration `{}` cannot be read: {error}", path.display()))?;
            Some((path.clone(), text))
        }
        None => None,
    };
    let folder = arguments.folder.iter().map(|folder| format!("folder={}", folder.display()));
    let more = more.iter().map(|(name, value)| format!("{name}={value}"));
    let flags = folder.chain(more).chain(arguments.set.iter().cloned()).collect();
    Ok(config::load(&Sources { file, environment: std::env::vars().collect(), flags }))
}

/// The same, with all problems as one error.
pub fn require_config(arguments: &ConfigArgs, more: &[(&str, String)]) -> anyhow::Result<Config> {
    load_config(arguments, more)?.map_err(|problems| anyhow::anyhow!(listed("the configuration is wrong", &problems)))
}

/// Several problems as one text.
pub fn listed<P: std::fmt::Display>(what: &str, problems: &[P]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    format!("{what}:\n{}", lines.join("\n"))
}

/// `syncline organize`: passed on to the organizer.
pub fn organize(arguments: &[String]) -> anyhow::Result<std::process::ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    schema_ai::organize::cli::run(arguments, &mut out)?;
    out.flush()?;
    Ok(std::process::ExitCode::SUCCESS)
}
