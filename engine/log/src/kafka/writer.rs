//! Writes the steps of one shard: those that come within the batch's time share a transaction. A step is checked whole before anything
//! of it is written, and a transaction is never held open while we wait for more.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use syncline_model::{LogFault, Step, TenantId};
use tokio::sync::oneshot;

use super::{
    Core,
    held::Draft,
    names::TopicsOf,
    producer::{Refusal, Transactions},
    shard::{Owned, Work},
};
use crate::{embedded::locked, metrics};

const EVENTS_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;
/// So many events are worth a transaction of their own; nobody is waited for.
const ENOUGH: usize = 500;
const TRIES: u32 = 3;
const HOUSEKEEPING: Duration = Duration::from_secs(30);
const FORGET_AT_ONCE: usize = 1_000;

type Reply = oneshot::Sender<Result<(), LogFault>>;

struct Waiting {
    step: Arc<Step>,
    reply: Reply,
}

/// The writer of one shard.
pub struct Writer<'a> {
    core: &'a Arc<Core>,
    owned: &'a Arc<Owned>,
    transactions: Transactions,
    todo: mpsc::Receiver<Work>,
    trimmed: u64,
    tidied: Instant,
}

impl<'a> Writer<'a> {
    pub fn new(core: &'a Arc<Core>, owned: &'a Arc<Owned>, transactions: Transactions, todo: mpsc::Receiver<Work>) -> Self {
        Self { core, owned, transactions, todo, trimmed: 0, tidied: Instant::now() }
    }

