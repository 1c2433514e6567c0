//! Nodes whose clocks are an hour ahead and an hour behind, and one that is set right while it runs.

use std::{
    fs::{self, OpenOptions},
    num::NonZeroU16,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use syncline_model::ShardId;
use syncline_sandbox::{Advance, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::{Installation, SHARDS, until_they_own_all},
    published::{self, truth},
    support::{Home, Server, looks},
};

const HOUR_S: i64 = 3_600;
const EVERY_S: u64 = 2;
/// Longer than any interval, and much shorter than an hour.
const READ_WITHIN: Duration = Duration::from_secs(120);
const STREAMS: [Stream; 3] = [Stream::ShopOrders, Stream::ShopCustomers, Stream::ShopProducts];

/// The time of day of one node, as many seconds wrong as a file says.
struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    fn wrong_by(folder: &Path, seconds: i64) -> Self {
        let (library, offset) = (folder.join("clock.so"), folder.join("offset"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/clock.c");
        let made = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status().unwrap();
        assert!(made.success());
        fs::write(&offset, seconds.to_ne_bytes()).unwrap();
        Self { library, offset }
    }

    /// It is set while the node runs.
    fn set(&self, seconds: i64) {
        OpenOptions::new().write(true).open(&self.offset).unwrap().write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![("LD_PRELOAD".to_owned(), text(&self.library)), ("CLOCK_OFFSET_FILE".to_owned(), text(&self.offset))]
    }
}

/// One of each shard, so that every node has some.
fn tenants() -> impl Iterator<Item = String> {
    let shards = NonZeroU16::new(u16::try_from(SHARDS).unwrap()).unwrap();
    let of = move |shard| {
        let mut names = (0..1_000).map(|number| format!("t{number}"));
        names.find(|name| ShardId::of(&name.parse().unwrap(), shards) == ShardId(shard))
    };
    (0..shards.get()).filter_map(of)
}

async fn jobs(node: &Server, tenant: &str) -> Vec<Value> {
    let found = node.get(&format!("/api/v1/tenants/{tenant}/integrations/shop/jobs?limit=200")).await;
    found["items"].as_array().unwrap().clone()
}

/// Waits until every integration was read again, with what is new at the source. Nobody is to wait for the hour between two clocks, and
/// nobody is to be read again and again because of it.
async fn until_all_are_read_again(node: &Server, sandbox: &RunningSandbox) {
    let (began, mut looks) = (Instant::now(), looks());
    let mut before = Vec::new();
    for tenant in tenants() {
        before.push(jobs(node, &tenant).await.len());
    }
    sandbox.advance(Advance { creates: 3, stream: Some(Stream::ShopProducts), ..Advance::default() });
    for stream in STREAMS {
        sandbox.advance(Advance { updates: 5, stream: Some(stream), ..Advance::default() });
    }
    for (tenant, before) in tenants().zip(&before) {
        // The one that runs may have begun before there was anything new.
        while jobs(node, &tenant).await.len() < before + 3 {
            looks.tick().await;
            assert!(began.elapsed() < READ_WITHIN, "`{tenant}` is not read any more: {:#?}", jobs(node, &tenant).await.first());
        }
    }
    for (tenant, before) in tenants().zip(&before) {
        let read = jobs(node, &tenant).await.len() - before;
        // A shard that moves has one reading cut off and one begun at once; the others are an interval apart.
        let most = began.elapsed().as_secs() / EVERY_S + 5;
        assert!(u64::try_from(read).unwrap() <= most, "`{tenant}` was read {read} times in {:?}", began.elapsed());
    }
}

/// How far ahead of the broker's a node believes its own clock, to the minute.
async fn minutes_ahead(node: &Server) -> i64 {
    let metrics = node.get("/metrics").await;
    let value = |line: &str| line.strip_prefix("syncline_log_kafka_clock_ahead_seconds ").and_then(|value| value.parse::<i64>().ok());
    let seconds = metrics.as_str().unwrap().lines().find_map(value).unwrap_or(0);
    (seconds + 30 * seconds.signum()) / 60
}

async fn make_a_tenant_once(node: &Server) -> Value {
    let request = reqwest::Client::new().post(format!("{}/api/v1/tenants", node.url)).bearer_auth(&node.key);
    let request = request.header("idempotency-key", "the same").header("content-type", "application/json");
    let answer = request.body(json!({"id": "once", "name": "once"}).to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_whose_clocks_are_hours_apart_lose_nothing_publish_nothing_twice_and_keep_to_their_intervals() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start_with(0, &["kafka.topic={prefix}.{tenant}"]);
    let sandbox = Sandbox::start(SandboxConfig { records: 60, ..SandboxConfig::default() }).unwrap();
    let (right_home, ahead_home, behind_home) = (Home::new(), Home::new(), Home::new());
    let right = right_home.serve_with(&installation.settings());
    let clock = |home: &Home, seconds| Clock::wrong_by(home.path(), seconds);
    let (ahead_clock, behind_clock) = (clock(&ahead_home, HOUR_S), clock(&behind_home, -HOUR_S));
    let start = |home: Home, clock: &Clock| {
        let home = home.knowing(&right.key).under(clock.environment());
        let server = home.serve_with(&installation.settings());
        (home, server)
    };
    let (_ahead_home, ahead) = start(ahead_home, &ahead_clock);
    let (_behind_home, behind) = start(behind_home, &behind_clock);
    until_they_own_all(&[&right, &ahead, &behind]).await;
    for tenant in tenants() {
        right.make_tenant(&tenant).await;
        right.connect(&tenant, &sandbox, Provider::Shop, json!({"every_s": EVERY_S})).await;
    }
    for tenant in tenants() {
        right.until_state(&tenant, "shop", "live").await;
    }
    until_all_are_read_again(&right, &sandbox).await;
    // Each node writes something: all of them own shards, and there are enough tenants.
    assert_eq!((minutes_ahead(&right).await, minutes_ahead(&ahead).await, minutes_ahead(&behind).await), (0, 60, -60));
    for (node, says) in [(&ahead, "s ahead of the broker's"), (&behind, "s behind the broker's")] {
        assert!(node.output.lock().unwrap().contains(says), "a node says that its clock is wrong");
    }
    assert_eq!(make_a_tenant_once(&ahead).await, make_a_tenant_once(&behind).await);

    // What a right clock has written down goes to wrong ones, then what is of an hour from now to one of an hour ago.
    right.kill();
    until_they_own_all(&[&ahead, &behind]).await;
    until_all_are_read_again(&behind, &sandbox).await;
    ahead.kill();
    until_they_own_all(&[&behind]).await;
    until_all_are_read_again(&behind, &sandbox).await;
    // It is set right, and then set back again: what waits for an interval does not wait for an hour.
    behind_clock.set(0);
    until_all_are_read_again(&behind, &sandbox).await;
    assert_eq!(minutes_ahead(&behind).await, 0);
    behind_clock.set(-HOUR_S);
    until_all_are_read_again(&behind, &sandbox).await;
    assert!(behind.stop(), "it ends in order");

    let published = published::all(&installation);
    assert!(published.twice.is_empty(), "{:#?}", published.twice);
    assert!(published.backwards.is_empty(), "{:#?}", published.backwards);
    for tenant in tenants() {
        for stream in STREAMS {
            let lost = published.lost(&tenant, &truth(&sandbox, stream), stream);
            assert!(lost.is_empty(), "{lost:#?}");
        }
    }
}
