//! Every fault does what it says, as often as it was asked for, and then all is well again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Asker, by_key, started, with};
use syncline_sandbox::{FaultKind, FaultRule, Provider, RateLimit, Sandbox, SandboxConfig, SandboxError, Stream};

const ORDERS: &str = "orders?per_page=10";

fn spoiled(fault: FaultKind) -> Asker {
    let asker = started(1, 500);
    asker.sandbox.fault(FaultRule::once(Provider::Shop, fault).on(Stream::ShopOrders));
    asker
}

async fn healthy(asker: &Asker) {
    let page: Value = serde_json::from_slice(&asker.body(Provider::Shop, ORDERS).await).unwrap();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn a_throttled_request_is_told_how_long_to_wait_and_only_as_often_as_asked() {
    let asker = started(1, 500);
    asker.sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::Throttle { retry_after_s: 3 }).on(Stream::ShopOrders).times(2));
    for _ in 0..2 {
        let answer = asker.get(Provider::Shop, ORDERS).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "3"));
    }
    healthy(&asker).await;
}

#[tokio::test]
async fn a_fault_strikes_only_where_and_when_it_should() {
    let asker = started(1, 500);
    asker.sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::Status { code: 503 }).on(Stream::ShopOrders).after(1));
    assert_eq!(asker.status(Provider::Shop, "customers").await, 200);
    assert_eq!(asker.status(Provider::Crm, "deals").await, 200);
    assert_eq!(asker.status(Provider::Shop, ORDERS).await, 200);
    assert_eq!(asker.status(Provider::Shop, ORDERS).await, 503);
    healthy(&asker).await;
}

#[tokio::test]
async fn faults_wait_for_their_turn() {
    let asker = started(1, 500);
    for code in [500, 502, 503] {
        asker.sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::Status { code }));
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(asker.status(Provider::Shop, ORDERS).await);
    }
    assert_eq!(answers, [500, 502, 503, 200]);
}

#[tokio::test]
async fn a_request_with_the_wrong_key_uses_up_no_fault() {
    let asker = spoiled(FaultKind::Status { code: 500 });
    let url = format!("{}/{ORDERS}", asker.sandbox.url(Provider::Shop));
    assert_eq!(asker.http.get(url).header("X-Api-Key", "wrong").send().await.unwrap().status(), 401);
    assert_eq!(asker.status(Provider::Shop, ORDERS).await, 500);
    healthy(&asker).await;
}

