//! Records of 1 KB appended and made durable, beside a raw file with one fdatasync for each step, in the same run.
//! `cargo bench -p syncline-log --bench append`
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
use syncline_model::{EventLog, Shard, ShardId, Step};

/// Both take turns, so that a disk that is now fast and now slow is so for both.
const ROUNDS: usize = 16;
const EACH: Duration = Duration::from_millis(200);

/// Records and the time they took.
#[derive(Default)]
struct Sum(usize, Duration);

impl Sum {
    fn per_second(&self) -> u128 {
        self.0 as u128 * 1_000_000 / self.1.as_micros().max(1)
    }
}

fn raw(file: &mut File, per_step: usize, sum: &mut Sum) {
    let (started, chunk) = (Instant::now(), vec![b'x'; 1024 * per_step]);
    while started.elapsed() < EACH {
        file.write_all(&chunk).unwrap();
        file.sync_data().unwrap();
        sum.0 += per_step;
    }
    sum.1 += started.elapsed();
}

/// Making the events is not the log's work, encoding them is.
async fn log(shard: &dyn Shard, template: &Step, revision: &mut u64, sum: &mut Sum) {
    let started = Instant::now();
    while started.elapsed() < EACH {
        let mut step = template.clone();
        step.advances.push(advance(&tenant("acme"), *revision, "x"));
        *revision += 1;
        let records = step.events.len();
        let committing = Instant::now();
        shard.commit(step).await.unwrap();
        sum.1 += committing.elapsed();
        sum.0 += records;
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let opening = Instant::now();
    let events = EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log.db"))).unwrap();
    println!("opened in an empty folder in {} ms", opening.elapsed().as_millis());
    let (shards, _membership) = runtime.block_on(own(&events));
    let (acme, body) = (tenant("acme"), "x".repeat(1024));
    let shard = shards[&ShardId::of(&acme, events.shard_count())].as_ref();
    let mut file = File::create(folder.path().join("raw")).unwrap();
    let mut revision = 0;
    println!("records of 1 KB a step, made durable      raw file/s      event log/s      ratio");
    for per_step in [1000, 100, 1] {
        let template = Step { events: (0..per_step).map(|n| event(&acme, &n.to_string(), &body)).collect(), ..Step::default() };
        let (mut raw_sum, mut log_sum) = (Sum::default(), Sum::default());
        for _ in 0..ROUNDS {
            raw(&mut file, per_step, &mut raw_sum);
            runtime.block_on(log(shard, &template, &mut revision, &mut log_sum));
        }
        let (raw, log) = (raw_sum.per_second(), log_sum.per_second());
        println!("{per_step:>5} {raw:>46} {log:>16} {:>9}.{:02}", log / raw.max(1), log * 100 / raw.max(1) % 100);
    }
}
