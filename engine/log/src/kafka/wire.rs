//! How things look in Kafka. Events are in CloudEvents' binary mode: attributes as `ce_` headers, the record's own bytes as the value.
//! What is our own (cursors, deliveries seen, progress of the inbox) has JSON keys and small values with a version in front.

use std::{borrow::Cow, collections::HashMap};

use bytes::Bytes;
use jiff::Timestamp;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use syncline_model::{
    Cursor, CursorKey, Event, EventId, LogFault, Op, Origin, RecordKey, Revision, TenantId, Version,
    log::{InboxItem, InboxKind, InboxOffset, Logged, PartitionName, Place},
};

use super::framing::{self, Schema};

const VERSION: u8 = 1;
/// The key of the one record in the topic of cursors that says how far the inbox is done. Other keys are JSON arrays.
pub const INBOX_DONE: &[u8] = b"inbox_done";
/// The key, among the cursors, of how many lanes a shard has used.
pub const LANES: &[u8] = b"lanes";

/// The key, among the deliveries, of what only ends an open transaction. It has no value, and says nothing.
pub const ENDS: &[u8] = b"ends";

/// A message to be written.
pub struct Outgoing {
    pub key: Vec<u8>,
    pub headers: OwnedHeaders,
    /// What the broker's limit is about, but for the few bytes of the batch around it.
    pub bytes: usize,
}

impl Outgoing {
    /// The same under a schema of a registry, and its value.
    pub fn under(self, schema: &Schema, body: &[u8]) -> (Self, Vec<u8>) {
        let headers = self.headers.insert(Header { key: "ce_dataschema", value: Some(schema.url.as_str()) });
        (Self { headers, ..self }, framing::frame(body, schema))
    }
}

/// An event without its body, which is the message's value as it is.
pub fn event(event: &Event) -> Outgoing {
    Events::default().next(event)
}

/// Events without their bodies.
pub fn events(events: &[Event]) -> Vec<Outgoing> {
    let mut made = Events::default();
    events.iter().map(|event| made.next(event)).collect()
}

/// One event after the other. What neighbours have in common is made once: making headers is most of what writing costs us.
#[derive(Default)]
struct Events<'a> {
    before: Option<(&'a Event, Headed)>,
}

/// Headers, and how large they are.
#[derive(Clone)]
struct Headed {
    headers: OwnedHeaders,
    bytes: usize,
}

impl<'a> Events<'a> {
    /// The next one, without its body.
    fn next(&mut self, event: &'a Event) -> Outgoing {
        let common = match self.before.take() {
            Some((before, common)) if before.is_akin(event) => common,
            _ => Headed::common_of(event),
        };
        let headed = event.own_attributes().fold(common.clone(), Headed::with);
        self.before = Some((event, common));
        let key = event.partition_key().into_bytes();
        Outgoing { bytes: headed.bytes + key.len() + event.body.len(), key, headers: headed.headers }
    }
}

impl Headed {
    fn common_of(event: &Event) -> Self {
        let own: Vec<&str> = event.own_attributes().map(|(name, _)| name).collect();
        let empty = Self { headers: OwnedHeaders::new_with_capacity(16), bytes: 0 };
        let common = event.attributes().into_iter().filter(|(name, _)| !own.contains(name));
        common.fold(empty, |headed, (name, value)| headed.with((name, value.into())))
    }

    fn with(self, (name, value): (&'static str, Cow<'_, str>)) -> Self {
        let name = header(name);
        let bytes = self.bytes + name.len() + value.len() + 4;
        Self { headers: self.headers.insert(Header { key: &name, value: Some(value.as_ref()) }), bytes }
    }
}

/// The header of an attribute. Those that every event has are known, because there are many events.
fn header(attribute: &str) -> Cow<'static, str> {
    let known = match attribute {
        "datacontenttype" => "content-type",
        "specversion" => "ce_specversion",
        "id" => "ce_id",
        "source" => "ce_source",
        "type" => "ce_type",
        "subject" => "ce_subject",
        "tenantid" => "ce_tenantid",
        "integrationid" => "ce_integrationid",
        "connector" => "ce_connector",
        "stream" => "ce_stream",
        "op" => "ce_op",
        "origin" => "ce_origin",
        "time" => "ce_time",
        "entityversion" => "ce_entityversion",
        other => return Cow::Owned(format!("ce_{other}")),
    };
    Cow::Borrowed(known)
}

