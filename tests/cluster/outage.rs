//! The brokers are away for longer than a session, or say nothing when it matters most.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;
use syncline_log::{KafkaConfig, KafkaLog, conformance};
use syncline_model::{EventLog, ShardId, Step, log::Position};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    doors::Way,
    installation::{Installation, shards_of, sum_of, until_they_own_all},
    nodes::pause,
    published,
    support::{Home, looks},
};

/// What a node holds of readings and steps.
const HELD: [&str; 6] = [
    "syncline_log_kafka_steps_waiting",
    "syncline_log_kafka_bytes_waiting",
    "syncline_jobs_running",
    "syncline_jobs_queued",
    "syncline_shards_owned",
    "syncline_integrations",
];
const LOOKS_IN_A_ROW: u32 = 20;
/// Longer than one call of a commit waits.
const SILENCE: Duration = Duration::from_secs(7);

fn unanswered() -> f64 {
    let all = prometheus::gather();
    let family = all.iter().find(|family| family.name() == "syncline_log_kafka_commits_unanswered_total");
    family.map_or(0.0, |family| family.get_metric()[0].get_counter().get_value())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_asked_for_again_and_its_step_is_there_once() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start_with(1, &[]);
    let door = &installation.doors[0];
    let config = KafkaConfig {
        topic_template: "{prefix}.{tenant}".to_owned(),
        session_timeout: Duration::from_secs(30),
        transaction_timeout: Duration::from_secs(60),
        ..KafkaConfig::new(format!("127.0.0.1:{}", door.port), "silent")
    };
    let log = KafkaLog::open(config).await.unwrap();
    let (shards, _membership) = conformance::own(&log).await;
    let acme = conformance::tenant("acme");
    let shard = &shards[&ShardId::of(&acme, log.shard_count())];
    let (before, over) = (unanswered(), AtomicBool::new(false));
    let (mut at, mut committed) = (0, 0);
    let steps = async {
        // Step after step, so that one is always on its way.
        while !over.load(Ordering::Relaxed) {
            let mut step = Step::default();
            step.push([conformance::event(&acme, &at.to_string(), &at.to_string())], conformance::advance(&acme, at, "x"));
            shard.commit(step).await.unwrap();
            (at, committed) = (at + 1, committed + 1);
        }
    };
    let silences = async {
        while unanswered() <= before {
            pause(Duration::from_millis(300)).await;
            door.turn(Way::Silent);
            pause(SILENCE).await;
            door.turn(Way::Open);
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::time::timeout(Duration::from_secs(120), async { tokio::join!(steps, silences) }).await.unwrap();
    let (mut bodies, mut from) = (Vec::new(), Position::default());
    while bodies.len() < committed {
        let events = log.read(&acme, &from, 1000, Duration::from_secs(10)).await.unwrap();
        assert!(!events.is_empty(), "{} of {committed} are there", bodies.len());
        events.iter().for_each(|logged| from.pass(&logged.place));
        bodies.extend(events.iter().map(|logged| String::from_utf8(logged.event.body.to_vec()).unwrap()));
    }
    assert_eq!(bodies, (0..committed).map(|number| number.to_string()).collect::<Vec<_>>());
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_brokers_are_away_nothing_is_read_and_callers_are_told_when_to_come_again() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start_with(0, &["kafka.topic={prefix}.{tenant}"]);
    let sandbox = Sandbox::start(SandboxConfig { records: 200, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let node = installation.serve(&home);
    until_they_own_all(&[&node]).await;
    node.make_tenant("t0").await;
    node.connect("t0", &sandbox, Provider::Crm, json!({"every_s": 1})).await;
    node.until_state("t0", "crm", "live").await;

    installation.kill_broker();
    let (began, mut looks) = (Instant::now(), looks());
    while shards_of(&[&node]).await > 0 {
        looks.tick().await;
        assert!(began.elapsed() < Duration::from_secs(60), "it still believes to own shards");
    }
    // What is not ours is not read: the source hears nothing from us, however much changes there.
    sandbox.advance(Advance { updates: 50, stream: Some(Stream::CrmContacts), ..Advance::default() });
    let jobs = "/api/v1/tenants/t0/integrations/crm/jobs?limit=100";
    node.until(jobs, |found| found["items"].as_array().unwrap().iter().all(|job| !job["outcome"].is_null())).await;
    let asked = sandbox.requests_total();
    let path = format!("{}/api/v1/tenants/t0/integrations/crm/sync", node.url);
    let refused = reqwest::Client::new().post(path).bearer_auth(&node.key).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(sandbox.requests_total(), asked);
    let open = node.get(jobs).await;
    assert!(open["items"].as_array().unwrap().iter().all(|job| !job["outcome"].is_null()), "no job seems to run: {open:#}");
    assert_eq!(node.get("/healthz").await, "ok\n");
    // However long it takes, nothing is kept for later: no step, no byte of one, no reading and nobody who waits for a place.
    let mut quiet = 0;
    while quiet < LOOKS_IN_A_ROW {
        looks.tick().await;
        let mut held = BTreeMap::new();
        for metric in HELD {
            held.insert(metric, sum_of(&[&node], metric).await);
        }
        quiet = if held.values().all(|held| *held == 0) { quiet + 1 } else { 0 };
        assert!(began.elapsed() < Duration::from_secs(120), "it holds {held:?}");
    }
    assert_eq!(sandbox.requests_total(), asked);

    installation.start_broker();
    until_they_own_all(&[&node]).await;
    node.sync("t0", "crm").await;
    let published = published::all(&installation);
    assert!(published.twice.is_empty(), "{:#?}", published.twice);
    for stream in [Stream::CrmContacts, Stream::CrmDeals, Stream::CrmCompanies] {
        let lost = published.lost("t0", &published::truth(&sandbox, stream), stream);
        assert!(lost.is_empty(), "{lost:#?}");
    }
}
