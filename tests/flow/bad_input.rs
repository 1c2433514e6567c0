//! Each way in which a provider can answer badly has a stated outcome, with nothing lost.

use serde_json::{Value, json};
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, Server};

const SHOP: [Stream; 3] = [Stream::ShopCustomers, Stream::ShopProducts, Stream::ShopOrders];

async fn with_fault(rule: FaultRule) -> (RunningSandbox, Home, Server) {
    let sandbox = Sandbox::start(SandboxConfig { records: 600, ..SandboxConfig::default() }).unwrap();
    // The first request tries the connection; the fault is meant for the reading.
    sandbox.fault(rule);
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    server.connect("acme", &sandbox, Provider::Shop, json!({"every_s": 1})).await;
    (sandbox, home, server)
}

fn once(kind: FaultKind) -> FaultRule {
    FaultRule::once(Provider::Shop, kind).on(Stream::ShopOrders)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_by_itself_is_tried_again_and_leaves_no_trace() {
    for kind in [
        FaultKind::Status { code: 500 },
        FaultKind::Truncated,
        FaultKind::Reset,
        FaultKind::Throttle { retry_after_s: 1 },
        FaultKind::DuplicateKeys,
    ] {
        let (sandbox, home, server) = with_fault(once(kind)).await;
        server.until_state("acme", "shop", "live").await;
        home.until_equal("acme", &sandbox, &SHOP).await;
        let quarantine = server.get("/api/v1/tenants/acme/quarantine").await;
        assert_eq!(quarantine["items"], json!([]), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_that_goes_backwards_loses_nothing_and_never_moves_our_own_back() {
    let (sandbox, home, server) = with_fault(FaultRule::once(Provider::Shop, FaultKind::DuplicateKeys).on(Stream::ShopProducts)).await;
    server.until_state("acme", "shop", "live").await;
    let cursor = async || {
        let found = server.get("/api/v1/tenants/acme/integrations/shop/cursors").await;
        let orders = found["items"].as_array().unwrap().iter().find(|item| item["stream"] == "orders").unwrap().clone();
        let state: Value = serde_json::from_str(orders["cursor"].as_str().unwrap()).unwrap();
        state["state"]["updated_at"].as_str().unwrap().to_owned()
    };
    let before = cursor().await;
    sandbox.fault(once(FaultKind::CursorBackwards).times(3));
    sandbox.advance(Advance { updates: 10, deletes: 0, creates: 10, stream: Some(Stream::ShopOrders) });
    server.sync("acme", "shop").await;
    home.until_equal("acme", &sandbox, &SHOP).await;
    assert!(cursor().await >= before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_page_or_a_circle_of_redirects_is_told_and_is_over_when_it_is_over() {
    for (kind, why) in [(FaultKind::Html, "a web page where data was expected"), (FaultKind::RedirectLoop, "redirects in a circle")] {
        let (sandbox, home, server) = with_fault(once(kind).times(1_000)).await;
        let degraded = server.until_state("acme", "shop", "degraded").await;
        assert!(degraded["cause"].as_str().unwrap().contains(why), "{degraded}");
        sandbox.clear_faults();
        server.sync("acme", "shop").await;
        home.until_equal("acme", &sandbox, &SHOP).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_cannot_be_handled_is_quarantined_with_its_reason_and_its_page_is_kept() {
    for (kind, cause) in [
        (FaultKind::InvalidUtf8, "UTF-8"),
        (FaultKind::NotAnObject, "not an object"),
        (FaultKind::MissingKey, "key `id` is missing"),
        (FaultKind::HugeRecord { bytes: 40 << 20 }, "takes"),
    ] {
        let (sandbox, home, server) = with_fault(once(kind)).await;
        let quarantine =
            server.until("/api/v1/tenants/acme/quarantine", |found| found["items"].as_array().is_some_and(|items| !items.is_empty())).await;
        let items = quarantine["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{quarantine}");
        assert!(items[0]["cause"].as_str().unwrap().contains(cause), "{kind:?}: {}", items[0]["cause"]);
        let jobs = server
            .until("/api/v1/tenants/acme/integrations/shop/jobs?limit=500", |jobs| {
                jobs["items"].as_array().unwrap().iter().any(|job| !job["outcome"].is_null())
            })
            .await;
        let first = jobs["items"].as_array().unwrap().last().unwrap();
        assert_eq!(first["outcome"], "partial", "a job that left something out is never green: {first}");
        home.until_equal("acme", &sandbox, &[Stream::ShopCustomers, Stream::ShopProducts]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_key_asks_its_owner_keeps_what_was_read_and_goes_on_with_a_new_one() {
    let (sandbox, home, server) = with_fault(FaultRule::once(Provider::Shop, FaultKind::Status { code: 500 })).await;
    server.until_state("acme", "shop", "live").await;
    let events = server.events("acme").await.len();
    sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::ExpiredKey));
    let stopped = server.until_state("acme", "shop", "reauth_required").await;
    assert!(stopped["cause"].as_str().unwrap().contains("Make a new one in the shop"), "{stopped}");
    let key = sandbox.renew(Provider::Shop, true);
    let path = "/api/v1/tenants/acme/integrations/shop";
    let (status, answer) = server.call(reqwest::Method::PATCH, path, Some(json!({"settings": {"api_key": key}}))).await;
    assert!(status.is_success(), "{answer}");
    server.post(&format!("{path}/resume"), json!({})).await;
    server.until_state("acme", "shop", "live").await;
    home.until_equal("acme", &sandbox, &SHOP).await;
    assert_eq!(server.events("acme").await.len(), events, "what was read is not read again into the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_setting_is_refused_with_its_path_and_the_nearest_name() {
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    let body = json!({"id": "shop", "connector": "sandbox-shop", "settings": {"base_url": 5, "api_ky": "x"}});
    let (status, problem) = server.call(reqwest::Method::POST, "/api/v1/tenants/acme/integrations", Some(body)).await;
    assert_eq!(status.as_u16(), 422, "{problem}");
    let text = problem.to_string();
    assert!(text.contains("/settings/base_url") || text.contains("/base_url"), "{text}");
    assert!(text.contains("api_key"), "{text}");
    let (status, problem) = server
        .call(
            reqwest::Method::POST,
            "/api/v1/tenants/acme/integrations",
            Some(json!({"id": "x", "connector": "sandbox-shp", "settings": {}})),
        )
        .await;
    assert_eq!(status.as_u16(), 422);
    assert!(problem.to_string().contains("did you mean `sandbox-shop`"), "{problem}");
    assert_eq!(server.get("/api/v1/tenants/acme/integrations").await["items"], Value::Array(Vec::new()));
}
