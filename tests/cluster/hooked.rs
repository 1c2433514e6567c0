//! Webhooks while the brokers are away: their sources keep them, or a spool of the node does. Nothing is lost, nothing is there twice.

use std::collections::BTreeMap;

use reqwest::{Client, Response};
use serde_json::json;
use syncline_sandbox::{Provider, Sandbox, SandboxConfig};

use crate::{
    hooks::{Hook, customer, published},
    installation::{Installation, until_they_own_all},
    support::{Home, Server, looks},
};

const AT: i64 = 1_800_000_000;

/// Sends a webhook about a customer, which has the same id each time.
async fn tell(hook: &Hook, node: &Server, key: &str) -> Response {
    hook.send(&Client::new(), &node.url, key, &customer(key, AT)).await.unwrap()
}

/// As sources do it: again and again, until it is taken.
async fn tell_until_taken(hook: &Hook, node: &Server, key: &str) {
    let mut looks = looks();
    while tell(hook, node, key).await.status() != 200 {
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_come_while_the_brokers_are_away_are_published_once_by_source_or_spool() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start_with(0, &[]);
    let sandbox = Sandbox::start(SandboxConfig { records: 20, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let plain = installation.serve(&home);
    let other_home = Home::of_node(&plain.key);
    let settings = [installation.settings(), vec!["webhooks.spool=true".to_owned()]].concat();
    let spooling = other_home.serve_with(&settings);
    until_they_own_all(&[&plain, &spooling]).await;
    plain.make_tenant("t0").await;
    plain.connect("t0", &sandbox, Provider::Payments, json!("manual")).await;
    plain.until_state("t0", "payments", "live").await;
    let hook = Hook::make(&plain, "t0", "payments").await;
    tell_until_taken(&hook, &plain, "cus_before_plain").await;
    tell_until_taken(&hook, &spooling, "cus_before_spooling").await;

    installation.kill_broker();
    // Side by side, because each waits until it is clear that the log does not answer.
    let (refused, taken) = tokio::join!(tell(&hook, &plain, "cus_refused"), tell(&hook, &spooling, "cus_spooled_0"));
    assert_eq!(refused.status(), 503);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(taken.status(), 200);
    for key in ["cus_spooled_1", "cus_spooled_2", "cus_spooled_2", "cus_spooled_3"] {
        assert_eq!(tell(&hook, &spooling, key).await.status(), 200, "the spool waits for nobody");
    }

    installation.start_broker();
    until_they_own_all(&[&plain, &spooling]).await;
    tell_until_taken(&hook, &plain, "cus_refused").await;
    // What was spooled comes once more by another way.
    tell_until_taken(&hook, &plain, "cus_spooled_3").await;
    let drained = |metrics: &serde_json::Value| metrics.as_str().unwrap().lines().any(|line| line == "syncline_webhook_spool_items 0");
    spooling.until("/metrics", drained).await;
    // Behind all others in the inbox: when it is published, nothing more comes of them.
    tell_until_taken(&hook, &spooling, "cus_last").await;
    let mut looks = looks();
    let found = loop {
        let found = published(&plain, "t0").await;
        if found.contains_key("cus_last") {
            break found;
        }
        looks.tick().await;
    };
    let keys = ["before_plain", "before_spooling", "refused", "spooled_0", "spooled_1", "spooled_2", "spooled_3", "last"];
    let once: BTreeMap<_, _> = keys.map(|key| (format!("cus_{key}"), 1)).into();
    assert_eq!(found, once);
}
