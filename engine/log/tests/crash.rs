//! Kills a writing process at every single write, sync and truncation of its files, whole or torn, and looks at what is left.
//! A layer over SQLite's own file system does the counting, so that nothing of the log has to know of it.
#![allow(unsafe_code, reason = "SQLite's file system is a table of C functions")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "this is a test")]

mod shim;

use std::process::{Command, Output};

use bytes::Bytes;
use jiff::Timestamp;
use syncline_log::{
    EmbeddedConfig, EmbeddedLog,
    conformance::{advance, bodies, event, has_seen, key, own, tenant},
};
use syncline_model::{
    EventLog, LogFault, ShardId, Step,
    log::{InboxItem, InboxKind, InboxOffset},
    step::Seen,
};

const AT: &str = "LOG_CRASH_AT";
const TORN: &str = "LOG_CRASH_TORN";
const FILE: &str = "LOG_CRASH_FILE";
const STEPS: u64 = 3;
const EVENTS: u64 = 12;

fn item(n: u64) -> InboxItem {
    let body = Bytes::from(format!("delivery {n}"));
    InboxItem {
        tenant: tenant("acme"),
        integration: "shop".parse().unwrap(),
        kind: InboxKind::Delivery,
        received: Timestamp::UNIX_EPOCH,
        body,
    }
}

/// Everything that a step can hold, and all of it says which step it was.
fn step(n: u64) -> Step {
    let acme = tenant("acme");
    let mut step = Step::default();
    let body = "x".repeat(700);
    step.push((0..EVENTS).map(|m| event(&acme, &m.to_string(), &format!("{n} {body}"))), advance(&acme, n, &n.to_string()));
    step.seen.push(Seen { tenant: acme, delivery: format!("shop/{n}"), until: Timestamp::MAX });
    step.inbox = Some(InboxOffset(n + 1));
    step
}

/// Run in a process of its own by the test below. Says on stdout what it was told to be durable.
#[tokio::test]
async fn the_process_that_is_killed() {
    let (Ok(at), Ok(file)) = (std::env::var(AT), std::env::var(FILE)) else { return };
    shim::install(at.parse().unwrap(), std::env::var(TORN).is_ok());
    let log = EmbeddedLog::open(EmbeddedConfig::new(file)).unwrap();
    let (shards, membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = &shards[&ShardId::of(&acme, log.shard_count())];
    for n in 0..STEPS {
        log.append(item(n)).await.unwrap();
        println!("appended {n}");
        // The stale one may share the transaction of the good one, and must leave nothing.
        let (good, stale) = tokio::join!(shard.commit(step(n)), shard.commit(step(99)));
        good.unwrap();
        assert_eq!(stale, Err(LogFault::Conflict(Box::new(key(&acme, "orders")))));
        println!("committed {n}");
    }
    drop((shards, membership, log));
    std::process::exit(0);
}

/// Run in a process of its own: the disk is full at one write, and everything that failed is tried again.
#[tokio::test]
async fn the_process_whose_disk_is_full() {
    let (Ok(at), Ok(file)) = (std::env::var(AT), std::env::var(FILE)) else { return };
    shim::install(u64::MAX, false);
    let log = EmbeddedLog::open(EmbeddedConfig::new(file)).unwrap();
    let (shards, membership) = own(&log).await;
    shim::fill(at.parse().unwrap());
    let shard = &shards[&ShardId::of(&tenant("acme"), log.shard_count())];
    for n in 0..STEPS {
        while let Err(fault) = log.append(item(n)).await {
            assert!(matches!(fault, LogFault::Unavailable(_)), "{fault}");
            println!("unavailable");
        }
        println!("appended {n}");
        while let Err(fault) = shard.commit(step(n)).await {
            assert!(matches!(fault, LogFault::Unavailable(_)), "{fault}");
            println!("unavailable");
        }
        println!("committed {n}");
    }
    drop((shards, membership, log));
    std::process::exit(0);
}

fn run(test: &str, at: u64, torn: bool, file: &std::path::Path) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(AT, at.to_string()).env(FILE, file);
    if torn {
        command.env(TORN, "1");
    }
    command.output().unwrap()
}

fn told(output: &Output, word: &str) -> u64 {
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains(word)).count() as u64
}

async fn check(file: &std::path::Path, output: &Output, at: u64) {
    let acme = tenant("acme");
    let log = EmbeddedLog::open(EmbeddedConfig::new(file)).unwrap();
    let (shards, _membership) = own(&log).await;
    let shard = &shards[&ShardId::of(&acme, log.shard_count())];
    let cursors = shard.cursors(&acme, &"shop".parse().unwrap()).await.unwrap();
    let steps = cursors.first().map_or(0, |entry| entry.revision.0);
    let found: Vec<String> = bodies(&log, &acme).await.iter().map(|body| body.split(' ').next().unwrap().to_owned()).collect();
    let wanted: Vec<String> = (0..steps).flat_map(|n| (0..EVENTS).map(move |_| n.to_string())).collect();
    assert_eq!(found, wanted, "events and cursor at write {at}");
    assert_eq!(shard.inbox_done().await.unwrap(), InboxOffset(steps), "inbox and cursor at write {at}");
    for n in 0..STEPS {
        assert_eq!(has_seen(shard.as_ref(), &acme, &format!("shop/{n}")).await, n < steps, "delivery {n} and cursor at write {at}");
    }
    assert!(!has_seen(shard.as_ref(), &acme, "shop/99").await);
    let committed = told(output, "committed");
    assert!(steps == committed || steps == committed + 1, "{committed} steps were acknowledged and {steps} are there, at write {at}");
    let (appended, waiting) = (told(output, "appended"), shard.inbox(InboxOffset(steps), 10).await.unwrap());
    let last = steps + waiting.len() as u64;
    assert!(last == appended || last == appended + 1, "{appended} items were acknowledged and {last} are there, at write {at}");
    shard.commit(Step { inbox: None, ..step(steps) }).await.unwrap();
}

async fn every_write(torn: bool) {
    for at in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let output = run("the_process_that_is_killed", at, torn, &file);
        check(&file, &output, at).await;
        if output.status.success() {
            assert_eq!(told(&output, "committed"), STEPS);
            assert!(at > 60, "only {at} writes were met: is the shim in place?");
            println!("killed at each of {at} writes");
            return;
        }
        let cause = String::from_utf8_lossy(&output.stderr);
        assert!(!cause.contains("panicked"), "it failed by itself at write {at}: {cause}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_any_write_a_process_leaves_whole_steps_and_loses_none_it_acknowledged() {
    every_write(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_halfway_through_any_write_a_process_leaves_whole_steps_and_loses_none_it_acknowledged() {
    every_write(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_any_write_is_told_to_the_caller_and_what_is_tried_again_is_there_once() {
    for at in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let output = run("the_process_whose_disk_is_full", at, false, &file);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        check(&file, &output, at).await;
        assert_eq!(told(&output, "committed"), STEPS);
        if told(&output, "unavailable") == 0 {
            // The log was not in need of that many writes, or only the last checkpoint was, which nobody waits for.
            assert!(at > 20, "only {at} writes were met: is the shim in place?");
            return;
        }
    }
}
