//! Who runs: so that the end of the process can wait for groups to be left, and taking over does not ask for everything at once.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::embedded::locked;

/// The threads of a log, counted by what they are for.
#[derive(Default)]
pub struct Threads {
    running: Mutex<HashMap<String, usize>>,
    gone: Notify,
}

/// One thread; it ends when this is dropped.
pub struct Running {
    threads: Arc<Threads>,
    role: String,
}

impl Threads {
    pub fn enter(self: &Arc<Self>, role: &str) -> Running {
        *locked(&self.running).entry(role.to_owned()).or_default() += 1;
        Running { threads: Arc::clone(self), role: role.to_owned() }
    }

    fn count(&self, role: Option<&str>) -> usize {
        let running = locked(&self.running);
        role.map_or_else(|| running.values().sum(), |role| running.get(role).copied().unwrap_or(0))
    }

    /// Waits until those that were about to end have done so: two that are still wanted are two for ever.
    pub async fn wait_gone(&self, role: &str, at_most: Duration) {
        if self.leaving(role) {
            drop(tokio::time::timeout(at_most, self.until(|| !self.leaving(role))).await);
        }
    }

    /// Waits until nothing runs.
    pub async fn wait_all_gone(&self, at_most: Duration) -> bool {
        tokio::time::timeout(at_most, self.until(|| self.count(None) == 0)).await.is_ok()
    }

    async fn until(&self, reached: impl Fn() -> bool) {
        loop {
            let gone = self.gone.notified();
            tokio::pin!(gone);
            gone.as_mut().enable();
            if reached() {
                return;
            }
            gone.await;
        }
    }

    fn leaving(&self, role: &str) -> bool {
        self.count(Some(&format!("{role} leaving"))) > 0
    }
}

impl Running {
    /// From now on it is only waited for.
    pub fn leaving(threads: &Arc<Threads>, role: &str) -> Running {
        threads.enter(&format!("{role} leaving"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = locked(&self.threads.running);
        if let Some(count) = running.get_mut(&self.role) {
            *count = count.saturating_sub(1);
        }
        drop(running);
        self.threads.gone.notify_waiters();
    }
}

/// Lets a few in at a time.
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place inside.
pub struct Inside<'a>(&'a Gate);

impl Gate {
    pub fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), freed: Condvar::new() }
    }

    pub fn enter(&self) -> Inside<'_> {
        let mut free = locked(&self.free);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Inside(self)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *locked(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}
