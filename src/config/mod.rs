//! Configuration: one TOML file, the environment and flags, read raw, checked once, every problem at once.
//! `defaults.toml` beside this file names all settings there are; nothing else does.

mod kafka;
mod merge;
mod sections;

use std::path::PathBuf;

use serde::Deserialize;
use toml::Table;

pub use kafka::{Kafka, Password};
pub use sections::{Api, Connectors, Egress, Engine, Log, LogFormat, LogKind, Tables, TablesKind, Telemetry, Webhooks};

const DEFAULTS: &str = include_str!("defaults.toml");
const ENVIRONMENT_PREFIX: &str = "SYNCLINE_";
/// Names that other tools of the project read from the environment, and that are no settings.
const NOT_SETTINGS: &[&str] =
    &["SYNCLINE_TEST_POSTGRES_URL", "SYNCLINE_TEST_KAFKA", "SYNCLINE_VAULT_KEY", "SYNCLINE_CONFIG", "SYNCLINE_API_KEY"];

/// Something wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {why}")]
pub struct Problem {
    /// Which file and line, variable or flag.
    pub origin: String,
    /// What is wrong, as a lowercase clause.
    pub why: String,
}

/// Where a configuration is read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file's name and text.
    pub file: Option<(PathBuf, String)>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// `name=value` of flags.
    pub flags: Vec<String>,
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where everything is kept that has no place of its own.
    pub folder: PathBuf,
    /// See `[api]`.
    pub api: Api,
    /// See `[webhooks]`.
    pub webhooks: Webhooks,
    /// The store's URL, complete.
    pub store_url: String,
    /// See `[tables]`.
    pub tables: Tables,
    /// The vault's key file, complete.
    pub vault_key_file: PathBuf,
    /// See `[log]`.
    pub log: Log,
    /// See `[kafka]`.
    pub kafka: Kafka,
    /// See `[engine]`.
    pub engine: Engine,
    /// See `[egress]`.
    pub egress: Egress,
    /// See `[connectors]`.
    pub connectors: Connectors,
    /// See `[telemetry]`.
    pub telemetry: Telemetry,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    folder: PathBuf,
    api: Api,
    webhooks: Webhooks,
    store: RawStore,
    tables: Tables,
    vault: RawVault,
    log: Log,
    kafka: Kafka,
    engine: Engine,
    egress: Egress,
    connectors: Connectors,
    telemetry: Telemetry,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStore {
    url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVault {
    key_file: PathBuf,
}

/// Reads and checks a configuration.
pub fn load(sources: &Sources) -> Result<Config, Vec<Problem>> {
    let mut merged = defaults()?;
    let mut problems = Vec::new();
    if let Some((path, text)) = &sources.file {
        merge::merge_file(&mut merged, &path.display().to_string(), text, &mut problems);
    }
    for (name, value) in
        sources.environment.iter().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX) && !NOT_SETTINGS.contains(&name.as_str()))
    {
        merge::merge_variable(&mut merged, name, value, &mut problems);
    }
    for flag in &sources.flags {
        merge::merge_flag(&mut merged, flag, &mut problems);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let raw: Raw = merged.try_into().map_err(|error: toml::de::Error| vec![problem("configuration", error.message())])?;
    check(raw)
}

/// All settings with their defaults and explanations, as TOML.
pub fn documented_defaults() -> &'static str {
    DEFAULTS
}

fn defaults() -> Result<Table, Vec<Problem>> {
    DEFAULTS.parse().map_err(|error: toml::de::Error| vec![problem("defaults.toml", error.message())])
}

fn problem(origin: &str, why: impl Into<String>) -> Problem {
    Problem { origin: origin.to_owned(), why: why.into() }
}

fn check(raw: Raw) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    for (name, value, least) in [
        ("engine.threads", raw.engine.threads, 1),
        ("engine.jobs_max", raw.engine.jobs_max, 1),
        ("webhooks.body_bytes_max", raw.webhooks.body_bytes_max, 1024),
        ("webhooks.in_flight_max", raw.webhooks.in_flight_max, 1),
        ("log.event_bytes_max", raw.log.event_bytes_max, 1024),
    ] {
        if value < least {
            problems.push(problem("configuration", format!("`{name}` must be at least {least}, and is {value}")));
        }
    }
    let public_url = &raw.webhooks.public_url;
    let is_url = url::Url::parse(public_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !public_url.is_empty() && !is_url {
        problems.push(problem("configuration", "`webhooks.public_url` must be a URL, as `https://hooks.example.com`"));
    }
    let store_known = ["", "sqlite:", "postgres://", "postgresql://"];
    if !store_known.iter().any(|scheme| if scheme.is_empty() { raw.store.url.is_empty() } else { raw.store.url.starts_with(scheme) }) {
        problems.push(problem("configuration", "`store.url` must begin with `sqlite:` or `postgres://`"));
    }
    if raw.log.kind == LogKind::Kafka {
        problems.extend(raw.kafka.check(&raw.store.url));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let folder = raw.folder.clone();
    let or_in_folder = |given: PathBuf, name: &str| if given.as_os_str().is_empty() { folder.join(name) } else { given };
    let store_url = if raw.store.url.is_empty() { format!("sqlite:{}", folder.join("store.db").display()) } else { raw.store.url };
    let vault_key_file = or_in_folder(raw.vault.key_file, "vault.key");
    let Raw { api, webhooks, tables, log, kafka, engine, egress, connectors, telemetry, .. } = raw;
    Ok(Config { folder, api, webhooks, store_url, tables, vault_key_file, log, kafka, engine, egress, connectors, telemetry })
}

#[cfg(test)]
mod tests;
