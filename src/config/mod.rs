//! Configuration: one TOML file, the environment and flags, read raw, checked once, every problem at once.
//! `defaults.toml` beside this file names all settings there are; nothing else does.

mod kafka;

use std::{net::SocketAddr, num::NonZeroU16, path::PathBuf};

use serde::Deserialize;
use syncline_model::nearest;
use toml::{Table, Value};

pub use kafka::{Kafka, Password};

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

/// Where and how the API listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Address and port.
    pub listen: SocketAddr,
    /// The largest body of a request.
    pub body_bytes_max: usize,
}

/// Where the tenants' tables are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// In what.
    pub kind: TablesKind,
    /// The address of the database.
    pub url: Password,
    /// What the names of schemas and roles begin with.
    pub prefix: String,
    /// Connections at most.
    pub connections_max: u32,
}

/// In what the tenants' tables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TablesKind {
    /// A file for each tenant.
    Sqlite,
    /// A schema and a role for each tenant.
    Postgres,
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

/// The event log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Where it is.
    pub kind: LogKind,
    /// How many slices the tenants are divided into.
    pub shards: NonZeroU16,
    /// How long events are kept, in days; 0 for ever.
    pub retention_days: u32,
    /// The largest event.
    pub event_bytes_max: usize,
}

/// Where the event log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// In a file on this machine, for one node.
    Embedded,
    /// In Kafka, for any number of nodes.
    Kafka,
}

/// The engine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Threads on which integrations run.
    pub threads: usize,
    /// How many integrations are read at the same time.
    pub jobs_max: usize,
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Private addresses may be reached.
    pub private_allowed: bool,
    /// The largest answer of a source.
    pub body_bytes_max: usize,
    /// How long an answer may take.
    pub answer_ms: u64,
}

/// The catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connectors {
    /// More catalog folders.
    pub folders: Vec<PathBuf>,
    /// Show connectors made for tests.
    pub test_mode: bool,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// How lines look.
    pub log_format: LogFormat,
    /// Which lines are written.
    pub log_filter: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Reads and checks a configuration.
pub fn load(sources: &Sources) -> Result<Config, Vec<Problem>> {
    let mut merged = defaults()?;
    let mut problems = Vec::new();
    if let Some((path, text)) = &sources.file {
        merge_file(&mut merged, &path.display().to_string(), text, &mut problems);
    }
    for (name, value) in
        sources.environment.iter().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX) && !NOT_SETTINGS.contains(&name.as_str()))
    {
        merge_variable(&mut merged, name, value, &mut problems);
    }
    for flag in &sources.flags {
        merge_flag(&mut merged, flag, &mut problems);
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

fn merge_file(merged: &mut Table, file: &str, text: &str, problems: &mut Vec<Problem>) {
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            problems.push(problem(&format!("{file}:{line}"), error.message().trim().replace('\n', " ")));
            return;
        }
    };
    for (name, value) in flatten(&table, "") {
        let origin = format!("{file}:{}", line_of_name(text, &name));
        set(merged, &name, value, &origin, problems);
    }
}

fn merge_variable(merged: &mut Table, variable: &str, value: &str, problems: &mut Vec<Problem>) {
    let names = names(merged);
    let variables: Vec<String> = names.iter().map(|name| variable_of(name)).collect();
    match variables.iter().position(|known| known == variable) {
        Some(index) => set_text(merged, &names[index], value, variable, problems),
        None => {
            let hint = nearest::hint(variable, variables.iter().map(String::as_str));
            problems.push(problem("environment", format!("unknown setting `{variable}`{hint}")));
        }
    }
}

fn merge_flag(merged: &mut Table, flag: &str, problems: &mut Vec<Problem>) {
    match flag.split_once('=') {
        Some((name, value)) => set_text(merged, name.trim(), value.trim(), "--set", problems),
        None => problems.push(problem("--set", format!("`{flag}` is not of the form NAME=VALUE"))),
    }
}

