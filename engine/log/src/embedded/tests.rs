#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::{
    collections::{BTreeMap, HashMap},
    process::Command,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use proptest::prelude::*;
use syncline_model::{EventLog, LogFault, Revision, Shard, ShardId, Step, TenantId, log::Position, step::Seen};

use super::{EmbeddedConfig, EmbeddedLog};
use crate::conformance::{Subject, advance, bodies, event, has_seen, key, own, tenant};

struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn config(&self) -> EmbeddedConfig {
        EmbeddedConfig { event_bytes_max: 10_000, ..EmbeddedConfig::new(self.0.path().join("log.db")) }
    }
}

impl Subject for File {
    type Log = EmbeddedLog;
    async fn open(&self) -> EmbeddedLog {
        EmbeddedLog::open(self.config()).unwrap()
    }
    fn event_bytes_max(&self) -> usize {
        10_000
    }
}

crate::conformance_suite!(File::new());

const CRASH_AT: &str = "LOG_TEST_CRASH_AT";
const CRASH_FILE: &str = "LOG_TEST_CRASH_FILE";
const STEPS: u64 = 4;

/// Writes four steps of 150 events; run in a process of its own by the test below, which ends it in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let (Ok(at), Ok(file)) = (std::env::var(CRASH_AT), std::env::var(CRASH_FILE)) else { return };
    let at: u64 = at.parse().unwrap();
    let kill = move |written| {
        if written == at {
            std::process::abort();
        }
    };
    let log = EmbeddedLog::open(EmbeddedConfig { on_write: Some(Arc::new(kill)), ..EmbeddedConfig::new(file) }).unwrap();
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    for round in 0..STEPS {
        let mut step = Step::default();
        step.push((0..150).map(|n| event(&acme, &format!("{n}"), &format!("{round}"))), advance(&acme, round, &format!("{round}")));
        shards[&ShardId::of(&acme, log.shard_count())].commit(step).await.unwrap();
    }
    std::process::exit(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_write_leaves_whole_steps_only() {
    let acme = tenant("acme");
    for at in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let test = "embedded::tests::the_process_that_is_killed";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CRASH_AT, at.to_string())
            .env(CRASH_FILE, &file)
            .output()
            .unwrap();
        let log = EmbeddedLog::open(EmbeddedConfig::new(&file)).unwrap();
        let found = bodies(&log, &acme).await;
        let (shards, _membership) = own(&log).await;
        let cursors = shards[&ShardId::of(&acme, log.shard_count())].cursors(&acme, &"shop".parse().unwrap()).await.unwrap();
        let steps = cursors.first().map_or(0, |entry| entry.revision.0);
        let wanted: Vec<String> = (0..steps).flat_map(|round| std::iter::repeat_n(round.to_string(), 150)).collect();
        assert_eq!(found, wanted, "killed at write {at}");
        if output.status.success() {
            assert_eq!(steps, STEPS, "it came through at write {at}");
            assert!(at > 15, "there are more writes than {at} to be killed at");
            return;
        }
    }
}

/// What a log should hold after some steps.
#[derive(Default)]
struct Model {
    bodies: BTreeMap<usize, Vec<String>>,
    revisions: BTreeMap<usize, u64>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_sequence_of_steps_stale_fenced_and_good_leaves_what_a_simple_model_has(
        moves in proptest::collection::vec((0_usize..3, 0_u64..4, 0_usize..5, 0_u8..10), 1..30)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let file = File::new();
        let log = EmbeddedLog::open(file.config()).unwrap();
        let tenants = ["a", "b", "c"].map(tenant);
        let mut model = Model::default();
        runtime.block_on(async {
            let (mut shards, _m) = own(&log).await;
            for (number, (who, off_by, events, kind)) in moves.into_iter().enumerate() {
                let at = model.revisions.get(&who).copied().unwrap_or(0);
                let from = if kind < 7 { at } else { at + off_by };
                let shard = ShardId::of(&tenants[who], log.shard_count());
                let texts: Vec<String> = (0..events).map(|n| format!("{number}-{n}")).collect();
                let mut step = Step::default();
                step.push(texts.iter().map(|text| event(&tenants[who], "1", text)), advance(&tenants[who], from, "x"));
                if kind == 9 {
                    let old = shards.remove(&shard).unwrap();
                    let (new, membership) = own(&log).await;
                    drop(membership);
                    shards = new;
                    assert_eq!(old.commit(step).await, Err(LogFault::Fenced(shard)));
                    continue;
                }
                let done = shards[&shard].commit(step).await;
                if from == at {
                    done.unwrap();
                    model.bodies.entry(who).or_default().extend(texts);
                    model.revisions.insert(who, Revision(at).next().0);
                } else {
                    assert_eq!(done, Err(LogFault::Conflict(Box::new(key(&tenants[who], "orders")))));
                }
            }
            for (who, tenant) in tenants.iter().enumerate() {
                assert_eq!(bodies(&log, tenant).await, model.bodies.get(&who).cloned().unwrap_or_default());
            }
        });
    }
}

