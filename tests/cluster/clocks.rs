//! Nodes whose clocks are hours ahead of the brokers' and hours behind.

use std::time::{Duration, Instant};

use serde_json::json;
use syncline_sandbox::{Advance, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::{Installation, until_they_own_all},
    published,
    support::{Home, Server, looks},
};

const TENANTS: [&str; 3] = ["t0", "t1", "t2"];
const CHANGING: [Stream; 3] = [Stream::CrmContacts, Stream::ShopOrders, Stream::PaymentsCharges];

/// The library that tells a process another time, where it is installed.
fn library() -> Option<String> {
    let found = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.filter(|path| path.exists()).map(|path| path.display().to_string()).next()
}

/// A node that lives so much earlier or later.
fn serve_at(time: &str, library: &str, installation: &Installation, home: &Home) -> Server {
    // Only the wall clock is wrong: no machine's uptime jumps.
    let environment = [("LD_PRELOAD", library), ("FAKETIME", time), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1")];
    home.serve_in(&environment, "api,engine,organizer", &installation.settings())
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
            let truth = published::truth(sandbox, stream);
            lost.extend(TENANTS.iter().flat_map(|tenant| published.lost(tenant, &truth, stream)));
        }
        if lost.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{lost:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_whose_clocks_are_hours_apart_publish_everything_once_and_take_over_from_each_other() {
    let (Ok(_), Some(library)) = (std::env::var("SYNCLINE_TEST_KAFKA"), library()) else { return };
    let installation = Installation::start_with(0, &["kafka.topic={prefix}.{tenant}"]);
    let sandbox = Sandbox::start(SandboxConfig { records: 200, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let right = installation.serve(&home);
    let (early, late) = (Home::of_node(&right.key), Home::of_node(&right.key));
    let ahead = serve_at("+2h", &library, &installation, &late);
    let behind = serve_at("-2h", &library, &installation, &early);
    until_they_own_all(&[&right, &ahead, &behind]).await;
    for tenant in TENANTS {
        right.make_tenant(tenant).await;
        for provider in Provider::ALL {
            right.connect(tenant, &sandbox, provider, json!({"every_s": 2})).await;
        }
    }
    for tenant in TENANTS {
        for provider in Provider::ALL {
            right.until_state(tenant, provider.name(), "live").await;
        }
    }
    change(&sandbox);
    until_published(&installation, &sandbox).await;
    // What it has written down of its jobs lies in the future of those that go on.
    ahead.kill();
    until_they_own_all(&[&right, &behind]).await;
    change(&sandbox);
    until_published(&installation, &sandbox).await;
    behind.kill();
    until_they_own_all(&[&right]).await;
    change(&sandbox);
    until_published(&installation, &sandbox).await;
    assert!(right.stop(), "it ends in order");
}
