//! The envelope in which a record travels: CloudEvents 1.0, with one versioned binary codec for storage.

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ConnectorName, IntegrationId, Record, RecordKey, StreamName, TenantId, Version};

/// What happened to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// It exists in this state.
    Upsert,
    /// It is gone.
    Delete,
}

impl Op {
    /// The word for it in attributes, columns and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        }
    }
}

/// How we learned of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A live poll found it.
    Poll,
    /// The provider told us.
    Webhook,
    /// A database's change log had it.
    Cdc,
    /// The first reading of a stream's history found it.
    Backfill,
    /// Somebody asked for it to be published again.
    Replay,
}

impl Origin {
    /// Every origin, in the order of their codes.
    pub const ALL: [Self; 5] = [Self::Poll, Self::Webhook, Self::Cdc, Self::Backfill, Self::Replay];

    /// The word for it in attributes, columns and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Webhook => "webhook",
            Self::Cdc => "cdc",
            Self::Backfill => "backfill",
            Self::Replay => "replay",
        }
    }
}

/// The deterministic identity of an event: the same record in the same version has the same id, however often it is read.
/// The first 128 bits of a SHA-256 over tenant, integration, stream, key, operation, version and body.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    fn of(event: &Event) -> Self {
        let mut hasher = Sha256::new();
        let version = event.version.map(|version| version.to_string()).unwrap_or_default();
        let texts =
            [event.tenant.as_str(), event.integration.as_str(), event.stream.as_str(), event.key.as_str(), event.op.as_str(), &version];
        for field in texts.iter().map(|text| text.as_bytes()).chain([event.body.as_ref()]) {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize()[..16]);
        Self(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}
impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A record, or its deletion, in our envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// CloudEvents `id`.
    pub id: EventId,
    /// Extension `tenantid`.
    pub tenant: TenantId,
    /// Extension `integrationid`.
    pub integration: IntegrationId,
    /// Extension `connector`.
    pub connector: ConnectorName,
    /// Extension `stream`.
    pub stream: StreamName,
    /// CloudEvents `subject`.
    pub key: RecordKey,
    /// Extension `op`.
    pub op: Op,
    /// Extension `origin`.
    pub origin: Origin,
    /// Extension `entityversion`.
    pub version: Option<Version>,
    /// CloudEvents `time`: the source's own.
    pub time: Option<Timestamp>,
    /// Extension `traceparent` (W3C Trace Context).
    pub traceparent: Option<String>,
    /// The record's own bytes.
    pub body: Bytes,
}

/// Where a record comes from; what an event adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// Whose record it is.
    pub tenant: TenantId,
    /// The integration that read it.
    pub integration: IntegrationId,
    /// The connector of the integration.
    pub connector: ConnectorName,
    /// The stream it belongs to.
    pub stream: StreamName,
}

/// Bytes that are no event of a version we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event of codec version {CODEC_VERSION}: {0}")]
pub struct BadEvent(String);

const CODEC_VERSION: u8 = 1;

impl Event {
    /// The event that says this record of this source was seen in this way.
    pub fn new(source: &Source, origin: Origin, record: Record) -> Self {
        let mut event = Self {
            id: EventId([0; 16]),
            tenant: source.tenant.clone(),
            integration: source.integration.clone(),
            connector: source.connector.clone(),
            stream: source.stream.clone(),
            key: record.key,
            op: if record.deleted { Op::Delete } else { Op::Upsert },
            origin,
            version: record.version,
            time: record.time,
            traceparent: None,
            body: record.body,
        };
        event.id = EventId::of(&event);
        event
    }

    /// CloudEvents `source`: `/tenants/{t}/integrations/{i}`.
    pub fn source(&self) -> String {
        format!("/tenants/{}/integrations/{}", self.tenant, self.integration)
    }

    /// CloudEvents `type`: `{connector}.{stream}.{upsert|delete}`.
    pub fn kind(&self) -> String {
        format!("{}.{}.{}", self.connector, self.stream, self.op.as_str())
    }

    /// The key that keeps all events of one record in one partition, in order: `integration/stream/record key`.
    pub fn partition_key(&self) -> String {
        [self.integration.as_str(), self.stream.as_str(), self.key.as_str()].join("/")
    }

