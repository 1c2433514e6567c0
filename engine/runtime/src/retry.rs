//! How often and after how long something is tried again. Growing steps with jitter, by `backon`.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Growing steps: each is twice the one before, with jitter, up to `most`, and at most `tries` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// The first step.
    pub first: Duration,
    /// The longest step.
    pub most: Duration,
    /// How many steps there are.
    pub tries: usize,
}

impl Steps {
    /// The steps, one after the other.
    pub fn iter(self) -> ExponentialBackoff {
        ExponentialBuilder::default().with_min_delay(self.first).with_max_delay(self.most).with_max_times(self.tries).with_jitter().build()
    }

    /// The step after `failures` failures in a row, however many there were.
    pub fn after(self, failures: u32) -> Duration {
        let grown = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.most);
        grown + jitter(grown / 4)
    }
}

/// A random time below `most`.
pub fn jitter(most: Duration) -> Duration {
    let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    if most_ms == 0 { Duration::ZERO } else { Duration::from_millis(rand::random_range(0..most_ms)) }
}
