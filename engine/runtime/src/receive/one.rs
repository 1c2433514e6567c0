//! One delivery: what it says, as events, refusals and streams to be read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use syncline_model::{Event, LogFault, Origin, Record, RecordKey, StreamName, Version, event::Source, ledger::Enrolled};
use syncline_sdk::{
    Recorder, Refused,
    webhooks::{Delivery, Found, Notice, Webhooks},
};

use super::{Draft, known::Known, refused};
use crate::{job::Shared, lanes::Key};

/// Adds what a delivery says, and says in a word what became of it.
pub async fn read(
    shared: &Shared,
    known: &mut Known,
    enrolled: &Enrolled,
    delivery: &Delivery,
    draft: &mut Draft,
) -> Result<&'static str, LogFault> {
    let connector = shared.connectors.get(&enrolled.connector).ok();
    let Some(webhooks) = connector.as_ref().and_then(|connector| connector.webhooks()) else {
        let cause = format!("the connector `{}` takes no webhooks", enrolled.connector);
        draft.refused.push(refused(enrolled, None, delivery.body.clone(), cause)?);
        return Ok("quarantined");
    };
    let Some(notices) = notices(webhooks, delivery) else {
        draft.refused.push(refused(enrolled, None, delivery.body.clone(), "reading it made us panic".to_owned())?);
        return Ok("quarantined");
    };
    let before = (draft.refused.len(), draft.events.len());
    let mut is_thin = false;
    for notice in notices {
        is_thin |= matches!(notice.found, Found::Thin);
        add(shared, known, enrolled, notice, draft).await?;
    }
    Ok(match (draft.refused.len() > before.0, draft.events.len() > before.1, is_thin) {
        (true, ..) => "quarantined",
        (_, true, _) => "published",
        (_, _, true) => "thin",
        (false, false, false) => "ignored",
    })
}

/// A mistake of ours must not keep a shard from whatever stands behind the delivery.
fn notices(webhooks: &Webhooks, delivery: &Delivery) -> Option<Vec<Notice>> {
    catch_unwind(AssertUnwindSafe(|| webhooks.mapping.notices(delivery))).ok()
}

async fn add(shared: &Shared, known: &mut Known, enrolled: &Enrolled, notice: Notice, draft: &mut Draft) -> Result<(), LogFault> {
    let Notice { stream, found } = notice;
    let is_chosen = |stream: &StreamName| enrolled.streams.as_ref().is_none_or(|chosen| chosen.iter().any(|choice| choice.name == *stream));
    // What its owner did not choose is as good as not said.
    if stream.as_ref().is_some_and(|stream| !is_chosen(stream)) {
        return Ok(());
    }
    let key = Key { tenant: enrolled.tenant.clone(), integration: enrolled.integration.clone() };
    match (found, stream) {
        (Found::Refused { body, cause }, stream) => draft.refused.push(refused(enrolled, stream, body, cause)?),
        (Found::Thin, Some(stream)) => drop(draft.thin.entry(key).or_default().insert(stream)),
        (Found::Record { body, key: own_key, version, deleted }, Some(stream)) => {
            let made = match known.recorder(shared, &key, &stream).await? {
                Ok(recorder) => record(recorder.as_ref(), body, own_key, version, deleted),
                Err(cause) => Err(Refused { key: None, body, cause: cause.clone() }),
            };
            match made {
                Ok(Some(record)) => draft.events.push(Event::new(&source(enrolled, stream), Origin::Webhook, record)),
                Ok(None) => {}
                Err(Refused { key, body, cause }) => {
                    let kept = refused(enrolled, Some(stream), body, cause)?;
                    draft.refused.push(syncline_model::Quarantined { key, ..kept });
                }
            }
        }
        (Found::Ignored, _) | (Found::Thin | Found::Record { .. }, None) => {}
    }
    Ok(())
}

fn record(
    recorder: &dyn Recorder,
    body: Bytes,
    key: Option<RecordKey>,
    version: Option<Version>,
    deleted: bool,
) -> Result<Option<Record>, Refused> {
    let panicked = |_| Err(Refused { key: None, body: body.clone(), cause: "reading it made us panic".to_owned() });
    let read = catch_unwind(AssertUnwindSafe(|| recorder.record(&body))).unwrap_or_else(panicked);
    let made = match (read, key) {
        (Ok(made), key) => made.map(|record| Record { key: key.unwrap_or(record.key), ..record }),
        // Of what is gone often only the key is told.
        (Err(_), Some(key)) if deleted => Some(Record { key, body, version: None, time: None, deleted }),
        (Err(refused), _) => return Err(refused),
    };
    Ok(made.map(|record| Record { version: version.or(record.version), deleted: deleted || record.deleted, ..record }))
}

fn source(enrolled: &Enrolled, stream: StreamName) -> Source {
    Source { tenant: enrolled.tenant.clone(), integration: enrolled.integration.clone(), connector: enrolled.connector.clone(), stream }
}
