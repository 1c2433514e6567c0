//! Tenants' tables in PostgreSQL, as `serve` writes them: killed with -9 fifty times, they equal the log in the end.

use std::{process::Command, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use schema_ai::tables::PostgresHome;
use serde_json::json;
use syncline_model::Secret;
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, compare};

const KILLS: usize = 50;

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
    let settings = ["tables.kind=postgres".to_owned(), format!("tables.url={url}"), format!("tables.prefix={prefix}")];

    let sandbox = Sandbox::start(SandboxConfig { records: 5_000, ..SandboxConfig::default() }).unwrap();
    // Slow enough that most kills hit a reading in its middle.
    for provider in Provider::ALL {
        sandbox.fault(FaultRule::once(provider, FaultKind::Slow { ms: 30 }).times(100_000));
    }
    let home = Home::new();
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let server = home.serve_with(&settings);
    server.make_tenant("acme").await;
    for provider in Provider::ALL {
        server.connect("acme", &sandbox, provider, json!({"every_s": 1})).await;
    }
    let mut server = Some(server);
    for kill in 0..KILLS {
        let running = server.take().unwrap_or_else(|| home.serve_with(&settings));
        let moment = Duration::from_millis(random.random_range(0..450));
        // Nothing is waited for here: the moment of the kill is what is random.
        drop(tokio::time::timeout(moment, std::future::pending::<()>()).await);
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