#[tokio::test]
async fn a_slow_answer_is_late_and_right() {
    let asker = spoiled(FaultKind::Slow { ms: 120 });
    let before = Instant::now();
    healthy(&asker).await;
    assert!(before.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_truncated_body_is_no_json() {
    let asker = spoiled(FaultKind::Truncated);
    let body = asker.body(Provider::Shop, ORDERS).await;
    assert!(body.starts_with(b"{\"data\":[{") && serde_json::from_slice::<Value>(&body).is_err());
    healthy(&asker).await;
}

#[tokio::test]
async fn a_page_for_people_comes_with_200() {
    let asker = spoiled(FaultKind::Html);
    let answer = asker.get(Provider::Shop, ORDERS).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(answer.status(), 200);
    healthy(&asker).await;
}

#[tokio::test]
async fn redirects_do_not_end() {
    let asker = spoiled(FaultKind::RedirectLoop);
    assert!(asker.get(Provider::Shop, ORDERS).await.unwrap_err().is_redirect());
    healthy(&asker).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_ends_in_the_middle_of_the_body() {
    let asker = spoiled(FaultKind::Reset);
    let answer = asker.get(Provider::Shop, ORDERS).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
    healthy(&asker).await;
}

#[tokio::test]
async fn an_expired_key_stays_expired_until_it_is_renewed() {
    for provider in Provider::ALL {
        let asker = started(1, 500);
        let path = if provider == Provider::Crm { "deals" } else { "customers" };
        asker.sandbox.fault(FaultRule::once(provider, FaultKind::ExpiredKey));
        assert_eq!([asker.status(provider, path).await, asker.status(provider, path).await], [401, 401]);
        let old = asker.sandbox.key(provider);
        assert_eq!(asker.sandbox.renew(provider, false), old);
        assert_eq!(asker.status(provider, path).await, 200);
        assert_ne!(asker.sandbox.renew(provider, true), old);
        assert_eq!(asker.status(provider, path).await, 200);
        let url = format!("{}/{path}", asker.sandbox.url(provider));
        let with_old = asker.http.get(url).header("X-Api-Key", &old).basic_auth("x", Some(&old)).send().await.unwrap();
        assert_eq!(with_old.status(), 401);
    }
}

#[tokio::test]
async fn a_poison_record_spoils_nothing_but_itself() {
    for (fault, good) in [(FaultKind::NotAnObject, 9), (FaultKind::MissingKey, 9), (FaultKind::DuplicateKeys, 11)] {
        let asker = spoiled(fault);
        let page: Value = serde_json::from_slice(&asker.body(Provider::Shop, ORDERS).await).unwrap();
        let records = page["data"].as_array().unwrap();
        assert_eq!(records.iter().filter(|record| record["id"].is_u64()).count(), good, "{fault:?}");
        assert_eq!(records.len(), good.max(10), "{fault:?}");
        let (truth, _) = asker.truth(Stream::ShopOrders);
        let whole = by_key(records.iter().filter(|record| record["id"].is_u64()).cloned());
        assert!(whole.iter().all(|(key, record)| truth.get(key) == Some(record)), "{fault:?}");
        healthy(&asker).await;
    }
}

#[tokio::test]
async fn one_record_may_be_no_utf8() {
    let asker = spoiled(FaultKind::InvalidUtf8);
    let body = asker.body(Provider::Shop, ORDERS).await;
    assert!(String::from_utf8(body.clone()).is_err());
    let page: Value = serde_json::from_str(&String::from_utf8_lossy(&body)).unwrap();
    assert_eq!(page["data"].as_array().unwrap().iter().filter(|record| record.get("note").is_some()).count(), 1);
    healthy(&asker).await;
}

#[tokio::test]
async fn one_record_may_be_as_big_as_asked() {
    let asker = spoiled(FaultKind::HugeRecord { bytes: 40_000_000 });
    let body = asker.body(Provider::Shop, ORDERS).await;
    assert!(body.len() > 40_000_000);
    let page: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(page["data"].as_array().unwrap().iter().filter(|record| record.get("padding").is_some()).count(), 1);
    healthy(&asker).await;
}

#[tokio::test]
async fn a_cursor_may_lead_back_to_the_start() {
    for stream in [Stream::CrmContacts, Stream::PaymentsCharges] {
        let asker = started(1, 500);
        asker.sandbox.fault(FaultRule::once(stream.provider(), FaultKind::CursorBackwards).on(stream).after(1));
        let first = asker.page(stream, &Asker::first(stream, 10, None)).await;
        let second = asker.page(stream, &first.next.unwrap()).await;
        let third = asker.page(stream, &second.next.unwrap()).await;
        assert_eq!(third.records, first.records, "{stream:?}");
        assert_ne!(second.records, first.records, "{stream:?}");
    }
    let asker = started(1, 500);
    asker.sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::CursorBackwards));
    let second: Value = serde_json::from_slice(&asker.body(Provider::Shop, "orders?per_page=10&page=2").await).unwrap();
    assert_eq!(second["page"], 1);
}

#[tokio::test]
async fn random_faults_follow_from_the_seed() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let asker = started(seed, 500);
        asker.sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::Status { code: 500 }).at_random(300));
        let mut run = Vec::new();
        for _ in 0..60 {
            run.push(asker.status(Provider::Shop, "orders?per_page=1").await);
        }
        let struck = run.iter().filter(|status| **status == 500).count();
        assert!((5..40).contains(&struck), "{struck}");
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn the_rate_limit_is_announced_and_kept() {
    let limit = RateLimit { requests: 2, per_ms: 3_600_000 };
    let asker = with(SandboxConfig { rate_limit: Some(limit), ..SandboxConfig::default() });
    let mut remaining = Vec::new();
    for _ in 0..2 {
        let answer = asker.get(Provider::Shop, "orders").await.unwrap();
        assert_eq!(answer.status(), 200);
        remaining.push(answer.headers()["x-ratelimit-remaining"].to_str().unwrap().to_owned());
    }
    assert_eq!(remaining, ["1", "0"]);
    let answer = asker.get(Provider::Shop, "orders").await.unwrap();
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(asker.status(Provider::Crm, "deals").await, 200);
}

