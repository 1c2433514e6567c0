//! Tenants' tables in PostgreSQL, as `serve` writes them: they equal the log in the end, however often we or the server are killed.

use std::{net::TcpListener, process::Command, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use schema_ai::tables::PostgresHome;
use serde_json::json;
use syncline_model::Secret;
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, Server, compare};

const KILLS: usize = 50;
const STOPS: usize = 12;

/// On the PostgreSQL that `make test` starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_leave_tables_in_postgresql_that_equal_the_log() {
    let Ok(server_url) = std::env::var("SYNCLINE_TEST_POSTGRES_URL") else {
        println!("SYNCLINE_TEST_POSTGRES_URL is not set; `make test` sets it");
        return;
    };
    let name = format!("kills_{}", std::process::id());
    let made = Command::new("psql").args([&server_url, "-qc", &format!("CREATE DATABASE {name}")]).status().unwrap();
    assert!(made.success());
    let url = format!("{}/{name}", server_url.rsplit_once('/').unwrap().0);
    let prefix = format!("k{}_", std::process::id());
    let settings = settings(&url, &prefix);

    let (sandbox, mut random, home) = (slow_sandbox(), random(), Home::new());
    let mut server = Some(reading(&home, &settings, &sandbox).await);
    for kill in 0..KILLS {
        let running = server.take().unwrap_or_else(|| home.serve_with(&settings));
        moment(random.random_range(0..450)).await;
        running.kill();
        if kill % 5 == 4 {
            sandbox.advance(Advance { updates: 20, deletes: 3, creates: 10, stream: None });
        }
    }
    sandbox.clear_faults();
    let server = home.serve_with(&settings);
    let tables = PostgresHome::connect(&Secret::new(url), &prefix, 2).await.unwrap();
    compare::until_equal_in(&tables, "acme", &sandbox, &Stream::ALL).await;
    let shown = server.get("/api/v1/tenants/acme/tables/sandbox_shop_orders/rows?limit=3").await;
    assert_eq!(shown["items"].as_array().unwrap().len(), 3, "the API reads the same tables: {shown}");
}

/// The log is told only what is in the tables for good: what the server forgets when it is stopped, it is given again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_equal_the_log_though_postgresql_is_stopped_at_once_again_and_again() {
    if std::env::var("SYNCLINE_TEST_POSTGRES_URL").is_err() {
        println!("SYNCLINE_TEST_POSTGRES_URL is not set; `make test` sets it where there is a PostgreSQL");
        return;
    }
    let server = Own::new();
    let settings = settings(&server.start(), "s_");
    let (sandbox, mut random, home) = (slow_sandbox(), random(), Home::new());
    let mut running = Some(reading(&home, &settings, &sandbox).await);
    for stop in 0..STOPS {
        moment(random.random_range(0..1_500)).await;
        server.stop();
        // Now and then both lose what they had in their memory.
        running.take_if(|_| stop % 4 == 3).into_iter().for_each(Server::kill);
        sandbox.advance(Advance { updates: 200, deletes: 3, creates: 10, stream: None });
        server.start();
        running.get_or_insert_with(|| home.serve_with(&settings));
    }
    let running = running.unwrap();
    sandbox.clear_faults();
    let tables = PostgresHome::connect(&Secret::new(server.url()), "s_", 2).await.unwrap();
    compare::until_equal_in(&tables, "acme", &sandbox, &Stream::ALL).await;
    let shown = running.get("/api/v1/tenants/acme/tables/sandbox_shop_orders/rows?limit=3").await;
    assert_eq!(shown["items"].as_array().unwrap().len(), 3, "whoever asks is answered again: {shown}");
}

/// A PostgreSQL of one test alone.
struct Own {
    folder: tempfile::TempDir,
    port: u16,
}

impl Own {
    fn new() -> Self {
        // None of the ports that the system gives to outgoing connections: one that is stopped for a moment would find its own taken.
        let port = loop {
            let port = rand::rng().random_range(10_000..30_000);
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                break port;
            }
        };
        Self { folder: tempfile::tempdir().unwrap(), port }
    }

    fn run(&self, arguments: &[&str]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");
        let done = Command::new("sh").arg(script).arg(arguments[0]).arg(self.folder.path()).args(&arguments[1..]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Starts it with what it had on disk.
    fn start(&self) -> String {
        self.run(&["start", &self.port.to_string()]);
        self.url()
    }

    /// Ends all its processes at once.
    fn stop(&self) {
        self.run(&["stop"]);
    }

    fn url(&self) -> String {
        format!("postgres://syncline@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");
        drop(Command::new("sh").args([script, "stop"]).arg(self.folder.path()).output());
    }
}

fn settings(url: &str, prefix: &str) -> [String; 3] {
    ["tables.kind=postgres".to_owned(), format!("tables.url={url}"), format!("tables.prefix={prefix}")]
}

/// A node that reads everything of the sandbox for one tenant.
async fn reading(home: &Home, settings: &[String], sandbox: &RunningSandbox) -> Server {
    let server = home.serve_with(settings);
    server.make_tenant("acme").await;
    for provider in Provider::ALL {
        server.connect("acme", sandbox, provider, json!({"every_s": 1})).await;
    }
    server
}

/// Slow enough that most kills hit a reading in its middle.
fn slow_sandbox() -> RunningSandbox {
    let sandbox = Sandbox::start(SandboxConfig { records: 5_000, ..SandboxConfig::default() }).unwrap();
    for provider in Provider::ALL {
        sandbox.fault(FaultRule::once(provider, FaultKind::Slow { ms: 30 }).times(100_000));
    }
    sandbox
}

fn random() -> StdRng {
    let seed = rand::rng().random();
    println!("seed {seed}");
    StdRng::seed_from_u64(seed)
}

/// Nothing is waited for: the moment is what is random.
async fn moment(ms: u64) {
    drop(tokio::time::timeout(Duration::from_millis(ms), std::future::pending::<()>()).await);
}
