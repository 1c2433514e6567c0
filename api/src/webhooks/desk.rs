//! What the receiver keeps in memory, all of it bounded: whose endpoints are (`known`), and how much is on its way.

use std::sync::Arc;

use jiff::Timestamp;
use syncline_runtime::{Connectors, Intake};
use syncline_sdk::{Connector, webhooks::Webhooks};
use syncline_store::{Receiving, Store};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::known::{Known, NotFound};
use crate::parts::WebhookLimits;

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

/// Where webhooks are received.
pub(crate) struct Desk {
    limits: WebhookLimits,
    intake: Intake,
    store: Store,
    connectors: Arc<Connectors>,
    slots: Semaphore,
    pub(super) bytes: Semaphore,
    lookups: Arc<Semaphore>,
    known: Known<Open>,
}

impl Desk {
    pub(crate) fn new(limits: WebhookLimits, intake: Intake, store: Store, connectors: Arc<Connectors>) -> Self {
        Self {
            slots: Semaphore::new(limits.in_flight_max.clamp(1, Semaphore::MAX_PERMITS)),
            bytes: Semaphore::new(limits.in_flight_bytes_max.max(limits.body_bytes_max).min(Semaphore::MAX_PERMITS)),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            known: Known::default(),
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
        let look = || looked_up(self.store.clone(), Arc::clone(&self.connectors), Arc::clone(&self.lookups), endpoint.to_owned());
        let open = self.known.find(endpoint, look).await?;
        let fits = open.receiving.connector.as_str() == connector && open.webhooks().is_some();
        if fits { Ok(open) } else { Err(NotFound::Nobodys) }
    }

    /// An endpoint was changed here: it is looked up again at once.
    pub(crate) fn forget(&self, endpoint: &str) {
        self.known.forget(endpoint);
    }
}

async fn looked_up(store: Store, connectors: Arc<Connectors>, lookups: Arc<Semaphore>, endpoint: String) -> Result<Open, NotFound> {
    let _turn = lookups.acquire_owned().await.map_err(|_| NotFound::Busy)?;
    let found = store.endpoints().by_id(&endpoint, Timestamp::now()).await.map_err(|fault| {
        tracing::warn!("it cannot be looked up whose a webhook is: {fault}");
        NotFound::Unavailable
    })?;
    let receiving = found.ok_or(NotFound::Nobodys)?;
    let connector = connectors.get(&receiving.connector).map_err(|_| NotFound::Nobodys)?;
    let headers = connector.webhooks().map(|webhooks| webhooks.headers().into_iter().collect()).unwrap_or_default();
    Ok(Open { receiving, headers, connector })
}
