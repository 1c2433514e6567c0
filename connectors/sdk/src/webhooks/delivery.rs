//! A verified webhook as it waits in an inbox.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Call;

const VERSION: u8 = 1;

/// A verified webhook, raw: its body, and what else of the request says what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint that it came to.
    pub endpoint: String,
    /// By what it is known to be the same again.
    pub id: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Parameters.
    pub query: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
}

/// Bytes that are no delivery of a version we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no delivery that this program can read: {0}")]
pub struct BadDelivery(String);

#[derive(Serialize, Deserialize)]
struct Head {
    endpoint: String,
    id: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Delivery {
    /// As an inbox keeps it: a version byte, the length of a JSON text, that text, the body.
    pub fn encode(&self) -> Bytes {
        let Self { endpoint, id, headers, query, body } = self.clone();
        let head = serde_json::to_vec(&Head { endpoint, id, headers, query }).unwrap_or_default();
        let mut out = BytesMut::with_capacity(5 + head.len() + body.len());
        out.put_u8(VERSION);
        out.put_u32(u32::try_from(head.len()).unwrap_or(u32::MAX));
        out.put_slice(&head);
        out.put_slice(&body);
        out.freeze()
    }

    /// Reads what [`Delivery::encode`] wrote.
    pub fn decode(mut from: Bytes) -> Result<Self, BadDelivery> {
        let short = || BadDelivery("it ends too early".to_owned());
        let version = from.try_get_u8().map_err(|_| short())?;
        if version != VERSION {
            return Err(BadDelivery(format!("it has version {version}")));
        }
        let length = from.try_get_u32().map_err(|_| short())? as usize;
        if from.remaining() < length {
            return Err(short());
        }
        let head = from.split_to(length);
        let Head { endpoint, id, headers, query } = serde_json::from_slice(&head).map_err(|error| BadDelivery(error.to_string()))?;
        Ok(Self { endpoint, id, headers, query, body: from })
    }

    /// As the templates of its connector want to see it.
    pub(super) fn call(&self, body: Bytes) -> Call {
        Call {
            method: "POST".to_owned(),
            url: String::new(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body,
            endpoint: self.endpoint.clone(),
            received: Timestamp::UNIX_EPOCH,
            timestamp: None,
            id: None,
        }
    }
}
