//! A step that waits for a transaction, and what of it may not be in two of them at once.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use syncline_model::Step;
use tokio::sync::OwnedSemaphorePermit;

use super::Reply;

/// A step, and who waits for it.
pub struct Waiting {
    pub step: Arc<Step>,
    pub reply: Reply,
    pub(super) touches: Vec<u64>,
    pub(super) bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl Waiting {
    pub fn new(step: Arc<Step>, reply: Reply, room: OwnedSemaphorePermit) -> Self {
        let bytes = step.events.iter().map(|event| event.body.len() + 256).sum();
        Self { touches: touches(&step), bytes, step, reply, _room: room }
    }
}

/// What may not be in two transactions at once.
fn touches(step: &Step) -> Vec<u64> {
    fn hash(of: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        hasher.finish()
    }
    let advances = step.advances.iter().map(|advance| (&advance.key.tenant, &advance.key.integration, &advance.key.stream));
    let events = step.events.iter().map(|event| (&event.tenant, &event.integration, &event.stream));
    let mut streams: Vec<_> = advances.chain(events).collect();
    // Nearly all of a step are of one stream, and neighbours.
    streams.dedup();
    let mut all: Vec<u64> = streams.into_iter().map(hash).collect();
    if step.inbox.is_some() || !step.seen.is_empty() {
        all.push(hash("the inbox and deliveries"));
    }
    all.sort_unstable();
    all.dedup();
    all
}
