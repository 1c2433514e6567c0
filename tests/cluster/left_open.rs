//! What the brokers have taken for ended without ending it: Apache Kafka 4.3 forgets the markers of a transaction where a
//! partition has no leader for a moment, as after a crash. Here the broker's files are made to look like that.

use std::{collections::BTreeMap, fs, path::Path};

use reqwest::Client;
use serde_json::json;
use syncline_sandbox::{Provider, Sandbox, SandboxConfig};

use crate::{
    hooks::{Hook, customer, published},
    installation::{Installation, until_they_own_all},
    support::{Home, Server, looks},
};

async fn tell_until_published(hook: &Hook, node: &Server, key: &str) {
    let (http, body, mut looks) = (Client::new(), customer(key, 1_800_000_000), looks());
    while hook.send(&http, &node.url, key, &body).await.unwrap().status() != 200 {
        looks.tick().await;
    }
    while !published(node, "t0").await.contains_key(key) {
        looks.tick().await;
    }
}

/// Where the last batch of a segment begins, if it is a marker: bit 5 of the attributes of a batch says so
/// (<https://kafka.apache.org/documentation/#recordbatch>).
fn last_marker(segment: &[u8]) -> Option<usize> {
    let (mut at, mut found) = (0, None);
    while let Some(head) = segment.get(at..at + 23) {
        let is_marker = u16::from_be_bytes([head[21], head[22]]) & 0x20 != 0;
        found = is_marker.then_some(at);
        at += 12 + u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
    }
    found
}

/// Takes the last marker away from every partition that ends in one.
fn take_the_last_markers(data: &Path) -> usize {
    let mut taken = 0;
    for folder in fs::read_dir(data).unwrap().map(|folder| folder.unwrap().path()) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let segment = folder.join("00000000000000000000.log");
        if !name.starts_with("line.") || !segment.exists() {
            continue;
        }
        if let Some(at) = last_marker(&fs::read(&segment).unwrap()) {
            fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(at as u64).unwrap();
            taken += 1;
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_and_never_ended_by_the_broker_is_published_once() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start();
    let sandbox = Sandbox::start(SandboxConfig { records: 20, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let node = home.serve_with(&installation.settings());
    until_they_own_all(&[&node]).await;
    node.make_tenant("t0").await;
    node.connect("t0", &sandbox, Provider::Payments, json!("manual")).await;
    node.until_state("t0", "payments", "live").await;
    let hook = Hook::make(&node, "t0", "payments").await;
    tell_until_published(&hook, &node, "cus_first").await;
    tell_until_published(&hook, &node, "cus_left_open").await;
    node.kill();
    installation.kill_broker();
    // Of its events, of the deliveries and of the cursors; other shards have theirs.
    assert!(take_the_last_markers(Path::new(&installation.at("kafka/data"))) >= 3);
    installation.start_broker();

    let node = home.serve_with(&installation.settings());
    until_they_own_all(&[&node]).await;
    tell_until_published(&hook, &node, "cus_last").await;
    let once: BTreeMap<_, _> = ["first", "left_open", "last"].map(|key| (format!("cus_{key}"), 1)).into();
    assert_eq!(published(&node, "t0").await, once);
    let metrics = node.get("/metrics").await;
    let counted = |outcome| metrics.as_str().unwrap().contains(&format!("syncline_log_kafka_left_open_total{{outcome=\"{outcome}\"}}"));
    assert!(counted("ended") && !counted("refused"), "{metrics}");
}
