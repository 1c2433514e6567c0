//! What a source said: bytes with a key and, if the source has one, a version.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ConnectorName, IntegrationId, StreamName, TenantId};

/// The identity of a record within its stream. One key value stands as its own text; several are joined so that
/// different tuples never give the same text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordKey(String);

impl RecordKey {
    /// The key made of these values, in the order of the stream's primary key.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values = values.into_iter().peekable();
        let first = values.next().unwrap_or_default();
        if values.peek().is_none() {
            return Self(first.to_owned());
        }
        let escape = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|");
        let mut joined = escape(first);
        for value in values {
            joined.push('|');
            joined.push_str(&escape(value));
        }
        Self(joined)
    }

    /// The key of a record whose stream has none: a digest of its bytes.
    pub fn digest(bytes: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the source says about which of two states of a record is newer: nanoseconds since 1970 where it gives a time, its own
/// counter where it gives one. Versions are compared within one stream only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub i128);

impl From<Timestamp> for Version {
    fn from(time: Timestamp) -> Self {
        Self(time.as_nanosecond())
    }
}
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One record as a connector hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its identity within the stream.
    pub key: RecordKey,
    /// What the source said, byte for byte: one JSON value.
    pub body: Bytes,
    /// Which state of the record this is, if the source says so.
    pub version: Option<Version>,
    /// The source's own time of this state.
    pub time: Option<Timestamp>,
    /// The source says that the record is gone.
    pub deleted: bool,
}

/// A record that could not be handled: kept, counted and shown, and it never takes its page with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it came from.
    pub integration: IntegrationId,
    /// Its connector.
    pub connector: ConnectorName,
    /// Its stream.
    pub stream: StreamName,
    /// Its key, as far as one could be read.
    pub key: Option<RecordKey>,
    /// The bytes as they came, cut at the store's limit.
    pub body: Bytes,
    /// Why it could not be handled, as a lowercase clause.
    pub cause: String,
}

impl Quarantined {
    /// The same record refused for the same cause has the same id, so that reading a page again does not list it twice.
    /// 32 hexadecimal digits.
    pub fn id(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        let fields = [self.tenant.as_str(), self.integration.as_str(), self.stream.as_str(), &self.cause];
        for field in fields.iter().map(|text| text.as_bytes()).chain([self.body.as_ref()]) {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        hex::encode(&hasher.finalize()[..16])
    }
}
