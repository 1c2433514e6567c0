//! How much idle integrations cost, how long a node needs until it keeps them all, and how late it is for those that are due while it
//! does. The store and the log are in memory, so that what is measured is the engine alone.
//!
//! `cargo bench -p syncline-runtime --bench idle -- [integrations] [integrations due each second]`
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::print_stdout, missing_docs)]

#[path = "../src/fakes/mod.rs"]
#[allow(unused_imports)]
mod fakes;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fakes::{MemoryLedger, MemoryLog, Port, TestSource};
use jiff::{SignedDuration, Timestamp};
use syncline_model::{State, ledger::Enrolled, schedule::Schedule};
use syncline_runtime::{Connectors, Engine, EngineConfig, metrics};
use syncline_sdk::Connector;

const INTERVAL_S: u32 = 3600;
const WATCHED: Duration = Duration::from_secs(10);

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u32>().ok());
    let count = numbers.next().unwrap_or(100_000);
    let due_each_second = numbers.next().unwrap_or(100);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure(count, due_each_second));
}

async fn measure(count: u32, due_each_second: u32) {
    let log = MemoryLog::new(64);
    let now = Timestamp::now();
    let ledger = MemoryLedger::new((0..count).map(|number| enrolled(number, now, due_each_second)));
    let source = TestSource::new("shop");
    let connectors = Connectors::new([Arc::clone(&source) as Arc<dyn Connector>]);
    let before = resident_bytes();
    let began = Instant::now();
    let config = EngineConfig { start_spread: WATCHED, ..EngineConfig::default() };
    let engine = Engine::start(config, Arc::new(Port(log)), Arc::clone(&ledger) as _, Arc::new(connectors)).unwrap();
    let all = count as usize;
    loop {
        let stats = engine.stats().await.unwrap();
        if stats.idle + stats.running + stats.queued >= all {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = began.elapsed();
    let idle = resident_bytes();
    let cpu = cpu_seconds();
    tokio::time::sleep(WATCHED).await;
    let cpu = cpu_seconds() - cpu;
    let lag = &metrics::SCHEDULER_LAG_SECONDS;
    println!("integrations            {count}");
    println!("all kept after          {:.2} s", started.as_secs_f64());
    println!("memory of the engine    {} MiB, {} bytes each", (idle - before) >> 20, (idle - before) / u64::from(count.max(1)));
    println!("memory of the process   {} MiB", resident_bytes() >> 20);
    println!("jobs in {} s            {} (of {} due each second)", WATCHED.as_secs(), lag.get_sample_count(), due_each_second);
    println!("mean scheduler lag      {:.1} ms", lag.get_sample_sum() / lag.get_sample_count().max(1) as f64 * 1000.0);
    println!("slower than 1 s         {}", slower_than_a_second());
    println!("processor time          {:.2} s of {} s", cpu, WATCHED.as_secs());
    let ended = engine.shutdown(Duration::from_secs(10)).await;
    println!("ended by itself         {ended}");
}

/// Idle integrations, except that some missed their time while nobody was there and are caught up while we watch.
fn enrolled(number: u32, now: Timestamp, due_each_second: u32) -> Enrolled {
    let missed = u64::from(number) < u64::from(due_each_second) * WATCHED.as_secs();
    let ago = if missed { 2 * i64::from(INTERVAL_S) } else { 0 };
    Enrolled {
        tenant: format!("tenant-{}", number / 10).parse().unwrap(),
        state: State::Live,
        last_job_ended: Some(now - SignedDuration::from_secs(ago)),
        ..MemoryLedger::testing("shop", &format!("shop-{number}"), Schedule::EveryS(INTERVAL_S))
    }
}

fn slower_than_a_second() -> u64 {
    use prometheus::core::Metric;
    let lag = metrics::SCHEDULER_LAG_SECONDS.metric();
    let histogram = lag.get_histogram();
    let within =
        histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound() <= 1.0).map(prometheus::proto::Bucket::cumulative_count).max();
    histogram.get_sample_count() - within.unwrap_or_default()
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = text.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10).as_secs_f64()
}
