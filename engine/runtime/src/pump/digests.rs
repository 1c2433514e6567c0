//! What a full refresh remembers of a record: eight bytes for its key, eight for its content, and the key itself where it may be
//! needed to say that the record is gone.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use syncline_model::{Cursor, Event, RecordKey};

/// What is remembered of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Of its key.
    pub key: u64,
    /// Of its content; 0 if the content did not get into the log.
    pub content: u64,
    /// The key itself, where deletions are inferred.
    pub text: Option<RecordKey>,
}

impl Digest {
    /// Of the record in this event.
    pub fn of(event: &Event, with_key: bool) -> Self {
        let mut head = [0; 8];
        head.copy_from_slice(&event.id.0[..8]);
        let content = u64::from_be_bytes(head).max(1);
        Self { key: key_hash(event.key.as_str()), content, text: with_key.then(|| event.key.clone()) }
    }

    /// Of a record of which only the key is known.
    pub fn of_key(key: &RecordKey, with_key: bool) -> Self {
        Self { key: key_hash(key.as_str()), content: 0, text: with_key.then(|| key.clone()) }
    }
}

/// Eight bytes for a key.
pub fn key_hash(key: &str) -> u64 {
    Sha256::digest(key).iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// The digests of a page, as a cursor.
pub fn encode(page: &[Digest]) -> Cursor {
    let mut out = BytesMut::with_capacity(page.len() * 32);
    for digest in page {
        out.put_u64(digest.key);
        out.put_u64(digest.content);
        let text = digest.text.as_ref().map_or("", RecordKey::as_str);
        out.put_u32(u32::try_from(text.len()).unwrap_or_default());
        out.put_slice(text.as_bytes());
    }
    Cursor(out.freeze())
}

/// Reads what [`encode`] wrote; ends where it cannot be read.
pub fn decode(cursor: &Cursor) -> Vec<Digest> {
    let mut from = cursor.0.clone();
    std::iter::from_fn(|| read_one(&mut from)).collect()
}

fn read_one(from: &mut Bytes) -> Option<Digest> {
    let (key, content, length) = (from.try_get_u64().ok()?, from.try_get_u64().ok()?, from.try_get_u32().ok()? as usize);
    if from.remaining() < length {
        return None;
    }
    let text = from.split_to(length);
    let text = std::str::from_utf8(&text).ok().filter(|text| !text.is_empty()).map(|text| RecordKey::of([text]));
    Some(Digest { key, content, text })
}
