//! The questions that a connector answers: what streams are there, can you connect, give me the next page from this cursor.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use syncline_model::{Cursor, Fault, Record, RecordKey, Settings, StreamName, schedule::SyncMode};

use crate::{Http, catalog::ConnectorFile, shared::Shared, webhooks::Webhooks};

/// What a connector gets to work with, anew for each job.
#[derive(Clone)]
pub struct Context {
    /// The owner's settings, secrets included.
    pub settings: Settings,
    /// The only way out.
    pub http: Arc<dyn Http>,
    /// The only way to wait.
    pub patience: Arc<dyn Patience>,
    /// The instant at which this job believes to be; it does not move while the job runs.
    pub now: Timestamp,
    /// What the streams of this job share.
    pub shared: Arc<Shared>,
}

impl Context {
    /// The moment at which this is asked: the job's own where the clock stands still, or else the real one.
    pub fn clock(&self) -> Timestamp {
        if self.patience.is_still() { self.now } else { Timestamp::now() }
    }
}

/// Why reading stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The source asked us to wait, or a budget is used up.
    Limit,
    /// A request failed and will be tried again.
    Retry,
    /// A job that runs at the source is not done yet.
    RemoteJob,
}

/// The only way to wait: whoever runs the connector knows that it waits, until when and why, and can end it.
#[async_trait]
pub trait Patience: Send + Sync {
    /// Waits this long, or fails with [`Fault::Stopped`] as soon as the work is told to stop.
    async fn wait(&self, reason: WaitReason, time: Duration) -> Result<(), Fault>;
    /// Whether the clock stands still here: then waiting takes no time, and nobody waits for a limit to pass.
    fn is_still(&self) -> bool {
        false
    }
    /// How long ago something was. Where the clock stands still, it was just now.
    fn since(&self, then: Instant) -> Duration {
        if self.is_still() { Duration::ZERO } else { then.elapsed() }
    }
    /// Something that the owner should read in the job's log.
    fn note(&self, message: &str);
    /// Something was left out, with its reason: the job will be `partial`. Nothing is skipped without this.
    fn skipped(&self, message: &str);
    /// The connector got new settings from the provider (a rotated refresh token, say) for those that it had, which must be durable
    /// before their first use.
    async fn save_settings(&self, had: &Settings, got: &Settings) -> Result<(), Fault>;
}

/// How a stream's deletions are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case", tag = "strategy", deny_unknown_fields)]
pub enum DeleteStrategy {
    /// Not at all; shown as such.
    #[default]
    None,
    /// A field of the record says so: it is there and neither null, false nor empty.
    Flag {
        /// Dotted path of the field.
        field: String,
    },
    /// A full refresh no longer has it.
    Missing,
}

/// Why a stream cannot be read, although its connector can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unavailable {
    /// As a lowercase clause.
    pub why: String,
}

/// One stream as a connector describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name.
    pub name: StreamName,
    /// Paths of the fields that identify a record, in order; empty when there are none.
    pub primary_key: Vec<Vec<String>>,
    /// Path of the field by which reading goes on; empty when there is none.
    pub cursor_field: Vec<String>,
    /// How it can be read, the best first.
    pub modes: Vec<SyncMode>,
    /// JSON Schema of its records, as far as it is known.
    pub json_schema: serde_json::Value,
    /// How its deletions are found.
    pub delete: DeleteStrategy,
    /// It cannot be read, and why.
    pub unavailable: Option<Unavailable>,
}

/// A piece of a page that is no record we can handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its key, as far as one could be read.
    pub key: Option<RecordKey>,
    /// Its bytes as they came.
    pub body: Bytes,
    /// Why, as a lowercase clause.
    pub cause: String,
}

/// What one reading step found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The records, in the source's order.
    pub records: Vec<Record>,
    /// What could not be made a record.
    pub refused: Vec<Refused>,
    /// Where reading goes on after this page: a reader opened with it gives what comes next.
    pub next: Cursor,
    /// How many records the source says there are in all, if it says.
    pub records_expected: Option<u64>,
}

/// One reading of one stream. It may keep what it likes in memory, because whoever drops it can open another one with the cursor
/// of the last page that was made durable, and will get what follows that page.
#[async_trait]
pub trait Reader: Send {
    /// The next page, or `None` when the stream was read to its end for now. After a fault it may be asked again, and goes on with
    /// the page that failed.
    async fn next_page(&mut self) -> Result<Option<Page>, Fault>;
}

/// Makes records of what did not come in a page.
pub trait Recorder: Send + Sync {
    /// The record, as a page would have brought it: the same changes, the same key, the same version. `None` if the stream leaves such
    /// records out.
    fn record(&self, body: &Bytes) -> Result<Option<Record>, Refused>;
}

/// A kind of source.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What its folder says about it.
    fn file(&self) -> &ConnectorFile;
    /// JSON Schema of its settings.
    fn settings_schema(&self) -> &serde_json::Value;
    /// Tries the connection for real.
    async fn check(&self, context: &Context) -> Result<(), Fault>;
    /// Its streams for these settings.
    async fn streams(&self, context: &Context) -> Result<Vec<StreamSpec>, Fault>;
    /// Begins to read a stream behind a cursor; [`Cursor::START`] reads from the beginning. A full refresh passes only cursors of
    /// its own generation.
    async fn open(&self, context: &Context, stream: &StreamSpec, mode: SyncMode, from: &Cursor) -> Result<Box<dyn Reader>, Fault>;
    /// How its webhooks are verified and what they mean, if it gets any.
    fn webhooks(&self) -> Option<&Webhooks> {
        None
    }
    /// Makes records of a stream from what webhooks bring.
    async fn recorder(&self, _context: &Context, stream: &StreamName) -> Result<Box<dyn Recorder>, Fault> {
        Err(Fault::Misconfigured(format!("the connector `{}` makes no records of `{stream}` from webhooks", self.file().name)))
    }
    /// The state of a stream at this cursor, as Airbyte would keep it; `None` if it has none to go on from.
    fn state(&self, _at: &Cursor) -> Result<Option<serde_json::Value>, Fault> {
        Err(Fault::Misconfigured(format!("the connector `{}` keeps no state that others could read", self.file().name)))
    }
    /// The cursor that goes on from such a state; `None` if it says nothing to go on from.
    fn cursor(&self, _state: &serde_json::Value) -> Result<Option<Cursor>, Fault> {
        Err(Fault::Misconfigured(format!("the connector `{}` cannot go on from the state of another program", self.file().name)))
    }
}
