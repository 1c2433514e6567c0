//! The undone items of a shard's inbox, as the member of the owners' group has read them. Bounded: the member stops reading a
//! partition whose items nobody takes.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use syncline_model::{
    LogFault,
    log::{InboxItem, InboxOffset},
};
use tokio::sync::Notify;

use crate::embedded::locked;

const ITEMS_MAX: usize = 2_000;
const BYTES_MAX: usize = 16 << 20;
/// How long the first reading of a partition may take.
const FIRST: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Waiting {
    items: VecDeque<(InboxOffset, InboxItem)>,
    bytes: usize,
    reached_end: bool,
}

/// What waits in one partition.
#[derive(Default)]
pub struct Inbox {
    waiting: Mutex<Waiting>,
    more: Notify,
}

impl Inbox {
    /// An item has come. Says whether there is room for more.
    pub fn push(&self, offset: InboxOffset, item: InboxItem) -> bool {
        let mut waiting = locked(&self.waiting);
        waiting.bytes += item.body.len();
        waiting.items.push_back((offset, item));
        self.more.notify_waiters();
        waiting.items.len() < ITEMS_MAX && waiting.bytes < BYTES_MAX
    }

    /// Everything that was there has been read.
    pub fn reach_end(&self) {
        locked(&self.waiting).reached_end = true;
        self.more.notify_waiters();
    }

    /// Half of the room is free.
    pub fn has_room(&self) -> bool {
        let waiting = locked(&self.waiting);
        waiting.items.len() < ITEMS_MAX / 2 && waiting.bytes < BYTES_MAX / 2
    }

    /// Forgets what is done.
    pub fn done(&self, done: InboxOffset) {
        let mut waiting = locked(&self.waiting);
        while let Some((offset, item)) = waiting.items.pop_front() {
            if offset > done {
                waiting.items.push_front((offset, item));
                return;
            }
            waiting.bytes -= item.body.len();
        }
    }

    /// What waits behind an offset. The first time, it waits until it is known what is there.
    pub async fn after(&self, after: InboxOffset, items_max: usize) -> Result<Vec<(InboxOffset, InboxItem)>, LogFault> {
        let deadline = tokio::time::Instant::now() + FIRST;
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            {
                let waiting = locked(&self.waiting);
                let found: Vec<_> = waiting.items.iter().filter(|(offset, _)| *offset > after).take(items_max).cloned().collect();
                if waiting.reached_end || found.len() == items_max {
                    return Ok(found);
                }
            }
            if tokio::time::timeout_at(deadline, more).await.is_err() {
                return Err(LogFault::Unavailable("the inbox has not been read yet".to_owned()));
            }
        }
    }
}
