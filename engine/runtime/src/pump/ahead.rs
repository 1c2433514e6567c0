//! Pages that were read and are not written yet. Reading goes on while the log writes, and what has come meanwhile becomes one step, so
//! that neither waits for the other. Bounded in pages and bytes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use syncline_model::Fault;
use syncline_sdk::Page;
use tokio::sync::Notify;

const PAGES_MAX: usize = 32;
const BYTES_MAX: usize = 1 << 20;

/// What one reader has read ahead of the log.
#[derive(Default)]
pub struct Ahead {
    waiting: Mutex<Read>,
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
    bytes: usize,
}

impl Ahead {
    /// A page has come.
    pub fn push(&self, page: Page, left_out: bool) {
        let mut waiting = self.lock();
        let refused = page.refused.iter().map(|refused| refused.body.len());
        waiting.bytes += page.records.iter().map(|record| record.body.len()).chain(refused).sum::<usize>();
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

    /// Waits until there is something, and takes all of it.
    pub async fn take(&self) -> Read {
        loop {
            {
                let mut waiting = self.lock();
                if !waiting.pages.is_empty() || waiting.end.is_some() {
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
