//! One round: a batch of the log, cut by tenant, each part into its file; then those that are behind. What comes out is how far the
//! group may say that it is.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use syncline_model::{
    EventLog, TenantId,
    log::{Logged, Position},
};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tracing::{info, warn};

use super::{OrganizerConfig, Progress, Rejections, files::Files};
use crate::{
    metrics,
    tables::{Applied, TableFault, TableWriter},
};

const REPORTED_AT_ONCE: usize = 500;

/// A tenant whose file could not be written.
struct Behind {
    cause: String,
    failures: u32,
    again: Instant,
    /// The group must not pass this place.
    hold: Position,
}

pub(super) struct Rounds {
    work: Arc<Work>,
    writers: Arc<Semaphore>,
    behind: BTreeMap<TenantId, Behind>,
    unreported: HashSet<TenantId>,
    seen: Position,
    total: Applied,
    lag_ms: u64,
}

/// What a tenant's task needs.
struct Work {
    log: Arc<dyn EventLog>,
    files: Arc<Files>,
    rejections: Arc<dyn Rejections>,
    config: OrganizerConfig,
}

impl Rounds {
    pub fn new(log: Arc<dyn EventLog>, files: Arc<Files>, rejections: Arc<dyn Rejections>, config: OrganizerConfig) -> Self {
        let writers = Arc::new(Semaphore::new(config.writers_max.max(1)));
        let work = Arc::new(Work { log, files, rejections, config });
        let (behind, unreported) = (BTreeMap::new(), HashSet::new());
        Self { work, writers, behind, unreported, seen: Position::default(), total: Applied::default(), lag_ms: 0 }
    }

    /// The group was joined anew: its partitions may be others, and it begins where it last said it was.
    pub fn forget_seen(&mut self) {
        self.seen = Position::default();
    }

    /// Takes a batch. Gives the position up to which everything is durable, if it moved.
    pub async fn take(&mut self, batch: Vec<Logged>) -> Option<Position> {
        let moved = !batch.is_empty();
        if let Some(last) = batch.last() {
            let age = Timestamp::now().duration_since(last.committed).as_millis();
            self.lag_ms = u64::try_from(age).unwrap_or_default();
        }
        let mut of_tenant: BTreeMap<TenantId, Vec<Logged>> = BTreeMap::new();
        for logged in batch {
            self.seen.pass(&logged.place);
            // Who is behind reads on from its own place later, in order.
            if !self.behind.contains_key(&logged.event.tenant) {
                of_tenant.entry(logged.event.tenant.clone()).or_default().push(logged);
            }
        }
        let due: Vec<TenantId> = self.behind.iter().filter(|(_, behind)| behind.again <= Instant::now()).map(|(t, _)| t.clone()).collect();
        let reads_again = !due.is_empty();
        let mut tasks = JoinSet::new();
        let mut running = HashMap::new();
        for (tenant, part) in of_tenant.into_iter().chain(due.into_iter().map(|tenant| (tenant, Vec::new()))) {
            let (work, writers, reads) = (Arc::clone(&self.work), Arc::clone(&self.writers), self.behind.contains_key(&tenant));
            let (of, hold) = (tenant.clone(), before(&part));
            let task = tasks.spawn(async move {
                let _turn = writers.acquire().await;
                work.bring_up(&of, part, reads).await
            });
            running.insert(task.id(), (tenant, hold));
        }
        while let Some(joined) = tasks.join_next_with_id().await {
            let (task, result) = match joined {
                Ok((task, result)) => (task, result),
                Err(error) => (error.id(), Err(format!("writing the tables broke off: {error}"))),
            };
            if let Some((tenant, hold)) = running.remove(&task) {
                self.settle(tenant, hold, result);
            }
        }
        self.report().await;
        (moved || reads_again).then(|| self.done())
    }

