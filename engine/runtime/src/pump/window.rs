//! Steps of one stream that the log has and has not answered yet. It decides them in their order, so that each may begin where the one
//! before it ends. Bounded in steps and bytes: each reader has a little for itself, and some at a time of all those of a node have more,
//! because a log far away is only kept busy by what is on its way.

use std::{collections::VecDeque, sync::Arc};

use syncline_model::{LogFault, Step, log::Answer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const STEPS_MAX: usize = 96;
/// What every reader may have under way.
const BYTES_OWN: usize = 1 << 20;
/// What those may have that found a place among the few.
const BYTES_MAX: usize = 4 << 20;
/// How many these are. So they hold no more together than this many times the difference.
const PLACES: usize = 32;

/// The places of those readers of a node that may have more under way than the others.
pub struct Places(Arc<Semaphore>);

impl Places {
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// How many nobody has.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new(PLACES)
    }
}

/// A step, and what is to be told when it is durable.
pub struct Drafted {
    pub step: Arc<Step>,
    /// How many ids at the newest version were forgotten for it.
    pub forgotten: u64,
}

/// What one reader has under way.
pub struct Window {
    under_way: VecDeque<(Drafted, usize, Answer)>,
    bytes: usize,
    places: Arc<Semaphore>,
    /// Held while there is more under way than every reader may have.
    place: Option<OwnedSemaphorePermit>,
}

impl Window {
    /// Nothing is under way.
    pub fn new(places: &Places) -> Self {
        Self { under_way: VecDeque::new(), bytes: 0, places: Arc::clone(&places.0), place: None }
    }

    /// Nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// One more may be handed over.
    pub fn has_room(&mut self) -> bool {
        let has_room = self.under_way.len() < STEPS_MAX && self.bytes < BYTES_MAX;
        has_room && (self.bytes < BYTES_OWN || self.takes_place())
    }

    fn takes_place(&mut self) -> bool {
        if self.place.is_none() {
            self.place = Arc::clone(&self.places).try_acquire_owned().ok();
        }
        self.place.is_some()
    }

    /// This one was handed over.
    pub fn push(&mut self, drafted: Drafted, answer: Answer) {
        let bytes = drafted.step.events.iter().map(|event| event.body.len()).sum();
        self.bytes += bytes;
        self.under_way.push_back((drafted, bytes, answer));
    }

    /// Waits for the answer to the one that was handed over first. It may be dropped and asked again.
    pub async fn oldest(&mut self) -> Option<(Drafted, Result<(), LogFault>)> {
        let (_, _, answer) = self.under_way.front_mut()?;
        let done = answer.await;
        let (drafted, bytes, _) = self.under_way.pop_front()?;
        self.bytes -= bytes;
        if self.bytes < BYTES_OWN {
            self.place = None;
        }
        Some((drafted, done))
    }
}
