//! The only way for a connector to wait: seen by everybody, without holding a place, and ended at once by a stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use syncline_model::{Fault, Settings, StreamName, ledger::Level};
use syncline_sdk::{Patience, WaitReason};

use tokio_util::sync::CancellationToken;

use crate::{config::EngineConfig, job::Link, metrics};

/// The patience of one reader of a job, or of the job itself where there is no stream.
pub struct Waiter {
    link: Arc<Link>,
    stream: Option<StreamName>,
    skipped: AtomicU64,
}

impl Waiter {
    /// Of this stream of this job.
    pub fn new(link: Arc<Link>, stream: Option<StreamName>) -> Self {
        Self { link, stream, skipped: AtomicU64::new(0) }
    }

    /// How often something was left out.
    pub fn skipped_count(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// The connector that waits.
    pub fn connector(&self) -> &str {
        self.link.connector_name.as_str()
    }

    /// What the engine was told.
    pub fn config(&self) -> &EngineConfig {
        &self.link.config
    }

    /// Ends every wait.
    pub fn stop(&self) -> &CancellationToken {
        &self.link.stop
    }

    /// A fault that will be tried again.
    pub fn met(&self, fault: &Fault) {
        tracing::debug!(key = %self.link.key, "{}{fault}, trying again", self.subject());
        if let Some(stream) = &self.stream {
            self.link.board.update(stream, |progress| progress.fault = Some(fault.to_string()));
        }
    }

    fn shows(&self, until: Option<Timestamp>) {
        match &self.stream {
            Some(stream) => self.link.board.update(stream, |progress| progress.waiting_until = until),
            None => self.link.board.wait(until),
        }
    }

    fn subject(&self) -> String {
        self.stream.as_ref().map(|stream| format!("`{stream}`: ")).unwrap_or_default()
    }
}

#[async_trait]
impl Patience for Waiter {
    async fn wait(&self, reason: WaitReason, time: Duration) -> Result<(), Fault> {
        metrics::WAITS_TOTAL.with_label_values(&[self.connector(), word(reason)]).inc();
        let sleep = async {
            tokio::select! {
                biased;
                () = self.link.stop.cancelled() => Err(Fault::Stopped),
                () = tokio::time::sleep(time) => Ok(()),
            }
        };
        if time <= self.link.config.wait_shown {
            return sleep.await;
        }
        let shown = Shown::new(self, time);
        let slept = self.link.gate.aside(sleep);
        let slept = tokio::select! {
            biased;
            () = self.link.stop.cancelled() => Err(Fault::Stopped),
            slept = slept => slept,
        };
        drop(shown);
        slept
    }

    fn note(&self, message: &str) {
        self.link.board.say(Level::Info, format!("{}{message}", self.subject()));
    }

    fn skipped(&self, message: &str) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
        self.link.board.say(Level::Warn, format!("{}left out: {message}", self.subject()));
    }

    async fn save_settings(&self, had: &Settings, got: &Settings) -> Result<(), Fault> {
        self.link.ledger.save_settings(&self.link.key.tenant, &self.link.key.integration, had, got).await
    }
}

/// A wait that is shown for as long as this lives.
struct Shown<'a>(&'a Waiter);

impl<'a> Shown<'a> {
    fn new(waiter: &'a Waiter, time: Duration) -> Self {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let until = Timestamp::now().checked_add(time).unwrap_or(Timestamp::MAX);
        waiter.shows(Some(until));
        Self(waiter)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.shows(None);
    }
}

fn word(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Limit => "limit",
        WaitReason::Retry => "retry",
        WaitReason::RemoteJob => "remote_job",
    }
}
