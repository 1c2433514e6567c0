#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "../../tests/support/registry/mod.rs"]
mod double;

use syncline_model::{Origin, Record, RecordKey, event::Source};

use super::*;
use crate::config::{Sources, load};

fn event(connector: &str) -> Event {
    let source = Source {
        tenant: "acme".parse().unwrap(),
        integration: "shop".parse().unwrap(),
        connector: connector.parse().unwrap(),
        stream: "orders".parse().unwrap(),
    };
    let record = Record { key: RecordKey::of(["1"]), body: Bytes::from_static(b"{}"), version: None, time: None, deleted: false };
    Event::new(&source, Origin::Poll, record)
}

async fn ask(settings: &[String], topic: &'static str, event: Event) -> Result<Arc<Schema>, LogFault> {
    let flags = [&["connectors.test_mode=true".to_owned()], settings].concat();
    let config = load(&Sources { flags, ..Sources::default() }).unwrap();
    let registry = Registry::of(&config.kafka, &crate::wiring::catalog(&config).unwrap()).unwrap().unwrap();
    tokio::task::spawn_blocking(move || registry.of(topic, &event)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subject_gets_the_schema_that_the_connector_declares_and_another_topics_the_same_number() {
    let double = double::Registry::start(None);
    let settings = [format!("kafka.schema_registry={}/", double.url)];
    let first = ask(&settings, "line.acme.sandbox-shop.orders", event("sandbox-shop")).await.unwrap();
    assert_eq!((first.id, first.url.clone()), (1, format!("{}/schemas/ids/1", double.url)));
    let same = ask(&settings, "line.other.sandbox-shop.orders", event("sandbox-shop")).await.unwrap();
    assert_eq!(first, same);
    let unknown = ask(&settings, "line.acme.unheard-of.orders", event("unheard-of")).await.unwrap();
    assert_eq!(unknown.id, 2);
    assert_eq!(double.subjects()[0], "line.acme.sandbox-shop.orders-value");
    let shared = [settings[0].clone(), "kafka.topic={prefix}.{tenant}".to_owned()];
    ask(&shared, "line.acme", event("sandbox-shop")).await.unwrap();
    assert!(double.subjects().contains(&"line.acme-sandbox-shop.orders".to_owned()), "{:?}", double.subjects());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_refuses_us_or_is_not_there_is_told_with_where_to_look() {
    let double = double::Registry::start(Some("Basic bGluZTpodXNo"));
    let at = |password: &str| {
        [
            format!("kafka.schema_registry={}", double.url),
            "kafka.schema_registry_username=line".to_owned(),
            format!("kafka.schema_registry_password={password}"),
        ]
    };
    assert_eq!(ask(&at("hush"), "t", event("sandbox-shop")).await.unwrap().id, 1);
    let why = ask(&at("wrong"), "t", event("sandbox-shop")).await.unwrap_err().to_string();
    assert!(why.ends_with("401 Unauthorized: Unauthorized; look at `kafka.schema_registry_username` and its password"), "{why}");
    let nobody = ["kafka.schema_registry=http://127.0.0.1:1".to_owned()];
    let why = ask(&nobody, "t", event("sandbox-shop")).await.unwrap_err().to_string();
    assert!(why.starts_with("the event log is unavailable: the schema registry: "), "{why}");
}
