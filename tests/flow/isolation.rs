//! A tenant never sees another's anything, and a secret is never seen again.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_sandbox::{FaultKind, FaultRule, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, Server};

async fn key_of(server: &Server, tenant: &str, role: &str) -> String {
    let made = server.post("/api/v1/keys", json!({"name": "test", "role": role, "tenant": tenant})).await;
    made["text"].as_str().unwrap().to_owned()
}

/// Tries every operation of the OpenAPI description, so that a new one is tried by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_shows_or_changes_anything_with_another_tenants_key() {
    let sandbox = Sandbox::start(SandboxConfig { records: 300, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    server.make_tenant("other").await;
    server.connect("acme", &sandbox, Provider::Shop, json!("manual")).await;
    let job = server.sync("acme", "shop").await;
    home.until_equal("acme", &sandbox, &[Stream::ShopOrders]).await;
    let stranger = key_of(&server, "other", "owner").await;
    let document = server.get("/api/v1/openapi.json").await;
    let mut tried = 0;
    for (template, operations) in document["paths"].as_object().unwrap() {
        if !template.contains("{tenant}") {
            continue;
        }
        let fills = [
            ("{tenant}", "acme"),
            ("{integration}", "shop"),
            ("{job}", job["id"].as_str().unwrap()),
            ("{stream}", "orders"),
            ("{table}", "sandbox_shop_orders"),
            ("{record}", "0"),
            ("{key}", "0"),
            ("{plan}", "0"),
        ];
        let path = fills.iter().fold(template.clone(), |path, (name, value)| path.replace(name, value));
        for (method, _) in
            operations.as_object().unwrap().iter().filter(|(name, _)| ["get", "post", "put", "patch", "delete"].contains(&name.as_str()))
        {
            let method: Method = method.to_uppercase().parse().unwrap();
            let body = (method != Method::GET).then(|| json!({}));
            let (status, answer) = server.call_as(&stranger, method.clone(), &path, body).await;
            assert!([StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status), "{method} {path}: {status} {answer}");
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} operations were tried");
    let seen = server.call_as(&stranger, Method::GET, "/api/v1/tenants", None).await.1;
    assert!(!seen.to_string().contains("acme"), "{seen}");
    assert_eq!(server.get("/api/v1/tenants/acme/integrations/shop").await["state"], "live", "nothing was changed");
}

const CANARY: &str = "canary-7f3a9b51c2e84d06";

/// Puts a secret in, makes everything go wrong that can, and looks for it everywhere afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_secret_is_found_in_no_file_answer_event_metric_or_log_line() {
    let sandbox = Sandbox::start(SandboxConfig { records: 300, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    let mut answers = Vec::new();
    let path = "/api/v1/tenants/acme/integrations";
    let settings = |address: String| json!({"id": "shop", "connector": "sandbox-shop", "settings": {"base_url": address, "api_key": CANARY}, "schedule": "manual"});
    answers.push(server.post(path, settings(sandbox.url(Provider::Shop))).await);
    // A wrong key, a broken address, a mistake beside the secret: each makes an error that could quote it.
    for body in [
        json!({"settings": {"base_url": 5, "api_key": CANARY}}),
        json!({"settings": {"base_url": "http://[", "api_key": CANARY}}),
        json!({"setings": {"api_key": CANARY}}),
    ] {
        answers.push(server.call(Method::PATCH, &format!("{path}/shop"), Some(body)).await.1);
    }
    answers.push(server.call(Method::POST, &format!("{path}/shop/test"), Some(json!({}))).await.1);
    server.call(Method::POST, &format!("{path}/shop/resume"), Some(json!({}))).await;
    server.until(&format!("{path}/shop"), |found| ["reauth_required", "degraded"].contains(&found["state"].as_str().unwrap())).await;
    // Then a secret that works, so that events flow.
    sandbox.fault(FaultRule::once(Provider::Crm, FaultKind::Reset));
    let crm_secret = sandbox.key(Provider::Crm);
    server.connect("acme", &sandbox, Provider::Crm, json!({"every_s": 1})).await;
    server.until_state("acme", "crm", "live").await;
    for read in [
        "/api/v1/audit",
        "/metrics",
        path,
        "/api/v1/tenants/acme/quarantine",
        "/api/v1/tenants/acme/integrations/shop/jobs",
        "/api/v1/tenants/acme/events?limit=1000",
    ] {
        answers.push(server.get(read).await);
    }
    assert!(server.stop());
    for secret in [CANARY, &crm_secret] {
        let text = Value::Array(answers.clone()).to_string();
        assert!(!text.contains(secret), "an answer holds the secret: {text}");
        assert!(!home.output().contains(secret), "a log line holds the secret");
        for file in files(home.path()) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds the secret", file.display());
        }
    }
    assert!(files(home.path()).len() >= 4, "there are files to look into");
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
