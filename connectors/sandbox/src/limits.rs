//! A rate limit in fixed windows, announced in the headers that providers use.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// So many requests in so much time, for each provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many.
    pub requests: u32,
    /// In how many milliseconds.
    pub per_ms: u64,
}

/// What is left of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub limit: u32,
    pub remaining: u32,
    pub reset: Duration,
    pub allowed: bool,
}

/// Counts the requests of one provider.
#[derive(Debug, Default)]
pub(crate) struct Window {
    since: Option<Instant>,
    used: u32,
}

impl Window {
    /// Takes one request out of the window.
    pub(crate) fn take(&mut self, limit: RateLimit, now: Instant) -> Allowance {
        let length = Duration::from_millis(limit.per_ms);
        let since = match self.since {
            Some(since) if now.duration_since(since) < length => since,
            _ => {
                self.used = 0;
                now
            }
        };
        self.since = Some(since);
        let allowed = self.used < limit.requests;
        self.used += u32::from(allowed);
        let reset = length.saturating_sub(now.duration_since(since));
        Allowance { limit: limit.requests, remaining: limit.requests.saturating_sub(self.used), reset, allowed }
    }
}