#[tokio::test]
async fn everything_can_be_asked_for_over_http_too() {
    let asker = started(1, 500);
    let control = |path: &str| format!("{}/{path}", asker.sandbox.control_url());
    let post =
        |path: &str, body: Value| asker.http.post(control(path)).header("content-type", "application/json").body(body.to_string()).send();
    let rule = json!({"provider": "shop", "stream": "shop.orders", "fault": {"status": {"code": 500}}, "times": 1});
    assert_eq!(post("faults", rule).await.unwrap().status(), 204);
    assert_eq!(asker.status(Provider::Shop, ORDERS).await, 500);
    assert_eq!(post("faults", json!({"provider": "shop", "fault": "truncated", "tims": 1})).await.unwrap().status(), 400);

    let before = asker.sandbox.truth(Stream::ShopOrders);
    let done = post("advance", json!({"updates": 3, "creates": 2, "stream": "shop.orders"})).await.unwrap().bytes().await.unwrap();
    let done: Value = serde_json::from_slice(&done).unwrap();
    assert_eq!((&done["updates"], &done["creates"]), (&json!(3), &json!(2)));
    let truth = asker.http.get(control("truth/shop.orders")).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(truth, asker.sandbox.truth(Stream::ShopOrders));
    assert_ne!(truth, before);

    assert_eq!(post("expire", json!({"provider": "crm"})).await.unwrap().status(), 204);
    assert_eq!(asker.status(Provider::Crm, "deals").await, 401);
    assert_eq!(post("renew", json!({"provider": "crm"})).await.unwrap().status(), 200);
    assert_eq!(asker.status(Provider::Crm, "deals").await, 200);

    let seen = asker.http.get(control("requests")).send().await.unwrap().bytes().await.unwrap();
    let seen: Value = serde_json::from_slice(&seen).unwrap();
    assert_eq!(seen["total"], 3);
    assert_eq!(seen["latest"][0]["target"], "/shop/orders?per_page=10");
    assert_eq!(seen["latest"][0]["status"], 500);
}

#[tokio::test]
async fn nonsense_is_refused_with_a_reason() {
    let asker = started(1, 500);
    for path in ["orders?page=x", "orders?per_page=0", "orders?per_page=100000", "orders?updated_since=yesterday"] {
        assert_eq!(asker.status(Provider::Shop, path).await, 400, "{path}");
    }
    assert_eq!(asker.status(Provider::Crm, "deals?after=nonsense").await, 400);
    assert_eq!(asker.status(Provider::Payments, "charges?updated%5Bgte%5D=now").await, 400);
    assert_eq!(asker.status(Provider::Shop, "deals").await, 404);
}

#[test]
fn a_port_that_is_taken_is_said_and_one_that_was_left_is_free() {
    let first = Sandbox::start(SandboxConfig::default()).unwrap();
    let port = first.address().port();
    let config = SandboxConfig { port, ..SandboxConfig::default() };
    assert!(matches!(Sandbox::start(config), Err(SandboxError::Listen { port: taken, .. }) if taken == port));
    first.stop();
    Sandbox::start(config).unwrap().stop();
}
