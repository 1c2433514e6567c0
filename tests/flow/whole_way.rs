//! From three providers over real HTTP to one tenant's tables, live.

use reqwest::Method;
use serde_json::{Value, json};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::Home;

fn every(seconds: u32) -> Value {
    json!({"every_s": seconds})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_apps_become_one_tenants_tables_and_stay_equal_while_they_change() {
    let sandbox = Sandbox::start(SandboxConfig { records: 2_000, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    for provider in Provider::ALL {
        server.connect("acme", &sandbox, provider, every(1)).await;
    }
    for provider in Provider::ALL {
        server.until_state("acme", provider.name(), "live").await;
    }
    home.until_equal("acme", &sandbox, &Stream::ALL).await;
    let before = server.events("acme").await;
    assert_eq!(before.len() as u64, Stream::ALL.iter().map(|stream| truth_count(&sandbox, *stream)).sum::<u64>(), "every record once");
    sandbox.advance(Advance { updates: 60, deletes: 20, creates: 40, stream: None });
    home.until_equal("acme", &sandbox, &Stream::ALL).await;
    assert!(server.stop(), "it ends in order");
}

fn truth_count(sandbox: &syncline_sandbox::RunningSandbox, stream: Stream) -> u64 {
    sandbox.truth(stream).iter().filter(|byte| **byte == b'\n').count() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pausing_and_resuming_loses_nothing_and_reads_nothing_twice() {
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    server.connect("acme", &sandbox, Provider::Shop, every(1)).await;
    server.until_state("acme", "shop", "live").await;
    let path = "/api/v1/tenants/acme/integrations/shop";
    server.post(&format!("{path}/pause"), json!({})).await;
    let read_before = server.events("acme").await.len();
    sandbox.advance(Advance { updates: 0, deletes: 0, creates: 30, stream: Some(Stream::ShopOrders) });
    let requests = sandbox.requests_total();
    let (status, _) = server.call(Method::POST, &format!("{path}/sync"), Some(json!({}))).await;
    assert!(status.is_client_error(), "a paused integration is not read: {status}");
    assert_eq!(sandbox.requests_total(), requests);
    server.post(&format!("{path}/resume"), json!({})).await;
    home.until_equal("acme", &sandbox, &[Stream::ShopCustomers, Stream::ShopProducts, Stream::ShopOrders]).await;
    assert_eq!(server.events("acme").await.len(), read_before + 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_shown_as_a_wait_with_its_end_and_is_no_failure() {
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let throttle = syncline_sandbox::FaultKind::Throttle { retry_after_s: 3600 };
    sandbox.fault(syncline_sandbox::FaultRule::once(Provider::Shop, throttle).after(1).times(100));
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    server.connect("acme", &sandbox, Provider::Shop, every(1)).await;
    let waiting = server.until_state("acme", "shop", "waiting").await;
    let until: jiff::Timestamp = waiting["waiting_until"].as_str().unwrap().parse().unwrap();
    assert!(until > jiff::Timestamp::now() + jiff::Span::new().minutes(50), "{until}");
    server.post("/api/v1/tenants/acme/integrations/shop/pause", json!({})).await;
    server.until_state("acme", "shop", "paused").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_dashboards_and_rules_name_is_exported() {
    let home = Home::new();
    let server = home.serve();
    let exported = server.get("/metrics").await;
    let exported: Vec<&str> =
        exported.as_str().unwrap().lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let mut named = 0;
    for file in ["grafana/syncline.json", "prometheus/rules.yml", "prometheus/alerts.yml"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for word in text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')) {
            let is_metric = word.starts_with("syncline_") && !word.contains(':') && word != "syncline_";
            if !is_metric {
                continue;
            }
            named += 1;
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
            assert!(exported.contains(&family) || exported.contains(&word), "{file} names `{word}`, which is not exported");
        }
    }
    assert!(named > 20);
}

#[test]
fn the_alert_rules_do_what_their_tests_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus");
    let promtool = |arguments: &[&str]| {
        std::process::Command::new("promtool")
            .args(arguments)
            .current_dir(&folder)
            .output()
            .expect("promtool is installed (Debian: prometheus)")
    };
    for arguments in [&["check", "rules", "rules.yml", "alerts.yml"][..], &["test", "rules", "alerts_test.yml"][..]] {
        let output = promtool(arguments);
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
}