    /// Writes until the shard is lost.
    pub fn run(mut self) {
        while !self.owned.is_lost() {
            match self.todo.recv_timeout(HOUSEKEEPING) {
                Ok(Work::Commit { step, reply, .. }) => self.write(Waiting { step: Arc::new(step), reply }),
                Ok(Work::Purge { tenant, reply }) => drop(reply.send(self.purge(&tenant))),
                Ok(Work::End) | Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if self.tidied.elapsed() > HOUSEKEEPING && !self.owned.is_lost() {
                self.tidy();
            }
        }
        // What waits is answered by its sender's end: the shard is fenced.
        while let Ok(work) = self.todo.try_recv() {
            if let Work::Commit { reply, .. } | Work::Purge { reply, .. } = work {
                drop(reply.send(Err(LogFault::Fenced(self.owned.shard))));
            }
        }
    }

    /// Gathers what comes within the batch's time, and writes it.
    fn write(&mut self, first: Waiting) {
        let weight = |waiting: &Waiting| waiting.step.events.iter().map(|event| event.body.len() + 256).sum::<usize>();
        let (mut bytes, mut events) = (weight(&first), first.step.events.len());
        let mut batch = vec![first];
        let (deadline, quiet) = (Instant::now() + self.core.config.batch, self.core.config.batch / 10);
        let mut purges = Vec::new();
        while events < EVENTS_MAX && bytes < BYTES_MAX {
            // When nobody has anything more to say, waiting longer would only make everybody slower.
            let wait = if events < ENOUGH { quiet.min(deadline.saturating_duration_since(Instant::now())) } else { Duration::ZERO };
            match self.todo.recv_timeout(wait) {
                Ok(Work::Commit { step, reply, .. }) => {
                    let next = Waiting { step: Arc::new(step), reply };
                    (bytes, events) = (bytes + weight(&next), events + next.step.events.len());
                    batch.push(next);
                }
                Ok(Work::Purge { tenant, reply }) => {
                    purges.push((tenant, reply));
                    break;
                }
                Ok(Work::End) | Err(_) => break,
            }
        }
        self.write_batch(batch);
        for (tenant, reply) in purges {
            drop(reply.send(self.purge(&tenant)));
        }
    }

    fn write_batch(&mut self, mut batch: Vec<Waiting>) {
        metrics::LOG_STEPS_PER_TRANSACTION.observe(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let mut tries = 0;
        while !batch.is_empty() {
            let mut draft = Draft::default();
            batch = self.draft(batch, &mut draft);
            if batch.is_empty() {
                return;
            }
            tries += 1;
            let Err(failed) = self.commit(draft) else {
                let events: usize = batch.iter().map(|waiting| waiting.step.events.len()).sum();
                metrics::LOG_EVENTS_APPENDED_TOTAL.inc_by(events as u64);
                return answer(batch, &Ok(()));
            };
            let (refusal, draft) = *failed;
            match refusal {
                Refusal::NoTopic if tries < TRIES => self.core.topics.forget(),
                Refusal::Again(why) if tries < TRIES => tracing::debug!(shard = self.owned.shard.0, "a transaction is tried again: {why}"),
                Refusal::TooLarge(index) if tries < TRIES => batch = self.too_large(batch, &draft, index),
                other @ (Refusal::Lost(_) | Refusal::NoTopic | Refusal::TooLarge(_) | Refusal::Again(_) | Refusal::Aborted(_)) => {
                    let fault = self.fault(other);
                    return answer(batch, &Err(fault));
                }
            }
        }
    }

    /// Those steps whose cursors are where they say; the others are refused.
    fn draft(&self, batch: Vec<Waiting>, draft: &mut Draft) -> Vec<Waiting> {
        let held = locked(&self.owned.held);
        let mut kept = Vec::with_capacity(batch.len());
        for waiting in batch {
            match draft.add(&held, &waiting.step) {
                Ok(()) => kept.push(waiting),
                Err(fault) => drop(waiting.reply.send(Err(fault))),
            }
        }
        kept
    }

    fn commit(&mut self, draft: Draft) -> Result<(), Box<(Refusal, Draft)>> {
        if let Err(fault) = self.make_topics(&draft) {
            return Err(Box::new((Refusal::Aborted(fault), draft)));
        }
        let owned = self.owned;
        match self.transactions.commit(&draft, &|| owned.is_lost()) {
            Ok(()) => {
                let mut held = locked(&owned.held);
                held.apply(draft);
                owned.inbox.done(held.inbox_done);
                Ok(())
            }
            Err(refusal) => Err(Box::new((refusal, draft))),
        }
    }

    fn make_topics(&self, draft: &Draft) -> Result<(), LogFault> {
        let topics = TopicsOf::all(&self.core.names, draft.events().map(|(_, _, event)| event));
        self.core.topics.ensure(topics.iter().map(String::as_str))
    }

    fn too_large(&self, mut batch: Vec<Waiting>, draft: &Draft, index: usize) -> Vec<Waiting> {
        if let Some((step, at, event)) = draft.events().nth(index) {
            let bytes = super::wire::event(event).bytes;
            let culprit = batch.remove(step.min(batch.len() - 1));
            let limit_bytes = self.core.config.event_bytes_max.min(bytes.saturating_sub(1));
            drop(culprit.reply.send(Err(LogFault::TooLarge { index: at, bytes, limit_bytes })));
        }
        batch
    }

    /// What the callers are told, and what it means for us.
    fn fault(&self, refusal: Refusal) -> LogFault {
        match refusal {
            Refusal::Lost(why) => {
                tracing::warn!(shard = self.owned.shard.0, "the shard is lost: {why}");
                metrics::LOG_KAFKA_FENCED_TOTAL.inc();
                // If the topics are the reason, whoever takes the shard over looks for them again.
                self.core.topics.forget();
                self.owned.lose();
                LogFault::Fenced(self.owned.shard)
            }
            Refusal::NoTopic => LogFault::Unavailable("a topic is removed again and again".to_owned()),
            Refusal::TooLarge(_) => LogFault::Unavailable("the broker takes smaller messages than `event_bytes_max` says".to_owned()),
            Refusal::Again(why) => LogFault::Unavailable(why),
            Refusal::Aborted(fault) => fault,
        }
    }

    fn purge(&mut self, tenant: &TenantId) -> Result<(), LogFault> {
        let draft = locked(&self.owned.held).without(tenant);
        if draft.is_empty() {
            return Ok(());
        }
        self.commit(draft).map_err(|failed| self.fault(failed.0))
    }

    /// Removes from the brokers what is done and what providers send no more.
    fn tidy(&mut self) {
        self.tidied = Instant::now();
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0);
        let (done, expired) = {
            let held = locked(&self.owned.held);
            (held.inbox_done.0, held.expired(now, FORGET_AT_ONCE))
        };
        if !expired.is_empty() {
            let seen = expired.into_iter().map(|key| (key, None)).collect();
            if let Err(failed) = self.commit(Draft { seen, ..Draft::default() }) {
                let fault = self.fault(failed.0);
                tracing::warn!("old deliveries could not be forgotten: {fault}");
            }
        }
        if done > self.trimmed {
            match self.core.topics.trim_inbox(self.owned.shard, i64::try_from(done).unwrap_or(i64::MAX)) {
                Ok(()) => self.trimmed = done,
                Err(fault) => tracing::warn!("what is done of the inbox could not be removed: {fault}"),
            }
        }
    }
}

fn answer(batch: Vec<Waiting>, with: &Result<(), LogFault>) {
    for waiting in batch {
        drop(waiting.reply.send(with.clone()));
    }
}
