//! The place of a running job, which it gives up while it has no use for it: when all of its readers wait for a limit, or when it is
//! asked at the end of a page to make place for something more urgent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What whoever gives out the places must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateEvent {
    /// The place is free. `wanted` tells whether the job waits for it to be granted again already now.
    Released {
        /// It does.
        wanted: bool,
    },
    /// The job has use for a place again.
    Wanted,
}

/// The place of one job.
pub struct Gate {
    inner: Mutex<Inner>,
    changed: Notify,
    tell: Box<dyn Fn(GateEvent) + Send + Sync>,
}

struct Inner {
    readers: usize,
    parked: usize,
    wanting: usize,
    granted: bool,
    yield_asked: bool,
    wanted_told: bool,
    /// How often the place was granted.
    grants: u64,
}

/// A reader that uses the place. Dropping it ends that.
pub struct Entered<'a>(&'a Gate);

impl Gate {
    /// A place that is granted.
    pub fn new(tell: impl Fn(GateEvent) + Send + Sync + 'static) -> Self {
        let inner = Inner { readers: 0, parked: 0, wanting: 0, granted: true, yield_asked: false, wanted_told: false, grants: 0 };
        Self { inner: Mutex::new(inner), changed: Notify::new(), tell: Box::new(tell) }
    }

    /// One more reader uses it.
    pub fn enter(&self) -> Entered<'_> {
        self.lock().readers += 1;
        Entered(self)
    }

    /// The place is given up.
    pub fn is_aside(&self) -> bool {
        !self.lock().granted
    }

    /// Asks the readers to stand still at the ends of their pages.
    pub fn ask_to_yield(&self) {
        self.lock().yield_asked = true;
    }

    /// The place is the job's again.
    pub fn grant(&self) {
        let mut inner = self.lock();
        inner.granted = true;
        inner.grants += 1;
        inner.yield_asked = false;
        inner.wanted_told = false;
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Between two pages: stands still if that was asked.
    pub async fn page_end(&self) {
        let stands = {
            let inner = self.lock();
            inner.yield_asked || !inner.granted
        };
        if stands {
            let parked = self.park(true);
            self.granted(Some(parked.grants_before)).await;
        }
    }

    /// Waits for something that needs no place.
    pub async fn aside<T>(&self, wait: impl Future<Output = T>) -> T {
        let parked = self.park(false);
        let value = wait.await;
        drop(parked);
        // Even if a yield is asked for, the page that was waited for may be ended first: `page_end` comes behind it.
        let _wanting = self.want();
        self.granted(None).await;
        value
    }

    /// Waits for the place. With a number of grants, also until nobody asks for it who asked when there had been that many.
    async fn granted(&self, grants_before: Option<u64>) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let event = {
                let mut inner = self.lock();
                // A yield that was asked for since the grant is for the end of the next page: whoever got the place reads one.
                let asked = inner.yield_asked && grants_before == Some(inner.grants);
                if inner.granted && !asked {
                    return;
                }
                let tell = !inner.granted && !inner.wanted_told;
                inner.wanted_told |= tell;
                tell.then_some(GateEvent::Wanted)
            };
            if let Some(event) = event {
                (self.tell)(event);
            }
            changed.await;
        }
    }

    fn park(&self, wanting: bool) -> Parked<'_> {
        let mut inner = self.lock();
        inner.parked += 1;
        inner.wanting += usize::from(wanting);
        // Counted before the place is given up: whoever gets it may grant it again, and ask for it again, before we look.
        let parked = Parked { gate: self, stands: 1, wanting: usize::from(wanting), grants_before: inner.grants };
        self.release_if_idle(inner);
        parked
    }

    fn want(&self) -> Parked<'_> {
        let mut inner = self.lock();
        inner.wanting += 1;
        Parked { gate: self, stands: 0, wanting: 1, grants_before: inner.grants }
    }

    fn release_if_idle(&self, mut inner: MutexGuard<'_, Inner>) {
        let idle = inner.granted && inner.readers > 0 && inner.parked >= inner.readers;
        if !idle {
            return;
        }
        inner.granted = false;
        inner.yield_asked = false;
        let wanted = inner.wanting > 0;
        inner.wanted_told = wanted;
        drop(inner);
        (self.tell)(GateEvent::Released { wanted });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.readers -= 1;
        self.0.release_if_idle(inner);
    }
}

struct Parked<'a> {
    gate: &'a Gate,
    stands: usize,
    wanting: usize,
    grants_before: u64,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        let mut inner = self.gate.lock();
        inner.parked -= self.stands;
        inner.wanting -= self.wanting;
    }
}

#[cfg(test)]
mod tests;
