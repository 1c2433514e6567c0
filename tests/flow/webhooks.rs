//! Webhooks, from a change at the source to a row: answered when they are durable, published once, however often they come and whatever
//! is killed.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use syncline_sandbox::{Advance, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::{
    hooks::{Hook, customer, published},
    support::{Home, Server},
};

const STREAMS: [Stream; 3] = [Stream::PaymentsCustomers, Stream::PaymentsCharges, Stream::PaymentsInvoices];

fn sandbox() -> RunningSandbox {
    Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap()
}

async fn live(server: &Server, sandbox: &RunningSandbox) -> Hook {
    server.make_tenant("acme").await;
    // Nobody polls: what changes is only known because it is told.
    server.connect("acme", sandbox, Provider::Payments, json!("manual")).await;
    server.until_state("acme", "payments", "live").await;
    Hook::make(server, "acme", "payments").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_source_tells_becomes_rows_and_a_poll_of_the_same_records_changes_nothing() {
    let (sandbox, home) = (sandbox(), Home::new());
    let server = home.serve();
    let hook = live(&server, &sandbox).await;
    assert!(sandbox.send_webhooks(&format!("{}{}", server.url, hook.path), &hook.secret));
    for stream in STREAMS {
        sandbox.advance(Advance { updates: 20, deletes: 4, creates: 6, stream: Some(stream) });
    }
    home.until_equal("acme", &sandbox, &STREAMS).await;
    // The same records once more, by the other way.
    server.sync("acme", "payments").await;
    home.until_equal("acme", &sandbox, &STREAMS).await;
    let lines = ["syncline_webhooks_total{outcome=\"accepted\"} 90", "outcome=\"published\"} 60", "outcome=\"thin\"} 30"];
    server.until("/metrics", |metrics| lines.iter().all(|line| metrics.as_str().unwrap().contains(line))).await;
    home.until_equal("acme", &sandbox, &STREAMS).await;
    let jobs = server.get("/api/v1/tenants/acme/integrations/payments/jobs?limit=100").await;
    let told: Vec<_> =
        jobs["items"].as_array().unwrap().iter().filter(|job| job["trigger"] == "webhook" && !job["outcome"].is_null()).collect();
    assert!(!told.is_empty() && told.len() < 30, "thin webhooks are read together: {jobs:#}");
    assert!(told.iter().all(|job| job["progress"].as_array().unwrap().len() == 1), "only the stream that they speak of: {jobs:#}");
    assert!(!home.output().contains(&hook.secret) && !home.output().contains(&hook.path), "the address is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_published_once_and_a_wrong_one_never() {
    let (sandbox, home) = (sandbox(), Home::new());
    let server = home.serve();
    let hook = live(&server, &sandbox).await;
    for _ in 0..3 {
        assert_eq!(hook.status(&server, "msg_1", &customer("cus_again", 1_800_000_000)).await, 200);
    }
    let stranger = Hook { secret: "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(), ..hook.clone() };
    assert_eq!(stranger.status(&server, "msg_2", &customer("cus_forged", 1_800_000_000)).await, 404);
    let nowhere = Hook { path: format!("{}0", hook.path), ..hook.clone() };
    assert_eq!(nowhere.status(&server, "msg_3", &customer("cus_nowhere", 1_800_000_000)).await, 404);
    assert_eq!(hook.status(&server, "msg_4", r#"{"type":"unheard.of"}"#).await, 200);
    assert_eq!(hook.status(&server, "msg_5", &customer("cus_last", 1_800_000_000)).await, 200);
    let quarantine = "/api/v1/tenants/acme/quarantine";
    let kept = server.until(quarantine, |found| found["items"].as_array().is_some_and(|items| items.len() == 1)).await;
    assert!(kept["items"][0]["cause"].as_str().unwrap().contains("unheard.of"), "{kept:#}");
    server.until("/api/v1/tenants/acme/events?limit=500", |found| found.to_string().contains("cus_last")).await;
    let published = published(&server, "acme").await;
    assert_eq!(published.into_iter().collect::<Vec<_>>(), [("cus_again".to_owned(), 1), ("cus_last".to_owned(), 1)]);
    server.post("/api/v1/tenants/acme/integrations/payments/pause", json!({})).await;
    let mut looks = crate::support::looks();
    while hook.status(&server, "msg_6", &customer("cus_paused", 1_800_000_000)).await != 503 {
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_between_answer_and_commit_lose_nothing_and_publish_nothing_twice() {
    let (sandbox, home) = (sandbox(), Home::new());
    let server = home.serve();
    let hook = live(&server, &sandbox).await;
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let answered: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (mut server, mut sent) = (Some(server), 0);
    for _ in 0..8 {
        let running = match server.take() {
            Some(running) => running,
            None => home.serve(),
        };
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let (hook, url, answered, from) = (hook.clone(), running.url.clone(), Arc::clone(&answered), sent);
                tokio::spawn(async move {
                    let http = reqwest::Client::new();
                    for number in 0.. {
                        let key = format!("cus_{from}_{sender}_{number}");
                        let Some(answer) = hook.send(&http, &url, &key, &customer(&key, 1_800_000_000)).await else { return };
                        if answer.status() == 200 {
                            answered.lock().unwrap().insert(key);
                        }
                    }
                })
            })
            .collect();
        let before = answered.lock().unwrap().len();
        let mut looks = crate::support::looks();
        while answered.lock().unwrap().len() <= before + 3 {
            looks.tick().await;
        }
        let moment = Duration::from_millis(random.random_range(0..300));
        // Nothing is waited for here: the moment of the kill is what is random.
        drop(tokio::time::timeout(moment, std::future::pending::<()>()).await);
        running.kill();
        for sender in senders {
            sender.await.unwrap();
        }
        sent += 1;
    }
    let server = home.serve();
    assert_eq!(hook.status(&server, "the-last", &customer("cus_the_last", 1_800_000_000)).await, 200);
    server.until("/metrics", |metrics| metrics.as_str().unwrap().contains("outcome=\"published\"")).await;
    let mut looks = crate::support::looks();
    let published = loop {
        let published = published(&server, "acme").await;
        if published.contains_key("cus_the_last") {
            break published;
        }
        looks.tick().await;
    };
    let answered = answered.lock().unwrap().clone();
    let lost: Vec<_> = answered.iter().filter(|key| !published.contains_key(*key)).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    let twice: Vec<_> = published.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "published twice: {twice:?}");
}
