//! What the receiver keeps in memory, all of it bounded: whose endpoints are, for a few seconds, and how much is on its way.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use syncline_runtime::{Connectors, Intake};
use syncline_sdk::{Connector, webhooks::Webhooks};
use syncline_store::{Receiving, Store};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::parts::WebhookLimits;

/// After this long it is looked up again whose an endpoint is: what another node has changed is known here by then.
const KNOWN_FOR: Duration = Duration::from_secs(3);
const KNOWN_MAX: usize = 10_000;
/// So many are looked up at the same time, so that made-up addresses do not keep the store from others.
const LOOKUPS_MAX: usize = 16;
const ID_LENGTH: usize = 43;

/// An endpoint that exists, with all that its requests are held against.
pub(crate) struct Open {
    pub(crate) receiving: Receiving,
    pub(crate) headers: Vec<String>,
    connector: Arc<dyn Connector>,
}

impl Open {
    pub(crate) fn webhooks(&self) -> Option<&Webhooks> {
        self.connector.webhooks()
    }
}

/// Why there is no endpoint.
pub(crate) enum NotFound {
    Nobodys,
    Busy,
    Unavailable,
}

/// Where webhooks are received.
pub(crate) struct Desk {
    limits: WebhookLimits,
    intake: Intake,
    store: Store,
    connectors: Arc<Connectors>,
    slots: Semaphore,
    pub(super) bytes: Semaphore,
    lookups: Semaphore,
    known: Mutex<HashMap<String, (Instant, Arc<Open>)>>,
}

impl Desk {
    pub(crate) fn new(limits: WebhookLimits, intake: Intake, store: Store, connectors: Arc<Connectors>) -> Self {
        Self {
            slots: Semaphore::new(limits.in_flight_max.clamp(1, Semaphore::MAX_PERMITS)),
            bytes: Semaphore::new(limits.in_flight_bytes_max.max(limits.body_bytes_max).min(Semaphore::MAX_PERMITS)),
            lookups: Semaphore::new(LOOKUPS_MAX),
            known: Mutex::default(),
            limits,
            intake,
            store,
            connectors,
        }
    }

    pub(crate) fn intake(&self) -> &Intake {
        &self.intake
    }

    pub(crate) fn public_url(&self) -> &str {
        self.limits.public_url.trim_end_matches('/')
    }

    pub(super) fn body_bytes_max(&self) -> usize {
        self.limits.body_bytes_max
    }

    /// A place for one more request; `None` if there are too many already.
    pub(super) fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.try_acquire().ok()
    }

    /// Whose endpoint this is.
    pub(super) async fn find(&self, connector: &str, endpoint: &str) -> Result<Arc<Open>, NotFound> {
        let is_one = endpoint.len() == ID_LENGTH && endpoint.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !is_one {
            return Err(NotFound::Nobodys);
        }
        let open = match self.remembered(endpoint) {
            Some(open) => open,
            None => self.looked_up(endpoint).await?,
        };
        let fits = open.receiving.connector.as_str() == connector && open.webhooks().is_some();
        if fits { Ok(open) } else { Err(NotFound::Nobodys) }
    }

    /// An endpoint was changed here: it is looked up again at once.
    pub(crate) fn forget(&self, endpoint: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(endpoint);
    }

    fn remembered(&self, endpoint: &str) -> Option<Arc<Open>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(endpoint).filter(|(since, _)| since.elapsed() < KNOWN_FOR).map(|(_, open)| Arc::clone(open))
    }

    async fn looked_up(&self, endpoint: &str) -> Result<Arc<Open>, NotFound> {
        let Ok(_turn) = self.lookups.acquire().await else { return Err(NotFound::Busy) };
        // Whoever waited for the turn finds what the one before has looked up.
        if let Some(open) = self.remembered(endpoint) {
            return Ok(open);
        }
        let found = self.store.endpoints().by_id(endpoint, Timestamp::now()).await.map_err(|fault| {
            tracing::warn!("it cannot be looked up whose a webhook is: {fault}");
            NotFound::Unavailable
        })?;
        let Some(receiving) = found else {
            self.forget(endpoint);
            return Err(NotFound::Nobodys);
        };
        let connector = self.connectors.get(&receiving.connector).map_err(|_| NotFound::Nobodys)?;
        let headers = connector.webhooks().map(|webhooks| webhooks.headers().into_iter().collect()).unwrap_or_default();
        let open = Arc::new(Open { receiving, headers, connector });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(endpoint.to_owned(), (Instant::now(), Arc::clone(&open)));
        Ok(open)
    }
}
