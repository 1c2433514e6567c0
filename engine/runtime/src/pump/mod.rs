//! Reads one stream, page by page, and hands every page to the log, one page ahead of it. A plain value: whoever runs it may drop it
//! at any moment, and another one goes on behind the last step that was committed.

mod boundary;
mod commit;
mod digests;
mod fetch;
mod generation;
mod parts;
mod sifter;

use std::sync::{Arc, Mutex};

use syncline_model::{
    Cursor, CursorEntry, Event, Fault, Origin, Quarantined, Record, event::Source, record::RecordKey, schedule::SyncMode,
};
use syncline_sdk::{Context, Page, Reader, StreamSpec};

pub(crate) use digests::key_hash;
pub use parts::{HISTORY, HISTORY_KNOWN, Parts};

use crate::{
    job::Link,
    metrics,
    patience::Waiter,
    tries::{insist, unless_stopped},
};
use commit::{Committed, Draft};
use sifter::Sifter;

/// One stream of one job.
#[derive(Clone)]
pub struct StreamTask {
    /// What its job holds on to.
    pub link: Arc<Link>,
    /// Whose stream it is.
    pub source: Source,
    /// The stream.
    pub spec: StreamSpec,
    /// How it is read.
    pub mode: SyncMode,
    /// How it waits.
    pub waiter: Arc<Waiter>,
    /// What its connector works with.
    pub context: Context,
    /// Somebody accepted that the source has become smaller.
    pub sweep_accepted: bool,
    /// It was read to its end once.
    pub history_known: bool,
    /// The stream's cursors, as they were when the job was planned, for whoever reads it first.
    pub cursors: Arc<Mutex<Option<Vec<CursorEntry>>>>,
}

/// How the reading of a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// It was read to its end.
    Read {
        /// What the owner is asked about it.
        asks: Option<String>,
    },
    /// It could not be read further.
    Failed(Fault),
    /// It died too often. The text says of what.
    Quarantined(String),
}

enum Pass {
    Ended(Option<String>),
    /// Somebody else moved a cursor; what we believe about it must be read again.
    Reload,
}

/// How often in a row a stream may find its cursors moved by somebody else.
const RELOADS_MAX: usize = 5;

/// Reads one stream.
pub struct Pump {
    task: StreamTask,
}

impl Pump {
    /// For this stream.
    pub fn new(task: StreamTask) -> Self {
        Self { task }
    }

    /// Reads the stream to its end for now.
    pub async fn run(self) -> StreamEnd {
        let entered = self.task.link.gate.enter();
        let end = match self.passes().await {
            Ok(asks) => StreamEnd::Read { asks },
            Err(fault) => StreamEnd::Failed(fault),
        };
        drop(entered);
        let fault = match &end {
            StreamEnd::Read { .. } | StreamEnd::Failed(Fault::Stopped) => None,
            StreamEnd::Failed(fault) => Some(fault.to_string()),
            StreamEnd::Quarantined(cause) => Some(cause.clone()),
        };
        self.task.link.board.update(&self.task.spec.name, |progress| {
            progress.done = matches!(end, StreamEnd::Read { .. });
            progress.fault = fault;
        });
        end
    }

    async fn passes(&self) -> Result<Option<String>, Fault> {
        for _ in 0..=RELOADS_MAX {
            match self.pass().await? {
                Pass::Ended(asks) => return Ok(asks),
                Pass::Reload => {
                    tracing::warn!(stream = %self.task.spec.name, "a cursor of `{}` was moved by somebody else, reading it again", self.task.spec.name);
                }
            }
        }
        Err(Fault::Internal(format!("the cursors of `{}` are moved by somebody else again and again", self.task.spec.name)))
    }

