//! A step that waits for a transaction, and what of it may not be in two of them at once.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use syncline_model::Step;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{super::wire, Reply};
use crate::metrics;

/// Steps that may wait for the same shard, and KiB of events in them.
const STEPS_MAX: u32 = 1024;
const KIB_MAX: u32 = 64 << 10;

/// The room for the steps of one shard. Whoever finds none waits, and so does its reading.
pub fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(KIB_MAX as usize))
}

/// What the headers of an event take in librdkafka, which keeps each by itself.
const HEADERS_BYTES: usize = 1024;

/// How much of it a step takes: what its events have, and its share of how many there may be.
pub fn room_for(step: &Step) -> u32 {
    let kib = u32::try_from(bytes_of(step) >> 10).unwrap_or(u32::MAX);
    kib.clamp(KIB_MAX / STEPS_MAX, KIB_MAX)
}

fn bytes_of(step: &Step) -> usize {
    step.events.iter().map(|event| event.body.len() + HEADERS_BYTES).sum()
}

/// A step, and who waits for it.
pub struct Waiting {
    pub step: Arc<Step>,
    pub reply: Reply,
    /// Its events as they are written, once: who hands a step over makes them, so that lanes and brokers need not wait for it.
    pub messages: Vec<wire::Outgoing>,
    pub(super) touches: Vec<u64>,
    pub(super) bytes: usize,
    _counted: Counted,
    _room: OwnedSemaphorePermit,
}

/// Is counted for as long as it is there.
struct Counted(i64);

impl Counted {
    fn new(bytes: usize) -> Self {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        metrics::LOG_KAFKA_STEPS_WAITING.inc();
        metrics::LOG_KAFKA_BYTES_WAITING.add(bytes);
        Self(bytes)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::LOG_KAFKA_STEPS_WAITING.dec();
        metrics::LOG_KAFKA_BYTES_WAITING.sub(self.0);
    }
}

impl Waiting {
    pub fn new(step: Arc<Step>, reply: Reply, room: OwnedSemaphorePermit) -> Self {
        let bytes = bytes_of(&step);
        Self {
            touches: touches(&step),
            bytes,
            messages: wire::events(&step.events),
            step,
            reply,
            _counted: Counted::new(bytes),
            _room: room,
        }
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
