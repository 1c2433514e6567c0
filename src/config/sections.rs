//! The sections of a configuration, and the words that some of their settings know.

use std::{net::SocketAddr, num::NonZeroU16, path::PathBuf};

use serde::Deserialize;

use super::Password;

/// Where and how the API listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Address and port.
    pub listen: SocketAddr,
    /// The largest body of a request.
    pub body_bytes_max: usize,
}

/// The receiver of webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Where sources reach this server.
    pub public_url: String,
    /// The largest body.
    pub body_bytes_max: usize,
    /// How many are received at the same time.
    pub in_flight_max: usize,
    /// How many bytes of them are held.
    pub in_flight_bytes_max: usize,
    /// How long the event log may take.
    pub durable_ms: u64,
    /// Keep them on this node while the event log is away.
    pub spool: bool,
    /// How many.
    pub spool_items_max: u64,
    /// How many bytes of them.
    pub spool_bytes_max: u64,
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
