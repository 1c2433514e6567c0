//! Plans under `serve`: made and accepted over HTTP, carried out while the process is killed again and again, true in the end.

use std::{collections::BTreeSet, process::Command, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use schema_ai::tables::PostgresHome;
use serde_json::{Value, json};
use syncline_model::Secret;
use syncline_sandbox::{Advance, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, Server, compare};

const KILLS: usize = 12;

/// Where a tenant's tables are.
enum Tables {
    Sqlite,
    Postgres { url: String, schema: String },
}

impl Tables {
    fn settings(&self) -> Vec<String> {
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres { url, schema } => {
                let prefix = schema.strip_suffix("acme").unwrap();
                vec!["tables.kind=postgres".to_owned(), format!("tables.url={url}"), format!("tables.prefix={prefix}")]
            }
        }
    }

    /// What a query of two columns gives.
    fn pairs(&self, home: &Home, sql: &str) -> Vec<(String, String)> {
        match self {
            Self::Sqlite => {
                let db = rusqlite::Connection::open(home.path().join("tenants/acme.sqlite")).unwrap();
                let mut rows = db.prepare(sql).unwrap();
                let found = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                found.collect::<rusqlite::Result<_>>().unwrap()
            }
            Self::Postgres { url, schema } => {
                let sql = format!("SET search_path TO \"{schema}\"; {sql}");
                let found = Command::new("psql").args([url, "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", &sql]).output().unwrap();
                assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
                let text = String::from_utf8(found.stdout).unwrap();
                text.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
            }
        }
    }

    async fn until_equal(&self, home: &Home, sandbox: &RunningSandbox) {
        let Self::Postgres { url, schema } = self else { return home.until_equal("acme", sandbox, &Stream::ALL).await };
        let prefix = schema.strip_suffix("acme").unwrap();
        let tables = PostgresHome::connect(&Secret::new(url.clone()), prefix, 2).await.unwrap();
        compare::until_equal_in(&tables, "acme", sandbox, &Stream::ALL).await;
    }
}

/// The records that unified rows stand for, by the crosswalks of all entities.
fn crosswalk(tables: &Tables, home: &Home, entities: &[String]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for entity in entities {
        found.extend(tables.pairs(home, &format!("SELECT stream, record_key FROM \"{entity}_crosswalk\"")));
        let lost = format!("SELECT id, id FROM \"{entity}\" WHERE id NOT IN (SELECT entity_id FROM \"{entity}_crosswalk\")");
        assert!(tables.pairs(home, &lost).is_empty(), "`{entity}` has rows of nothing");
        let unwritten =
            format!("SELECT entity_id, stream FROM \"{entity}_crosswalk\" WHERE entity_id NOT IN (SELECT id FROM \"{entity}\")");
        assert!(tables.pairs(home, &unwritten).is_empty(), "`{entity}` misses rows");
    }
    found
}

async fn decided(server: &Server) -> Vec<Value> {
    let begun = server.post("/api/v1/tenants/acme/organize", json!({})).await;
    let path = format!("/api/v1/tenants/acme/plans/{}", begun["id"]);
    let plan = server.until(&path, |plan| plan["about"]["state"] != "making").await;
    if plan["about"]["state"] == "proposed" {
        server.post(&format!("{path}/accept"), json!({})).await;
    }
    plan["plan"]["entities"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unified_tables_are_true_however_often_the_process_is_killed() {
    survive_kills(Tables::Sqlite).await;
}

/// On the PostgreSQL that `make test` starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unified_tables_in_postgresql_are_true_however_often_the_process_is_killed() {
    let Ok(server) = std::env::var("SYNCLINE_TEST_POSTGRES_URL") else {
        println!("SYNCLINE_TEST_POSTGRES_URL is not set; `make test` sets it");
        return;
    };
    let name = format!("unified_{}", std::process::id());
    let made = Command::new("psql").args([&server, "-qc", &format!("CREATE DATABASE {name}")]).status().unwrap();
    assert!(made.success());
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    survive_kills(Tables::Postgres { url, schema: format!("u{}_acme", std::process::id()) }).await;
}

async fn survive_kills(tables: Tables) {
    let sandbox = Sandbox::start(SandboxConfig { records: 2_000, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let mut random = StdRng::seed_from_u64(7);
    let server = home.serve_with(&tables.settings());
    server.make_tenant("acme").await;
    for provider in Provider::ALL {
        server.connect("acme", &sandbox, provider, json!({"every_s": 1})).await;
    }
    tables.until_equal(&home, &sandbox).await;
    server.until("/api/v1/tenants/acme/organize", |now| now["profiled"].as_array().unwrap().len() >= Stream::ALL.len()).await;
    let entities = decided(&server).await;
    assert!(!entities.is_empty(), "nothing was recognized");
    let names: Vec<String> = entities.iter().map(|entity| entity["name"].as_str().unwrap().to_owned()).collect();
    let streams: BTreeSet<String> = entities
        .iter()
        .flat_map(|entity| entity["streams"].as_array().unwrap())
        .map(|stream| stream.as_str().unwrap().to_owned())
        .collect();
    let mut server = Some(server);
    for kill in 0..KILLS {
        let running = server.take().unwrap_or_else(|| home.serve_with(&tables.settings()));
        let moment = Duration::from_millis(random.random_range(0..700));
        // Nothing is waited for here: the moment of the kill is what is random.
        drop(tokio::time::timeout(moment, std::future::pending::<()>()).await);
        running.kill();
        if kill % 4 == 3 {
            sandbox.advance(Advance { updates: 20, deletes: 3, creates: 10, stream: None });
        }
    }
    let server = home.serve_with(&tables.settings());
    tables.until_equal(&home, &sandbox).await;
    let done = |now: &Value| now["walks"].as_array().unwrap().iter().all(|walk| walk["done"] == true);
    server.until("/api/v1/tenants/acme/organize", done).await;
    let views = server.get("/api/v1/tenants/acme/tables").await;
    let mut wanted = BTreeSet::new();
    for view in views["items"].as_array().unwrap().iter().filter(|view| streams.contains(view["name"].as_str().unwrap())) {
        let stream = Stream::ALL.iter().find(|stream| view["stream"] == stream.name() && view["integration"] == stream.provider().name());
        let table = view["name"].as_str().unwrap();
        let lists = streams.iter().filter_map(|feed| feed.strip_prefix(table)?.strip_prefix('.')?.strip_suffix("[]"));
        for (key, record) in compare::truth(&sandbox, *stream.unwrap()) {
            for list in lists.clone() {
                let elements = record[list].as_array().into_iter().flatten();
                wanted.extend(
                    elements.map(|one| (format!("{table}.{list}[]"), format!("{key}[id={}]", compare::plain(&one["id"]).unwrap()))),
                );
            }
            wanted.insert((table.to_owned(), key));
        }
    }
    assert!(wanted.iter().any(|(feed, _)| feed.ends_with("[]")), "no list feeds anything");
    let mut looks = tokio::time::interval(Duration::from_millis(200));
    let mut found = BTreeSet::new();
    for _ in 0..300 {
        looks.tick().await;
        found = crosswalk(&tables, &home, &names);
        if found == wanted {
            return;
        }
    }
    let differing: Vec<_> = wanted.symmetric_difference(&found).take(10).collect();
    panic!("the crosswalks differ from the sources: {differing:?}");
}
