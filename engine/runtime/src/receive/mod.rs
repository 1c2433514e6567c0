//! Deliveries of a shard's inbox become events: what was seen before is dropped, what cannot be handled goes to quarantine, and the
//! rest is committed in one step with how far the inbox is done. What only says that there is something new has its stream read.

mod bells;
mod known;
mod one;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use syncline_model::{
    Event, Fault, LogFault, Quarantined, Shard, Step, StreamName,
    id::BadId,
    ledger::Enrolled,
    log::{InboxItem, InboxOffset},
    step::Seen,
};
use syncline_sdk::webhooks::Delivery;

pub use bells::Bells;
use known::Known;

use crate::{job::Shared, lanes::Key, metrics};

/// The stream under which what belongs to none is kept in quarantine.
const NO_STREAM: &str = "webhooks";

/// Handles the deliveries of one shard.
pub struct Receiver {
    shared: Arc<Shared>,
    known: Known,
}

/// What is to be made durable, and what is to be read because of it.
#[derive(Default)]
struct Draft {
    events: Vec<Event>,
    refused: Vec<Quarantined>,
    seen: Vec<Seen>,
    thin: HashMap<Key, HashSet<StreamName>>,
    outcomes: Vec<(String, &'static str, Timestamp)>,
}

/// A delivery, and whose it is.
struct Read {
    key: Key,
    enrolled: Enrolled,
    delivery: Delivery,
    /// As the log remembers it.
    id: String,
    received: Timestamp,
}

impl Receiver {
    /// For the integrations of this engine.
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), known: Known::default() }
    }

    /// Handles these deliveries, which stand behind each other in the inbox, and commits. Says which streams are to be read. After a
    /// fault all of them may be handled again.
    pub async fn take(
        &mut self,
        shard: &dyn Shard,
        items: Vec<(InboxOffset, InboxItem)>,
    ) -> Result<HashMap<Key, HashSet<StreamName>>, LogFault> {
        let Some((last, _)) = items.last() else { return Ok(HashMap::new()) };
        let done = *last;
        let mut draft = Draft::default();
        let read = self.read(items, &mut draft).await?;
        // Asked for together, because each question costs a turn of the log.
        let ids = read.iter().map(|read| (read.key.tenant.clone(), read.id.clone())).collect();
        let seen = shard.seen(ids).await?;
        let mut seen_here = HashSet::new();
        for (read, seen_before) in read.into_iter().zip(seen) {
            let is_known = seen_before || !seen_here.insert((read.key.tenant.clone(), read.id.clone()));
            self.add(read, is_known, &mut draft).await?;
        }
        for refused in &draft.refused {
            self.quarantine(refused).await?;
        }
        self.commit(shard, &mut draft, done).await?;
        for (connector, outcome, received) in draft.outcomes {
            metrics::DELIVERIES_TOTAL.with_label_values(&[&connector, outcome]).inc();
            let took = Timestamp::now().duration_since(received);
            metrics::DELIVERY_SECONDS.observe(took.as_secs_f64().max(0.0));
        }
        Ok(draft.thin)
    }

    /// Of these items those that are deliveries to an integration that there is.
    async fn read(&mut self, items: Vec<(InboxOffset, InboxItem)>, draft: &mut Draft) -> Result<Vec<Read>, LogFault> {
        let mut all = Vec::with_capacity(items.len());
        for (_, item) in items {
            let InboxItem { tenant, integration, received, body, kind: _ } = item;
            let key = Key { tenant, integration };
            let Some(enrolled) = self.known.enrolled(&self.shared, &key).await? else {
                // Its owner has deleted the integration, and wants nothing of it any more.
                draft.outcomes.push((String::new(), "deleted", received));
                continue;
            };
            match Delivery::decode(body.clone()) {
                Ok(delivery) => {
                    let id = format!("{}/{}", key.integration, delivery.id);
                    all.push(Read { key, enrolled, delivery, id, received });
                }
                Err(bad) => {
                    draft.refused.push(refused(&enrolled, None, body, bad.to_string())?);
                    draft.outcomes.push((enrolled.connector.to_string(), "quarantined", received));
                }
            }
        }
        Ok(all)
    }

    async fn add(&mut self, read: Read, is_known: bool, draft: &mut Draft) -> Result<(), LogFault> {
        let Read { key, enrolled, delivery, id, received } = read;
        let connector = enrolled.connector.to_string();
        if is_known {
            draft.outcomes.push((connector, "duplicate", received));
            return Ok(());
        }
        let outcome = one::read(&self.shared, &mut self.known, &enrolled, &delivery, draft).await?;
        draft.outcomes.push((connector, outcome, received));
        draft.seen.push(Seen { tenant: key.tenant, delivery: id, until: self.seen_until(&enrolled) });
        Ok(())
    }

    fn seen_until(&self, enrolled: &Enrolled) -> Timestamp {
        const WHERE_UNKNOWN: SignedDuration = SignedDuration::from_hours(7 * 24);
        let connector = self.shared.connectors.get(&enrolled.connector).ok();
        let said = connector.and_then(|connector| connector.webhooks().map(|webhooks| webhooks.seen_for));
        let known = said.and_then(|time| SignedDuration::try_from(time).ok()).unwrap_or(WHERE_UNKNOWN);
        Timestamp::now().checked_add(known).unwrap_or(Timestamp::MAX)
    }

    async fn commit(&self, shard: &dyn Shard, draft: &mut Draft, done: InboxOffset) -> Result<(), LogFault> {
        loop {
            let step = Step { events: draft.events.clone(), inbox: Some(done), seen: draft.seen.clone(), ..Step::default() };
            match shard.commit(step).await {
                Ok(()) => {
                    for event in &draft.events {
                        metrics::EVENTS_APPENDED_TOTAL.with_label_values(&[event.connector.as_str()]).inc();
                    }
                    return Ok(());
                }
                Err(LogFault::TooLarge { index, bytes, limit_bytes }) if index < draft.events.len() => {
                    let event = draft.events.remove(index);
                    self.quarantine(&too_large(event, bytes, limit_bytes)).await?;
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn quarantine(&self, record: &Quarantined) -> Result<(), LogFault> {
        self.shared.ledger.quarantine(record, Timestamp::now()).await.map_err(|fault| later(&fault))?;
        metrics::RECORDS_QUARANTINED_TOTAL.with_label_values(&[record.connector.as_str()]).inc();
        tracing::warn!(
            tenant = %record.tenant, integration = %record.integration, stream = %record.stream,
            "something of a webhook is in quarantine: {}", record.cause
        );
        Ok(())
    }
}

fn refused(enrolled: &Enrolled, stream: Option<StreamName>, body: Bytes, cause: String) -> Result<Quarantined, LogFault> {
    let stream = match stream {
        Some(stream) => stream,
        None => NO_STREAM.parse().map_err(|error: BadId| LogFault::Damaged(error.to_string()))?,
    };
    let (tenant, integration) = (enrolled.tenant.clone(), enrolled.integration.clone());
    Ok(Quarantined { tenant, integration, connector: enrolled.connector.clone(), stream, key: None, body, cause })
}

fn too_large(event: Event, bytes: usize, limit_bytes: usize) -> Quarantined {
    Quarantined {
        tenant: event.tenant,
        integration: event.integration,
        connector: event.connector,
        stream: event.stream,
        key: Some(event.key),
        body: event.body,
        cause: format!("its event has {bytes} bytes and the log takes {limit_bytes}"),
    }
}

/// What the store cannot do now is tried again with the whole turn.
fn later(fault: &Fault) -> LogFault {
    LogFault::Unavailable(fault.to_string())
}
