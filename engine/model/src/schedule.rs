//! When an integration is read without being asked.

use serde::{Deserialize, Serialize};

/// When an integration is read. Written as `{"every_s": 300}`, `{"cron": "0 * * * *"}` (five fields, UTC) or `"manual"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// This many seconds after the end of the last reading.
    EveryS(u32),
    /// At the times of a cron expression, in UTC.
    Cron(String),
    /// Only when somebody asks.
    Manual,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::EveryS(300)
    }
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// From the saved cursor on.
    Incremental,
    /// Everything, each time.
    FullRefresh,
}

/// A stream that the owner chose, and how it is to be read. No mode means the best one that the stream has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamChoice {
    /// Which stream.
    pub name: crate::StreamName,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SyncMode>,
}
