//! How much goes into one transaction.

use super::Waiting;

const EVENTS_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;
/// So many events are worth a transaction of their own; nobody is waited for.
const ENOUGH: usize = 1000;

/// Some steps, counted.
#[derive(Default)]
pub struct Batch {
    pub steps: usize,
    events: usize,
    bytes: usize,
}

impl Batch {
    /// One more.
    pub fn add(&mut self, waiting: &Waiting) {
        (self.steps, self.events, self.bytes) = (self.steps + 1, self.events + waiting.step.events.len(), self.bytes + waiting.bytes);
    }

    /// Nobody is waited for.
    pub fn is_enough(&self) -> bool {
        self.events >= ENOUGH || self.bytes >= BYTES_MAX
    }

    /// A transaction takes no more.
    pub fn is_full(&self) -> bool {
        self.events >= EVENTS_MAX || self.bytes >= BYTES_MAX
    }

    /// Most of its steps would be worth a transaction of their own.
    pub fn is_large(&self) -> bool {
        self.steps > 0 && self.events >= self.steps * ENOUGH
    }

    /// It waits for the first lane, unless so much waits that it makes a whole transaction.
    pub fn is_for_the_first(&self) -> bool {
        self.is_large() && !self.is_full()
    }
}
