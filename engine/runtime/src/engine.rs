//! The engine as its callers see it: one thread that keeps the tree of actors, threads for the work, and a handle that can be held
//! anywhere.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Addr, Handler, Message, dev::ToEnvelope};
use jiff::Timestamp;
use serde::Serialize;
use syncline_model::{
    Cursor, CursorEntry, EventLog, Fault, IntegrationId, JobId, Ledger, LogFault, ShardId, State, StreamName, TenantId,
    ledger::{Outcome, StateChange, Trigger},
    log::InboxItem,
};
use syncline_sdk::StreamSpec;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    EngineConfig, JobProgress,
    actors::{self, Root, messages},
    commands::{self, Command, key},
    connectors::Connectors,
    job::{Shared, probe},
    lanes::Key,
    pace::Pace,
    receive::Bells,
};

/// Starts engines.
pub struct Engine;

/// How many integrations do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// They are read now.
    pub running: usize,
    /// They are due and wait for a place.
    pub queued: usize,
    /// Nothing is to be done for them now.
    pub idle: usize,
    /// Shards that this node owns.
    pub shards: usize,
}

/// The jobs that run, by integration, for whoever follows them.
#[derive(Clone, Default)]
pub struct Boards(Arc<Mutex<HashMap<Key, watch::Receiver<JobProgress>>>>);

impl Boards {
    pub(crate) fn put(&self, key: &Key, follow: watch::Receiver<JobProgress>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), follow);
    }

    /// A job that is nobody's any more is forgotten.
    pub(crate) fn remove(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn get(&self, key: &Key) -> Option<watch::Receiver<JobProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}