    /// All CloudEvents attributes by name, without a prefix, in a fixed order; absent ones are left out.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = vec![
            ("specversion", "1.0".to_owned()),
            ("id", self.id.to_string()),
            ("source", self.source()),
            ("type", self.kind()),
            ("subject", self.key.to_string()),
            ("datacontenttype", "application/json".to_owned()),
            ("tenantid", self.tenant.to_string()),
            ("integrationid", self.integration.to_string()),
            ("connector", self.connector.to_string()),
            ("stream", self.stream.to_string()),
            ("op", self.op.as_str().to_owned()),
            ("origin", self.origin.as_str().to_owned()),
        ];
        let optional = [
            ("time", self.time.map(|time| time.to_string())),
            ("entityversion", self.version.map(|version| version.to_string())),
            ("traceparent", self.traceparent.clone()),
        ];
        attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        // CloudEvents has no empty attributes, and some sources have a record whose key is empty.
        attributes.retain(|(name, value)| *name != "subject" || !value.is_empty());
        attributes
    }

    /// Those of [`Event::attributes`] that nearly every event has for itself. The others are the same for many.
    pub fn own_attributes(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let own = [
            ("id", Some(self.id.to_string().into())),
            ("subject", Some(self.key.as_str().into()).filter(|key: &Cow<'_, str>| !key.is_empty())),
            ("time", self.time.map(|time| time.to_string().into())),
            ("entityversion", self.version.map(|version| version.to_string().into())),
            ("traceparent", self.traceparent.as_deref().map(Cow::Borrowed)),
        ];
        own.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// The other event has the same [`Event::attributes`] but for those of its own.
    pub fn is_akin(&self, other: &Self) -> bool {
        let same = (&self.stream, &self.integration, &self.tenant, &self.connector)
            == (&other.stream, &other.integration, &other.tenant, &other.connector);
        same && (self.op, self.origin) == (other.op, other.origin)
    }

    /// The event as one JSON text in CloudEvents' structured mode. A body that is not JSON goes into `data_base64`.
    pub fn to_json(&self) -> String {
        let mut object = serde_json::Map::new();
        for (name, value) in self.attributes() {
            object.insert(name.to_owned(), value.into());
        }
        let mut text = serde_json::Value::Object(object).to_string();
        text.pop();
        match std::str::from_utf8(&self.body).ok().filter(|body| serde_json::from_str::<&serde_json::value::RawValue>(body).is_ok()) {
            Some(body) => text.extend([",\"data\":", body, "}"]),
            None => text.extend([",\"data_base64\":\"", &BASE64_STANDARD.encode(&self.body), "\"}"]),
        }
        text
    }

    /// The event in the binary codec: a version byte, then each field with its length in front.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(192 + self.body.len());
        out.put_u8(CODEC_VERSION);
        out.put_slice(&self.id.0);
        out.put_u8(u8::from(self.op == Op::Delete));
        out.put_u8(self.origin as u8);
        for text in [self.tenant.as_str(), self.integration.as_str(), self.connector.as_str(), self.stream.as_str(), self.key.as_str()] {
            put(&mut out, Some(text.as_bytes()));
        }
        put(&mut out, self.version.map(|version| version.0.to_be_bytes()).as_ref().map(<[u8; 16]>::as_slice));
        put(&mut out, self.time.map(|time| time.as_nanosecond().to_be_bytes()).as_ref().map(<[u8; 16]>::as_slice));
        put(&mut out, self.traceparent.as_deref().map(str::as_bytes));
        put(&mut out, Some(&self.body));
        out.freeze()
    }

    /// Reads what [`Event::encode`] wrote.
    pub fn decode(mut from: Bytes) -> Result<Self, BadEvent> {
        let short = || BadEvent("it ends too early".to_owned());
        let version = from.try_get_u8().map_err(|_| short())?;
        if version != CODEC_VERSION {
            return Err(BadEvent(format!("it has version {version}")));
        }
        let mut id = [0; 16];
        from.try_copy_to_slice(&mut id).map_err(|_| short())?;
        let op = match from.try_get_u8().map_err(|_| short())? {
            0 => Op::Upsert,
            1 => Op::Delete,
            other => return Err(BadEvent(format!("unknown operation {other}"))),
        };
        let origin_code = from.try_get_u8().map_err(|_| short())?;
        let origin = *Origin::ALL.get(usize::from(origin_code)).ok_or_else(|| BadEvent(format!("unknown origin {origin_code}")))?;
        let (tenant, integration, connector) = (id_of(&mut from)?, id_of(&mut from)?, id_of(&mut from)?);
        let stream = id_of(&mut from)?;
        let key = RecordKey::of([text_of(&mut from)?.as_str()]);
        let version = number_of(&mut from)?.map(Version);
        let time = number_of(&mut from)?.map(Timestamp::from_nanosecond).transpose().map_err(|error| BadEvent(error.to_string()))?;
        let traceparent = take(&mut from)?.map(utf8).transpose()?;
        let body = take(&mut from)?.ok_or_else(|| BadEvent("it has no body".to_owned()))?;
        Ok(Self { id: EventId(id), tenant, integration, connector, stream, key, op, origin, version, time, traceparent, body })
    }
}

const ABSENT: u32 = u32::MAX;

fn put(out: &mut BytesMut, field: Option<&[u8]>) {
    let length = field.map_or(ABSENT, |bytes| u32::try_from(bytes.len()).unwrap_or(ABSENT - 1));
    out.put_u32(length);
    out.put_slice(field.unwrap_or_default());
}

fn take(from: &mut Bytes) -> Result<Option<Bytes>, BadEvent> {
    let short = || BadEvent("it ends too early".to_owned());
    let length = from.try_get_u32().map_err(|_| short())?;
    if length == ABSENT {
        return Ok(None);
    }
    let length = length as usize;
    if from.remaining() < length {
        return Err(short());
    }
    Ok(Some(from.split_to(length)))
}

fn utf8(bytes: Bytes) -> Result<String, BadEvent> {
    String::from_utf8(bytes.into()).map_err(|_| BadEvent("a text is not UTF-8".to_owned()))
}

fn text_of(from: &mut Bytes) -> Result<String, BadEvent> {
    utf8(take(from)?.ok_or_else(|| BadEvent("a text is absent".to_owned()))?)
}

fn id_of<T: std::str::FromStr<Err = crate::id::BadId>>(from: &mut Bytes) -> Result<T, BadEvent> {
    text_of(from)?.parse().map_err(|error: crate::id::BadId| BadEvent(error.to_string()))
}

fn number_of(from: &mut Bytes) -> Result<Option<i128>, BadEvent> {
    let Some(bytes) = take(from)? else { return Ok(None) };
    let bytes: [u8; 16] = bytes.as_ref().try_into().map_err(|_| BadEvent("a number has not 16 bytes".to_owned()))?;
    Ok(Some(i128::from_be_bytes(bytes)))
}
