//! Tables in SQLite files and more than one node: one of them writes.

use std::time::{Duration, Instant};

use serde_json::json;
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::Installation,
    support::{Home, looks},
};

const SHOP: [Stream; 3] = [Stream::ShopCustomers, Stream::ShopProducts, Stream::ShopOrders];
const PATIENCE: Duration = Duration::from_secs(60);
const REFUSED: &str = "keeps the tenants' tables in SQLite";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_writes_tables_in_files_and_the_other_is_told_which_until_that_is_killed() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start();
    let sandbox = Sandbox::start(SandboxConfig { records: 100, ..SandboxConfig::default() }).unwrap();
    let first_home = Home::new();
    let first = installation.serve(&first_home);
    first.make_tenant("acme").await;
    first.connect("acme", &sandbox, Provider::Shop, json!({"every_s": 1})).await;
    first_home.until_equal("acme", &sandbox, &SHOP).await;

    let (key, second_home) = (first.key.clone(), Home::of_node(&first.key));
    let second = installation.serve(&second_home);
    let (told, mut tries) = (format!("-{}` {REFUSED}", first.pid()), looks());
    let began = Instant::now();
    while !second_home.output().contains(&told) {
        tries.tick().await;
        assert!(began.elapsed() < PATIENCE, "`{told}` was not said:\n{}", second_home.output());
    }
    assert!(!first_home.output().contains(REFUSED));
    assert!(!second_home.path().join("tenants/acme.sqlite").exists());

    first.kill();
    assert!(second.stop());
    // PostgreSQL notices soon that the first one is gone, but not at once.
    let began = Instant::now();
    loop {
        let home = Home::of_node(&key);
        let node = installation.serve(&home);
        // What it prints before it is ready may be read a moment after that it is ready.
        tries.tick().await;
        if !home.output().contains(REFUSED) {
            // The tables of a tenant are made anew from the log as soon as something of it comes.
            sandbox.advance(Advance { updates: 20, deletes: 3, creates: 10, stream: None });
            return home.until_equal("acme", &sandbox, &SHOP).await;
        }
        drop(node);
        assert!(began.elapsed() < PATIENCE, "the tables still belong to a node that is dead");
    }
}
