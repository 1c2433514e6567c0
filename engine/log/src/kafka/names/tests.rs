#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use bytes::Bytes;
use syncline_model::{Origin, Record, RecordKey, event::Source};

use super::*;

fn event(tenant: &str, stream: &str) -> Event {
    let source = Source {
        tenant: tenant.parse().unwrap(),
        integration: "shop".parse().unwrap(),
        connector: "sandbox-shop".parse().unwrap(),
        stream: stream.parse().unwrap(),
    };
    let record = Record { key: RecordKey::of(["1"]), body: Bytes::new(), version: None, time: None, deleted: false };
    Event::new(&source, Origin::Poll, record)
}

#[test]
fn a_topic_says_whose_it_is() {
    for template in ["{prefix}.{tenant}.{connector}.{stream}", "{prefix}.{tenant}", "{prefix}.events.{tenant}.{stream}"] {
        let names = Names::new("my.line", template).unwrap();
        for stream in ["orders", "public.orders", "a b/ç", &"x".repeat(255)] {
            let topic = names.topic(&event("acme", stream));
            assert!(topic.len() <= 249 && topic.bytes().all(is_legal), "{topic}");
            assert!(names.is_of(&topic, &"acme".parse().unwrap()), "{topic}");
            assert!(!names.is_of(&topic, &"acm".parse().unwrap()));
        }
    }
}

#[test]
fn streams_that_differ_only_in_what_a_topic_cannot_have_get_two_topics() {
    let names = Names::new("line", "{prefix}.{tenant}.{stream}").unwrap();
    assert_ne!(names.topic(&event("acme", "a b")), names.topic(&event("acme", "a/b")));
    assert_ne!(names.topic(&event("acme", "a b")), names.topic(&event("acme", "a-b")));
}

#[test]
fn no_tenant_can_have_a_topic_of_ours() {
    let names = Names::new("line", "{prefix}.{tenant}").unwrap();
    for ours in [names.inbox(), names.cursors(), names.seen()] {
        assert!(!names.is_events(&ours), "{ours}");
    }
    assert_eq!(names.topic(&event("inbox", "s")), "line.inbox");
    assert!(!names.is_events("line") && !names.is_events("other.acme") && !names.is_events("line.acme.more"));
}

#[test]
fn a_wrong_template_is_refused_by_name() {
    for (template, why) in [
        ("{prefix}.{tenent}", "did you mean `tenant`?"),
        ("{tenant}.{stream}", "must begin with `{prefix}.`"),
        ("{prefix}.events", "must have `{tenant}` once"),
        ("{prefix}.{tenant}-{stream}", "stands between dots"),
        ("{prefix}.{stream}.{tenant}", "must come last"),
        ("{prefix}._own.{tenant}", "not begin with `_`"),
        ("{prefix}..{tenant}", "must be"),
    ] {
        let said = Names::new("line", template).unwrap_err();
        assert!(said.contains(why) && said.contains(template), "{said}");
    }
    assert!(Names::new("a b", "{prefix}.{tenant}").unwrap_err().contains("`a b`"));
}
