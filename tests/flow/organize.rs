//! Plans under `serve`: made and accepted over HTTP, carried out while the process is killed again and again, true in the end.

use std::{collections::BTreeSet, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::support::{Home, Server, compare};

const KILLS: usize = 12;

/// The records that unified rows stand for, by the crosswalks of all entities.
fn crosswalk(home: &Home, entities: &[String]) -> BTreeSet<(String, String)> {
    let db = rusqlite::Connection::open(home.path().join("tenants/acme.sqlite")).unwrap();
    let mut found = BTreeSet::new();
    for entity in entities {
        let mut rows = db.prepare(&format!("SELECT stream, record_key FROM \"{entity}_crosswalk\"")).unwrap();
        let some = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        found.extend(some.collect::<rusqlite::Result<Vec<(String, String)>>>().unwrap());
        let lost = format!("SELECT count(*) FROM \"{entity}\" WHERE id NOT IN (SELECT entity_id FROM \"{entity}_crosswalk\")");
        assert_eq!(db.query_row(&lost, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "`{entity}` has rows of nothing");
        let unwritten = format!("SELECT count(*) FROM \"{entity}_crosswalk\" WHERE entity_id NOT IN (SELECT id FROM \"{entity}\")");
        assert_eq!(db.query_row(&unwritten, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "`{entity}` misses rows");
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
    let sandbox = Sandbox::start(SandboxConfig { records: 2_000, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let mut random = StdRng::seed_from_u64(7);
    let server = home.serve();
    server.make_tenant("acme").await;
    for provider in Provider::ALL {
        server.connect("acme", &sandbox, provider, json!({"every_s": 1})).await;
    }
    home.until_equal("acme", &sandbox, &Stream::ALL).await;
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
        let running = server.take().unwrap_or_else(|| home.serve());
        let moment = Duration::from_millis(random.random_range(0..700));
        // Nothing is waited for here: the moment of the kill is what is random.
        drop(tokio::time::timeout(moment, std::future::pending::<()>()).await);
        running.kill();
        if kill % 4 == 3 {
            sandbox.advance(Advance { updates: 20, deletes: 3, creates: 10, stream: None });
        }
    }
    let server = home.serve();
    home.until_equal("acme", &sandbox, &Stream::ALL).await;
    let done = |now: &Value| now["walks"].as_array().unwrap().iter().all(|walk| walk["done"] == true);
    server.until("/api/v1/tenants/acme/organize", done).await;
    let views = server.get("/api/v1/tenants/acme/tables").await;
    let mut wanted = BTreeSet::new();
    for view in views["items"].as_array().unwrap().iter().filter(|view| streams.contains(view["name"].as_str().unwrap())) {
        let stream = Stream::ALL.iter().find(|stream| view["stream"] == stream.name() && view["integration"] == stream.provider().name());
        let keys = compare::truth(&sandbox, *stream.unwrap()).into_keys();
        wanted.extend(keys.map(|key| (view["name"].as_str().unwrap().to_owned(), key)));
    }
    let mut looks = tokio::time::interval(Duration::from_millis(200));
    let mut found = BTreeSet::new();
    for _ in 0..300 {
        looks.tick().await;
        found = crosswalk(&home, &names);
        if found == wanted {
            return;
        }
    }
    let differing: Vec<_> = wanted.symmetric_difference(&found).take(10).collect();
    panic!("the crosswalks differ from the sources: {differing:?}");
}
