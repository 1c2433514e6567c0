//! With a schema registry, events are in its wire format: Confluent's own client reads them, and so do we.

use serde_json::json;
use syncline_sandbox::{Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    consumers::{python, ran},
    installation::{Installation, until_they_own_all},
    registry::Registry,
    support::Home,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_in_the_wire_format_are_read_by_confluents_client_and_by_us() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let (installation, registry) = (Installation::start(), Registry::start(None));
    let sandbox = Sandbox::start(SandboxConfig { records: 300, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let mut settings = installation.settings();
    settings.push(format!("kafka.schema_registry={}", registry.url));
    settings.push("kafka.compression=zstd".to_owned());
    let server = home.serve_with(&settings);
    until_they_own_all(&[&server]).await;
    server.make_tenant("t1").await;
    server.connect("t1", &sandbox, Provider::Shop, json!({"every_s": 1})).await;
    home.until_equal("t1", &sandbox, &[Stream::ShopOrders, Stream::ShopCustomers, Stream::ShopProducts]).await;
    let events = server.events("t1").await;
    assert!(events.iter().all(|event| event["event"]["data"]["id"].is_number()), "{:#}", events[0]);
    let mut check = python("tests/support/events/check_framed.py");
    check.args([&installation.brokers(), r"^line\.t1\..*", &registry.url]);
    let counted: usize = ran(check).trim().parse().unwrap();
    assert_eq!(counted, events.len());
    assert_eq!(registry.subjects().len(), 3, "{:?}", registry.subjects());
    assert!(server.stop());
}
