//! What the brokers have taken for ended without ending it: Apache Kafka 4.3 forgets the markers of a transaction where a
//! partition has no leader for a moment, as after a crash. Here the broker's files are made to look like that.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::json;
use syncline_sandbox::{Provider, Sandbox, SandboxConfig};

use crate::{
    hooks::{Hook, customer, published},
    installation::{Installation, SHARDS, shards_of, until_they_own_all},
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

/// A node that has published one event and was killed after a second one, whose transaction the crashed brokers have left open.
async fn left_open(installation: &Installation, folders: &[&str]) -> (Home, Hook) {
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
    let taken: usize = folders.iter().map(|folder| take_the_last_markers(Path::new(&installation.at(folder)))).sum();
    assert!(taken >= 3, "{taken}");
    installation.start_broker();
    (home, hook)
}

fn once() -> BTreeMap<String, usize> {
    ["first", "left_open", "last"].map(|key| (format!("cus_{key}"), 1)).into()
}

async fn counted(node: &Server, outcome: &str) -> bool {
    let metrics = node.get("/metrics").await;
    metrics.as_str().unwrap().contains(&format!("syncline_log_kafka_left_open_total{{outcome=\"{outcome}\"}}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_and_never_ended_by_the_broker_is_published_once() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start();
    let (home, hook) = left_open(&installation, &["kafka/data"]).await;
    let node = home.serve_with(&installation.settings());
    until_they_own_all(&[&node]).await;
    tell_until_published(&hook, &node, "cus_last").await;
    assert_eq!(published(&node, "t0").await, once());
    assert!(counted(&node, "ended").await && !counted(&node, "refused").await);
}

/// What Kafka's own tool says is open: topic, partition and where it begins.
fn hanging(installation: &Installation) -> Vec<[String; 3]> {
    let brokers = installation.brokers();
    let asked = |broker| {
        let ask = ["TransactionsCommand", "--bootstrap-server", &brokers, "find-hanging", "--max-transaction-timeout", "0", "--broker-id"];
        let output = installation.kafka_tool(&[ask.as_slice(), &[broker]].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let told = ["1", "2"].map(asked).concat();
    let lines = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|line| line.len() > 5 && line[0] != "Topic");
    lines.map(|line| [line[0].to_owned(), line[1].to_owned(), line[5].to_owned()]).collect()
}

fn abort(installation: &Installation, [topic, partition, start]: &[String; 3]) {
    let brokers = installation.brokers();
    let tool = ["TransactionsCommand", "--bootstrap-server", &brokers, "abort"];
    let ask = [tool.as_slice(), &["--topic", topic, "--partition", partition, "--start-offset", start]].concat();
    let output = installation.kafka_tool(&ask).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_several_brokers_have_left_open_is_not_guessed_at_and_goes_on_when_somebody_has_ended_it() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::with_two_brokers();
    let (home, hook) = left_open(&installation, &["kafka/data", "second/data"]).await;
    let node = home.serve_with(&installation.settings());
    let (began, mut looks) = (Instant::now(), looks());
    while !counted(&node, "refused").await {
        looks.tick().await;
        assert!(began.elapsed() < Duration::from_secs(90), "the shard is not refused");
    }
    assert!(shards_of(&[&node]).await < SHARDS && !counted(&node, "ended").await);
    let (of_shards, of_events): (Vec<_>, Vec<_>) = hanging(&installation).into_iter().partition(|[topic, ..]| topic.starts_with("line._"));
    assert!(of_shards.iter().any(|[topic, ..]| topic == "line._cursors") && !of_events.is_empty(), "{of_shards:?} {of_events:?}");
    // The shard is taken over as soon as its own partitions are ended, and what is still open of the events then would be seen twice.
    of_events.iter().chain(&of_shards).for_each(|open| abort(&installation, open));
    until_they_own_all(&[&node]).await;
    tell_until_published(&hook, &node, "cus_last").await;
    assert_eq!(published(&node, "t0").await, once());
    assert!(!counted(&node, "ended").await);
}
