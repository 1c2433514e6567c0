//! Makes one page durable: first what is refused, then events and cursors in one step.

use jiff::Timestamp;
use syncline_model::{Cursor, Event, Fault, LogFault, Quarantined, Step, ledger::Level};

use super::{Parts, Pump, parts::Change, sifter::Sifter};
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
    pub(super) async fn commit(&self, mut draft: Draft, parts: &mut Parts, sifter: &mut Sifter) -> Result<Committed, Fault> {
        for refused in &draft.refused {
            self.quarantine(refused).await?;
        }
        let mut tries = self.task.link.config.retry.iter();
        loop {
            let changes = match &draft.changes {
                Changes::Page(next) => sifter.page_changes(next),
                Changes::Fixed(changes) => changes.clone(),
            };
            let step = Step { events: draft.events.clone(), advances: parts.advances(&changes), ..Step::default() };
            let advances = step.advances.clone();
            let done = if step.is_empty() { Ok(()) } else { self.task.link.shard.commit(step).await };
            match done {
                Ok(()) => {
                    parts.moved(advances);
                    self.committed(draft.events.len(), sifter.settled());
                    return Ok(Committed::Yes);
                }
                Err(LogFault::Conflict(_)) => return Ok(Committed::Conflict),
                Err(LogFault::Fenced(shard)) => {
                    (self.task.link.fenced)(shard);
                    return Err(Fault::Stopped);
                }
                Err(LogFault::TooLarge { index, bytes, limit_bytes }) if index < draft.events.len() => {
                    let event = draft.events.remove(index);
                    sifter.unpublished(&event);
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