/// The environment's name of a setting.
fn variable_of(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.replace('.', "_").to_uppercase())
}

/// A text takes the type that the setting has.
fn set_text(merged: &mut Table, name: &str, text: &str, origin: &str, problems: &mut Vec<Problem>) {
    let wanted = get(merged, name).cloned();
    let value = match wanted {
        None | Some(Value::String(_)) => Some(Value::String(text.to_owned())),
        Some(Value::Array(_)) => {
            Some(Value::Array(text.split(',').filter(|part| !part.is_empty()).map(|part| Value::String(part.trim().to_owned())).collect()))
        }
        Some(_) => format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value")),
    };
    match value {
        Some(value) => set(merged, name, value, origin, problems),
        None => problems.push(problem(origin, format!("`{name}` cannot be `{text}`"))),
    }
}

fn set(merged: &mut Table, name: &str, value: Value, origin: &str, problems: &mut Vec<Problem>) {
    let Some(place) = get_mut(merged, name) else {
        let names = names(merged);
        let hint = nearest::hint(name, names.iter().map(String::as_str));
        problems.push(problem(origin, format!("unknown setting `{name}`{hint}")));
        return;
    };
    if !place.same_type(&value) {
        problems.push(problem(origin, format!("`{name}` must be a {}, and is a {}", place.type_str(), value.type_str())));
        return;
    }
    *place = value.clone();
    if let Some(why) = refused(name, value) {
        problems.push(problem(origin, format!("`{name}`: {why}")));
    }
}

/// Why a setting cannot have this value, whatever the others are.
fn refused(name: &str, value: Value) -> Option<String> {
    let mut alone = defaults().ok()?;
    *get_mut(&mut alone, name)? = value;
    let error = alone.try_into::<Raw>().err()?;
    // `unknown variant `a`, expected one of `b`, `c``
    let mut named = error.message().split('`').skip(1).step_by(2);
    let hint = named.next().map(|wrong| nearest::hint(wrong, named)).unwrap_or_default();
    Some(format!("{}{hint}", error.message().trim().replace('\n', " ")))
}

fn get<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        Some((section, rest)) => get(table.get(section)?.as_table()?, rest),
        None => table.get(name).filter(|value| !value.is_table()),
    }
}

fn get_mut<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Value> {
    match name.split_once('.') {
        Some((section, rest)) => get_mut(table.get_mut(section)?.as_table_mut()?, rest),
        None => table.get_mut(name).filter(|value| !value.is_table()),
    }
}

fn names(table: &Table) -> Vec<String> {
    flatten(table, "").into_iter().map(|(name, _)| name).collect()
}

fn flatten(table: &Table, prefix: &str) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => flat.extend(flatten(inner, &name)),
            other => flat.push((name, other.clone())),
        }
    }
    flat
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

/// The line on which a setting stands: the first line with its last word in front of `=`, behind its section if it has one.
fn line_of_name(text: &str, name: &str) -> usize {
    let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
    let start =
        text.lines().position(|line| !section.is_empty() && line.trim().trim_matches(['[', ']']) == section).map_or(0, |line| line + 1);
    let is_it = |line: &str| line.split_once('=').is_some_and(|(left, _)| left.trim().rsplit('.').next() == Some(key));
    text.lines().skip(start).position(is_it).map_or(1, |line| start + line + 1)
}

fn check(raw: Raw) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    for (name, value, least) in [
        ("engine.threads", raw.engine.threads, 1),
        ("engine.jobs_max", raw.engine.jobs_max, 1),
        ("log.event_bytes_max", raw.log.event_bytes_max, 1024),
    ] {
        if value < least {
            problems.push(problem("configuration", format!("`{name}` must be at least {least}, and is {value}")));
        }
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
    let Raw { api, tables, log, kafka, engine, egress, connectors, telemetry, .. } = raw;
    Ok(Config { folder, api, store_url, tables, vault_key_file, log, kafka, engine, egress, connectors, telemetry })
}

#[cfg(test)]
mod tests;
