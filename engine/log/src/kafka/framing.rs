//! The wire format of schema registries: a zero byte and the number of a schema, four bytes, in front of a value. Who gives schemas
//! their numbers is not known here.

use std::{fmt, sync::Arc};

use syncline_model::{Event, LogFault};

const MAGIC: u8 = 0;
const HEAD: usize = 5;

/// A schema that a registry knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its number.
    pub id: u32,
    /// Where it can be read; the event's `dataschema`.
    pub url: String,
}

/// Knows the schemas of events. It is asked off the async threads, for every event, and before a transaction is begun.
pub trait Schemas: fmt::Debug + Send + Sync {
    /// The schema of this event's body in this topic.
    fn of(&self, topic: &str, event: &Event) -> Result<Arc<Schema>, LogFault>;
}

/// The value under this schema. What is empty stays so.
pub fn frame(body: &[u8], schema: &Schema) -> Vec<u8> {
    if body.is_empty() {
        return Vec::new();
    }
    let mut value = Vec::with_capacity(HEAD + body.len());
    value.push(MAGIC);
    value.extend(schema.id.to_be_bytes());
    value.extend_from_slice(body);
    value
}

/// The body in a value. No JSON text begins with a zero byte.
pub fn unframe(value: &[u8], has_schema: bool) -> &[u8] {
    match value {
        [MAGIC, _, _, _, _, body @ ..] if has_schema => body,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_framed_can_be_read_again_and_what_is_not_stays_as_it_is() {
        let schema = Schema { id: 258, url: String::new() };
        let framed = frame(b"{}", &schema);
        assert_eq!(framed, b"\0\0\0\x01\x02{}");
        assert_eq!(unframe(&framed, true), b"{}");
        assert_eq!(unframe(b"{\"a\":1}", true), b"{\"a\":1}");
        assert_eq!(unframe(b"\0\0\0\0\0{}", false), b"\0\0\0\0\0{}");
        assert!(frame(b"", &schema).is_empty());
    }
}
