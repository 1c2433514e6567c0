//! Brokers whose clock is hours behind that of the nodes, and hours ahead: further than a broker bears in a topic that goes by the
//! senders' clocks. It is the broker's process that is told another time, because librdkafka's waits cannot be taken along by the library
//! that does it.

use std::time::{Duration, Instant};

use serde_json::json;
use syncline_sandbox::{Advance, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::{Installation, until_they_own_all},
    published,
    support::{Home, looks},
};

const CHANGING: [Stream; 3] = [Stream::CrmContacts, Stream::ShopOrders, Stream::PaymentsCharges];

/// The library that tells a process another time, where it is installed.
fn library() -> Option<String> {
    let found = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.filter(|path| path.exists()).map(|path| path.display().to_string()).next()
}

fn change(sandbox: &RunningSandbox) {
    for stream in CHANGING {
        sandbox.advance(Advance { updates: 5, creates: 5, stream: Some(stream), ..Advance::default() });
    }
}

/// Waits until everything that the source has is published, once.
async fn until_published(installation: &Installation, sandbox: &RunningSandbox) {
    let (began, mut looks) = (Instant::now(), looks());
    loop {
        looks.tick().await;
        let published = published::all(installation);
        assert!(published.twice.is_empty(), "{:#?}", published.twice);
        assert!(published.backwards.is_empty(), "{:#?}", published.backwards);
        let mut lost = Vec::new();
        for stream in CHANGING {
            lost.extend(published.lost("t0", &published::truth(sandbox, stream), stream));
        }
        if lost.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{lost:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_broker_whose_clock_is_hours_away_everything_is_published_once_and_a_node_takes_over_from_another() {
    let (Ok(_), Some(library)) = (std::env::var("SYNCLINE_TEST_KAFKA"), library()) else { return };
    for time in ["-2h", "+2h"] {
        let installation = Installation::start_with(0, &["kafka.topic={prefix}.{tenant}"]);
        installation.kill_broker();
        // Only the wall clock is wrong: no machine's uptime jumps.
        installation.start_broker_in(&[("LD_PRELOAD", &library), ("FAKETIME", time), ("DONT_FAKE_MONOTONIC", "1")]);
        let sandbox = Sandbox::start(SandboxConfig { records: 200, ..SandboxConfig::default() }).unwrap();
        let home = Home::new();
        let first = installation.serve(&home);
        let second = installation.serve(&Home::of_node(&first.key));
        until_they_own_all(&[&first, &second]).await;
        first.make_tenant("t0").await;
        for provider in Provider::ALL {
            first.connect("t0", &sandbox, provider, json!({"every_s": 1})).await;
            first.until_state("t0", provider.name(), "live").await;
        }
        change(&sandbox);
        until_published(&installation, &sandbox).await;
        first.kill();
        until_they_own_all(&[&second]).await;
        change(&sandbox);
        until_published(&installation, &sandbox).await;
        assert!(second.stop(), "it ends in order");
    }
}
