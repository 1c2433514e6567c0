//! A state that Airbyte wrote is moved in, and out again.

use std::{path::Path, process::Command};

use reqwest::Method;
use serde_json::{Value, json};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, Server, binary};

const PATH: &str = "/api/v1/tenants/acme/integrations/shop";

fn syncline(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(binary()).args(arguments).env("SYNCLINE_API_KEY", &server.key).output().unwrap();
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// Reads the orders as a program that speaks the Airbyte protocol does, and gives their number and the last state.
fn read_orders(folder: &Path, settings: &Value, state: Option<&Path>) -> (usize, Value) {
    let file = |name: &str, value: &Value| {
        std::fs::write(folder.join(name), value.to_string()).unwrap();
        folder.join(name)
    };
    let config = file("config.json", settings);
    let catalog = file("catalog.json", &json!({"streams": [{"stream": {"name": "orders"}, "sync_mode": "incremental"}]}));
    let mut command = Command::new(binary());
    command.args(["read", "sandbox-shop", "--config"]).arg(config).arg("--catalog").arg(catalog);
    if let Some(state) = state {
        command.arg("--state").arg(state);
    }
    let output = command.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let state = messages.iter().rfind(|message| message["type"] == "STATE").unwrap()["state"].clone();
    (messages.iter().filter(|message| message["type"] == "RECORD").count(), state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integration_goes_on_where_airbyte_stopped_and_airbyte_where_the_integration_stopped() {
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let server = home.serve();
    let (read, state) = read_orders(folder.path(), &sandbox.settings(Provider::Shop), None);
    assert!(read > 100);
    sandbox.advance(Advance { updates: 0, deletes: 0, creates: 30, stream: Some(Stream::ShopOrders) });

    server.make_tenant("acme").await;
    let body = json!({
        "id": "shop", "connector": "sandbox-shop", "settings": sandbox.settings(Provider::Shop),
        "schedule": {"every_s": 1}, "streams": [{"name": "orders"}],
    });
    server.post("/api/v1/tenants/acme/integrations", body).await;
    let file = folder.path().join("state.json");
    let file = file.to_str().unwrap();
    std::fs::write(file, json!([state]).to_string()).unwrap();
    let (well, said) = syncline(&server, &["state", "import", "acme", "shop", file, "--api", &server.url]);
    assert!(well, "{said}");
    server.post(&format!("{PATH}/resume"), json!({})).await;
    server.sync("acme", "shop").await;
    let events = server.events("acme").await.len();
    // The lower bound is inclusive: what is as old as the state itself comes again.
    assert!((30..60).contains(&events), "{events} events instead of the 30 new orders");

    let (well, said) = syncline(&server, &["state", "import", "acme", "shop", file, "--api", &server.url]);
    assert!(!well && said.contains("pause it first"), "{said}");
    server.post(&format!("{PATH}/pause"), json!({})).await;
    let (well, exported) = syncline(&server, &["state", "export", "acme", "shop", "--api", &server.url]);
    assert!(well, "{exported}");
    std::fs::write(file, &exported).unwrap();
    let (read, _) = read_orders(folder.path(), &sandbox.settings(Provider::Shop), Some(Path::new(file)));
    assert!(read < 20, "{read} orders are read again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_fits_no_stream_is_refused_by_name_and_a_taken_one_stands_in_the_audit() {
    let sandbox = Sandbox::start(SandboxConfig { records: 100, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let server = home.serve();
    server.make_tenant("acme").await;
    let body = json!({"id": "shop", "connector": "sandbox-shop", "settings": sandbox.settings(Provider::Shop)});
    server.post("/api/v1/tenants/acme/integrations", body).await;
    let put = async |state: Value| server.call(Method::PUT, &format!("{PATH}/state"), Some(json!({"state": state}))).await;
    for (state, why) in [
        (json!({"order": {"updated_at": "2024-01-01T00:00:00Z"}}), "did you mean `orders`?"),
        (json!({"orders": 7}), "must be an object"),
        (json!([{"type": "STREAM"}]), "stream_descriptor"),
    ] {
        let (status, said) = put(state).await;
        assert!(status == 422 && said.to_string().contains(why), "{status} {said}");
    }
    assert_eq!(server.get(&format!("{PATH}/state")).await["state"], json!([]));
    let state = json!({"orders": {"updated_at": "2024-01-01T00:00:00Z"}, "products": {"__ab_no_cursor_state_message": true}});
    let (status, said) = put(state).await;
    assert_eq!(status, 204, "{said}");
    let kept = server.get(&format!("{PATH}/state")).await;
    assert_eq!(kept["state"][0]["stream"]["stream_state"], json!({"updated_at": "2024-01-01T00:00:00Z"}), "{kept}");
    assert_eq!(kept["state"].as_array().unwrap().len(), 1, "a stream without a cursor has nothing to go on from");
    let audit = server.get("/api/v1/audit?limit=50").await;
    assert!(audit["items"].as_array().unwrap().iter().any(|act| act["what"] == "set_state"), "{audit}");
}
