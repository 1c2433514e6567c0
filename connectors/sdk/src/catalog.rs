//! `connector.yaml`: what a manifest cannot say about a connector. Read raw, checked once.

use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
};

use serde::{Deserialize, Serialize};
use syncline_model::ConnectorName;

use crate::connector::DeleteStrategy;

/// A connector's `connector.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorFile {
    /// The name of its folder.
    pub name: ConnectorName,
    /// What people call it.
    pub title: String,
    /// What kind of system it is, for searching: `e-commerce`, `crm`, `payments`, `database` …
    pub category: String,
    /// One sentence.
    pub description: String,
    /// Kinds of business that it is recommended for.
    #[serde(default)]
    pub business_types: Vec<String>,
    /// What the owner does to connect it, step by step.
    #[serde(default)]
    pub setup: Vec<String>,
    /// The provider's own documentation.
    #[serde(default)]
    pub docs_url: Option<String>,
    /// Where the manifest came from and under which licence, when others wrote it.
    #[serde(default)]
    pub origin: Option<String>,
    /// How many requests the provider allows. All of them hold at once.
    #[serde(default)]
    pub budgets: Vec<Budget>,
    /// What it adds to the manifest's streams, by stream name.
    #[serde(default)]
    pub streams: BTreeMap<String, StreamFile>,
    /// How its webhooks are verified and what they mean, as it is written; [`Webhooks`](crate::webhooks::Webhooks) reads it.
    #[serde(default)]
    pub webhooks: Option<serde_json::Value>,
    /// It is made for tests and demos, and is hidden from tenants unless test mode is on.
    #[serde(default)]
    pub test_mode: bool,
}

/// How many requests are allowed in a window of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What it is called in messages and metrics.
    pub name: String,
    /// How many requests.
    pub requests: NonZeroU32,
    /// In how many milliseconds.
    pub per_ms: NonZeroU64,
    /// Who shares it.
    #[serde(default)]
    pub scope: BudgetScope,
    /// Only requests whose path contains this count; all, if absent.
    #[serde(default)]
    pub path_contains: Option<String>,
}

/// Who shares a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// Each integration has its own.
    #[default]
    Integration,
    /// All integrations of the connector share one.
    Connector,
}

/// What `connector.yaml` adds to one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamFile {
    /// How deletions are found.
    #[serde(default)]
    pub delete: DeleteStrategy,
    /// Dotted path of the field whose time or number says which state of a record is newer; the stream's cursor field, if absent.
    #[serde(default)]
    pub version_field: Option<String>,
}
