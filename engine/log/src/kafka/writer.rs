//! Writes the steps of one shard, in lanes that do not wait for each other: those that come while all are busy share a transaction. A
//! step is checked whole before anything of it is written, and a transaction is never held open while we wait for more.

use std::{
    sync::Arc,
    thread::{Builder, Scope},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use syncline_model::{LogFault, TenantId};

use super::{
    Core,
    held::Draft,
    names::TopicsOf,
    producer::{Refusal, Transactions},
    queue::{Reply, Turn, Waiting},
    shard::Owned,
};
use crate::{embedded::locked, metrics};

const TRIES: u32 = 3;
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// A further lane that had nothing to do for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Who reads a tenant's events on from where it stands does so within this, or finds its place anew.
const COMES_BACK: Duration = Duration::from_secs(5);
const FORGET_AT_ONCE: usize = 1_000;

/// Writes until the shard is lost.
pub fn run(core: &Arc<Core>, owned: &Arc<Owned>, transactions: Transactions) {
    std::thread::scope(|scope| Lane::new(core, owned, 0, transactions).first(scope));
}

/// One transaction after the other, beside those of other lanes.
struct Lane<'a> {
    core: &'a Arc<Core>,
    owned: &'a Arc<Owned>,
    number: usize,
    transactions: Transactions,
    answers: Vec<(Reply, Result<(), LogFault>)>,
    trimmed: u64,
    tidied: Instant,
}

impl<'a> Lane<'a> {
    fn new(core: &'a Arc<Core>, owned: &'a Arc<Owned>, number: usize, transactions: Transactions) -> Self {
        Self { core, owned, number, transactions, answers: Vec::new(), trimmed: 0, tidied: Instant::now() }
    }

