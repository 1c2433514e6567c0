//! What a broker can do to us, on a real one.

use std::time::Duration;

use bytes::Bytes;
use futures::executor::block_on;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
};
use syncline_model::{
    Event, EventLog, LogFault, Origin, Record, RecordKey, Shard, ShardId, Step, Version,
    event::Source,
    log::{Position, ShardChange},
};

use super::{Line, bootstrap};
use crate::{
    conformance::{Subject, advance, bodies, event, own, tenant},
    kafka::KafkaLog,
};

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", bootstrap().unwrap()).create().unwrap()
}

fn make(topic: &str, partitions: i32, settings: &[(&str, &str)]) {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    block_on(admin().create_topics(&[new], &options)).unwrap()[0].as_ref().unwrap();
}

async fn one_shard(log: &KafkaLog) -> (Box<dyn Shard>, Box<dyn syncline_model::log::Membership>) {
    let (mut shards, membership) = own(log).await;
    (shards.remove(&ShardId::of(&tenant("acme"), log.shard_count())).unwrap(), membership)
}

fn step(from: u64, bodies: &[&str]) -> Step {
    let acme = tenant("acme");
    let mut step = Step::default();
    step.push(bodies.iter().map(|body| event(&acme, "1", body)), advance(&acme, from, "x"));
    step
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_somebody_removed_is_made_again() {
    if bootstrap().is_none() {
        return;
    }
    let line = Line::new();
    let log = line.open().await;
    let (mut shard, mut membership) = one_shard(&log).await;
    shard.commit(step(0, &["a"])).await.unwrap();
    let topic = format!("{}.acme", line.0);
    block_on(admin().delete_topics(&[&topic], &AdminOptions::new().operation_timeout(Some(Duration::from_secs(20))))).unwrap();
    let again = async {
        // The producer may be told that it is of no use any more; then the shard comes again.
        while let Err(fault) = shard.commit(step(1, &["b"])).await {
            if !matches!(fault, LogFault::Fenced(_)) {
                continue;
            }
            let ours = shard.id();
            while let Some(change) = membership.next().await.unwrap() {
                match change {
                    ShardChange::Assigned(anew) if anew.id() == ours => {
                        shard = anew;
                        break;
                    }
                    ShardChange::Assigned(_) | ShardChange::Revoked(_) => {}
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
    assert_eq!(bodies(&log, &tenant("acme")).await, ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_only_the_broker_finds_too_large_is_named_and_the_others_are_kept() {
    if bootstrap().is_none() {
        return;
    }
    let line = Line::new();
    make(&format!("{}.acme", line.0), 1, &[("max.message.bytes", "4000")]);
    let log = line.open().await;
    let (shard, _membership) = one_shard(&log).await;
    // What does not compress.
    let large: String =
        (0..7000_u64).map(|n| char::from(b'!' + u8::try_from(n.wrapping_mul(n).wrapping_mul(0x9e37_79b9) >> 11 & 63).unwrap())).collect();
    let refused = shard.commit(step(0, &[&large])).await;
    assert!(matches!(refused, Err(LogFault::TooLarge { index: 0, .. })), "{refused:?}");
    shard.commit(step(0, &["small"])).await.unwrap();
    assert_eq!(bodies(&log, &tenant("acme")).await, ["small"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_of_ours_that_cannot_be_right_are_refused_at_the_start() {
    if bootstrap().is_none() {
        return;
    }
    let uneven = Line::new();
    make(&format!("{}._inbox", uneven.0), 4, &[]);
    make(&format!("{}._cursors", uneven.0), 3, &[("cleanup.policy", "compact")]);
    let fault = KafkaLog::open(uneven.config(bootstrap().unwrap())).await.err().unwrap();
    assert!(fault.to_string().contains("has 3 partitions"), "{fault}");
    let forgetful = Line::new();
    make(&format!("{}._cursors", forgetful.0), 4, &[("cleanup.policy", "delete")]);
    let fault = KafkaLog::open(forgetful.config(bootstrap().unwrap())).await.err().unwrap();
    assert!(fault.to_string().contains("would forget cursors"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_comes_back_as_it_was_written() {
    if bootstrap().is_none() {
        return;
    }
    let line = Line::new();
    let log = KafkaLog::open(crate::KafkaConfig {
        topic_template: "{prefix}.{tenant}.{connector}.{stream}".to_owned(),
        event_partitions: 3,
        ..line.config(bootstrap().unwrap())
    })
    .await
    .unwrap();
    let (shard, mut membership) = one_shard(&log).await;
    let acme = tenant("acme");
    let source = |stream: &str| Source {
        tenant: acme.clone(),
        integration: "shop".parse().unwrap(),
        connector: "sandbox-shop".parse().unwrap(),
        stream: stream.parse().unwrap(),
    };
    let full = Record {
        key: RecordKey::of(["a|b", "ü"]),
        body: Bytes::from_static(b"{\"n\": 1.10}"),
        version: Some(Version(-170_141_183_460_469_231_731)),
        time: Some("2026-11-21T08:00:00.123456789Z".parse().unwrap()),
        deleted: true,
    };
    let plain = Record { key: RecordKey::of([""]), body: Bytes::new(), version: None, time: None, deleted: false };
    let mut traced = Event::new(&source("public.orders / ü"), Origin::Cdc, full);
    traced.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let events = vec![traced, Event::new(&source("orders"), Origin::Backfill, plain)];
    let mut wanted = Step::default();
    wanted.push(events.clone(), advance(&acme, 0, "x"));
    shard.commit(wanted).await.unwrap();
    let mut found: Vec<Event> =
        log.read(&acme, &Position::default(), 10, Duration::from_secs(10)).await.unwrap().into_iter().map(|logged| logged.event).collect();
    found.sort_by_key(|event| event.op == syncline_model::Op::Upsert);
    assert_eq!(found, events);
    drop(shard);
    assert!(log.0.topics.of(&acme, true).unwrap().iter().all(|(_, partitions)| *partitions == 3));
    while let Ok(Ok(Some(change))) = tokio::time::timeout(Duration::from_millis(1), membership.next()).await {
        assert!(!matches!(change, ShardChange::Revoked(_)), "nobody has taken anything from us");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_topic_that_we_make_goes_by_the_brokers_clock() {
    if bootstrap().is_none() {
        return;
    }
    let line = Line::new();
    let log = line.open().await;
    let (shard, _membership) = one_shard(&log).await;
    shard.commit(step(0, &["a"])).await.unwrap();
    for name in ["_inbox", "_cursors", "_seen", "acme"] {
        let topic = format!("{}.{name}", line.0);
        let asked = [ResourceSpecifier::Topic(&topic)];
        let found = block_on(admin().describe_configs(&asked, &AdminOptions::new())).unwrap().remove(0).unwrap();
        assert_eq!(found.get("message.timestamp.type").unwrap().value.as_deref(), Some("LogAppendTime"), "{topic}");
    }
}