/// The name of a partition of a topic.
pub fn partition(topic: &str, number: i32) -> PartitionName {
    PartitionName(format!("{topic}/{number}"))
}

/// The topic and number of a partition's name.
pub fn parse_partition(name: &PartitionName) -> Option<(&str, i32)> {
    let (topic, number) = name.0.rsplit_once('/')?;
    Some((topic, number.parse().ok()?))
}

/// Kafka's offsets begin at 0, ours at 1.
pub fn place_offset(offset: i64) -> u64 {
    offset.max(-1).wrapping_add(1).unsigned_abs()
}

/// An event as it stands in a topic.
pub fn logged(message: &BorrowedMessage<'_>) -> Result<Logged, LogFault> {
    let place = Place { partition: partition(message.topic(), message.partition()), offset: place_offset(message.offset()) };
    let damaged = |why: String| LogFault::Damaged(format!("event {} of `{}`: {why}", place.offset, place.partition.0));
    let committed = message.timestamp().to_millis().unwrap_or_default();
    let committed = Timestamp::from_millisecond(committed).map_err(|error| damaged(error.to_string()))?;
    let event = read_event(message).map_err(damaged)?;
    Ok(Logged { place, committed, event })
}

fn read_event(message: &BorrowedMessage<'_>) -> Result<Event, String> {
    let mut attributes: HashMap<&str, &str> = HashMap::new();
    for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        if let (Some(name), Some(value)) = (header.key.strip_prefix("ce_"), header.value) {
            attributes.insert(name, std::str::from_utf8(value).map_err(|_| format!("attribute `{name}` is not UTF-8"))?);
        }
    }
    let wanted = |name: &str| attributes.get(name).copied().ok_or_else(|| format!("it has no attribute `{name}`"));
    let bad = |error: &dyn std::fmt::Display| error.to_string();
    let id = wanted("id")?;
    let op = match wanted("op")? {
        "upsert" => Op::Upsert,
        "delete" => Op::Delete,
        other => return Err(format!("unknown operation `{other}`")),
    };
    let origin = wanted("origin")?;
    let origin = Origin::ALL.into_iter().find(|known| known.as_str() == origin).ok_or_else(|| format!("unknown origin `{origin}`"))?;
    let version = attributes.get("entityversion").map(|text| text.parse::<i128>().map(Version)).transpose().map_err(|error| bad(&error))?;
    let time = attributes.get("time").map(|text| text.parse::<Timestamp>()).transpose().map_err(|error| bad(&error))?;
    Ok(Event {
        id: event_id(id).ok_or_else(|| format!("`{id}` is no id of an event"))?,
        tenant: wanted("tenantid")?.parse().map_err(|error| bad(&error))?,
        integration: wanted("integrationid")?.parse().map_err(|error| bad(&error))?,
        connector: wanted("connector")?.parse().map_err(|error| bad(&error))?,
        stream: wanted("stream")?.parse().map_err(|error| bad(&error))?,
        key: RecordKey::of([attributes.get("subject").copied().unwrap_or_default()]),
        op,
        origin,
        version,
        time,
        traceparent: attributes.get("traceparent").map(|text| (*text).to_owned()),
        body: Bytes::copy_from_slice(framing::unframe(message.payload().unwrap_or_default(), attributes.contains_key("dataschema"))),
    })
}

fn event_id(text: &str) -> Option<EventId> {
    let mut id = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in id.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(EventId(id))
}

/// The key of a cursor.
pub fn cursor_key(key: &CursorKey) -> Vec<u8> {
    serde_json::json!([key.tenant.as_str(), key.integration.as_str(), key.stream.as_str(), key.part]).to_string().into_bytes()
}

/// What [`cursor_key`] wrote.
pub fn read_cursor_key(key: &[u8]) -> Option<CursorKey> {
    let (tenant, integration, stream, part): (String, String, String, String) = serde_json::from_slice(key).ok()?;
    Some(CursorKey { tenant: tenant.parse().ok()?, integration: integration.parse().ok()?, stream: stream.parse().ok()?, part })
}

/// The value of a cursor.
pub fn cursor(revision: Revision, cursor: &Cursor) -> Vec<u8> {
    let mut value = Vec::with_capacity(9 + cursor.0.len());
    value.push(VERSION);
    value.extend(revision.0.to_be_bytes());
    value.extend_from_slice(&cursor.0);
    value
}

/// What [`cursor`] wrote.
pub fn read_cursor(value: &[u8]) -> Option<(Revision, Cursor)> {
    let (number, rest) = read_number(value)?;
    Some((Revision(number), Cursor(Bytes::copy_from_slice(rest))))
}