/// A running engine, for everybody who wants something from it.
#[derive(Clone)]
pub struct EngineHandle {
    shared: Arc<Shared>,
    root: watch::Receiver<Option<Addr<Root>>>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Engine {
    /// Starts an engine on threads of its own. It joins the log and runs what it is given; faults of the log and the store do not end
    /// it. Only [`EngineHandle::shutdown`] does.
    pub fn start(
        config: EngineConfig,
        log: Arc<dyn EventLog>,
        ledger: Arc<dyn Ledger>,
        connectors: Arc<Connectors>,
    ) -> std::io::Result<EngineHandle> {
        let config = Arc::new(config);
        let bells = Bells::new(log.shard_count());
        let shared = Arc::new(Shared {
            config,
            log,
            ledger,
            connectors,
            pace: Pace::default(),
            boards: Boards::default(),
            bells,
            places: Arc::default(),
        });
        let (tell_root, root) = watch::channel(None);
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let handle = EngineHandle { shared: Arc::clone(&shared), root, stop: stop.clone(), ended: ended.clone() };
        std::thread::Builder::new().name("syncline-engine".to_owned()).spawn(move || {
            let _told = ended.drop_guard();
            actors::keep_alive(&shared, &tell_root, &stop);
        })?;
        Ok(handle)
    }
}

impl EngineHandle {
    /// An integration is new or was changed: the engine looks at it again. What runs goes on, and is stopped if it may not.
    pub async fn enrol(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<(), Fault> {
        let key = key(tenant, integration);
        // Its own tenants too: what was asked before it, on whichever node, is done before it.
        if self.shared.config.cluster {
            return commands::ask(self.shared.log.as_ref(), &key, &Command::Look).await;
        }
        let enrolled = self.shared.ledger.integration(tenant, integration).await?;
        match enrolled {
            Some(enrolled) if enrolled.state.is_active() => self.ask(|| messages::Enrol(enrolled.clone())).await,
            Some(_) | None => self.halt(&key).await,
        }
    }

    /// Tries the connection for real, now. No state changes.
    pub async fn test(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<(), Fault> {
        probe::check(&self.shared, &key(tenant, integration)).await
    }

    /// The streams that the source has for the settings of this integration.
    pub async fn streams(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<StreamSpec>, Fault> {
        probe::streams(&self.shared, &key(tenant, integration)).await
    }

    /// Reads the integration as soon as there is a place, before everything that nobody waits for. If it is being read, that job is
    /// returned.
    pub async fn sync_now(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<JobId, Fault> {
        let key = key(tenant, integration);
        let elsewhere = self.is_elsewhere(tenant).await? || self.is_unseated(&key).await?;
        if !elsewhere && let Some(job) = self.ask(|| messages::Asked(key.clone())).await?? {
            return Ok(job);
        }
        let enrolled = self.shared.ledger.integration(tenant, integration).await?;
        let state = enrolled.as_ref().map(|enrolled| enrolled.state);
        let Some(enrolled) = enrolled.filter(|enrolled| enrolled.state.is_active()) else {
            let state = state.map_or("gone", State::as_str);
            return Err(Fault::Misconfigured(format!("the integration `{integration}` is {state} and cannot be read")));
        };
        let now = Timestamp::now();
        let job = self.shared.ledger.start_job(tenant, integration, Trigger::Manual, now).await?;
        if elsewhere {
            let asked = commands::ask(self.shared.log.as_ref(), &key, &Command::Read { job }).await;
            if asked.is_err() {
                let cause = Some("its owner could not be asked for it");
                self.shared.ledger.end_job(tenant, job, Timestamp::now(), Outcome::Cancelled, cause).await?;
            }
            return asked.map(|()| job);
        }
        let taken = self.ask(|| messages::SyncNow { enrolled: enrolled.clone(), job, behind: false }).await?;
        if let Some(running) = taken {
            let cause = Some("another job of the integration began at the same moment");
            self.shared.ledger.end_job(tenant, job, Timestamp::now(), Outcome::Cancelled, cause).await?;
            return Ok(running);
        }
        Ok(job)
    }

    /// Stops the integration at the end of its next step, and leaves it alone. Only its owner can move it out of this state; then
    /// [`EngineHandle::enrol`] goes on where it was.
    pub async fn pause(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<(), Fault> {
        self.halt(&key(tenant, integration)).await?;
        self.change(tenant, integration, State::Paused).await?;
        self.tell_owner(tenant, integration).await
    }

    /// Stops the integration for ever. What it has read stays.
    pub async fn remove(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<(), Fault> {
        self.halt(&key(tenant, integration)).await?;
        self.shared.boards.remove(&key(tenant, integration));
        self.change(tenant, integration, State::Deleted).await?;
        self.tell_owner(tenant, integration).await
    }

    /// Accepts that the source of a stream has become much smaller: the next full refresh may delete what is missing.
    pub async fn accept_deletions(&self, tenant: &TenantId, integration: &IntegrationId, stream: &StreamName) -> Result<(), Fault> {
        let (key, stream) = (key(tenant, integration), stream.clone());
        if self.is_elsewhere(tenant).await? {
            return commands::ask(self.shared.log.as_ref(), &key, &Command::AcceptDeletions { stream }).await;
        }
        self.ask(|| messages::AcceptDeletions { key: key.clone(), stream: stream.clone() }).await
    }

    /// Puts a verified webhook into the inbox of its tenant's shard. It is durable when this returns, and whoever owns the shard makes
    /// events of it.
    pub async fn deliver(&self, item: InboxItem) -> Result<(), LogFault> {
        let shard = ShardId::of(&item.tenant, self.shared.log.shard_count());
        self.shared.log.append(item).await?;
        self.shared.bells.ring(shard);
        Ok(())
    }

    /// Follows the job that runs, or the last one that ran since this node owns the integration. The last value has an outcome.
    pub fn job_progress(&self, tenant: &TenantId, integration: &IntegrationId) -> Option<watch::Receiver<JobProgress>> {
        self.shared.boards.get(&key(tenant, integration))
    }

    /// Where reading the streams of an integration goes on, as the log has it. The connector's own cursor of a stream has an empty
    /// part; the others are the engine's notes.
    pub async fn cursors(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<CursorEntry>, Fault> {
        let shard = ShardId::of(tenant, self.shared.log.shard_count());
        let owned = self.ask(|| messages::AskShard(shard)).await?;
        let owned = owned.ok_or_else(|| Fault::Unavailable(format!("the tenant `{tenant}` is not run by this node")))?;
        Ok(owned.cursors(tenant, integration).await?)
    }

    /// Lets the streams of an integration go on from other cursors. It must not be read at the moment: paused or not begun, and its
    /// last job ended.
    pub async fn go_on(&self, tenant: &TenantId, integration: &IntegrationId, cursors: Vec<(StreamName, Cursor)>) -> Result<(), Fault> {
        let key = key(tenant, integration);
        if self.is_elsewhere(tenant).await? {
            let cursors = cursors.into_iter().map(|(stream, cursor)| (stream, cursor.0.to_vec())).collect();
            return commands::ask(self.shared.log.as_ref(), &key, &Command::GoOn { cursors }).await;
        }
        let shard = ShardId::of(tenant, self.shared.log.shard_count());
        let owned = self.ask(|| messages::AskShard(shard)).await?;
        let owned = owned.ok_or_else(|| Fault::Unavailable(format!("the tenant `{tenant}` is not run by this node")))?;
        let running = self.ask(|| messages::Asked(key.clone())).await??;
        commands::go_on(self.shared.ledger.as_ref(), owned.as_ref(), &key, running, cursors).await
    }

    /// How many integrations do what.
    pub async fn stats(&self) -> Result<Stats, Fault> {
        self.ask(|| messages::AskStats).await
    }

    /// Ends what runs at the end of its step, gives the shards back, and ends. Returns false if something had to be cut off because
    /// it did not end within `grace`; nothing is lost by that.
    pub async fn shutdown(&self, grace: Duration) -> bool {
        let stopped = tokio::time::timeout(grace, self.ask(|| messages::StopAll)).await;
        self.stop.cancel();
        let gone = tokio::time::timeout(self.shared.config.stop_within, self.ended.cancelled()).await;
        matches!(stopped, Ok(Ok(()))) && gone.is_ok()
    }

    /// This node owns the shard of this tenant now.
    pub async fn owns(&self, tenant: &TenantId) -> Result<bool, Fault> {
        let shard = ShardId::of(tenant, self.shared.log.shard_count());
        Ok(self.ask(|| messages::AskShard(shard)).await?.is_some())
    }

    /// Another node owns the tenant's shard, or will: what is asked for it goes through the inbox.
    async fn is_elsewhere(&self, tenant: &TenantId) -> Result<bool, Fault> {
        Ok(self.shared.config.cluster && !self.owns(tenant).await?)
    }

    /// It is ours, and what was asked for it first is not done yet: whatever is asked now comes behind that.
    async fn is_unseated(&self, key: &Key) -> Result<bool, Fault> {
        Ok(self.shared.config.cluster && !self.ask(|| messages::IsSeated(key.clone())).await?)
    }

    async fn tell_owner(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<(), Fault> {
        if self.is_elsewhere(tenant).await? {
            commands::ask(self.shared.log.as_ref(), &key(tenant, integration), &Command::Look).await?;
        }
        Ok(())
    }

    async fn halt(&self, key: &Key) -> Result<(), Fault> {
        self.ask(|| messages::Halt(key.clone())).await
    }

    async fn change(&self, tenant: &TenantId, integration: &IntegrationId, state: State) -> Result<(), Fault> {
        self.shared.ledger.change_state(tenant, integration, StateChange { state, cause: None, waiting_until: None }).await
    }

    /// Asks the root, and the next one if it dies over the question.
    async fn ask<M>(&self, message: impl Fn() -> M) -> Result<M::Result, Fault>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        Root: Handler<M>,
        <Root as actix::Actor>::Context: ToEnvelope<Root, M>,
    {
        let answer = async {
            let mut root = self.root.clone();
            loop {
                let address = root.borrow_and_update().clone();
                if let Some(address) = address
                    && let Ok(answer) = address.send(message()).await
                {
                    return Ok(answer);
                }
                if root.changed().await.is_err() {
                    return Err(Fault::Internal("the engine has ended".to_owned()));
                }
            }
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.ended.cancelled() => Err(Fault::Internal("the engine has ended".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
