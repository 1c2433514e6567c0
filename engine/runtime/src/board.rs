//! How far a job is, for everybody who looks: the store once a second, and whoever follows it live.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use syncline_model::{
    IntegrationId, JobId, StreamName, TenantId,
    ledger::{Level, Outcome, StreamProgress, Trigger},
};
use tokio::sync::watch;

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobProgress {
    /// Whose integration it is.
    pub tenant: TenantId,
    /// The integration.
    pub integration: IntegrationId,
    /// The job.
    pub job: JobId,
    /// What set it off.
    pub trigger: Trigger,
    /// All of its streams.
    pub streams: Vec<StreamProgress>,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
}

/// A line for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What.
    pub text: String,
}

const LINES_MAX: usize = 500;

/// Where a job and its readers write down how far they are.
pub struct Board {
    progress: watch::Sender<JobProgress>,
    lines: Mutex<(Vec<Line>, u64)>,
    waits: Mutex<Option<Timestamp>>,
}

impl Board {
    /// The board of a job that has not begun.
    pub fn new(progress: JobProgress) -> Self {
        Self { progress: watch::Sender::new(progress), lines: Mutex::default(), waits: Mutex::default() }
    }

    /// Follows it live. The last value has an outcome.
    pub fn follow(&self) -> watch::Receiver<JobProgress> {
        self.progress.subscribe()
    }

    /// Which job it is.
    pub fn job(&self) -> JobId {
        self.progress.borrow().job
    }

    /// The job has ended.
    pub fn has_ended(&self) -> bool {
        self.progress.borrow().outcome.is_some()
    }

    /// All streams, as they are now.
    pub fn streams(&self) -> Vec<StreamProgress> {
        self.progress.borrow().streams.clone()
    }

    /// Begins with these streams. Those that were there already keep their counts, because a job that had to be started again goes on.
    pub fn expect(&self, names: impl IntoIterator<Item = StreamName>) {
        self.progress.send_modify(|progress| {
            for name in names {
                if !progress.streams.iter().any(|stream| stream.stream == name) {
                    progress.streams.push(StreamProgress::new(name));
                }
            }
        });
    }

    /// Changes one stream.
    pub fn update(&self, name: &StreamName, change: impl FnOnce(&mut StreamProgress)) {
        self.progress.send_modify(|progress| {
            if let Some(stream) = progress.streams.iter_mut().find(|stream| stream.stream == *name) {
                change(stream);
            }
        });
    }

    /// The job ended.
    pub fn end(&self, outcome: Outcome) {
        self.progress.send_modify(|progress| progress.outcome = Some(outcome));
    }

    /// The job itself waits until then, or no longer, before it comes to its streams.
    pub fn wait(&self, until: Option<Timestamp>) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// If every stream that is not done waits, the first end of those waits.
    pub fn all_wait_until(&self) -> Option<Timestamp> {
        if let Some(until) = *self.waits.lock().unwrap_or_else(PoisonError::into_inner) {
            return Some(until);
        }
        let progress = self.progress.borrow();
        let going = || progress.streams.iter().filter(|stream| !stream.done && (stream.pages > 0 || stream.waiting_until.is_some()));
        let all = going().all(|stream| stream.waiting_until.is_some());
        if all { going().filter_map(|stream| stream.waiting_until).min() } else { None }
    }

    /// Keeps a line until it is written down. Beyond a number of lines only their count is kept.
    pub fn say(&self, level: Level, text: impl Into<String>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.0.len() < LINES_MAX {
            lines.0.push(Line { at: Timestamp::now(), level, text: text.into() });
        } else {
            lines.1 += 1;
        }
    }

    /// The lines that were not taken yet.
    pub fn take_lines(&self) -> Vec<Line> {
        let (mut lines, more) = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        if more > 0 {
            lines.push(Line {
                at: Timestamp::now(),
                level: Level::Warn,
                text: format!("{more} more lines came at once and were left out"),
            });
        }
        lines
    }
}
