//! Follows the event log and keeps every tenant's tables up with it. A tenant whose file cannot be written is left behind and tried
//! again on its own; the others go on. The group's place in the log never passes an event that is not in its tables.

mod files;
mod handle;
mod rejections;
mod round;

use std::{path::PathBuf, sync::Arc, time::Duration};

use syncline_model::{EventLog, LogFault};
use tokio::sync::watch;
use tracing::warn;

pub use handle::{OrganizerHandle, Progress};
pub use rejections::{LedgerRejections, Rejections};

use self::{files::Files, round::Rounds};
use crate::tables::{AnyHome, SqliteHome, TablePolicy};

/// How the organizer works.
#[derive(Clone)]
pub struct OrganizerConfig {
    /// Where the tenants' tables are.
    pub home: AnyHome,
    /// The consumer group.
    pub group: String,
    /// Events that are taken from the log at once.
    pub events_max: usize,
    /// How long to wait for events before looking at what is behind.
    pub wait: Duration,
    /// Files that are kept open.
    pub open_files_max: usize,
    /// Tenants that are written at the same time.
    pub writers_max: usize,
    /// How long a failing tenant, or the log, rests at first, and at most; the rest doubles with each failure.
    pub rest: (Duration, Duration),
    /// How tables are written.
    pub policy: TablePolicy,
}

impl OrganizerConfig {
    /// The usual numbers, for tables in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self::at(Arc::new(SqliteHome(folder.into())))
    }

    /// The usual numbers, for tables in this place.
    pub fn at(home: AnyHome) -> Self {
        Self {
            home,
            group: "organizer".to_owned(),
            events_max: 5_000,
            wait: Duration::from_millis(250),
            open_files_max: 256,
            writers_max: 4,
            rest: (Duration::from_secs(1), Duration::from_mins(1)),
            policy: TablePolicy::default(),
        }
    }

    fn rest_after(&self, failures: u32) -> Duration {
        self.rest.0.saturating_mul(1 << failures.min(16)).min(self.rest.1)
    }
}

/// The consumer of the event log that writes tables.
pub struct Organizer {
    log: Arc<dyn EventLog>,
    config: OrganizerConfig,
    rounds: Rounds,
    progress: watch::Sender<Progress>,
    stop: watch::Receiver<bool>,
}

impl Organizer {
    /// Starts following the log, until the handle is stopped or dropped.
    pub fn start(log: Arc<dyn EventLog>, rejections: Arc<dyn Rejections>, config: OrganizerConfig) -> OrganizerHandle {
        let (progress, seen) = watch::channel(Progress::default());
        let (stopper, stop) = watch::channel(false);
        let files = Arc::new(Files::new(&config));
        let rounds = Rounds::new(Arc::clone(&log), files, rejections, config.clone());
        let organizer = Self { log, config, rounds, progress, stop };
        OrganizerHandle::new(seen, stopper, tokio::spawn(organizer.run()))
    }

    async fn run(mut self) {
        let mut failures = 0;
        while !self.is_stopped() {
            let Err(fault) = self.follow(&mut failures).await else { return };
            warn!(%fault, group = self.config.group, "the organizer cannot follow the log: {fault}");
            self.progress.send_modify(|progress| progress.log_fault = Some(fault.to_string()));
            let rest = self.config.rest_after(failures);
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = self.stop.changed() => {}
            }
        }
    }

    /// Follows the log as a member of the group until it is told to stop, or the log fails.
    async fn follow(&mut self, failures: &mut u32) -> Result<(), LogFault> {
        let mut consumer = self.log.subscribe(&self.config.group).await?;
        self.rounds.forget_seen();
        while !self.is_stopped() {
            let batch = tokio::select! {
                batch = consumer.next(self.config.events_max, self.config.wait) => batch?,
                _ = self.stop.changed() => return Ok(()),
            };
            *failures = 0;
            let is_idle = batch.is_empty();
            let done = self.rounds.take(batch).await;
            if let Some(done) = done {
                consumer.commit(&done).await?;
            }
            self.progress.send_modify(|progress| self.rounds.show(progress, is_idle));
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests;
