//! kill -9 at any moment, as often as you like: in the end the log holds every event once, and the tables equal the source.

use std::{collections::HashSet, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::Home;

const KILLS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_nothing_and_publish_nothing_twice() {
    let sandbox = Sandbox::start(SandboxConfig { records: 20_000, ..SandboxConfig::default() }).unwrap();
    // Slow enough that most kills hit a reading in its middle.
    for provider in Provider::ALL {
        sandbox.fault(FaultRule::once(provider, FaultKind::Slow { ms: 30 }).times(100_000));
    }
    let home = Home::new();
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let server = home.serve();
    server.make_tenant("acme").await;
    for provider in Provider::ALL {
        server.connect("acme", &sandbox, provider, json!({"every_s": 1})).await;
    }
    let mut server = Some(server);
    for kill in 0..KILLS {
        let running = match server.take() {
            Some(running) => running,
            None => home.serve(),
        };
        let moment = Duration::from_millis(random.random_range(0..450));
        // Nothing is waited for here: the moment of the kill is what is random.
        drop(tokio::time::timeout(moment, std::future::pending::<()>()).await);
        running.kill();
        if kill % 5 == 4 {
            sandbox.advance(Advance { updates: 20, deletes: 3, creates: 10, stream: None });
        }
    }
    sandbox.clear_faults();
    let server = home.serve();
    home.until_equal("acme", &sandbox, &Stream::ALL).await;
    let events = server.events("acme").await;
    let ids: HashSet<&str> = events.iter().map(|logged| logged["event"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "an event is in the log twice");
    let audit = server.get("/api/v1/audit/verify").await;
    assert_eq!(audit["whole"], true, "{audit}");
}
