//! One run of an integration: try the connection if that is due, choose the streams, have them read, and say how it went. A plain
//! value; who reads the streams is given to it.

mod end;
mod plan;
pub mod probe;
mod scribe;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::StreamExt;
use jiff::Timestamp;
use syncline_model::{
    ConnectorName, EventLog, Fault, JobId, Ledger, Settings, Shard, ShardId, State, StreamName,
    ledger::{Enrolled, Outcome, Trigger},
};
use syncline_sdk::{
    Connector, Context, Http, Patience,
    http::Client,
    limits::{Limits, Paced},
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

pub use end::{How, JobEnd, Verdict, cut_off, give_up};
pub use plan::Plan;
use scribe::{Scribe, States};

use crate::{
    board::{Board, JobProgress},
    config::EngineConfig,
    connectors::Connectors,
    engine::Boards,
    gate::Gate,
    lanes::Key,
    pace::Pace,
    patience::Waiter,
    pump::{Places, StreamEnd, StreamTask},
    receive::Bells,
    tries::insist,
};

/// What all jobs share.
pub struct Shared {
    pub config: Arc<EngineConfig>,
    pub log: Arc<dyn EventLog>,
    pub ledger: Arc<dyn Ledger>,
    pub connectors: Arc<Connectors>,
    pub pace: Pace,
    pub boards: Boards,
    pub bells: Bells,
    pub places: Arc<Places>,
}

/// The right to run an integration once.
pub struct Ticket {
    pub key: Key,
    pub trigger: Trigger,
    /// The job's id, where somebody has begun it already.
    pub job: Option<JobId>,
    pub shard: Arc<dyn Shard>,
    pub gate: Arc<Gate>,
    /// End at the next step's end.
    pub stop: CancellationToken,
    /// End now.
    pub kill: CancellationToken,
    /// Only these streams are read, because a webhook says that they have something new.
    pub only: Option<HashSet<StreamName>>,
    /// Streams whose shrinking somebody accepted.
    pub sweep_accepted: HashSet<StreamName>,
    /// Told when the log says that the shard has another owner.
    pub fenced: Arc<dyn Fn(ShardId) + Send + Sync>,
    /// The job's board, once it has begun.
    pub board: OnceCell<Arc<Board>>,
}

/// What the work of one job holds on to.
pub struct Link {
    pub key: Key,
    pub connector_name: ConnectorName,
    pub config: Arc<EngineConfig>,
    pub ledger: Arc<dyn Ledger>,
    pub shard: Arc<dyn Shard>,
    pub connector: Arc<dyn Connector>,
    pub gate: Arc<Gate>,
    pub board: Arc<Board>,
    pub stop: CancellationToken,
    pub fenced: Arc<dyn Fn(ShardId) + Send + Sync>,
    pub steps: AtomicU64,
    pub places: Arc<Places>,
}

impl Link {
    /// A step was committed.
    pub fn progressed(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// How many steps were committed.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
}

/// Who reads the streams of a job.
#[async_trait(?Send)]
pub trait Readers {
    /// Reads one stream to its end.
    async fn read(&self, task: StreamTask) -> StreamEnd;
}

/// One run of an integration.
pub struct Job {
    shared: Arc<Shared>,
    ticket: Arc<Ticket>,
}

impl Job {
    /// With this ticket.
    pub fn new(shared: Arc<Shared>, ticket: Arc<Ticket>) -> Self {
        Self { shared, ticket }
    }

    /// Runs it. Whatever goes wrong is in the end that it returns.
    pub async fn run(&self, readers: &dyn Readers) -> JobEnd {
        let Key { tenant, integration } = &self.ticket.key;
        let enrolled = match self.shared.ledger.integration(tenant, integration).await {
            Ok(Some(enrolled)) => enrolled,
            Ok(None) => return JobEnd::gone(),
            Err(fault) => return JobEnd::not_begun(&fault),
        };
        if !enrolled.state.is_active() {
            return JobEnd::resting(enrolled);
        }
        let board = match begin(&self.shared, &self.ticket).await {
            Ok(board) => Arc::clone(board),
            Err(fault) => return JobEnd::not_begun(&fault),
        };
        let mut scribe = Scribe::new(&self.shared, &self.ticket, Arc::clone(&board), enrolled.clone());
        let worked = {
            let work = self.work(&enrolled, board, readers, scribe.states());
            scribe.while_working(work).await
        };
        let verdict = match worked {
            Ok(worked) => worked,
            Err(fault) => Verdict::of_fault(&fault),
        };
        scribe.end(verdict).await
    }

    async fn work(&self, enrolled: &Enrolled, board: Arc<Board>, readers: &dyn Readers, states: Arc<States>) -> Result<Verdict, Fault> {
        let (shared, ticket) = (&self.shared, &self.ticket);
        let connector = shared.connectors.get(&enrolled.connector)?;
        let link = Arc::new(Link {
            key: ticket.key.clone(),
            connector_name: enrolled.connector.clone(),
            config: Arc::clone(&shared.config),
            ledger: Arc::clone(&shared.ledger),
            shard: Arc::clone(&ticket.shard),
            connector,
            gate: Arc::clone(&ticket.gate),
            board,
            stop: ticket.stop.clone(),
            fenced: Arc::clone(&ticket.fenced),
            steps: AtomicU64::new(0),
            places: Arc::clone(&shared.places),
        });
        let plan = {
            let _entered = link.gate.enter();
            let waiter = Arc::new(Waiter::new(Arc::clone(&link), None));
            let plan = self.plan(&link, &waiter, enrolled).await?;
            plan.with_left_out(waiter.skipped_count())
        };
        let reading = if plan.history_known() { State::Live } else { State::Backfilling };
        states.reading(reading).await;
        let ends = futures::stream::iter(plan.tasks.clone())
            .map(|task| async {
                let name = task.spec.name.clone();
                let waiter = Arc::clone(&task.waiter);
                let end = readers.read(task).await;
                (name, end, waiter.skipped_count())
            })
            .buffer_unordered(shared.config.streams_max.max(1))
            .collect::<Vec<_>>()
            .await;
        Ok(Verdict::of_streams(&plan, &ends, &link.board.streams()))
    }

    /// Tries the connection if that is due, and decides which streams are read and how.
    async fn plan(&self, link: &Arc<Link>, waiter: &Arc<Waiter>, enrolled: &Enrolled) -> Result<Plan, Fault> {
        let Key { tenant, integration } = &link.key;
        let outfit = Outfit::new(&self.shared, link, waiter).await?;
        let context = outfit.context(waiter);
        if enrolled.state == State::Testing {
            insist(waiter, || link.connector.check(&context)).await?;
        }
        let specs = insist(waiter, || link.connector.streams(&context)).await?;
        let cursors = insist(waiter, || async { Ok(link.shard.cursors(tenant, integration).await?) }).await?;
        let plan = Plan::make(&self.ticket, link, &outfit, enrolled, specs, cursors);
        link.board.expect(plan.tasks.iter().map(|task| task.spec.name.clone()));
        Ok(plan)
    }
}

/// What the contexts of one job are made of. The HTTP client, and with it the cookies, is anew for each job.
pub struct Outfit {
    settings: Settings,
    client: Arc<Client>,
    limits: Vec<Arc<Limits>>,
    connector: ConnectorName,
    now: Timestamp,
    common: Arc<syncline_sdk::Shared>,
}

impl Outfit {
    /// For the job of this link.
    pub async fn new(shared: &Shared, link: &Link, waiter: &Waiter) -> Result<Self, Fault> {
        Ok(Self {
            settings: insist(waiter, || shared.ledger.settings(&link.key.tenant, &link.key.integration)).await?,
            client: Arc::new(Client::new(link.connector_name.clone(), shared.config.client.clone())?),
            limits: shared.pace.of(&link.key, link.connector.as_ref()),
            connector: link.connector_name.clone(),
            now: Timestamp::now(),
            common: Arc::default(),
        })
    }

    /// A context in which every wait is this waiter's.
    pub fn context(&self, waiter: &Arc<Waiter>) -> Context {
        let patience = Arc::clone(waiter) as Arc<dyn Patience>;
        let client = Arc::clone(&self.client) as Arc<dyn Http>;
        let http = Arc::new(Paced::new(client, self.limits.clone(), Arc::clone(&patience), self.connector.clone()));
        Context { settings: self.settings.clone(), http, patience, now: self.now, shared: Arc::clone(&self.common) }
    }
}

/// The board of a ticket's job; the job begins with it.
pub async fn begin<'a>(shared: &Shared, ticket: &'a Ticket) -> Result<&'a Arc<Board>, Fault> {
    let Key { tenant, integration } = &ticket.key;
    let make = || async {
        let job = match ticket.job {
            Some(job) => job,
            None => shared.ledger.start_job(tenant, integration, ticket.trigger, Timestamp::now()).await?,
        };
        let progress = JobProgress {
            tenant: tenant.clone(),
            integration: integration.clone(),
            job,
            trigger: ticket.trigger,
            streams: Vec::new(),
            outcome: None::<Outcome>,
        };
        let board = Arc::new(Board::new(progress));
        shared.boards.put(&ticket.key, board.follow());
        Ok(board)
    };
    ticket.board.get_or_try_init(make).await
}

#[cfg(test)]
mod tests;
