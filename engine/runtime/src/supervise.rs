//! Keeps something alive that may die: a factory makes it, a guard that it holds reports its death, and it is made again after
//! growing pauses. What dies too often without getting anywhere is given up for now, with the cause; whoever asked for it looks
//! again later. Restarting a value in place is never done, because a value that panicked cannot be trusted.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{metrics, retry::Steps};

/// Held by a child for as long as it lives. Dropping it without a word is a death.
pub struct Guard<T>(oneshot::Sender<T>);

impl<T> Guard<T> {
    /// A guard, and who hears from it.
    pub fn new() -> (Self, oneshot::Receiver<T>) {
        let (tell, hear) = oneshot::channel();
        (Self(tell), hear)
    }

    /// The child ended as it should, with this.
    pub fn tell(self, end: T) {
        // Nobody hears it when whoever asked is gone, and then nobody needs it.
        let _ = self.0.send(end);
    }
}

/// Counts lives and deaths of one child.
#[derive(Debug)]
pub struct Vitals {
    steps: Steps,
    generation: u64,
    deaths: u32,
    progress: u64,
}

/// What to do after a death.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Make it again after this time.
    Restart(Duration),
    /// Give it up for now.
    Quarantine,
}

impl Vitals {
    /// Nothing lived yet.
    pub fn new(steps: Steps) -> Self {
        Self { steps, generation: 0, deaths: 0, progress: 0 }
    }

    /// A child is made; the number is its own.
    pub fn born(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// The child died. `progress` is a number that grows when something was achieved; deaths count only since it last grew.
    pub fn died(&mut self, progress: u64) -> Verdict {
        if progress > self.progress {
            self.progress = progress;
            self.deaths = 0;
        }
        self.deaths += 1;
        let given_up = usize::try_from(self.deaths).is_ok_and(|deaths| deaths > self.steps.tries);
        if given_up { Verdict::Quarantine } else { Verdict::Restart(self.steps.after(self.deaths)) }
    }

    /// Deaths in a row.
    pub fn deaths(&self) -> u32 {
        self.deaths
    }
}

/// How a supervised child ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Life<T> {
    /// As it should, with this.
    Ended(T),
    /// It died so many times in a row.
    Quarantined(u32),
    /// It was told to stop while it was dead.
    Stopped,
}

/// Makes a child, and makes it again when it dies.
pub async fn supervised<T>(
    kind: &'static str,
    steps: Steps,
    stop: &CancellationToken,
    progress: impl Fn() -> u64,
    mut make: impl FnMut(u64, Guard<T>),
) -> Life<T> {
    let mut vitals = Vitals::new(steps);
    loop {
        let (guard, end) = Guard::new();
        make(vitals.born(), guard);
        if let Ok(end) = end.await {
            return Life::Ended(end);
        }
        if stop.is_cancelled() {
            return Life::Stopped;
        }
        match vitals.died(progress()) {
            Verdict::Quarantine => {
                metrics::QUARANTINES_TOTAL.with_label_values(&[kind]).inc();
                tracing::error!(kind, deaths = vitals.deaths(), "what died again and again is given up until the next probe");
                return Life::Quarantined(vitals.deaths());
            }
            Verdict::Restart(after) => {
                metrics::RESTARTS_TOTAL.with_label_values(&[kind]).inc();
                let restart_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(kind, deaths = vitals.deaths(), restart_ms, "what panicked is started again");
                tokio::select! {
                    () = stop.cancelled() => return Life::Stopped,
                    () = tokio::time::sleep(after) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