    /// The first lane also does what is done once for a shard, and opens the others.
    fn first<'scope>(mut self, scope: &'scope Scope<'scope, 'a>) {
        self.owned.queue.enter(self.number);
        loop {
            let (turn, work) = self.owned.queue.turn(self.number, self.tidied + HOUSEKEEPING);
            match turn {
                Turn::Write(batch) => self.write_batch(batch),
                Turn::Purge(tenant, reply) => {
                    let done = self.purge(&tenant);
                    self.answers.push((reply, done));
                }
                Turn::Tidy => self.tidy(),
                Turn::Announce(reply) => drop(reply.send(self.announce())),
                Turn::Widen(number) => {
                    self.widen(number, scope);
                    continue;
                }
                Turn::End => return,
            }
            self.owned.queue.done(self.number, &work);
            self.answer();
        }
    }

    /// Only when the queue knows that this is over: whoever is answered may come back at once.
    fn answer(&mut self) {
        for (reply, answer) in self.answers.drain(..) {
            drop(reply.send(answer));
        }
    }

    fn widen<'scope>(&self, number: usize, scope: &'scope Scope<'scope, 'a>) {
        let (core, owned) = (self.core, self.owned);
        let name = format!("shard-{}.{number}", owned.shard);
        if let Err(error) = Builder::new().name(name).spawn_scoped(scope, move || further(core, owned, number)) {
            tracing::warn!(shard = owned.shard.0, "no thread for another lane: {error}");
            owned.queue.narrow();
        }
    }

    /// Tells the next owner which lanes to fence. It also proves that we are the owner still: the brokers refuse it otherwise, and then
    /// the new lane, whose producer nobody may know of, is not used.
    fn announce(&mut self) -> bool {
        let lanes = locked(&self.owned.held).lanes.max(self.owned.queue.lanes() as u64);
        match self.commit(Draft { lanes: Some(lanes), ..Draft::default() }) {
            Ok(()) => true,
            Err(failed) => {
                let fault = self.fault(failed.0);
                tracing::debug!(shard = self.owned.shard.0, "another lane cannot be made known: {fault}");
                false
            }
        }
    }

    fn write_batch(&mut self, mut batch: Vec<Waiting>) {
        metrics::LOG_STEPS_PER_TRANSACTION.observe(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let mut tries = 0;
        batch = self.without_forbidden(batch);
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
                return self.settle(batch, &Ok(()));
            };
            let (refusal, draft) = *failed;
            match refusal {
                Refusal::NoTopic if tries < TRIES => self.core.topics.forget(),
                Refusal::Again(why) if tries < TRIES => tracing::debug!(shard = self.owned.shard.0, "a transaction is tried again: {why}"),
                Refusal::TooLarge(index) if tries < TRIES => batch = self.too_large(batch, &draft, index),
                Refusal::Forbidden { topics, lost } => {
                    topics.into_iter().for_each(|topic| self.core.topics.forbid(topic));
                    batch = self.without_forbidden(batch);
                    if lost {
                        let fault = self.fault(Refusal::Lost("a producer cannot go on after it was refused a topic".to_owned()));
                        return self.settle(batch, &Err(fault));
                    }
                }
                other @ (Refusal::Lost(_) | Refusal::NoTopic | Refusal::TooLarge(_) | Refusal::Again(_) | Refusal::Aborted(_)) => {
                    let fault = self.fault(other);
                    return self.settle(batch, &Err(fault));
                }
            }
        }
    }

    /// Those steps that write to nothing that we may not write to; the others are refused.
    fn without_forbidden(&mut self, batch: Vec<Waiting>) -> Vec<Waiting> {
        let names = &self.core.names;
        let mut kept = Vec::with_capacity(batch.len());
        for waiting in batch {
            let (mut topics, own) = (TopicsOf::new(names), [names.cursors(), names.seen()]);
            let mut used = own.to_vec();
            for event in &waiting.step.events {
                let topic = topics.of(event);
                if used.last().is_none_or(|last| last != topic) {
                    used.push(topic.to_owned());
                }
            }
            match self.core.topics.forbidden(used.iter().map(String::as_str)) {
                Some(fault) => self.answers.push((waiting.reply, Err(fault))),
                None => kept.push(waiting),
            }
        }
        kept
    }

    /// Those steps whose cursors are where they say; the others are refused.
    fn draft(&mut self, batch: Vec<Waiting>, draft: &mut Draft) -> Vec<Waiting> {
        let held = locked(&self.owned.held);
        let mut kept = Vec::with_capacity(batch.len());
        for mut waiting in batch {
            match draft.add(&held, &waiting.step, std::mem::take(&mut waiting.messages)) {
                Ok(()) => kept.push(waiting),
                Err(fault) => self.answers.push((waiting.reply, Err(fault))),
            }
        }
        kept
    }

    fn settle(&mut self, batch: Vec<Waiting>, with: &Result<(), LogFault>) {
        self.answers.extend(batch.into_iter().map(|waiting| (waiting.reply, with.clone())));
    }

    fn commit(&mut self, mut draft: Draft) -> Result<(), Box<(Refusal, Draft)>> {
        if let Err(fault) = self.make_topics(&draft) {
            return Err(Box::new((Refusal::Aborted(fault), draft)));
        }
        let owned = self.owned;
        match self.transactions.commit(&mut draft, &|| owned.is_lost()) {
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

    fn too_large(&mut self, mut batch: Vec<Waiting>, draft: &Draft, index: usize) -> Vec<Waiting> {
        if let Some((step, at, event)) = draft.events().nth(index) {
            let bytes = super::wire::event(event).bytes;
            let culprit = batch.remove(step.min(batch.len() - 1));
            let limit_bytes = self.core.config.event_bytes_max.min(bytes.saturating_sub(1));
            self.answers.push((culprit.reply, Err(LogFault::TooLarge { index: at, bytes, limit_bytes })));
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
            Refusal::Forbidden { topics, .. } => {
                LogFault::Unavailable(format!("topic `{}`: topic authorization failed", topics.join("`, `")))
            }
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
        self.core.readers.rest(COMES_BACK);
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

/// The life of a lane that is only there while a shard has much to write.
fn further(core: &Arc<Core>, owned: &Arc<Owned>, number: usize) {
    let shard = owned.shard;
    let transactions = match Transactions::take_over(&core.config, &core.names, shard, owned.producer_of(number), &|| owned.is_lost()) {
        Ok(transactions) if owned.queue.announce() => transactions,
        Ok(_) => return owned.queue.narrow(),
        Err(fault) => {
            tracing::debug!(shard = shard.0, "another lane cannot be opened: {fault}");
            return owned.queue.narrow();
        }
    };
    metrics::LOG_KAFKA_LANES.inc();
    let mut lane = Lane::new(core, owned, number, transactions);
    owned.queue.enter(number);
    while let (Turn::Write(batch), work) = owned.queue.turn(number, Instant::now() + IDLE) {
        lane.write_batch(batch);
        owned.queue.done(number, &work);
        lane.answer();
    }
    metrics::LOG_KAFKA_LANES.dec();
}
