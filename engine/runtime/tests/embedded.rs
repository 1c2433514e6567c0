//! The engine on the real embedded log: whatever is stopped and started again, each version is in the log once.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../src/fakes/mod.rs"]
#[allow(unused_imports)]
mod fakes;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use fakes::{MemoryLedger, Row, TestSource};
use syncline_log::embedded::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{EventLog, State, TenantId, log::Position, schedule::Schedule};
use syncline_runtime::{Connectors, Engine, EngineConfig, EngineHandle};
use syncline_sdk::Connector;

const ROWS: i64 = 400;

fn start(file: &Path, ledger: &Arc<MemoryLedger>, source: &Arc<TestSource>) -> (EmbeddedLog, EngineHandle) {
    let log = EmbeddedLog::open(EmbeddedConfig::new(file)).unwrap();
    let connectors = Connectors::new([Arc::clone(source) as Arc<dyn Connector>]);
    let config = EngineConfig { start_spread: Duration::ZERO, stop_within: Duration::from_secs(2), ..EngineConfig::default() };
    let engine = Engine::start(config, Arc::new(log.clone()), Arc::clone(ledger) as _, Arc::new(connectors)).unwrap();
    (log, engine)
}

async fn published(log: &EmbeddedLog, tenant: &TenantId) -> BTreeMap<String, usize> {
    let mut position = Position::default();
    let mut seen = BTreeMap::new();
    loop {
        let events = log.read(tenant, &position, 1000, Duration::ZERO).await.unwrap();
        if events.is_empty() {
            return seen;
        }
        for logged in events {
            position.pass(&logged.place);
            let event = logged.event;
            *seen.entry(format!("{} {} {:?} {}", event.stream, event.key, event.version, event.op.as_str())).or_default() += 1;
        }
    }
}

async fn end(engine: EngineHandle, grace: Duration) {
    engine.shutdown(grace).await;
}

#[tokio::test]
async fn an_engine_that_is_stopped_again_and_again_publishes_each_version_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.db");
    let ledger = MemoryLedger::new([MemoryLedger::testing("shop", "eu", Schedule::Manual)]);
    let source = TestSource::new("shop");
    source.tell(|tables| tables.page_sizes = vec![3, 7, 1]);
    source.rows("customers", (0..ROWS).map(|key| Row::new(key, key / 10)));
    source.rows("orders", (0..ROWS).map(|key| Row::new(key, key)));
    let tenant: TenantId = "acme".parse().unwrap();
    for restart in 1.. {
        let (log, engine) = start(&file, &ledger, &source);
        let some = restart * 60;
        // Without grace the engine is cut off wherever it is.
        let cut = async {
            while published(&log, &tenant).await.len() < some {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = cut => end(engine, if restart % 2 == 0 { Duration::ZERO } else { Duration::from_secs(5) }).await,
            () = ledger.until(|ledger| ledger.state("eu") == State::Live) => {
                end(engine, Duration::from_secs(5)).await;
                break;
            }
        }
    }
    let (log, engine) = start(&file, &ledger, &source);
    let job = engine_reads(&engine, &tenant).await;
    ledger.until(|ledger| ledger.rows().jobs.get(&job).is_some_and(|job| job.outcome.is_some())).await;
    let seen = published(&log, &tenant).await;
    end(engine, Duration::from_secs(5)).await;
    assert_eq!(seen.len(), 2 * usize::try_from(ROWS).unwrap());
    assert!(seen.values().all(|&times| times == 1), "{seen:?}");
}

/// The node may not have been given its shards yet.
async fn engine_reads(engine: &EngineHandle, tenant: &TenantId) -> syncline_model::JobId {
    loop {
        if let Ok(job) = engine.sync_now(tenant, &"eu".parse().unwrap()).await {
            return job;
        }
        tokio::task::yield_now().await;
    }
}
