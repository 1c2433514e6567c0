//! Deliveries become events, on the real embedded log.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../src/fakes/mod.rs"]
#[allow(unused_imports)]
mod fakes;

use std::{
    num::NonZeroU16,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use fakes::{MemoryLedger, Row, TestSource};
use jiff::Timestamp;
use serde_json::json;
use syncline_log::embedded::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{
    Event, EventLog, LogFault, Op, Origin, State, TenantId, Version,
    ledger::{Enrolled, Trigger},
    log::{Consumer, InboxItem, InboxKind, InboxOffset, Logged, Membership, Position},
    schedule::Schedule,
};
use syncline_runtime::{Connectors, Engine, EngineConfig, EngineHandle, Intake, SpoolLimits};
use syncline_sdk::{Connector, webhooks::Delivery};

fn source() -> Arc<TestSource> {
    let section = json!({
        "type": "{json:type}", "ignore": "boring",
        "events": [
            {"type": "gone", "stream": "orders", "record": "it", "op": "delete", "key": "{json:key}"},
            {"type": "news", "stream": "customers", "thin": true},
            {"type": "new", "stream": "orders", "record": "it"},
            {"type": "odd", "stream": "panicking", "record": "it"},
        ],
    });
    let source = TestSource::with_webhooks("shop", &section);
    source.rows("orders", [Row::new("a", 1)]);
    source.rows("customers", [Row::new("x", 1)]);
    source
}

fn start(file: &Path, ledger: &Arc<MemoryLedger>, source: &Arc<TestSource>) -> (EmbeddedLog, EngineHandle) {
    let log = EmbeddedLog::open(EmbeddedConfig { event_bytes_max: 4000, ..EmbeddedConfig::new(file) }).unwrap();
    let connectors = Connectors::new([Arc::clone(source) as Arc<dyn Connector>]);
    let config = EngineConfig { start_spread: Duration::ZERO, stop_within: Duration::from_secs(2), ..EngineConfig::default() };
    let engine = Engine::start(config, Arc::new(log.clone()), Arc::clone(ledger) as _, Arc::new(connectors)).unwrap();
    (log, engine)
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn item(integration: &str, id: &str, body: &serde_json::Value) -> InboxItem {
    let delivery = Delivery {
        endpoint: "we_1".to_owned(),
        id: id.to_owned(),
        headers: Vec::new(),
        query: Vec::new(),
        body: Bytes::from(body.to_string()),
    };
    let kind = InboxKind::Delivery;
    InboxItem { tenant: tenant(), integration: integration.parse().unwrap(), kind, received: Timestamp::now(), body: delivery.encode() }
}

fn order(key: &str, version: i64) -> serde_json::Value {
    json!({"type": "new", "it": {"id": key, "v": version}})
}

/// Waits for so many events that webhooks brought, and gives them.
async fn brought(log: &EmbeddedLog, count: usize) -> Vec<Event> {
    let (mut position, mut found) = (Position::default(), Vec::new());
    while found.len() < count {
        let read = log.read(&tenant(), &position, 100, Duration::from_secs(20)).await.unwrap();
        assert!(!read.is_empty(), "only {found:#?}");
        for logged in read {
            position.pass(&logged.place);
            found.extend(Some(logged.event).filter(|event| event.origin == Origin::Webhook));
        }
    }
    found
}

struct Setup {
    _folder: tempfile::TempDir,
    ledger: Arc<MemoryLedger>,
    source: Arc<TestSource>,
    log: EmbeddedLog,
    engine: EngineHandle,
}

async fn live() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let ledger = MemoryLedger::new([MemoryLedger::testing("shop", "eu", Schedule::Manual)]);
    let source = source();
    let (log, engine) = start(&folder.path().join("log.db"), &ledger, &source);
    ledger.until(|ledger| ledger.state("eu") == State::Live).await;
    Setup { _folder: folder, ledger, source, log, engine }
}

#[tokio::test]
async fn a_delivery_becomes_events_once_however_often_it_comes() {
    let setup = live().await;
    for _ in 0..3 {
        setup.engine.deliver(item("eu", "id:1", &order("a", 7))).await.unwrap();
    }
    setup.engine.deliver(item("eu", "id:2", &json!({"type": "gone", "key": "b", "it": {"id": "b", "v": 9}}))).await.unwrap();
    setup.engine.deliver(item("eu", "id:1", &order("a", 7))).await.unwrap();
    setup.engine.deliver(item("eu", "id:3", &order("c", 1))).await.unwrap();
    let events = brought(&setup.log, 3).await;
    let told: Vec<_> = events.iter().map(|event| (event.stream.as_str(), event.key.as_str(), event.op, event.version)).collect();
    assert_eq!(
        told,
        [
            ("orders", "a", Op::Upsert, Some(Version(7))),
            ("orders", "b", Op::Delete, Some(Version(9))),
            ("orders", "c", Op::Upsert, Some(Version(1)))
        ]
    );
    setup.engine.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_cannot_be_handled_is_in_quarantine_and_the_rest_goes_on() {
    let setup = live().await;
    let bodies = [
        json!({"type": "unheard-of"}),
        json!({"type": "new"}),
        json!({"type": "new", "it": {"v": 1}}),
        json!({"type": "new", "it": {"id": "panic"}}),
        json!({"type": "new", "it": {"id": "large", "text": "x".repeat(5000)}}),
        json!({"type": "boring"}),
        json!({"type": "odd", "it": {"id": "first"}}),
        json!({"type": "odd", "it": {"id": "second"}}),
        order("a", 2),
    ];
    for (number, body) in bodies.iter().enumerate() {
        setup.engine.deliver(item("eu", &format!("id:{number}"), body)).await.unwrap();
    }
    assert_eq!(brought(&setup.log, 1).await[0].key.as_str(), "a");
    let kept: Vec<_> = setup.ledger.rows().quarantine.values().cloned().collect();
    let mut causes: Vec<_> = kept.iter().map(|kept| (kept.stream.as_str(), kept.cause.as_str())).collect();
    causes.sort_unstable();
    let (large, others) = causes.iter().partition::<Vec<_>, _>(|(_, cause)| cause.contains("the log takes 4000"));
    assert_eq!(large.len(), 1, "{causes:?}");
    let expected = [
        ("orders", "its key is missing"),
        ("orders", "reading it made us panic"),
        ("orders", "there is no record where one should be"),
        ("panicking", "the source answered something unusable: learning how to read it made us panic"),
        ("panicking", "the source answered something unusable: learning how to read it made us panic"),
        ("webhooks", "the connector does not know what `unheard-of` means"),
    ];
    assert_eq!(others.into_iter().copied().collect::<Vec<_>>(), expected);
    setup.engine.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_only_says_that_there_is_news_has_its_stream_read_once_for_many() {
    let setup = live().await;
    setup.source.rows("customers", [Row::new("x", 1), Row::new("y", 2)]);
    setup.source.rows("orders", [Row::new("a", 1), Row::new("b", 2)]);
    for number in 0..50 {
        setup.engine.deliver(item("eu", &format!("id:{number}"), &json!({"type": "news"}))).await.unwrap();
    }
    setup.ledger.until(|ledger| ledger.ended("eu").len() > 1).await;
    let jobs = setup.ledger.ended("eu");
    // How many there are is a matter of how long fifty of them take.
    assert!(jobs.len() < 25 && jobs[1..].iter().all(|job| job.trigger == Some(Trigger::Webhook)), "{jobs:?}");
    let streams: Vec<_> = jobs[1].streams.iter().map(|stream| (stream.stream.as_str(), stream.events)).collect();
    assert_eq!(streams, [("customers", 1)]);
    assert_eq!(setup.ledger.state("eu"), State::Live);
    setup.engine.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_waited_while_nobody_was_there_is_handled_and_what_was_deleted_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.db");
    let live = |name: &str| Enrolled { state: State::Live, ..MemoryLedger::testing("shop", name, Schedule::Manual) };
    let ledger = MemoryLedger::new([
        live("eu"),
        Enrolled { state: State::Deleted, ..live("gone") },
        Enrolled { state: State::Paused, ..live("paused") },
    ]);
    {
        let log = EmbeddedLog::open(EmbeddedConfig::new(&file)).unwrap();
        for (integration, id) in [("gone", "id:1"), ("eu", "id:1"), ("paused", "id:1"), ("eu", "id:2")] {
            log.append(item(integration, id, &order(&format!("{integration}-{id}"), 1))).await.unwrap();
        }
    }
    let source = source();
    let (log, engine) = start(&file, &ledger, &source);
    let keys: Vec<_> = brought(&log, 3).await.iter().map(|event| event.key.to_string()).collect();
    assert_eq!(keys, ["eu-id:1", "paused-id:1", "eu-id:2"], "what was answered before the pause is not lost by it");
    engine.shutdown(Duration::from_secs(5)).await;
    drop(log);
    let (log, engine) = start(&file, &ledger, &source);
    engine.deliver(item("eu", "id:2", &order("again", 1))).await.unwrap();
    engine.deliver(item("eu", "id:3", &order("last", 1))).await.unwrap();
    assert_eq!(brought(&log, 4).await.last().unwrap().key.as_str(), "last", "also after a restart it is known what was seen");
    engine.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_panic_over_an_inbox_is_survived_and_its_deliveries_are_handled_once() {
    let setup = live().await;
    setup.ledger.panics_of_one.store(1, Ordering::Relaxed);
    setup.engine.deliver(item("eu", "id:1", &order("a", 1))).await.unwrap();
    assert_eq!(brought(&setup.log, 1).await[0].key.as_str(), "a");
    assert_eq!(setup.ledger.panics_of_one.load(Ordering::Relaxed), 0);
    setup.engine.deliver(item("eu", "id:1", &order("a", 1))).await.unwrap();
    setup.engine.deliver(item("eu", "id:2", &order("b", 1))).await.unwrap();
    assert_eq!(brought(&setup.log, 2).await[1].key.as_str(), "b");
    setup.engine.shutdown(Duration::from_secs(5)).await;
}

/// A log that is away when the test says so.
struct Away(EmbeddedLog, AtomicBool);

impl Away {
    fn go(&self, away: bool) {
        self.1.store(away, Ordering::Relaxed);
    }
}

#[async_trait]
impl EventLog for Away {
    fn shard_count(&self) -> NonZeroU16 {
        self.0.shard_count()
    }
    async fn append(&self, item: InboxItem) -> Result<InboxOffset, LogFault> {
        if self.1.load(Ordering::Relaxed) {
            return Err(LogFault::Unavailable("the brokers are away".to_owned()));
        }
        self.0.append(item).await
    }
    async fn join(&self, node: &str) -> Result<Box<dyn Membership>, LogFault> {
        self.0.join(node).await
    }
    async fn subscribe(&self, group: &str) -> Result<Box<dyn Consumer>, LogFault> {
        self.0.subscribe(group).await
    }
    async fn read(&self, tenant: &TenantId, from: &Position, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
        self.0.read(tenant, from, events_max, wait).await
    }
    async fn purge(&self, tenant: &TenantId) -> Result<(), LogFault> {
        self.0.purge(tenant).await
    }
}

#[tokio::test]
async fn what_comes_while_the_log_is_away_waits_in_the_spool_and_is_published_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = MemoryLedger::new([Enrolled { state: State::Live, ..MemoryLedger::testing("shop", "eu", Schedule::Manual) }]);
    let log = EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log.db"))).unwrap();
    let away = Arc::new(Away(log.clone(), AtomicBool::new(true)));
    let connectors = Arc::new(Connectors::new([source() as Arc<dyn Connector>]));
    let engine = Engine::start(EngineConfig::default(), Arc::clone(&away) as _, Arc::clone(&ledger) as _, connectors).unwrap();
    let alone = Intake::new(engine.clone(), Duration::from_secs(5));
    assert!(alone.take(item("eu", "id:0", &order("a", 0))).await.is_err(), "without a spool its sender keeps it");
    let spool = || {
        let file = EmbeddedConfig { shards: NonZeroU16::MIN, ..EmbeddedConfig::new(folder.path().join("spool.db")) };
        Arc::new(EmbeddedLog::open(file).unwrap())
    };
    let limits = SpoolLimits { items_max: 5, bytes_max: 1_000_000 };
    let intake = alone.clone().with_spool(spool(), limits).await.unwrap();
    for number in 1..=5 {
        intake.take(item("eu", &format!("id:{number}"), &order("a", number))).await.unwrap();
    }
    let full = intake.take(item("eu", "id:6", &order("a", 6))).await.unwrap_err();
    assert!(full.to_string().contains("the spool of webhooks is full"), "{full}");
    // One of them came to the log although nobody heard of it.
    log.append(item("eu", "id:3", &order("a", 3))).await.unwrap();
    away.go(false);
    let events = brought(&log, 5).await;
    let mut versions: Vec<_> = events.iter().map(|event| event.version.unwrap().0).collect();
    versions.retain(|version| *version != 3);
    assert_eq!((events.len(), versions), (5, vec![1, 2, 4, 5]));
    intake.take(item("eu", "id:6", &order("a", 6))).await.unwrap();
    assert_eq!(brought(&log, 6).await.last().unwrap().version, Some(Version(6)));
    engine.shutdown(Duration::from_secs(5)).await;
}