    async fn pass(&self) -> Result<Pass, Fault> {
        let task = &self.task;
        let mut parts = self.load().await?;
        let mut sifter = Sifter::load(&parts, task.mode, &task.spec.delete, task.sweep_accepted, &task.link.config);
        let origin = if parts.get(HISTORY).is_some() { Origin::Poll } else { Origin::Backfill };
        if !sifter.is_ending() {
            let mut reader = self.open(&sifter.position(&parts)).await?;
            let mut fetched = self.next_page(reader.as_mut(), &mut sifter).await?;
            while let Some(page) = fetched {
                let draft = self.draft(page, origin, &mut sifter);
                let mut ahead_sifts = LeftOut(false);
                let (committed, next) =
                    futures::join!(self.commit(draft, &mut parts, &mut sifter), self.page_ahead(reader.as_mut(), &mut ahead_sifts));
                if ahead_sifts.0 {
                    sifter.left_out();
                }
                if committed? == Committed::Conflict {
                    return Ok(Pass::Reload);
                }
                fetched = next?;
            }
        }
        self.finish(origin, &mut parts, &mut sifter).await
    }

    async fn page_ahead(&self, reader: &mut dyn Reader, left_out: &mut LeftOut) -> Result<Option<Page>, Fault> {
        let link = &self.task.link;
        unless_stopped(&link.stop, async {
            link.gate.page_end().await;
            Ok(())
        })
        .await?;
        self.fetch(reader, left_out).await
    }

    async fn next_page(&self, reader: &mut dyn Reader, sifter: &mut Sifter) -> Result<Option<Page>, Fault> {
        let mut left_out = LeftOut(false);
        let page = self.fetch(reader, &mut left_out).await;
        if left_out.0 {
            sifter.left_out();
        }
        page
    }

    /// What of a page goes into the log, and what into quarantine.
    fn draft(&self, page: Page, origin: Origin, sifter: &mut Sifter) -> Draft {
        let Page { records, refused, next, records_expected } = page;
        let connector = self.task.source.connector.as_str();
        let (count, bytes) = (records.len() as u64, records.iter().map(|record| record.body.len() as u64).sum::<u64>());
        metrics::RECORDS_READ_TOTAL.with_label_values(&[connector]).inc_by(count);
        metrics::RECORDS_READ_BYTES_TOTAL.with_label_values(&[connector]).inc_by(bytes);
        self.task.link.board.update(&self.task.spec.name, |progress| {
            progress.pages += 1;
            progress.records += count;
            progress.bytes += bytes;
            progress.records_expected = records_expected.or(progress.records_expected);
            progress.fault = None;
        });
        for refused in &refused {
            sifter.refused(refused.key.as_ref());
        }
        let refused = refused.into_iter().map(|refused| self.quarantined(refused.key, refused.body, refused.cause)).collect();
        let events: Vec<Event> = records.into_iter().map(|record| Event::new(&self.task.source, origin, record)).collect();
        let events = sifter.sift(events);
        metrics::RECORDS_KNOWN_TOTAL.with_label_values(&[connector]).inc_by(count - events.len() as u64);
        Draft { events, refused, changes: commit::Changes::Page(next) }
    }

    async fn finish(&self, origin: Origin, parts: &mut Parts, sifter: &mut Sifter) -> Result<Pass, Fault> {
        loop {
            let step = sifter.end_step(parts);
            let gone = step.gone.into_iter().map(|key| Event::new(&self.task.source, origin, deleted(key))).collect();
            let draft = Draft { events: gone, refused: Vec::new(), changes: commit::Changes::Fixed(step.changes) };
            if self.commit(draft, parts, sifter).await? == Committed::Conflict {
                return Ok(Pass::Reload);
            }
            if step.last {
                return Ok(Pass::Ended(sifter.asks().map(str::to_owned)));
            }
        }
    }

    fn quarantined(&self, key: Option<RecordKey>, body: bytes::Bytes, cause: String) -> Quarantined {
        let source = &self.task.source;
        Quarantined {
            tenant: source.tenant.clone(),
            integration: source.integration.clone(),
            connector: source.connector.clone(),
            stream: source.stream.clone(),
            key,
            body,
            cause,
        }
    }

    async fn open(&self, from: &Cursor) -> Result<Box<dyn Reader>, Fault> {
        let task = &self.task;
        insist(&task.waiter, || task.link.connector.open(&task.context, &task.spec, task.mode, from)).await
    }
}

/// Whether something was left out while a page was fetched.
struct LeftOut(bool);

fn deleted(key: RecordKey) -> Record {
    Record { key, body: bytes::Bytes::new(), version: None, time: None, deleted: true }
}

#[cfg(test)]
mod tests;