fn read_number(value: &[u8]) -> Option<(u64, &[u8])> {
    let rest = value.strip_prefix(&[VERSION])?;
    let (number, rest) = rest.split_at_checked(8)?;
    Some((u64::from_be_bytes(number.try_into().ok()?), rest))
}

/// A number with a version in front: the progress of the inbox, or until when a delivery is remembered.
pub fn number(number: u64) -> Vec<u8> {
    let mut value = vec![VERSION];
    value.extend(number.to_be_bytes());
    value
}

/// What [`number`] wrote.
pub fn read_plain_number(value: &[u8]) -> Option<u64> {
    read_number(value).map(|(number, _)| number)
}

/// The key of a delivery that was seen.
pub fn seen_key(tenant: &TenantId, delivery: &str) -> Vec<u8> {
    serde_json::json!([tenant.as_str(), delivery]).to_string().into_bytes()
}

/// What [`seen_key`] wrote.
pub fn read_seen_key(key: &[u8]) -> Option<(TenantId, String)> {
    let (tenant, delivery): (String, String) = serde_json::from_slice(key).ok()?;
    Some((tenant.parse().ok()?, delivery))
}

/// The headers of an item of the inbox; its key is the tenant and its value the body.
pub fn inbox_headers(item: &InboxItem) -> OwnedHeaders {
    let kind = match item.kind {
        InboxKind::Delivery => "delivery",
        InboxKind::Command => "command",
    };
    let received = item.received.as_nanosecond().to_string();
    OwnedHeaders::new()
        .insert(Header { key: "integration", value: Some(item.integration.as_str()) })
        .insert(Header { key: "kind", value: Some(kind) })
        .insert(Header { key: "received_ns", value: Some(received.as_str()) })
}

/// An item as it stands in the inbox.
pub fn inbox_item(message: &BorrowedMessage<'_>) -> Option<(InboxOffset, InboxItem)> {
    let text = |wanted: &str| {
        let headers = message.headers()?;
        headers.iter().find(|header| header.key == wanted).and_then(|header| std::str::from_utf8(header.value?).ok())
    };
    let kind = match text("kind")? {
        "delivery" => InboxKind::Delivery,
        "command" => InboxKind::Command,
        _ => return None,
    };
    let item = InboxItem {
        tenant: std::str::from_utf8(message.key()?).ok()?.parse().ok()?,
        integration: text("integration")?.parse().ok()?,
        kind,
        received: Timestamp::from_nanosecond(text("received_ns")?.parse().ok()?).ok()?,
        body: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
    };
    Some((InboxOffset(place_offset(message.offset())), item))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn headers_of(outgoing: &Outgoing) -> BTreeMap<String, String> {
        let text = |header: Header<'_, &[u8]>| (header.key.to_owned(), String::from_utf8(header.value.unwrap().to_vec()).unwrap());
        let headers: BTreeMap<String, String> = outgoing.headers.iter().map(text).collect();
        assert_eq!(headers.len(), outgoing.headers.count(), "none is there twice");
        headers
    }

    #[test]
    fn every_event_has_all_of_its_own_attributes_and_those_it_shares_with_the_one_before() {
        let acme: TenantId = "acme".parse().unwrap();
        let first = crate::conformance::event(&acme, "1", "x");
        let timed =
            Event { time: Some(Timestamp::UNIX_EPOCH), version: Some(Version(7)), traceparent: Some("00-1-2-03".into()), ..first.clone() };
        let unnamed = Event { key: RecordKey::of([""]), ..first.clone() };
        let deleted = Event { op: Op::Delete, ..timed.clone() };
        let elsewhere = Event { stream: "others".parse().unwrap(), ..deleted.clone() };
        let replayed = Event { origin: Origin::Replay, ..elsewhere.clone() };
        let of_another = Event { tenant: "other".parse().unwrap(), ..replayed.clone() };
        let mut events = Events::default();
        for event in [&first, &timed, &unnamed, &first, &deleted, &elsewhere, &replayed, &of_another, &first] {
            let outgoing = events.next(event);
            let wanted: BTreeMap<String, String> =
                event.attributes().into_iter().map(|(name, value)| (header(name).into_owned(), value)).collect();
            assert_eq!(headers_of(&outgoing), wanted);
            let bytes: usize = wanted.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
            assert_eq!(outgoing.bytes, bytes + outgoing.key.len() + event.body.len());
        }
    }
}
