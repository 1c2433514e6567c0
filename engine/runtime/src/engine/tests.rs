#![allow(clippy::duration_suboptimal_units, clippy::unwrap_used, clippy::panic)]
//! The whole tree, on real threads, over ports in memory. Nothing sleeps: the tests wait for what they expect to be written down.

use std::{sync::Arc, time::Duration};

use syncline_model::{
    Fault, ShardId, State,
    ledger::{Outcome, Trigger},
    schedule::Schedule,
};
use syncline_sdk::Connector;
use tokio::{sync::Notify, time::timeout};

use super::{Engine, EngineHandle};
use crate::{
    Connectors, EngineConfig,
    fakes::{Act, MemoryLedger, MemoryLog, Port, Row, TestSource},
    retry::Steps,
};

struct Setup {
    log: Arc<MemoryLog>,
    ledger: Arc<MemoryLedger>,
    source: Arc<TestSource>,
    handle: EngineHandle,
}

const SOON: Duration = Duration::from_secs(10);

fn quick() -> EngineConfig {
    let ms = Duration::from_millis;
    EngineConfig {
        start_spread: Duration::ZERO,
        restart: Steps { first: ms(1), most: ms(5), tries: 3 },
        retry: Steps { first: ms(1), most: ms(5), tries: 3 },
        probe: Steps { first: ms(50), most: ms(100), tries: usize::MAX },
        progress_every: ms(20),
        wait_shown: ms(10),
        stop_within: ms(500),
        ..EngineConfig::default()
    }
}

fn start(config: EngineConfig, names: &[&str], before: impl FnOnce(&TestSource)) -> Setup {
    let log = MemoryLog::new(4);
    let ledger = MemoryLedger::new(names.iter().map(|name| MemoryLedger::testing("shop", name, Schedule::Manual)));
    let source = TestSource::new("shop");
    source.rows("orders", (1..=5).map(|key| Row::new(key, key)));
    source.rows("customers", (1..=3).map(|key| Row::new(key, key)));
    before(&source);
    let connectors = Connectors::new([Arc::clone(&source) as Arc<dyn Connector>]);
    let handle = Engine::start(config, Arc::new(Port(Arc::clone(&log))), Arc::clone(&ledger) as _, Arc::new(connectors)).unwrap();
    Setup { log, ledger, source, handle }
}

impl Setup {
    async fn until(&self, holds: impl Fn(&MemoryLedger) -> bool) {
        let wait = timeout(SOON, self.ledger.until(holds)).await;
        let rows = self.ledger.rows();
        assert!(wait.is_ok(), "states: {:?}; jobs: {:#?}", rows.changes, rows.jobs);
    }

    async fn state(&self, integration: &str, state: State) {
        self.until(|ledger| ledger.state(integration) == state).await;
    }

    async fn end(self) {
        assert!(self.handle.shutdown(SOON).await, "it did not end by itself");
    }
}

fn tenant() -> syncline_model::TenantId {
    "acme".parse().unwrap()
}

