//! Makes pages durable: first what is refused, then events and cursors in one step. Several steps of a stream are under way at once, each
//! from where the one before puts the cursors; when one fails, those behind it fail too, and are done again behind it.

use std::sync::Arc;

use jiff::Timestamp;
use syncline_model::{Cursor, Event, Fault, LogFault, Quarantined, Step, ledger::Level};

use super::{
    Parts, Pump,
    parts::Change,
    sifter::Sifter,
    window::{Drafted, Window},
};
use crate::{metrics, tries::insist};

/// What becomes durable together.
pub struct Draft {
    pub events: Vec<Event>,
    pub refused: Vec<Quarantined>,
    pub changes: Changes,
}

/// Which cursors move with it.
pub enum Changes {
    /// Those of a page, after which reading goes on here.
    Page(Cursor),
    /// These.
    Fixed(Vec<Change>),
}

/// How a commit ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Yes,
    /// A cursor is not where we believed; nothing of it is durable.
    Conflict,
}

impl Pump {
    /// Hands a draft to the log. What comes behind it is drafted as if it were durable.
    pub(super) async fn submit(&self, draft: Draft, parts: &mut Parts, sifter: &mut Sifter, window: &mut Window) -> Result<(), Fault> {
        for refused in &draft.refused {
            self.quarantine(refused).await?;
        }
        let (changes, is_page) = match draft.changes {
            Changes::Page(next) => (sifter.page_changes(&next), true),
            Changes::Fixed(changes) => (changes, false),
        };
        let mut advances = parts.advances(&changes);
        let forgotten = sifter.settled();
        if draft.events.is_empty() && advances.is_empty() {
            self.committed(0, forgotten);
            return Ok(());
        }
        if is_page && !advances.iter().any(|advance| advance.key.part == sifter.anchor()) {
            // Every page moves this cursor, if only to where it is, so that none is taken whose predecessor was refused.
            advances.extend(parts.stay(sifter.anchor()));
        }
        parts.moved(advances.clone());
        let step = Arc::new(Step { events: draft.events, advances, ..Step::default() });
        let answer = self.task.link.shard.submit(Arc::clone(&step)).await;
        window.push(Drafted { step, forgotten }, answer);
        Ok(())
    }

    /// Waits until nothing is under way any more.
    pub(super) async fn drain(&self, window: &mut Window, sifter: &mut Sifter) -> Result<Committed, Fault> {
        while let Some((drafted, done)) = window.oldest().await {
            if self.settle(drafted, done, window, sifter).await? == Committed::Conflict {
                return Ok(Committed::Conflict);
            }
        }
        Ok(Committed::Yes)
    }

    /// The oldest step was decided. If it failed, those behind it did too, and all of them are done again, one after the other.
    pub(super) async fn settle(
        &self,
        drafted: Drafted,
        done: Result<(), LogFault>,
        window: &mut Window,
        sifter: &mut Sifter,
    ) -> Result<Committed, Fault> {
        let Err(fault) = done else {
            self.committed(drafted.step.events.len(), drafted.forgotten);
            return Ok(Committed::Yes);
        };
        let (mut behind, mut overtaken) = (Vec::new(), false);
        while let Some((later, done)) = window.oldest().await {
            match done {
                // The log had taken the first one after all, and its answer was lost: only the log knows now where we are.
                Ok(()) => {
                    self.committed(later.step.events.len(), later.forgotten);
                    overtaken = true;
                }
                Err(_) => behind.push(later),
            }
        }
        if overtaken || self.again(drafted, Some(fault), sifter).await? == Committed::Conflict {
            return Ok(Committed::Conflict);
        }
        for later in behind {
            // What is not in flight any more is read again.
            if self.task.link.stop.is_cancelled() {
                return Err(Fault::Stopped);
            }
            if self.again(later, None, sifter).await? == Committed::Conflict {
                return Ok(Committed::Conflict);
            }
        }
        Ok(Committed::Yes)
    }

    /// Does about a fault what it says, until the step is durable.
    async fn again(&self, mut drafted: Drafted, mut fault: Option<LogFault>, sifter: &mut Sifter) -> Result<Committed, Fault> {
        let mut tries = self.task.link.config.retry.iter();
        loop {
            let done = match fault.take() {
                Some(fault) => Err(fault),
                None => self.task.link.shard.submit(Arc::clone(&drafted.step)).await.await,
            };
            match done {
                Ok(()) => {
                    self.committed(drafted.step.events.len(), drafted.forgotten);
                    return Ok(Committed::Yes);
                }
                Err(LogFault::Conflict(_)) => return Ok(Committed::Conflict),
                Err(LogFault::Fenced(shard)) => {
                    (self.task.link.fenced)(shard);
                    return Err(Fault::Stopped);
                }
                Err(LogFault::TooLarge { index, bytes, limit_bytes }) if index < drafted.step.events.len() => {
                    let step = Arc::make_mut(&mut drafted.step);
                    let event = step.events.remove(index);
                    sifter.unpublished(&event, &mut step.advances);
                    self.too_large(event, bytes, limit_bytes).await?;
                }
                Err(fault @ (LogFault::TooLarge { .. } | LogFault::Unavailable(_) | LogFault::Damaged(_))) => match tries.next() {
                    // Not ended by a stop: a step in flight is ended, and its time is bounded by the tries.
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(fault.into()),
                },
            }
        }
    }

    async fn too_large(&self, event: Event, bytes: usize, limit_bytes: usize) -> Result<(), Fault> {
        let cause = format!("its event has {bytes} bytes and the log takes {limit_bytes}");
        self.quarantine(&self.quarantined(Some(event.key), event.body, cause)).await
    }

    /// Keeps a record that cannot be handled. Durable before the step that passes it.
    pub(super) async fn quarantine(&self, record: &Quarantined) -> Result<(), Fault> {
        let ledger = &self.task.link.ledger;
        insist(&self.task.waiter, || ledger.quarantine(record, Timestamp::now())).await?;
        metrics::RECORDS_QUARANTINED_TOTAL.with_label_values(&[self.task.source.connector.as_str()]).inc();
        self.task.link.board.update(&self.task.spec.name, |progress| progress.quarantined += 1);
        let key = record.key.as_ref().map(|key| format!(" `{key}`")).unwrap_or_default();
        self.task.link.board.say(Level::Warn, format!("`{}`: a record{key} is in quarantine: {}", self.task.spec.name, record.cause));
        Ok(())
    }

    fn committed(&self, events: usize, forgotten: u64) {
        let connector = self.task.source.connector.as_str();
        metrics::EVENTS_APPENDED_TOTAL.with_label_values(&[connector]).inc_by(events as u64);
        metrics::BOUNDARY_OVERFLOW_TOTAL.with_label_values(&[connector]).inc_by(forgotten);
        self.task.link.board.update(&self.task.spec.name, |progress| progress.events += events as u64);
        self.task.link.progressed();
    }
}
