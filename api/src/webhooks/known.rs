//! What was looked up, kept for a while. What is a little old is given out while one lookup for all refreshes it; what is too old is
//! not, and everybody waits for that one lookup.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::Instant;

/// After this long it is looked up again, and nobody waits for it.
const FRESH_FOR: Duration = Duration::from_secs(3);
/// Nothing older is given out: what another node has deleted or exchanged is known here by then.
const KNOWN_FOR: Duration = Duration::from_secs(10);
/// A lookup that takes longer is given up, so that the next one may have more luck.
const LOOKUP_WITHIN: Duration = Duration::from_secs(5);
const KNOWN_MAX: usize = 10_000;
/// More than these do not wait for their turn to be looked up.
const FLIGHTS_MAX: usize = 1024;

/// Why there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotFound {
    Nobodys,
    Busy,
    Unavailable,
}

/// Values by their ids.
pub(super) struct Known<T>(Arc<Mutex<Inner<T>>>);

struct Inner<T> {
    held: HashMap<String, Held<T>>,
    flights: HashMap<String, (u64, Flight<T>)>,
    flown: u64,
}

struct Held<T> {
    /// When its lookup began: what has changed since then is not in it.
    since: Instant,
    value: Arc<T>,
}

/// A lookup on its way, with any number who wait for it.
type Flight<T> = Shared<BoxFuture<'static, Result<Arc<T>, NotFound>>>;

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inner { held: HashMap::new(), flights: HashMap::new(), flown: 0 })))
    }
}

impl<T: Send + Sync + 'static> Known<T> {
    /// The value of this id, which is looked up so where it is not known.
    pub(super) async fn find<F>(&self, id: &str, look: impl FnOnce() -> F) -> Result<Arc<T>, NotFound>
    where
        F: Future<Output = Result<T, NotFound>> + Send + 'static,
    {
        let flight = {
            let mut inner = lock(&self.0);
            let held = inner.held.get(id).map(|held| (held.since.elapsed(), Arc::clone(&held.value)));
            match held {
                Some((age, value)) if age < FRESH_FOR => return Ok(value),
                Some((age, value)) if age < KNOWN_FOR => {
                    // Where no lookup can begin now, one of the next requests begins it.
                    drop(self.flight(&mut inner, id, look));
                    return Ok(value);
                }
                Some(_) | None => self.flight(&mut inner, id, look)?,
            }
        };
        flight.await
    }

    /// What is known of this id is not given out any more, nor what a lookup brings that has begun before.
    pub(super) fn forget(&self, id: &str) {
        let mut inner = lock(&self.0);
        inner.held.remove(id);
        inner.flights.remove(id);
    }

    /// The lookup that is on its way, or a new one.
    fn flight<F>(&self, inner: &mut Inner<T>, id: &str, look: impl FnOnce() -> F) -> Result<Flight<T>, NotFound>
    where
        F: Future<Output = Result<T, NotFound>> + Send + 'static,
    {
        if let Some((_, flight)) = inner.flights.get(id) {
            return Ok(flight.clone());
        }
        if inner.flights.len() >= FLIGHTS_MAX {
            return Err(NotFound::Busy);
        }
        inner.flown += 1;
        let (known, id, number, began) = (Arc::clone(&self.0), id.to_owned(), inner.flown, Instant::now());
        // A lookup that panics must not leave behind a flight that never lands.
        let lookup = tokio::time::timeout(LOOKUP_WITHIN, AssertUnwindSafe(look()).catch_unwind());
        let landing = id.clone();
        let flight = async move {
            let found = match lookup.await {
                Ok(Ok(found)) => found.map(Arc::new),
                Ok(Err(_)) | Err(_) => Err(NotFound::Unavailable),
            };
            lock(&known).land(landing, number, began, found)
        };
        let flight = flight.boxed().shared();
        inner.flights.insert(id, (number, flight.clone()));
        // Those who wait may go away, and it lands nevertheless.
        tokio::spawn(flight.clone());
        Ok(flight)
    }
}

impl<T> Inner<T> {
    fn land(&mut self, id: String, number: u64, began: Instant, found: Result<Arc<T>, NotFound>) -> Result<Arc<T>, NotFound> {
        let is_ours = self.flights.get(&id).is_some_and(|(flying, _)| *flying == number);
        if !is_ours {
            return found;
        }
        self.flights.remove(&id);
        match &found {
            Ok(value) => {
                if self.held.len() >= KNOWN_MAX {
                    self.held.clear();
                }
                self.held.insert(id, Held { since: began, value: Arc::clone(value) });
            }
            Err(NotFound::Nobodys) => drop(self.held.remove(&id)),
            // What is known is good until it is too old.
            Err(NotFound::Busy | NotFound::Unavailable) => {}
        }
        found
    }
}

fn lock<T>(inner: &Mutex<Inner<T>>) -> MutexGuard<'_, Inner<T>> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
