//! The commands, as a person or a script would use them.

use std::process::{Command, Output};

use serde_json::{Value, json};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::{binary, compare::truth};

fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn messages(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_demo_ends_with_the_picture_of_what_happened() {
    let output = run(&["demo", "--once", "--records", "1000", "--listen", "127.0.0.1:0"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    for part in ["event log: 1,", "sandbox_shop_orders_line_items", "sandbox_crm_contacts", "sandbox_payments_charges", "rows in 12 tables"]
    {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
}

#[test]
fn the_protocols_verbs_read_a_connector_of_the_catalog() {
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, value: Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path.display().to_string()
    };
    let config = file("config.json", sandbox.settings(Provider::Shop));
    let spec = messages(&run(&["spec", "sandbox-shop"]));
    assert_eq!(spec[0]["spec"]["connectionSpecification"]["required"], json!(["base_url", "api_key"]));
    let check = messages(&run(&["check", "sandbox-shop", "--config", &config]));
    assert_eq!(check[0]["connectionStatus"]["status"], "SUCCEEDED");
    let discover = messages(&run(&["discover", "sandbox-shop", "--config", &config]));
    assert_eq!(discover[0]["catalog"]["streams"].as_array().unwrap().len(), 3);
    let catalog = file("catalog.json", json!({"streams": [{"stream": {"name": "orders"}, "sync_mode": "incremental"}]}));
    let read = run(&["read", "sandbox-shop", "--config", &config, "--catalog", &catalog]);
    assert!(read.status.success());
    let read = messages(&read);
    let records = read.iter().filter(|message| message["type"] == "RECORD").count();
    assert_eq!(records, text(&sandbox.truth(Stream::ShopOrders)).lines().count());
    let state = read.iter().rfind(|message| message["type"] == "STATE").unwrap();
    assert!(state["state"]["stream"]["stream_state"]["updated_at"].is_string(), "{state}");
    let state = file("state.json", json!([state["state"]]));
    let again = messages(&run(&["read", "sandbox-shop", "--config", &config, "--catalog", &catalog, "--state", &state]));
    assert!(again.iter().filter(|message| message["type"] == "RECORD").count() < 20, "a second reading goes on where the first ended");
}

#[test]
fn a_wrong_key_fails_the_check_with_the_connectors_own_words() {
    let sandbox = Sandbox::start(SandboxConfig { records: 100, ..SandboxConfig::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    std::fs::write(&config, json!({"base_url": sandbox.url(Provider::Shop), "api_key": "wrong-key-1234"}).to_string()).unwrap();
    let output = run(&["check", "sandbox-shop", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "it was found out, which is what a check is for");
    let status = &messages(&output)[0]["connectionStatus"];
    assert_eq!(status["status"], "FAILED");
    assert!(status["message"].as_str().unwrap().contains("Make a new one in the shop"), "{status}");
}

#[test]
fn one_integration_is_synced_from_a_file_into_lines_and_tables_and_the_next_time_only_what_is_new() {
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(
        &file,
        format!(
            "connector = \"sandbox-shop\"\nstreams = [\"orders\"]\n[settings]\nbase_url = \"{}\"\napi_key = \"${{SHOP_KEY}}\"\n",
            sandbox.url(Provider::Shop)
        ),
    )
    .unwrap();
    let sync = |to: &str, state: &str| {
        let state = folder.path().join(state);
        let arguments = ["sync", file.to_str().unwrap(), "--to", to, "--private-allowed", "--state", state.to_str().unwrap()];
        let output = Command::new(binary()).args(arguments).env("SHOP_KEY", sandbox.key(Provider::Shop)).output().unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        output
    };
    let orders = truth(&sandbox, Stream::ShopOrders).len();
    let lines = messages(&sync("jsonl:-", "one"));
    assert_eq!(lines.len(), orders);
    assert!(lines.iter().all(|event| event["specversion"] == "1.0" && event["data"]["id"].is_number()));
    assert_eq!(messages(&sync("jsonl:-", "one")).len(), 0, "nothing is new");
    let tables = folder.path().join("tables.sqlite");
    sync(&format!("sqlite:{}", tables.display()), "two");
    let count: i64 =
        rusqlite::Connection::open(&tables).unwrap().query_row("SELECT count(*) FROM sandbox_shop_orders", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(count).unwrap(), orders);
}

/// On the PostgreSQL that `make test` starts; each value is compared with what the sandbox says.
#[test]
fn one_integration_is_synced_into_postgresql_and_the_next_time_what_has_changed() {
    let Ok(url) = std::env::var("SYNCLINE_TEST_POSTGRES_URL") else {
        println!("SYNCLINE_TEST_POSTGRES_URL is not set; `make test` sets it");
        return;
    };
    let schema = format!("sync_{}", std::process::id());
    let sql = |text: &str| {
        let output = Command::new("psql").args([&url, "-qAt", "-c", text]).output().unwrap();
        assert!(output.status.success(), "{text}: {}", self::text(&output.stderr));
        self::text(&output.stdout).trim().to_owned()
    };
    sql(&format!("CREATE SCHEMA {schema}"));
    let to = format!("{url}{}options=-c%20search_path%3D{schema}", if url.contains('?') { "&" } else { "?" });
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.toml");
    let settings = sandbox.settings(Provider::Payments);
    let setting = |name: &str| settings[name].as_str().unwrap().to_owned();
    let (base_url, account, password) = (setting("base_url"), setting("account"), setting("password"));
    let toml = format!(
        "connector = \"sandbox-payments\"\n[settings]\nbase_url = \"{base_url}\"\naccount = \"{account}\"\npassword = \"{password}\"\n"
    );
    std::fs::write(&file, toml).unwrap();
    for changes in [0, 25] {
        sandbox.advance(Advance { updates: changes, deletes: changes / 5, creates: changes, stream: None });
        let output = run(&["sync", file.to_str().unwrap(), "--to", &to, "--private-allowed"]);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        for (stream, list) in
            [(Stream::PaymentsCharges, None), (Stream::PaymentsCustomers, None), (Stream::PaymentsInvoices, Some("lines"))]
        {
            let table = format!("{schema}.sandbox_payments_{}", stream.name());
            let truth = truth(&sandbox, stream);
            let live = sql(&format!("SELECT count(*) FROM {table} WHERE _syncline_deleted_at IS NULL"));
            assert_eq!(live, truth.len().to_string(), "{table}");
            let found =
                sql(&format!("SELECT id || ' ' || updated FROM {table} WHERE _syncline_deleted_at IS NULL ORDER BY id COLLATE \"C\""));
            let wanted: Vec<String> = truth.iter().map(|(key, record)| format!("{key} {}", record["updated"])).collect();
            assert_eq!(found.lines().collect::<Vec<_>>(), wanted, "{table}");
            if let Some(list) = list {
                let elements: usize = truth.values().map(|record| record[list].as_array().unwrap().len()).sum();
                let found = sql(&format!(
                    "SELECT count(*) FROM {table}_{list} JOIN {table} r ON r._syncline_key = _syncline_root_key WHERE r._syncline_deleted_at IS NULL"
                ));
                assert_eq!(found, elements.to_string());
            }
        }
    }
    let exact = sql(&format!(
        "SELECT metadata_ledger::text || ' ' || metadata_rate::text FROM {schema}.sandbox_payments_charges WHERE metadata_rate IS NOT NULL ORDER BY id COLLATE \"C\" LIMIT 1"
    ));
    let charges = truth(&sandbox, Stream::PaymentsCharges);
    let first = charges.values().find(|record| !record["metadata"]["rate"].is_null()).unwrap();
    assert_eq!(exact, format!("{} {}", first["metadata"]["ledger"], first["metadata"]["rate"]), "no digit is lost");
    sql(&format!("DROP SCHEMA {schema} CASCADE"));
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_starts_with_every_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("syncline.toml");
    std::fs::write(&file, "[api]\nlistn = \"x\"\n[engine]\nthreads = \"two\"\n").unwrap();
    let output = run(&["serve", "--config", file.to_str().unwrap(), "--folder", folder.path().join("made").to_str().unwrap()]);
    assert!(!output.status.success());
    let told = text(&output.stderr);
    assert!(
        told.contains("syncline.toml:2: unknown setting `api.listn` (did you mean `api.listen`?)")
            && told.contains("syncline.toml:4: `engine.threads` must be an integer, and is a string"),
        "{told}"
    );
    assert!(!folder.path().join("made").exists());
}

#[test]
fn the_doctor_finds_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let well = run(&["doctor", "--folder", path, "--set", "api.listen=127.0.0.1:0"]);
    assert!(well.status.success(), "{}", text(&well.stdout));
    let key = folder.path().join("vault.key");
    std::fs::write(&key, "x").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(&["doctor", "--folder", path, "--set", "api.listen=127.0.0.1:0"]);
    assert!(!output.status.success());
    assert!(text(&output.stdout).contains("has mode 644, so others can read it\n         chmod 600 it"), "{}", text(&output.stdout));
}

#[test]
fn a_new_connector_begins_without_mistakes_and_a_wrong_one_is_told_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(run(&["connectors", "new", "my-crm", "--folder", path]).status.success());
    let made = folder.path().join("my-crm");
    let lint = run(&["connectors", "lint", made.to_str().unwrap()]);
    assert!(lint.status.success(), "{}", text(&lint.stdout));
    let manifest = made.join("manifest.yaml");
    let wrong = std::fs::read_to_string(&manifest).unwrap().replace("PageIncrement", "PageIncremnt");
    std::fs::write(&manifest, wrong).unwrap();
    let lint = run(&["connectors", "lint", made.to_str().unwrap()]);
    assert!(!lint.status.success());
    assert!(text(&lint.stdout).contains("did you mean `PageIncrement`"), "{}", text(&lint.stdout));
}