    /// Shows how far we are.
    pub fn show(&self, progress: &mut Progress, is_idle: bool) {
        progress.rounds += 1;
        if is_idle {
            progress.idle_round = progress.rounds;
        }
        for (partition, offset) in self.done().0 {
            progress.position.0.insert(partition, offset);
        }
        progress.behind = self.behind.iter().map(|(tenant, behind)| (tenant.clone(), behind.cause.clone())).collect();
        (progress.events, progress.rows, progress.rejected) = (self.total.events, self.total.rows, self.total.rejected);
        progress.lag_ms = self.lag_ms;
        progress.log_fault = None;
        if let Some(failing) = metrics::TABLE_TENANTS_FAILING.as_ref() {
            failing.set(i64::try_from(self.behind.len()).unwrap_or(i64::MAX));
        }
        if let Some(lag) = metrics::TABLE_LAG_SECONDS.as_ref() {
            lag.set(Duration::from_millis(self.lag_ms).as_secs_f64());
        }
    }

    fn settle(&mut self, tenant: TenantId, hold: Position, result: Result<Applied, String>) {
        let cause = match result {
            Ok(applied) => {
                if self.behind.remove(&tenant).is_some() {
                    info!(%tenant, "the tables of tenant `{tenant}` can be written again");
                }
                self.total.events += applied.events;
                self.total.rows += applied.rows;
                self.total.rejected += applied.rejected;
                if applied.rejected > 0 {
                    self.unreported.insert(tenant);
                }
                return;
            }
            Err(cause) => cause,
        };
        metrics::add(&metrics::TABLE_FAILURES_TOTAL, 1);
        let known = self.behind.remove(&tenant);
        let failures = known.as_ref().map_or(0, |behind| behind.failures + 1);
        let rest = self.work.config.rest_after(failures);
        warn!(%tenant, rest_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX), "{cause}");
        let hold = known.map_or(hold, |behind| behind.hold);
        self.behind.insert(tenant, Behind { cause, failures, again: Instant::now() + rest, hold });
    }

    /// What we have seen, but no further than what a tenant misses.
    fn done(&self) -> Position {
        let mut done = self.seen.clone();
        for (partition, offset) in &mut done.0 {
            let holds = self.behind.values().filter_map(|behind| behind.hold.0.get(partition));
            *offset = holds.fold(*offset, |least, &hold| least.min(hold));
        }
        done
    }

    async fn report(&mut self) {
        for tenant in std::mem::take(&mut self.unreported) {
            if let Err(cause) = self.work.report(&tenant).await {
                warn!(%tenant, "records that no table can hold are not reported yet: {cause}");
                self.unreported.insert(tenant);
            }
        }
    }
}

/// The place before the first of these events in each partition.
fn before(part: &[Logged]) -> Position {
    let mut hold = Position::default();
    for logged in part {
        hold.0.entry(logged.place.partition.clone()).or_insert(logged.place.offset.saturating_sub(1));
    }
    hold
}

impl Work {
    /// Writes a tenant's part of the batch. A file that is new, or behind, first reads from the log what it misses.
    async fn bring_up(&self, tenant: &TenantId, part: Vec<Logged>, reads: bool) -> Result<Applied, String> {
        let mut position = self.files.with(tenant, |writer| Ok(writer.position().clone())).await?;
        let mut sum = Applied::default();
        if reads || position.0.is_empty() {
            loop {
                let missed =
                    self.log.read(tenant, &position, self.config.events_max, Duration::ZERO).await.map_err(|fault| fault.to_string())?;
                if missed.is_empty() {
                    break;
                }
                for logged in &missed {
                    position.pass(&logged.place);
                }
                sum += self.apply(tenant, missed).await?;
            }
        }
        sum += self.apply(tenant, part).await?;
        Ok(sum)
    }

    async fn apply(&self, tenant: &TenantId, part: Vec<Logged>) -> Result<Applied, String> {
        if part.is_empty() {
            return Ok(Applied::default());
        }
        self.files.with(tenant, move |writer| writer.apply(&part)).await
    }

    async fn report(&self, tenant: &TenantId) -> Result<(), String> {
        loop {
            let records = self.files.with(tenant, |writer| writer.rejected(REPORTED_AT_ONCE)).await?;
            if records.is_empty() {
                return Ok(());
            }
            let mut reported = Vec::with_capacity(records.len());
            for (id, record, at) in records {
                self.rejections.reject(&record, at).await.map_err(|fault| fault.to_string())?;
                reported.push(id);
            }
            let mark = move |writer: &mut dyn TableWriter| -> Result<(), TableFault> { writer.mark_reported(&reported) };
            self.files.with(tenant, mark).await?;
        }
    }
}