#[test]
fn a_file_of_a_newer_version_is_refused_with_what_to_do() {
    let file = File::new();
    drop(EmbeddedLog::open(file.config()).unwrap());
    rusqlite::Connection::open(file.config().path).unwrap().execute_batch("PRAGMA user_version=9").unwrap();
    let Err(fault) = EmbeddedLog::open(file.config()) else { panic!("opened") };
    assert_eq!(fault.to_string(), "the event log is damaged: the file has version 9 and this program knows 1; use a newer program");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let Err(fault) = EmbeddedLog::open(EmbeddedConfig::new("/proc/nowhere/log.db")) else { panic!("opened") };
    assert!(fault.to_string().contains("`/proc/nowhere/log.db` cannot be opened"), "{fault}");
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::now() + jiff::SignedDuration::from_secs(seconds)
}

async fn write(log: &EmbeddedLog, shards: &HashMap<ShardId, Box<dyn Shard>>, who: &TenantId, from: u64, events: usize) {
    let mut step = Step::default();
    step.push((0..events).map(|n| event(who, &n.to_string(), &format!("{from}-{n}"))), advance(who, from, "x"));
    shards[&ShardId::of(who, log.shard_count())].commit(step).await.unwrap();
}

async fn consume_all(log: &EmbeddedLog, group: &str) {
    let mut member = log.subscribe(group).await.unwrap();
    loop {
        let batch = member.next(1000, Duration::ZERO).await.unwrap();
        let mut done = Position::default();
        for logged in &batch {
            done.pass(&logged.place);
        }
        member.commit(&done).await.unwrap();
        if batch.is_empty() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_events_go_when_the_group_they_are_kept_for_has_passed_them_and_no_number_comes_twice() {
    let file = File::new();
    let (age, keep_for) = (Some(Duration::from_mins(1)), vec!["organizer".to_owned()]);
    let log = EmbeddedLog::open(EmbeddedConfig { retention: age, keep_for, ..file.config() }).unwrap();
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    write(&log, &shards, &acme, 0, 12_000).await;
    log.tidy(later(3600)).await.unwrap();
    assert_eq!(log.stats().await.unwrap().events, 12_000, "the group has not passed them");
    consume_all(&log, "organizer").await;
    log.tidy(Timestamp::now()).await.unwrap();
    assert_eq!(log.stats().await.unwrap().events, 12_000, "they are not old");
    log.tidy(later(3600)).await.unwrap();
    assert_eq!(log.stats().await.unwrap().events, 0);
    write(&log, &shards, &acme, 1, 1).await;
    let found = log.read(&acme, &Position::default(), 10, Duration::ZERO).await.unwrap();
    assert_eq!(found.iter().map(|logged| logged.place.offset).collect::<Vec<_>>(), [12_001]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_events_go_while_the_file_is_too_large() {
    let file = File::new();
    let log = EmbeddedLog::open(EmbeddedConfig { retention_bytes: Some(4 << 20), ..file.config() }).unwrap();
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    for round in 0..10 {
        write(&log, &shards, &acme, round, 4000).await;
    }
    log.tidy(Timestamp::now()).await.unwrap();
    let kept = log.stats().await.unwrap().events;
    assert!((1..40_000).contains(&kept), "{kept}");
    let first = log.read(&acme, &Position::default(), 1, Duration::ZERO).await.unwrap();
    assert_eq!(first[0].place.offset, 40_000 - kept + 1, "the newest stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_forgotten_after_its_horizon_and_not_before() {
    let file = File::new();
    let log = EmbeddedLog::open(file.config()).unwrap();
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = &shards[&ShardId::of(&acme, log.shard_count())];
    for until in [later(60), later(30)] {
        let seen = vec![Seen { tenant: acme.clone(), delivery: "shop/1".into(), until }];
        shard.commit(Step { seen, ..Step::default() }).await.unwrap();
    }
    log.tidy(later(45)).await.unwrap();
    assert!(has_seen(shard.as_ref(), &acme, "shop/1").await, "the later horizon holds");
    log.tidy(later(120)).await.unwrap();
    assert!(!has_seen(shard.as_ref(), &acme, "shop/1").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lag_of_a_group_is_what_it_has_not_committed() {
    let file = File::new();
    let log = EmbeddedLog::open(file.config()).unwrap();
    let (shards, _membership) = own(&log).await;
    write(&log, &shards, &tenant("acme"), 0, 5).await;
    consume_all(&log, "organizer").await;
    write(&log, &shards, &tenant("acme"), 1, 7).await;
    write(&log, &shards, &tenant("other"), 0, 2).await;
    let connection = super::schema::open_reader(&file.config().path).unwrap();
    assert_eq!(super::reading::lags(&connection).unwrap(), [("organizer".to_owned(), 9)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_readers_that_wait_get_each_its_own_event() {
    let file = File::new();
    let log = EmbeddedLog::open(file.config()).unwrap();
    let (shards, _membership) = own(&log).await;
    let tenants: Vec<TenantId> = (0..300).map(|n| tenant(&format!("t{n}"))).collect();
    let readers: Vec<_> = tenants
        .iter()
        .map(|who| {
            let (log, who) = (log.clone(), who.clone());
            tokio::spawn(async move { log.read(&who, &Position::default(), 10, Duration::MAX).await })
        })
        .collect();
    let writes = tenants.iter().map(|who| write(&log, &shards, who, 0, 1));
    for one in writes {
        one.await;
    }
    for (who, reader) in tenants.iter().zip(readers) {
        let found = reader.await.unwrap().unwrap();
        assert_eq!(found.iter().map(|logged| &logged.event.tenant).collect::<Vec<_>>(), [who]);
    }
}
