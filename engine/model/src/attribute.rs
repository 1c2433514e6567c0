//! What may stand in an event's envelope, attribute by attribute: the table from which the contract with consumers is made.
//! `Event::attributes` writes them in this order, and a test holds the two together.

use crate::{Op, Origin};

/// What the text of an attribute looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Always this.
    Constant(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Matches this regular expression as a whole.
    Pattern(&'static str),
    /// An instant, RFC 3339.
    Instant,
    /// Anything that is not empty.
    Text,
}

/// One attribute of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its CloudEvents name, without a prefix.
    pub name: &'static str,
    /// It is always there.
    pub required: bool,
    /// What its text looks like.
    pub kind: Kind,
    /// What it says, for whoever reads events.
    pub about: &'static str,
    /// What it may look like.
    pub example: &'static str,
}

const SLUG: Kind = Kind::Pattern("^[a-z0-9]([a-z0-9_-]{0,46}[a-z0-9])?$");
const OPS: &[&str] = &[Op::Upsert.as_str(), Op::Delete.as_str()];
const ORIGINS: &[&str] =
    &[Origin::Poll.as_str(), Origin::Webhook.as_str(), Origin::Cdc.as_str(), Origin::Backfill.as_str(), Origin::Replay.as_str()];

const fn always(name: &'static str, kind: Kind, about: &'static str, example: &'static str) -> Attribute {
    Attribute { name, required: true, kind, about, example }
}

const fn maybe(name: &'static str, kind: Kind, about: &'static str, example: &'static str) -> Attribute {
    Attribute { name, required: false, kind, about, example }
}

/// Every attribute there is, in the order in which they are written.
pub const ATTRIBUTES: &[Attribute] = &[
    always("specversion", Kind::Constant("1.0"), "The version of CloudEvents.", "1.0"),
    always(
        "id",
        Kind::Pattern("^[0-9a-f]{32}$"),
        "Deterministic: the same record in the same version has the same id, however often and in whatever way it is read. Deduplicate by it.",
        "9f86d081884c7d659a2feaa0c55ad015",
    ),
    always(
        "source",
        Kind::Pattern("^/tenants/[a-z0-9_-]+/integrations/[a-z0-9_-]+$"),
        "The tenant's integration that the record was read by.",
        "/tenants/acme/integrations/shop",
    ),
    always(
        "type",
        Kind::Pattern("^[a-z0-9_-]+\\.(.|\\n)+\\.(upsert|delete)$"),
        "Connector, stream and operation, with dots between.",
        "sandbox-shop.orders.upsert",
    ),
    maybe(
        "subject",
        Kind::Text,
        "The key of the record within its stream. Several key values are joined by `|`. Absent where the key is empty.",
        "100001",
    ),
    always("datacontenttype", Kind::Constant("application/json"), "What the data is.", "application/json"),
    always("tenantid", SLUG, "Whose event it is.", "acme"),
    always("integrationid", SLUG, "The integration, unique within the tenant.", "shop"),
    always("connector", SLUG, "The kind of source.", "sandbox-shop"),
    always("stream", Kind::Text, "The collection that the record belongs to.", "orders"),
    always("op", Kind::OneOf(OPS), "The record exists in this state, or it is gone.", "upsert"),
    always("origin", Kind::OneOf(ORIGINS), "How it was learned.", "poll"),
    maybe("time", Kind::Instant, "The source's own time of this state.", "2026-03-01T12:00:00Z"),
    maybe(
        "entityversion",
        Kind::Pattern("^-?[0-9]{1,39}$"),
        "Which of two states of a record is newer: the larger. A whole number of up to 128 bits, compared within one stream only.",
        "1772366400000000000",
    ),
    maybe("traceparent", Kind::Text, "W3C Trace Context.", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    maybe(
        "dataschema",
        Kind::Text,
        "Where the JSON Schema of the data is. It is there where values are in the wire format of a schema registry.",
        "http://registry:8081/schemas/ids/7",
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Event, Record, RecordKey, Version, event::Source};

    #[test]
    fn the_table_of_attributes_names_what_events_write_in_the_same_order() {
        let source = Source {
            tenant: "acme".parse().unwrap(),
            integration: "shop".parse().unwrap(),
            connector: "sandbox-shop".parse().unwrap(),
            stream: "orders".parse().unwrap(),
        };
        let time = Some("2026-03-01T12:00:00Z".parse().unwrap());
        let full = Record { key: RecordKey::of(["1"]), body: b"{}".as_slice().into(), version: Some(Version(7)), time, deleted: false };
        let bare = Record { key: RecordKey::of([""]), version: None, time: None, deleted: true, ..full.clone() };
        let mut event = Event::new(&source, Origin::Poll, full);
        event.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
        let written: Vec<&str> = event.attributes().into_iter().map(|(name, _)| name).collect();
        // Only the log on Kafka knows a registry.
        let known = |attribute: &&Attribute| attribute.name != "dataschema";
        assert_eq!(written, ATTRIBUTES.iter().filter(known).map(|attribute| attribute.name).collect::<Vec<_>>());
        let always: Vec<&str> = Event::new(&source, Origin::Poll, bare).attributes().into_iter().map(|(name, _)| name).collect();
        assert_eq!(always, ATTRIBUTES.iter().filter(|attribute| attribute.required).map(|attribute| attribute.name).collect::<Vec<_>>());
    }
}
