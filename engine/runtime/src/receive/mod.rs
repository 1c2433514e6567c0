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
        let mut seen_here = HashSet::new();
        for (_, item) in items {
            self.add(shard, item, &mut draft, &mut seen_here).await?;
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

    async fn add(
        &mut self,
        shard: &dyn Shard,
        item: InboxItem,
        draft: &mut Draft,
        seen_here: &mut HashSet<(Key, String)>,
    ) -> Result<(), LogFault> {
        let key = Key { tenant: item.tenant.clone(), integration: item.integration.clone() };
        let Some(enrolled) = self.known.enrolled(&self.shared, &key).await? else {
            // Its owner has deleted the integration, and wants nothing of it any more.
            draft.outcomes.push((String::new(), "deleted", item.received));
            return Ok(());
        };
        let connector = enrolled.connector.to_string();
        let delivery = match Delivery::decode(item.body.clone()) {
            Ok(delivery) => delivery,
            Err(bad) => {
                draft.refused.push(refused(&enrolled, None, item.body, bad.to_string())?);
                draft.outcomes.push((connector, "quarantined", item.received));
                return Ok(());
            }
        };
        let id = format!("{}/{}", key.integration, delivery.id);
        let is_known = !seen_here.insert((key.clone(), id.clone())) || shard.has_seen(&key.tenant, &id).await?;
        if is_known {
            draft.outcomes.push((connector, "duplicate", item.received));
            return Ok(());
        }
        let outcome = one::read(&self.shared, &mut self.known, &enrolled, &delivery, draft).await?;
        draft.outcomes.push((connector, outcome, item.received));
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
