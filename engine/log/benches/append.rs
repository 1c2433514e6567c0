//! Records of 1 KB appended and made durable, beside a raw file with one fdatasync for each step, in the same run.
//! `cargo bench -p syncline-log --features conformance`
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::{
    fs::File,
    io::Write,
    time::{Duration, Instant},
};

use syncline_log::{
    EmbeddedConfig, EmbeddedLog,
    conformance::{advance, event, own, tenant},
};
use syncline_model::{EventLog, ShardId, Step};

const EACH: Duration = Duration::from_secs(2);

fn per_second(records: usize, took: Duration) -> u128 {
    records as u128 * 1_000_000 / took.as_micros().max(1)
}

fn raw(folder: &std::path::Path, per_step: usize) -> u128 {
    let mut file = File::create(folder.join("raw")).unwrap();
    let (started, mut records, chunk) = (Instant::now(), 0, vec![b'x'; 1024 * per_step]);
    while started.elapsed() < EACH {
        file.write_all(&chunk).unwrap();
        file.sync_data().unwrap();
        records += per_step;
    }
    per_second(records, started.elapsed())
}

async fn log(folder: &std::path::Path, per_step: usize) -> u128 {
    let log = EmbeddedLog::open(EmbeddedConfig::new(folder.join(format!("log-{per_step}.db")))).unwrap();
    let (shards, _membership) = own(&log).await;
    let (acme, body) = (tenant("acme"), "x".repeat(1024));
    let shard = &shards[&ShardId::of(&acme, log.shard_count())];
    let (started, mut records, mut revision) = (Instant::now(), 0, 0);
    while started.elapsed() < EACH {
        let mut step = Step::default();
        step.push((0..per_step).map(|_| event(&acme, "1", &body)), advance(&acme, revision, "x"));
        shard.commit(step).await.unwrap();
        records += per_step;
        revision += 1;
    }
    per_second(records, started.elapsed())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    println!("records of 1 KB a step, made durable      raw file/s      event log/s      ratio");
    for per_step in [1000, 100, 1] {
        let (raw, log) = (raw(folder.path(), per_step), runtime.block_on(log(folder.path(), per_step)));
        println!("{per_step:>5} {raw:>46} {log:>16} {:>9}.{:02}", log / raw.max(1), log * 100 / raw.max(1) % 100);
    }
}
