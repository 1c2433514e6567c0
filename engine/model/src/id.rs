//! Typed ids. Two of them cannot change places by mistake, and a malformed one does not exist.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: {rule}")]
pub struct BadId {
    kind: &'static str,
    rule: &'static str,
    text: String,
}

const SLUG_RULE: &str = "1 to 48 of a-z, 0-9, `-` and `_`, and a letter or digit first and last";

fn is_slug(text: &str) -> bool {
    let ends = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=48).contains(&bytes.len())
        && bytes.iter().all(|&c| ends(c) || c == b'-' || c == b'_')
        && bytes.first().is_some_and(|&c| ends(c))
        && bytes.last().is_some_and(|&c| ends(c))
}

fn is_stream_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $valid:path, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if $valid(text) { Ok(Self(text.into())) } else { Err(BadId { kind: $kind, rule: $rule, text: text.to_owned() }) }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str { &self.0 }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.serialize_str(&self.0) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// A customer of the platform: the unit of isolation, quota, encryption and placement.
    TenantId, "tenant id", is_slug, SLUG_RULE
);
text_id!(
    /// One connector, configured and authorized by one tenant. Unique within its tenant, and never used again after deletion.
    IntegrationId, "integration id", is_slug, SLUG_RULE
);
text_id!(
    /// A kind of source: `stripe`, `github`, `postgres`. The name of its folder in the catalog.
    ConnectorName, "connector name", is_slug, SLUG_RULE
);
text_id!(
    /// One collection of an integration: `customers`, `issues`, `public.orders`.
    StreamName, "stream name", is_stream_name, "1 to 255 bytes without control characters"
);

/// One run of an integration, from its trigger to its outcome. A UUID of version 7, so ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub uuid::Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl FromStr for JobId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = |_| BadId { kind: "job id", rule: "a UUID", text: text.to_owned() };
        uuid::Uuid::parse_str(text).map(Self).map_err(bad)
    }
}

/// A slice of all tenants, owned by one node at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(pub u16);

impl ShardId {
    /// The shard of a tenant: the first eight bytes of the SHA-256 of its id, modulo the number of shards.
    /// The number of shards is fixed when the log is made, because changing it would move tenants.
    pub fn of(tenant: &TenantId, shard_count: std::num::NonZeroU16) -> Self {
        let digest = Sha256::digest(tenant.as_str());
        let head = digest.iter().take(8).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
        Self(u16::try_from(head % u64::from(shard_count.get())).unwrap_or_default())
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
