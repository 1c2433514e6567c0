//! Verified webhooks on their way into the log: durable when they are taken, or not taken. Where the operator chose so, a spool of the
//! node keeps them while the log is away; it is a log of its own that only needs a disk, it is bounded, and what it hands over twice is
//! known by its id.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use syncline_model::{
    EventLog, LogFault, Shard, Step,
    log::{InboxItem, InboxOffset, Membership, ShardChange},
};
use tokio::sync::Notify;

use crate::{EngineHandle, metrics};

const ITEMS_AT_ONCE: usize = 100;
/// After this long it is looked whether the log is back.
const LOOK: Duration = Duration::from_secs(1);

/// What the spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolLimits {
    /// So many webhooks.
    pub items_max: u64,
    /// So many bytes of them.
    pub bytes_max: u64,
}

/// The way of verified webhooks into the log.
#[derive(Clone)]
pub struct Intake {
    engine: EngineHandle,
    within: Duration,
    spool: Option<Arc<Spool>>,
}

struct Spool {
    log: Arc<dyn EventLog>,
    shard: Box<dyn Shard>,
    /// Letting go of it would give the shard back.
    _membership: Mutex<Box<dyn Membership>>,
    limits: SpoolLimits,
    items: AtomicU64,
    bytes: AtomicU64,
    more: Notify,
}

impl Intake {
    /// Into this engine's log, which must answer within this time.
    pub fn new(engine: EngineHandle, within: Duration) -> Self {
        Self { engine, within, spool: None }
    }

    /// The same with a spool in this log, which nobody else uses. What it holds from before is handed over. Must be called where tasks
    /// can be started.
    pub async fn with_spool(self, log: Arc<dyn EventLog>, limits: SpoolLimits) -> Result<Self, LogFault> {
        let spool = Arc::new(Spool::open(log, limits).await?);
        let intake = Self { spool: Some(Arc::clone(&spool)), ..self };
        let (engine, within) = (intake.engine.clone(), intake.within);
        tokio::spawn(async move { hand_over(&spool, &engine, within).await });
        Ok(intake)
    }

    /// Takes one. It is durable when this returns. After a fault it may nevertheless have become durable later; whoever sends it again
    /// is known by its id.
    pub async fn take(&self, item: InboxItem) -> Result<(), LogFault> {
        let Some(spool) = &self.spool else { return deliver(&self.engine, self.within, item).await };
        // Behind what waits already, so that the order stays and nobody waits for a log that is known to be away.
        if spool.items.load(Ordering::Acquire) > 0 {
            return spool.put(item).await;
        }
        match deliver(&self.engine, self.within, item.clone()).await {
            Ok(()) => Ok(()),
            Err(fault) => {
                tracing::warn!("webhooks go to the spool: {fault}");
                spool.put(item).await
            }
        }
    }
}

async fn deliver(engine: &EngineHandle, within: Duration, item: InboxItem) -> Result<(), LogFault> {
    let late = |_| LogFault::Unavailable(format!("it did not answer within {within:?}"));
    tokio::time::timeout(within, engine.deliver(item)).await.map_err(late)?
}

impl Spool {
    async fn open(log: Arc<dyn EventLog>, limits: SpoolLimits) -> Result<Self, LogFault> {
        let mut membership = log.join("spool").await?;
        let shard = match membership.next().await? {
            Some(ShardChange::Assigned(shard)) => shard,
            Some(ShardChange::Revoked(_)) | None => return Err(LogFault::Unavailable("the spool has another owner".to_owned())),
        };
        let (mut after, mut items, mut bytes) = (shard.inbox_done().await?, 0, 0);
        loop {
            let found = shard.inbox(after, ITEMS_AT_ONCE).await?;
            let Some((last, _)) = found.last() else { break };
            after = *last;
            items += found.len() as u64;
            bytes += found.iter().map(|(_, item)| item.body.len() as u64).sum::<u64>();
        }
        let membership = Mutex::new(membership);
        let spool = Self {
            log,
            shard,
            _membership: membership,
            limits,
            items: AtomicU64::new(items),
            bytes: AtomicU64::new(bytes),
            more: Notify::new(),
        };
        spool.show();
        Ok(spool)
    }

    async fn put(&self, item: InboxItem) -> Result<(), LogFault> {
        let bytes = item.body.len() as u64;
        // Counted before it is written, so that those who come at the same time do not all find the last place free.
        let items = self.items.fetch_add(1, Ordering::AcqRel) + 1;
        let all = self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes;
        let written = if items > self.limits.items_max || all > self.limits.bytes_max {
            Err(LogFault::Unavailable("the spool of webhooks is full".to_owned()))
        } else {
            self.log.append(item).await.map(drop)
        };
        if written.is_err() {
            self.items.fetch_sub(1, Ordering::AcqRel);
            self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
        self.show();
        self.more.notify_one();
        written
    }

    fn show(&self) {
        let gauge = |number: &AtomicU64| i64::try_from(number.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        metrics::WEBHOOK_SPOOL_ITEMS.set(gauge(&self.items));
        metrics::WEBHOOK_SPOOL_BYTES.set(gauge(&self.bytes));
    }

    /// Hands over what waits, in order, as far as the log takes it. Says whether there was anything.
    async fn turn(&self, after: &mut InboxOffset, engine: &EngineHandle, within: Duration) -> Result<bool, LogFault> {
        let found = self.shard.inbox(*after, ITEMS_AT_ONCE).await?;
        let any = !found.is_empty();
        // Asked for in order, and answered together.
        let handed = found.into_iter().map(|(offset, item)| async move {
            let bytes = item.body.len() as u64;
            deliver(engine, within, item).await.map(|()| (offset, bytes))
        });
        let mut handed = futures::stream::iter(handed).buffered(ITEMS_AT_ONCE);
        let (mut done, mut items, mut freed, mut ended) = (None, 0, 0, Ok(any));
        while let Some(one) = handed.next().await {
            match one {
                Ok((offset, bytes)) => {
                    done = Some(offset);
                    items += 1;
                    freed += bytes;
                }
                Err(fault) => {
                    ended = Err(fault);
                    break;
                }
            }
        }
        if let Some(done) = done {
            self.shard.commit(Step { inbox: Some(done), ..Step::default() }).await?;
            *after = done;
            self.items.fetch_sub(items, Ordering::AcqRel);
            self.bytes.fetch_sub(freed, Ordering::AcqRel);
            self.show();
        }
        ended
    }
}

async fn hand_over(spool: &Spool, engine: &EngineHandle, within: Duration) {
    let mut after = InboxOffset::default();
    loop {
        match spool.turn(&mut after, engine, within).await {
            Ok(true) => {}
            Ok(false) => spool.more.notified().await,
            Err(fault) => {
                tracing::debug!("the spool waits for the log: {fault}");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}
