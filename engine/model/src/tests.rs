#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::event::Source;
use crate::{Event, Origin, Record, RecordKey, Secret, Settings, State, Version};

fn source() -> Source {
    Source {
        tenant: "acme".parse().unwrap(),
        integration: "shop".parse().unwrap(),
        connector: "sandbox-shop".parse().unwrap(),
        stream: "orders".parse().unwrap(),
    }
}

proptest! {
    #[test]
    fn an_event_survives_its_codec(key in ".*", body in proptest::collection::vec(any::<u8>(), 0..200), version in any::<Option<i128>>(), ns in 0_i64.., origin in 0_usize..5, deleted: bool) {
        let time = Timestamp::from_nanosecond(i128::from(ns)).unwrap();
        let record = Record { key: RecordKey::of([key.as_str()]), body: Bytes::from(body), version: version.map(Version), time: Some(time), deleted };
        let event = Event::new(&source(), Origin::ALL[origin], record);
        prop_assert_eq!(Event::decode(event.encode()).unwrap(), event);
    }

    #[test]
    fn a_damaged_event_is_refused_or_another_event_and_never_a_panic(at in 0_usize..60, byte: u8) {
        let record = Record { key: RecordKey::of(["1"]), body: Bytes::from_static(b"{}"), version: None, time: None, deleted: false };
        let mut bytes = Event::new(&source(), Origin::Poll, record).encode().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Event::decode(Bytes::from(bytes.clone()));
        prop_assert!(Event::decode(Bytes::from(bytes[..at].to_vec())).is_err());
    }

    #[test]
    fn different_composite_keys_give_different_texts(a in proptest::collection::vec(".{0,4}", 2..4), b in proptest::collection::vec(".{0,4}", 2..4)) {
        let (left, right) = (RecordKey::of(a.iter().map(String::as_str)), RecordKey::of(b.iter().map(String::as_str)));
        prop_assert_eq!(a == b, left == right);
    }
}

#[test]
fn the_same_record_has_the_same_id_and_another_version_another() {
    let record = |version| Record {
        key: RecordKey::of(["7"]),
        body: Bytes::from_static(b"{\"id\":7}"),
        version: Some(Version(version)),
        time: None,
        deleted: false,
    };
    let id = |origin, version| Event::new(&source(), origin, record(version)).id;
    assert_eq!(id(Origin::Poll, 1), id(Origin::Backfill, 1));
    assert_ne!(id(Origin::Poll, 1), id(Origin::Poll, 2));
}

#[test]
fn structured_json_keeps_the_numbers_of_the_body_as_they_were_written() {
    let record = Record {
        key: RecordKey::of(["7"]),
        body: Bytes::from_static(b"{\"n\":1.10,\"big\":18446744073709551616}"),
        version: None,
        time: None,
        deleted: false,
    };
    let text = Event::new(&source(), Origin::Poll, record).to_json();
    assert!(text.ends_with(r#","data":{"n":1.10,"big":18446744073709551616}}"#), "{text}");
}

#[test]
fn a_secret_does_not_print() {
    assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
    assert_eq!(format!("{:?}", Settings::new(serde_json::json!({"api_key": "hunter2"}))), "[settings]");
}

#[test]
fn ids_refuse_what_would_break_a_path_a_topic_or_a_table() {
    for bad in ["", "-a", "a-", "A", "a/b", "a.b", "ä", &"a".repeat(49)] {
        assert!(bad.parse::<crate::TenantId>().is_err(), "{bad}");
    }
    assert_eq!(
        "a/b".parse::<crate::TenantId>().unwrap_err().to_string(),
        "`a/b` is no tenant id: 1 to 48 of a-z, 0-9, `-` and `_`, and a letter or digit first and last"
    );
}

#[test]
fn no_state_leads_out_of_deletion_and_every_other_state_leads_into_it() {
    assert!(State::Deleted.next().is_empty());
    for state in State::ALL.iter().filter(|&&state| state != State::Deleted) {
        assert_eq!(state.to(State::Deleted), Some(State::Deleted), "{state}");
    }
    assert_eq!(State::Draft.to(State::Live), None);
}

#[test]
fn the_nearest_name_is_found_and_a_far_one_is_not_offered() {
    assert_eq!(crate::nearest::hint("orgnization", ["organization", "region"]), " (did you mean `organization`?)");
    assert_eq!(crate::nearest::hint("zzzz", ["organization", "region"]), "");
}
