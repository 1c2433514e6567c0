//! Reads one stream, page by page, and hands the pages to the log while it reads the next ones. A plain value: whoever runs it may drop
//! it at any moment, and another one goes on behind the last step that was committed.

mod ahead;
mod boundary;
mod commit;
mod digests;
mod fetch;
mod generation;
mod parts;
mod sifter;
mod window;

use std::sync::{Arc, Mutex};

use syncline_model::{
    Cursor, CursorEntry, Event, Fault, Origin, Quarantined, Record, event::Source, record::RecordKey, schedule::SyncMode,
};
use syncline_sdk::{Context, Page, Reader, StreamSpec};

pub(crate) use digests::key_hash;
pub use parts::{HISTORY, HISTORY_KNOWN, Parts};
pub use window::Places;

use crate::{
    job::Link,
    metrics,
    patience::Waiter,
    tries::{insist, unless_stopped},
};
use ahead::{Ahead, Read};
use commit::{Committed, Draft};
use sifter::Sifter;
use window::Window;

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
            let ahead = Ahead::new(task.link.config.step_records_min);
            let reading = async {
                self.read_ahead(reader.as_mut(), &ahead).await;
                // Whoever writes knows of the end, and ends both.
                std::future::pending().await
            };
            let written = tokio::select! {
                written = self.write(&ahead, origin, &mut parts, &mut sifter) => written?,
                written = reading => written,
            };
            if written == Committed::Conflict {
                return Ok(Pass::Reload);
            }
        }
        self.finish(origin, &mut parts, &mut sifter).await
    }

    async fn read_ahead(&self, reader: &mut dyn Reader, ahead: &Ahead) {
        loop {
            let mut left_out = LeftOut(false);
            match self.next_page(reader, &mut left_out).await {
                Ok(Some(page)) => ahead.push(page, left_out.0),
                Ok(None) => return ahead.end(Ok(()), left_out.0),
                Err(fault) => return ahead.end(Err(fault), left_out.0),
            }
            ahead.room().await;
            let link = &self.task.link;
            let stay = async {
                link.gate.page_end().await;
                Ok(())
            };
            if let Err(fault) = unless_stopped(&link.stop, stay).await {
                return ahead.end(Err(fault), false);
            }
        }
    }

    /// Writes what is read, until there is no more of it.
    async fn write(&self, ahead: &Ahead, origin: Origin, parts: &mut Parts, sifter: &mut Sifter) -> Result<Committed, Fault> {
        let mut window = Window::new(&self.task.link.places);
        loop {
            let (is_empty, has_room) = (window.is_empty(), window.has_room());
            let Read { pages, left_out, end, .. } = tokio::select! {
                biased;
                Some((drafted, done)) = window.oldest() => match self.settle(drafted, done, &mut window, sifter).await? {
                    Committed::Yes => continue,
                    Committed::Conflict => return Ok(Committed::Conflict),
                },
                read = ahead.take(!is_empty), if has_room => read,
            };
            if left_out {
                sifter.left_out();
            }
            // What was read and is not written is read again; only steps in flight are ended.
            let is_stopped = matches!(end, Some(Err(Fault::Stopped)));
            if !is_stopped && let Some(draft) = self.draft(pages, origin, sifter) {
                self.submit(draft, parts, sifter, &mut window).await?;
            }
            if let Some(how) = end {
                let drained = self.drain(&mut window, sifter).await?;
                return how.map(|()| drained);
            }
        }
    }

    /// What of these pages goes into the log, and what into quarantine. Nothing if there are none.
    fn draft(&self, pages: Vec<Page>, origin: Origin, sifter: &mut Sifter) -> Option<Draft> {
        let (mut events, mut refused, mut last) = (Vec::new(), Vec::new(), None);
        for page in pages {
            self.count(&page);
            for refused in &page.refused {
                sifter.refused(refused.key.as_ref());
            }
            refused.extend(page.refused.into_iter().map(|refused| self.quarantined(refused.key, refused.body, refused.cause)));
            let read = page.records.len();
            let new = sifter.sift(page.records.into_iter().map(|record| Event::new(&self.task.source, origin, record)).collect());
            let known = metrics::RECORDS_KNOWN_TOTAL.with_label_values(&[self.task.source.connector.as_str()]);
            known.inc_by((read - new.len()) as u64);
            events.extend(new);
            last = Some(page.next);
        }
        last.map(|next| Draft { events, refused, changes: commit::Changes::Page(next) })
    }

    fn count(&self, page: &Page) {
        let connector = self.task.source.connector.as_str();
        let (count, bytes) = (page.records.len() as u64, page.records.iter().map(|record| record.body.len() as u64).sum::<u64>());
        metrics::RECORDS_READ_TOTAL.with_label_values(&[connector]).inc_by(count);
        metrics::RECORDS_READ_BYTES_TOTAL.with_label_values(&[connector]).inc_by(bytes);
        self.task.link.board.update(&self.task.spec.name, |progress| {
            progress.pages += 1;
            progress.records += count;
            progress.bytes += bytes;
            progress.records_expected = page.records_expected.or(progress.records_expected);
            progress.fault = None;
        });
    }

    async fn finish(&self, origin: Origin, parts: &mut Parts, sifter: &mut Sifter) -> Result<Pass, Fault> {
        let mut window = Window::new(&self.task.link.places);
        loop {
            let step = sifter.end_step(parts);
            let gone = step.gone.into_iter().map(|key| Event::new(&self.task.source, origin, deleted(key))).collect();
            let draft = Draft { events: gone, refused: Vec::new(), changes: commit::Changes::Fixed(step.changes) };
            self.submit(draft, parts, sifter, &mut window).await?;
            if self.drain(&mut window, sifter).await? == Committed::Conflict {
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
