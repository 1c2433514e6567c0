//! What one node is asked for a tenant of another is done by the other.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../src/fakes/mod.rs"]
#[allow(unused_imports)]
mod fakes;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fakes::{Act, MemoryLedger, Row, TestSource};
use syncline_log::embedded::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{Cursor, Fault, IntegrationId, State, StreamName, TenantId, ledger::Outcome, schedule::Schedule};
use syncline_runtime::{Connectors, Engine, EngineConfig, EngineHandle};
use syncline_sdk::Connector;

fn start(log: &EmbeddedLog, ledger: &Arc<MemoryLedger>, source: &Arc<TestSource>, owner: bool) -> EngineHandle {
    let connectors = Connectors::new([Arc::clone(source) as Arc<dyn Connector>]);
    let config =
        EngineConfig { owner, cluster: true, start_spread: Duration::ZERO, stop_within: Duration::from_secs(2), ..EngineConfig::default() };
    Engine::start(config, Arc::new(log.clone()), Arc::clone(ledger) as _, Arc::new(connectors)).unwrap()
}

/// One integration of one tenant, and what the nodes share.
struct Bed {
    folder: tempfile::TempDir,
    log: EmbeddedLog,
    ledger: Arc<MemoryLedger>,
    source: Arc<TestSource>,
    tenant: TenantId,
    id: IntegrationId,
}

fn bed() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log.db"))).unwrap();
    let ledger = MemoryLedger::new([MemoryLedger::testing("shop", "eu", Schedule::Manual)]);
    let source = TestSource::new("shop");
    source.rows("orders", (0..20).map(|key| Row::new(key, key)));
    Bed { folder, log, ledger, source, tenant: "acme".parse().unwrap(), id: "eu".parse().unwrap() }
}

#[tokio::test]
async fn a_node_without_shards_asks_the_one_that_has_them() {
    let Bed { folder: _folder, log, ledger, source, tenant, id } = bed();

    // Asked while nobody owns anything: it waits in the inbox.
    let api = start(&log, &ledger, &source, false);
    let first = api.sync_now(&tenant, &id).await.unwrap();
    assert!(!api.owns(&tenant).await.unwrap());
    assert!(matches!(api.cursors(&tenant, &id).await, Err(Fault::Unavailable(_))), "cursors are known to the owner");

    let owner = start(&log, &ledger, &source, true);
    let ended = |job| move |ledger: &MemoryLedger| ledger.rows().jobs.get(&job).is_some_and(|job| job.outcome.is_some());
    ledger.until(ended(first)).await;
    assert_eq!(ledger.rows().jobs[&first].outcome, Some(Outcome::Succeeded));

    api.pause(&tenant, &id).await.unwrap();
    assert_eq!(ledger.state("eu"), State::Paused);
    assert!(matches!(api.sync_now(&tenant, &id).await, Err(Fault::Misconfigured(_))));
    // What the owner has done is done, also for the next owner.
    assert!(owner.shutdown(Duration::from_secs(5)).await);
    let next = start(&log, &ledger, &source, true);
    assert!(next.shutdown(Duration::from_secs(5)).await);
    assert!(api.shutdown(Duration::from_secs(5)).await);
    assert_eq!(ledger.rows().jobs.len(), 1, "nothing was read twice");
}

#[tokio::test]
async fn a_job_that_waits_when_its_owner_ends_is_done_by_the_next_owner() {
    let Bed { folder: _folder, log, ledger, source, tenant, id } = bed();
    let hold = Arc::new(tokio::sync::Notify::new());
    source.act("orders", Act::Hold(Arc::clone(&hold)));

    let owner = start(&log, &ledger, &source, true);
    ledger.until(|ledger| ledger.state("eu") == State::Backfilling).await;
    // Another node was asked, and could not know that it is being read already: what it was asked comes behind that.
    let api = start(&log, &ledger, &source, false);
    let asked = api.sync_now(&tenant, &id).await.unwrap();
    // When the owner has done what was asked behind it, it knows of it.
    ledger.put(MemoryLedger::testing("shop", "us", Schedule::Manual));
    let behind = api.sync_now(&tenant, &"us".parse().unwrap()).await.unwrap();
    ledger.until(|ledger| ledger.rows().jobs[&behind].outcome.is_some()).await;
    owner.shutdown(Duration::from_secs(5)).await;
    assert_eq!(ledger.rows().jobs[&asked].outcome, None, "somebody was told of it, and it still waits");
    let next = start(&log, &ledger, &source, true);
    ledger.until(|ledger| ledger.rows().jobs[&asked].outcome == Some(Outcome::Succeeded)).await;
    assert!(next.shutdown(Duration::from_secs(5)).await);
    assert!(api.shutdown(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn nothing_is_read_before_what_was_asked_while_nobody_owned_the_shard_is_done() {
    let Bed { folder: _folder, log, ledger, source, tenant, id } = bed();
    let api = start(&log, &ledger, &source, false);
    let orders: StreamName = "orders".parse().unwrap();
    // More than is done at once, and the imported state behind all of it.
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let (api, tenant, id, orders) = (api.clone(), tenant.clone(), id.clone(), orders.clone());
        asked.spawn(async move { api.accept_deletions(&tenant, &id, &orders).await });
    }
    assert!(asked.join_all().await.into_iter().all(|done| done.is_ok()));
    api.go_on(&tenant, &id, vec![(orders, Cursor(format!("{:020}", 15).into()))]).await.unwrap();

    let owner = start(&log, &ledger, &source, true);
    ledger.until(|ledger| !ledger.ended("eu").is_empty()).await;
    assert_eq!(source.pages.load(Ordering::Relaxed), 3, "five of twenty rows, two on a page, are read and no others");
    assert!(owner.shutdown(Duration::from_secs(5)).await);
    assert!(api.shutdown(Duration::from_secs(5)).await);
}
