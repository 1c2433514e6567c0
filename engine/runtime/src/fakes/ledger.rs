//! A ledger in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use jiff::Timestamp;
use syncline_model::{
    Fault, IntegrationId, JobId, Ledger, Quarantined, Settings, State, TenantId,
    ledger::{Enrolled, Level, Outcome, StateChange, StreamProgress, Trigger},
    schedule::Schedule,
};
use tokio::sync::Notify;

#[derive(Debug, Clone, Default)]
pub struct JobRow {
    pub integration: String,
    pub trigger: Option<Trigger>,
    pub outcome: Option<Outcome>,
    pub cause: Option<String>,
    pub streams: Vec<StreamProgress>,
    pub lines: Vec<String>,
}

#[derive(Default)]
pub struct Rows {
    pub enrolled: BTreeMap<(TenantId, IntegrationId), Enrolled>,
    pub changes: Vec<(String, StateChange)>,
    pub jobs: BTreeMap<JobId, JobRow>,
    pub quarantine: BTreeMap<String, Quarantined>,
}

#[derive(Default)]
pub struct MemoryLedger {
    rows: Mutex<Rows>,
    changed: Notify,
    ids: AtomicU64,
    /// So many of the next questions who is enrolled end in a panic.
    pub panics: AtomicU64,
    /// So many of the next questions about one integration do.
    pub panics_of_one: AtomicU64,
    /// The next job does not begin before this is told.
    pub slow_start: Mutex<Option<Arc<Notify>>>,
}

impl MemoryLedger {
    pub fn new(enrolled: impl IntoIterator<Item = Enrolled>) -> Arc<Self> {
        let ledger = Self::default();
        enrolled.into_iter().for_each(|enrolled| ledger.put(enrolled));
        Arc::new(ledger)
    }

    pub fn put(&self, enrolled: Enrolled) {
        self.rows().enrolled.insert((enrolled.tenant.clone(), enrolled.integration.clone()), enrolled);
    }

    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    /// An integration in state `testing` with this name, of tenant `acme`.
    pub fn testing(connector: &str, integration: &str, schedule: Schedule) -> Enrolled {
        Enrolled {
            tenant: "acme".parse().unwrap(),
            integration: integration.parse().unwrap(),
            connector: connector.parse().unwrap(),
            state: State::Testing,
            schedule,
            streams: None,
            last_job_ended: None,
        }
    }

    /// What the owner does, not the engine: the integration may run again.
    pub fn owner_resumes(&self, integration: &str) {
        for ((_, id), enrolled) in &mut self.rows().enrolled {
            if id.as_str() == integration {
                enrolled.state = enrolled.state.to(State::Testing).unwrap();
            }
        }
    }

    pub fn state(&self, integration: &str) -> State {
        self.rows().enrolled.iter().find(|((_, id), _)| id.as_str() == integration).unwrap().1.state
    }

    pub fn states(&self, integration: &str) -> Vec<State> {
        self.rows().changes.iter().filter(|(id, _)| id == integration).map(|(_, change)| change.state).collect()
    }

    pub fn ended(&self, integration: &str) -> Vec<JobRow> {
        self.rows().jobs.values().filter(|job| job.integration == integration && job.outcome.is_some()).cloned().collect()
    }

    /// Waits until this holds.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    fn job(&self, job: JobId, change: impl FnOnce(&mut JobRow)) {
        change(self.rows().jobs.get_mut(&job).unwrap());
        self.changed.notify_waiters();
    }
}

fn panic_if_left(left: &AtomicU64) {
    let panics = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    assert!(panics.is_err(), "the ledger has a bug");
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn enrolled(&self) -> Result<Vec<Enrolled>, Fault> {
        panic_if_left(&self.panics);
        Ok(self.rows().enrolled.values().filter(|enrolled| enrolled.state != State::Deleted).cloned().collect())
    }

    async fn integration(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Option<Enrolled>, Fault> {
        panic_if_left(&self.panics_of_one);
        let found = self.rows().enrolled.get(&(tenant.clone(), integration.clone())).cloned();
        Ok(found.filter(|enrolled| enrolled.state != State::Deleted))
    }

    async fn settings(&self, _: &TenantId, _: &IntegrationId) -> Result<Settings, Fault> {
        Ok(Settings::new(serde_json::json!({})))
    }

    async fn change_state(&self, tenant: &TenantId, integration: &IntegrationId, change: StateChange) -> Result<(), Fault> {
        {
            let mut rows = self.rows();
            let Some(enrolled) = rows.enrolled.get_mut(&(tenant.clone(), integration.clone())) else {
                return Err(Fault::Internal("no such integration".to_owned()));
            };
            // As in the store: an owner's pause is not the engine's to undo.
            let is_owners = enrolled.state == State::Paused && !matches!(change.state, State::Paused | State::Deleted);
            let Some(next) = enrolled.state.to(change.state).filter(|_| !is_owners) else {
                return Err(Fault::Internal(format!("`{}` does not lead to `{}`", enrolled.state, change.state)));
            };
            enrolled.state = next;
            rows.changes.push((integration.to_string(), change));
        }
        self.changed.notify_waiters();
        Ok(())
    }

    async fn start_job(&self, _: &TenantId, integration: &IntegrationId, trigger: Trigger, _: Timestamp) -> Result<JobId, Fault> {
        let slow = self.slow_start.lock().unwrap().take();
        if let Some(told) = slow {
            self.changed.notify_waiters();
            told.notified().await;
        }
        let id = JobId(uuid::Uuid::from_u128(u128::from(self.ids.fetch_add(1, Ordering::Relaxed) + 1)));
        let row = JobRow { integration: integration.to_string(), trigger: Some(trigger), ..JobRow::default() };
        self.rows().jobs.insert(id, row);
        self.changed.notify_waiters();
        Ok(id)
    }

    async fn save_progress(&self, _: &TenantId, job: JobId, streams: &[StreamProgress]) -> Result<(), Fault> {
        self.job(job, |row| row.streams = streams.to_vec());
        Ok(())
    }

    async fn log(&self, _: &TenantId, job: JobId, _: Timestamp, level: Level, message: &str) -> Result<(), Fault> {
        self.job(job, |row| row.lines.push(format!("{}: {message}", level.as_str())));
        Ok(())
    }

    async fn end_job(&self, _: &TenantId, job: JobId, _: Timestamp, outcome: Outcome, cause: Option<&str>) -> Result<(), Fault> {
        self.job(job, |row| {
            row.outcome = Some(outcome);
            row.cause = cause.map(str::to_owned);
        });
        Ok(())
    }

    async fn quarantine(&self, record: &Quarantined, _: Timestamp) -> Result<(), Fault> {
        self.rows().quarantine.insert(record.id(), record.clone());
        self.changed.notify_waiters();
        Ok(())
    }
}
