#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::{collections::BTreeMap, process::Command, sync::Arc};

use proptest::prelude::*;
use syncline_model::{EventLog, LogFault, Revision, ShardId, Step};

use super::{EmbeddedConfig, EmbeddedLog};
use crate::conformance::{Subject, advance, bodies, event, key, own, tenant};

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
    let stop = move |written| {
        if written == at {
            std::process::abort();
        }
    };
    let log = EmbeddedLog::open(EmbeddedConfig { on_write: Some(Arc::new(stop)), ..EmbeddedConfig::new(file) }).unwrap();
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
