//! The port through which the engine knows what to run and says how it went. `engine/store` implements it.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ConnectorName, Fault, IntegrationId, JobId, Quarantined, Settings, State, StreamName, TenantId,
    schedule::{Schedule, StreamChoice},
};

/// An integration as the engine sees it; its settings stay sealed until they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which it is.
    pub integration: IntegrationId,
    /// Its connector.
    pub connector: ConnectorName,
    /// Where it is in its life.
    pub state: State,
    /// When it is read.
    pub schedule: Schedule,
    /// The streams that the owner chose; `None` means all.
    pub streams: Option<Vec<StreamChoice>>,
    /// When the last job ended, if one did.
    pub last_job_ended: Option<Timestamp>,
}

/// A change of an integration's state, with what an owner should know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The new state.
    pub state: State,
    /// Why, as a lowercase clause; `None` when there is nothing to explain.
    pub cause: Option<String>,
    /// The end of a wait, for [`State::Waiting`].
    pub waiting_until: Option<Timestamp>,
}

/// What set a job off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// Somebody asked.
    Manual,
    /// The engine's own probing out of a fault.
    Probe,
    /// A webhook said that there is something new.
    Webhook,
}

impl Trigger {
    /// The word for it in columns and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Manual => "manual",
            Self::Probe => "probe",
            Self::Webhook => "webhook",
        }
    }
}

/// How far one stream of a job is. Counts are of this job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamProgress {
    /// Which stream.
    pub stream: StreamName,
    /// Pages read.
    pub pages: u64,
    /// Records read.
    pub records: u64,
    /// Events committed to the log.
    pub events: u64,
    /// Records quarantined.
    pub quarantined: u64,
    /// Bytes of the records read.
    pub bytes: u64,
    /// How many records there will be, where the source says so.
    pub records_expected: Option<u64>,
    /// The stream was read to its end.
    pub done: bool,
    /// The end of a wait that goes on now.
    pub waiting_until: Option<Timestamp>,
    /// What went wrong with it last.
    pub fault: Option<String>,
}

impl StreamProgress {
    /// Nothing read yet.
    pub fn new(stream: StreamName) -> Self {
        Self {
            stream,
            pages: 0,
            records: 0,
            events: 0,
            quarantined: 0,
            bytes: 0,
            records_expected: None,
            done: false,
            waiting_until: None,
            fault: None,
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every stream was read to its end, and nothing was skipped.
    Succeeded,
    /// Something was skipped: a record in quarantine, or a stream that could not be read.
    Partial,
    /// No stream could be read.
    Failed,
    /// It was told to stop; the next job goes on where it was.
    Cancelled,
}

impl Outcome {
    /// The word for it in columns, labels and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How much a log line of a job matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody may want to look.
    Warn,
    /// Something did not work.
    Error,
}

impl Level {
    /// The word for it in columns and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What the engine reads from and writes to the store. A fault of the store is a [`Fault::Internal`].
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Every integration of every tenant that is not deleted.
    async fn enrolled(&self) -> Result<Vec<Enrolled>, Fault>;
    /// One integration; `None` if there is none of that name, or it is deleted.
    async fn integration(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Option<Enrolled>, Fault>;
    /// Its settings, unsealed.
    async fn settings(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Settings, Fault>;
    /// Keeps new settings that the provider handed out (a rotated refresh token, say) for those that we had, sealed. What somebody
    /// else has changed meanwhile stays. Durable when it returns.
    async fn save_settings(&self, tenant: &TenantId, integration: &IntegrationId, had: &Settings, got: &Settings) -> Result<(), Fault> {
        let _ = (had, got);
        Err(Fault::Internal(format!("this ledger cannot keep new settings of `{tenant}/{integration}`")))
    }
    /// Writes down a new state. Refused with [`Fault::Internal`] if the stored state does not lead to it, so that a pause or a
    /// deletion that came first is not undone: leaving a pause is the owner's.
    async fn change_state(&self, tenant: &TenantId, integration: &IntegrationId, change: StateChange) -> Result<(), Fault>;
    /// A job begins.
    async fn start_job(&self, tenant: &TenantId, integration: &IntegrationId, trigger: Trigger, started: Timestamp)
    -> Result<JobId, Fault>;
    /// How far a job is, all of its streams.
    async fn save_progress(&self, tenant: &TenantId, job: JobId, streams: &[StreamProgress]) -> Result<(), Fault>;
    /// A line for the owner about a job.
    async fn log(&self, tenant: &TenantId, job: JobId, at: Timestamp, level: Level, message: &str) -> Result<(), Fault>;
    /// A job ended.
    async fn end_job(&self, tenant: &TenantId, job: JobId, ended: Timestamp, outcome: Outcome, cause: Option<&str>) -> Result<(), Fault>;
    /// Keeps a record that could not be handled. Doing it twice with the same record and cause keeps one.
    async fn quarantine(&self, record: &Quarantined, at: Timestamp) -> Result<(), Fault>;
}
