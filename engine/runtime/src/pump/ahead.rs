//! Pages that were read and are not written yet. Reading goes on while the log writes, and what has come meanwhile becomes one step, so
//! that neither waits for the other. Bounded in pages and bytes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use syncline_model::Fault;
use syncline_sdk::Page;
use tokio::sync::Notify;

const PAGES_MAX: usize = 32;
const BYTES_MAX: usize = 1 << 20;
/// Beside steps that are under way, less than this is worth none of its own, unless there are many records.
const ENOUGH_BYTES: usize = 64 << 10;

/// What one reader has read ahead of the log.
pub struct Ahead {
    waiting: Mutex<Read>,
    records_enough: usize,
    came: Notify,
    taken: Notify,
}

/// What has come.
#[derive(Default)]
pub struct Read {
    /// The pages, in their order.
    pub pages: Vec<Page>,
    /// Something was left out between them.
    pub left_out: bool,
    /// There will be no more.
    pub end: Option<Result<(), Fault>>,
    records: usize,
    bytes: usize,
}

impl Read {
    fn is_worth_it(&self, beside_others: bool, records_enough: usize) -> bool {
        let is_enough = self.records >= records_enough || self.bytes >= ENOUGH_BYTES || self.pages.len() >= PAGES_MAX;
        if beside_others { is_enough } else { !self.pages.is_empty() }
    }
}

impl Ahead {
    /// Nothing yet. So many records are worth a step beside others.
    pub fn new(records_enough: usize) -> Self {
        Self { waiting: Mutex::default(), records_enough, came: Notify::new(), taken: Notify::new() }
    }

    /// A page has come.
    pub fn push(&self, page: Page, left_out: bool) {
        let mut waiting = self.lock();
        let refused = page.refused.iter().map(|refused| refused.body.len());
        waiting.bytes += page.records.iter().map(|record| record.body.len()).chain(refused).sum::<usize>();
        waiting.records += page.records.len();
        waiting.left_out |= left_out;
        waiting.pages.push(page);
        self.came.notify_one();
    }

    /// No more pages come.
    pub fn end(&self, how: Result<(), Fault>, left_out: bool) {
        let mut waiting = self.lock();
        waiting.left_out |= left_out;
        waiting.end = Some(how);
        self.came.notify_one();
    }

    /// Waits until another page may be read.
    pub async fn room(&self) {
        loop {
            {
                let waiting = self.lock();
                if waiting.pages.len() < PAGES_MAX && waiting.bytes < BYTES_MAX {
                    return;
                }
            }
            self.taken.notified().await;
        }
    }

    /// Waits until there is something, or, beside others, enough; and takes all of it. It may be dropped and asked again.
    pub async fn take(&self, beside_others: bool) -> Read {
        loop {
            {
                let mut waiting = self.lock();
                if waiting.end.is_some() || waiting.is_worth_it(beside_others, self.records_enough) {
                    self.taken.notify_one();
                    return std::mem::take(&mut *waiting);
                }
            }
            self.came.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