fn integration(name: &str) -> syncline_model::IntegrationId {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_new_integration_is_tested_its_history_read_and_then_it_is_live() {
    let setup = start(quick(), &["eu"], |_| {});
    setup.state("eu", State::Live).await;
    assert_eq!(setup.ledger.states("eu"), [State::Backfilling, State::Live]);
    assert_eq!(setup.log.events().len(), 8);
    let jobs = setup.ledger.ended("eu");
    assert_eq!(jobs[0].outcome, Some(Outcome::Succeeded), "{jobs:?}");
    let events: u64 = jobs[0].streams.iter().map(|stream| stream.events).sum();
    assert_eq!((events, jobs[0].streams.iter().all(|stream| stream.done)), (8, true));
    setup.end().await;
}

#[tokio::test]
async fn a_connection_that_does_not_work_says_why_and_comes_to_life_by_itself_when_it_works_again() {
    let setup = start(quick(), &["eu"], |source| source.tell(|tables| tables.check = Some(Fault::Misconfigured("no such shop".into()))));
    setup.state("eu", State::Degraded).await;
    let cause = setup.ledger.rows().changes.last().unwrap().1.cause.clone();
    assert_eq!(cause.as_deref(), Some("no such shop"));
    setup.source.tell(|tables| tables.check = None);
    setup.state("eu", State::Live).await;
    assert_eq!(setup.ledger.ended("eu").last().unwrap().trigger, Some(Trigger::Probe));
    setup.end().await;
}

#[tokio::test]
async fn refused_credentials_wait_for_their_owner() {
    let setup = start(quick(), &["eu"], |source| source.act("orders", Act::Fault(Fault::Unauthorized("revoked".into()))));
    setup.state("eu", State::ReauthRequired).await;
    assert_eq!(setup.ledger.ended("eu")[0].outcome, Some(Outcome::Partial));
    setup.ledger.owner_resumes("eu");
    setup.handle.enrol(&tenant(), &integration("eu")).await.unwrap();
    setup.state("eu", State::Live).await;
    setup.end().await;
}

#[tokio::test]
async fn a_connector_that_panics_once_is_started_again_and_loses_nothing() {
    let setup = start(quick(), &["eu"], |source| source.act("orders", Act::Panic));
    setup.state("eu", State::Live).await;
    assert_eq!(setup.log.events().len(), 8);
    assert_eq!(setup.ledger.ended("eu")[0].outcome, Some(Outcome::Succeeded));
    setup.end().await;
}

#[tokio::test]
async fn a_stream_that_always_panics_is_put_in_quarantine_and_the_others_go_on() {
    let setup = start(quick(), &["eu"], |source| source.tell(|tables| tables.always_panics.push("orders".into())));
    setup.state("eu", State::Degraded).await;
    let job = setup.ledger.ended("eu")[0].clone();
    assert_eq!(job.outcome, Some(Outcome::Partial));
    assert_eq!(job.cause.unwrap(), "`orders`: its reader panicked 4 times in a row and is in quarantine until the next probe");
    assert_eq!(setup.log.events().len(), 3);
    setup.source.tell(|tables| tables.always_panics.clear());
    setup.state("eu", State::Live).await;
    assert_eq!(setup.log.events().len(), 8);
    setup.end().await;
}

#[tokio::test]
async fn a_job_somebody_asks_for_is_told_and_followed_live_to_its_end() {
    let setup = start(quick(), &["eu"], |_| {});
    setup.state("eu", State::Live).await;
    setup.source.rows("orders", (1..=6).map(|key| Row::new(key, key)));
    let job = setup.handle.sync_now(&tenant(), &integration("eu")).await.unwrap();
    setup.until(|ledger| ledger.ended("eu").len() == 2).await;
    let mut follow = setup.handle.job_progress(&tenant(), &integration("eu")).unwrap();
    let progress = follow.wait_for(|progress| progress.outcome.is_some()).await.unwrap().clone();
    assert_eq!((progress.job, progress.trigger), (job, Trigger::Manual));
    assert_eq!(setup.log.events().len(), 9);
    setup.end().await;
}

#[tokio::test]
async fn a_pause_ends_what_runs_and_a_resume_goes_on_where_it_was() {
    let hold = Arc::new(Notify::new());
    let setup = start(quick(), &["eu"], |source| {
        source.act("orders", Act::Hold(Arc::clone(&hold)));
        source.act("customers", Act::Hold(Arc::clone(&hold)));
    });
    setup.state("eu", State::Backfilling).await;
    setup.handle.pause(&tenant(), &integration("eu")).await.unwrap();
    assert_eq!(setup.ledger.state("eu"), State::Paused);
    assert_eq!(setup.ledger.ended("eu")[0].outcome, Some(Outcome::Cancelled));
    assert_eq!(setup.handle.stats().await.unwrap().running, 0);
    setup.source.tell(|tables| tables.acts.clear());
    setup.ledger.owner_resumes("eu");
    setup.handle.enrol(&tenant(), &integration("eu")).await.unwrap();
    setup.state("eu", State::Live).await;
    assert_eq!(setup.log.events().len(), 8);
    setup.end().await;
}

#[tokio::test]
async fn a_wait_for_a_limit_is_a_state_with_an_end_and_leaves_the_place_to_others() {
    let throttled = || Act::Fault(Fault::Throttled(Duration::from_secs(3600)));
    let setup = start(EngineConfig { jobs_max: 1, ..quick() }, &["eu"], |source| {
        source.act("orders", throttled());
        source.act("customers", throttled());
    });
    setup.state("eu", State::Waiting).await;
    let until = setup.ledger.rows().changes.last().unwrap().1.waiting_until.unwrap();
    assert!(until > jiff::Timestamp::now());
    setup.ledger.put(MemoryLedger::testing("shop", "us", Schedule::Manual));
    setup.handle.enrol(&tenant(), &integration("us")).await.unwrap();
    setup.state("us", State::Live).await;
    setup.end().await;
}

#[tokio::test]
async fn integrations_of_one_tenant_run_on_different_threads() {
    let held: Vec<_> = (0..2).map(|_| Arc::new(Notify::new())).collect();
    let setup = start(quick(), &["one", "two"], |source| held.iter().for_each(|until| source.act("orders", Act::Hold(Arc::clone(until)))));
    setup.until(|ledger| ledger.rows().jobs.len() == 2).await;
    held.iter().for_each(|until| until.notify_one());
    setup.state("one", State::Live).await;
    setup.state("two", State::Live).await;
    assert_eq!(setup.source.tell(|tables| tables.threads.len()), 2);
    setup.end().await;
}

#[tokio::test]
async fn history_makes_place_for_what_somebody_asked_for_and_goes_on_behind_it() {
    let setup = start(EngineConfig { jobs_max: 1, ..quick() }, &["history"], |source| {
        source.rows("orders", (1..=3000).map(|key| Row::new(key, key)));
        source.tell(|tables| tables.page_sizes = vec![1]);
    });
    timeout(SOON, setup.log.until(|log| log.commits() > 20)).await.unwrap();
    setup.ledger.put(syncline_model::ledger::Enrolled {
        state: State::Live,
        streams: Some(vec![syncline_model::schedule::StreamChoice { name: "customers".parse().unwrap(), mode: None }]),
        ..MemoryLedger::testing("shop", "asked", Schedule::Manual)
    });
    setup.handle.sync_now(&tenant(), &integration("asked")).await.unwrap();
    setup.until(|ledger| !ledger.ended("asked").is_empty()).await;
    assert!(setup.ledger.ended("history").is_empty(), "the history was not ended for it");
    setup.state("history", State::Live).await;
    setup.end().await;
}

#[tokio::test]
async fn what_is_asked_for_while_a_job_begins_comes_behind_it_and_does_not_take_its_place_for_ever() {
    let (begins, throttled) = (Arc::new(Notify::new()), || Act::Fault(Fault::Throttled(Duration::from_millis(50))));
    let setup = start(EngineConfig { jobs_max: 1, ..quick() }, &[], |source| {
        source.act("orders", throttled());
        source.act("customers", throttled());
    });
    setup.ledger.put(MemoryLedger::testing("shop", "eu", Schedule::Manual));
    *setup.ledger.slow_start.lock().unwrap() = Some(Arc::clone(&begins));
    setup.handle.enrol(&tenant(), &integration("eu")).await.unwrap();
    setup.until(|ledger| ledger.slow_start.lock().unwrap().is_none()).await;
    let job = setup.handle.sync_now(&tenant(), &integration("eu")).await.unwrap();
    begins.notify_one();
    setup.until(|ledger| ledger.ended("eu").len() == 2).await;
    assert!(setup.ledger.ended("eu").iter().all(|job| job.outcome == Some(Outcome::Succeeded)), "{:#?}", setup.ledger.ended("eu"));
    assert_eq!(setup.ledger.rows().jobs[&job].trigger, Some(Trigger::Manual));
    setup.end().await;
}

#[tokio::test]
async fn a_shard_that_is_revoked_stops_its_integrations() {
    let hold = Arc::new(Notify::new());
    let setup = start(quick(), &["eu"], |source| {
        source.act("orders", Act::Hold(Arc::clone(&hold)));
        source.act("customers", Act::Hold(Arc::clone(&hold)));
    });
    setup.state("eu", State::Backfilling).await;
    for shard in 0..4 {
        setup.log.revoke(ShardId(shard));
    }
    setup.until(|ledger| ledger.ended("eu").first().is_some_and(|job| job.outcome == Some(Outcome::Cancelled))).await;
    assert_eq!(setup.handle.stats().await.unwrap().shards, 0);
    setup.end().await;
}

#[tokio::test]
async fn an_integration_without_its_connector_says_which_one_was_meant() {
    let setup = start(quick(), &[], |_| {});
    setup.ledger.put(MemoryLedger::testing("shopp", "eu", Schedule::Manual));
    setup.handle.enrol(&tenant(), &integration("eu")).await.unwrap();
    setup.state("eu", State::Degraded).await;
    let cause = setup.ledger.ended("eu")[0].cause.clone().unwrap();
    assert_eq!(cause, "there is no connector `shopp` here (did you mean `shop`?)");
    setup.end().await;
}

#[tokio::test]
async fn a_stream_that_does_not_exist_makes_a_job_partial_and_never_green() {
    let setup = start(quick(), &[], |_| {});
    let name = "order".parse().unwrap();
    setup.ledger.put(syncline_model::ledger::Enrolled {
        streams: Some(vec![
            syncline_model::schedule::StreamChoice { name, mode: None },
            syncline_model::schedule::StreamChoice { name: "customers".parse().unwrap(), mode: None },
        ]),
        ..MemoryLedger::testing("shop", "eu", Schedule::Manual)
    });
    setup.handle.enrol(&tenant(), &integration("eu")).await.unwrap();
    setup.until(|ledger| !ledger.ended("eu").is_empty()).await;
    let job = setup.ledger.ended("eu")[0].clone();
    assert_eq!((job.outcome, job.cause.as_deref()), (Some(Outcome::Partial), Some("there is no stream `order` (did you mean `orders`?)")));
    setup.end().await;
}

#[tokio::test]
async fn a_schedule_reads_again_and_again_without_being_asked() {
    let setup = start(quick(), &[], |_| {});
    setup.ledger.put(MemoryLedger::testing("shop", "eu", Schedule::EveryS(1)));
    setup.handle.enrol(&tenant(), &integration("eu")).await.unwrap();
    setup.until(|ledger| ledger.ended("eu").len() >= 2).await;
    assert_eq!(setup.ledger.ended("eu")[1].trigger, Some(Trigger::Schedule));
    assert_eq!(setup.log.events().len(), 8);
    setup.end().await;
}

#[tokio::test]
async fn the_handle_of_an_engine_that_has_ended_says_so() {
    let setup = start(quick(), &[], |_| {});
    let handle = setup.handle.clone();
    setup.end().await;
    assert_eq!(handle.stats().await, Err(Fault::Internal("the engine has ended".into())));
}

#[tokio::test]
async fn a_removed_integration_is_deleted_and_forgotten() {
    let setup = start(quick(), &["eu"], |_| {});
    setup.state("eu", State::Live).await;
    setup.handle.remove(&tenant(), &integration("eu")).await.unwrap();
    assert_eq!(setup.ledger.state("eu"), State::Deleted);
    assert_eq!(setup.handle.stats().await.unwrap().idle, 0);
    let refused = setup.handle.sync_now(&tenant(), &integration("eu")).await.unwrap_err();
    assert_eq!(refused.to_string(), "the integration `eu` is gone and cannot be read");
    setup.end().await;
}

#[tokio::test]
async fn the_streams_and_the_connection_can_be_asked_for_without_a_job() {
    let setup = start(quick(), &["eu"], |_| {});
    let names: Vec<String> =
        setup.handle.streams(&tenant(), &integration("eu")).await.unwrap().into_iter().map(|spec| spec.name.to_string()).collect();
    assert_eq!(names, ["customers", "orders"]);
    setup.source.tell(|tables| tables.check = Some(Fault::Unauthorized("bad key".into())));
    assert_eq!(setup.handle.test(&tenant(), &integration("eu")).await, Err(Fault::Unauthorized("bad key".into())));
    setup.end().await;
}

#[tokio::test]
async fn a_run_that_panics_is_started_again_under_the_same_job() {
    let setup = start(quick(), &["eu"], |source| source.tell(|tables| tables.check_panics = 2));
    setup.state("eu", State::Live).await;
    let jobs = setup.ledger.ended("eu");
    assert_eq!((jobs.len(), jobs[0].outcome), (1, Some(Outcome::Succeeded)));
    assert_eq!(setup.ledger.rows().jobs.len(), 1);
    setup.end().await;
}

#[tokio::test]
async fn a_run_that_always_panics_is_put_in_quarantine_with_its_cause_and_probed_until_it_works() {
    let setup = start(quick(), &["bad"], |source| source.tell(|tables| tables.check_panics = 6));
    setup.state("bad", State::Degraded).await;
    let cause = setup.ledger.ended("bad")[0].cause.clone().unwrap();
    assert_eq!(cause, "the run of `bad` panicked 4 times in a row and is in quarantine until the next probe");
    setup.state("bad", State::Live).await;
    setup.end().await;
}

#[tokio::test]
async fn a_root_that_dies_is_started_again_and_everything_with_it() {
    let setup = start(quick(), &[], |_| {});
    timeout(SOON, async {
        while setup.handle.stats().await.unwrap().shards < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    setup.ledger.put(MemoryLedger::testing("shop", "eu", Schedule::Manual));
    setup.ledger.panics.store(1, std::sync::atomic::Ordering::Relaxed);
    // Giving the shards anew makes the root ask who lives in them.
    setup.log.assign_anew();
    setup.state("eu", State::Live).await;
    assert_eq!(setup.ledger.panics.load(std::sync::atomic::Ordering::Relaxed), 0);
    setup.end().await;
}
