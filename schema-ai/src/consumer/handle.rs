//! What the one who started the organizer holds: its progress, and the way to stop it.

use std::collections::BTreeMap;

use syncline_model::{TenantId, log::Position};
use tokio::{sync::watch, task::JoinHandle};

/// How far the organizer is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Everything up to here is in the tables, except for what a tenant in `behind` misses.
    pub position: Position,
    /// Events applied since the start.
    pub events: u64,
    /// Rows written since the start.
    pub rows: u64,
    /// Records set aside since the start.
    pub rejected: u64,
    /// Age of the event that was applied last, when it was applied.
    pub lag_ms: u64,
    /// Tenants whose tables cannot be written, and why.
    pub behind: BTreeMap<TenantId, String>,
    /// Why the log cannot be followed at the moment.
    pub log_fault: Option<String>,
    /// Rounds that ended.
    pub rounds: u64,
    /// The last round in which the log had nothing new.
    pub idle_round: u64,
}

/// The running organizer. Dropping it stops it at the end of its batch, without waiting for that.
pub struct OrganizerHandle {
    progress: watch::Receiver<Progress>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl OrganizerHandle {
    pub(super) fn new(progress: watch::Receiver<Progress>, stop: watch::Sender<bool>, task: JoinHandle<()>) -> Self {
        Self { progress, stop, task }
    }

    /// How far it is, now and whenever that changes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until everything that was committed to the log before this call is in the tables. False if the organizer stopped.
    pub async fn caught_up(&self) -> bool {
        let mut progress = self.progress.clone();
        // The round that goes on now may have asked the log before the last commit; the one after it has not.
        let wanted = progress.borrow().rounds + 2;
        progress.wait_for(|progress| progress.idle_round >= wanted && progress.behind.is_empty()).await.is_ok()
    }

    /// Waits until the tables have passed this position. False if the organizer stopped.
    pub async fn passed(&self, wanted: &Position) -> bool {
        let mut progress = self.progress.clone();
        let has_passed = |progress: &Progress| {
            let at = |partition| progress.position.0.get(partition).copied().unwrap_or_default();
            wanted.0.iter().all(|(partition, offset)| at(partition) >= *offset)
        };
        progress.wait_for(has_passed).await.is_ok()
    }

    /// Stops at the end of the batch in hand, and waits for that.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}
