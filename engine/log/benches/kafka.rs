//! The log on Kafka beside a bare idempotent producer of the same bytes, on the same broker in the same run; and what owning 64 shards
//! costs. `SYNCLINE_TEST_KAFKA=host:port cargo bench -p syncline-log --features kafka --bench kafka`
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::time::{Duration, Instant};

use futures::future::join_all;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use syncline_log::{
    KafkaConfig, KafkaLog,
    conformance::{advance, event, own, tenant},
};
use syncline_model::{Event, EventLog, Shard, ShardId, Step, TenantId};

const ROUNDS: usize = 6;
const EACH: Duration = Duration::from_millis(1500);
const TENANTS: usize = 16;

/// What somebody would write who needs no cursors and bears duplicates: the same key, headers and body.
async fn bare(producer: &ThreadedProducer<DefaultProducerContext>, topics: &[String], events: &[Event]) -> usize {
    let (began, mut sent) = (Instant::now(), 0);
    while began.elapsed() < EACH {
        for (event, topic) in events.iter().zip(topics.iter().cycle()) {
            let mut headers = OwnedHeaders::new();
            for (name, value) in event.attributes() {
                headers = headers.insert(Header { key: &format!("ce_{name}"), value: Some(value.as_str()) });
            }
            let key = event.partition_key();
            let mut record = BaseRecord::to(topic).key(&key).payload(event.body.as_ref()).headers(headers);
            while let Err((_, back)) = producer.send(record) {
                record = back;
                tokio::task::yield_now().await;
            }
        }
        sent += events.len();
    }
    producer.flush(Duration::from_secs(60)).unwrap();
    sent
}

/// One reader that commits page after page, as a pump does.
async fn reader(shard: &dyn Shard, tenant: &TenantId, template: &Step, revision: &mut u64) -> usize {
    let (began, mut sent) = (Instant::now(), 0);
    while began.elapsed() < EACH {
        let mut step = template.clone();
        step.advances.push(advance(tenant, *revision, "x"));
        *revision += 1;
        sent += step.events.len();
        shard.commit(step).await.unwrap();
    }
    sent
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

async fn run(brokers: String) {
    let prefix = format!("bench-{}", std::process::id());
    let config = KafkaConfig { topic_template: "{prefix}.{tenant}".to_owned(), ..KafkaConfig::new(brokers.clone(), &prefix) };
    let (before, opening) = (resident_kib(), Instant::now());
    let log = KafkaLog::open(config).await.unwrap();
    let opened = opening.elapsed();
    let (shards, membership) = own(&log).await;
    println!(
        "opened in {} ms; {} shards owned {} ms after that, with {} MiB more memory",
        opened.as_millis(),
        shards.len(),
        opening.elapsed().saturating_sub(opened).as_millis(),
        (resident_kib() - before) / 1024
    );
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", &brokers).set("enable.idempotence", "true").set("linger.ms", "5").set("compression.type", "lz4");
    let producer: ThreadedProducer<DefaultProducerContext> = settings.create().unwrap();
    let tenants: Vec<TenantId> = (0..TENANTS).map(|n| tenant(&format!("t{n}"))).collect();
    let topics: Vec<String> = tenants.iter().map(|tenant| format!("{prefix}.{tenant}")).collect();
    let mut revisions = vec![0; TENANTS];
    println!("events of 1 KB in a step, {TENANTS} readers    bare producer/s    event log/s    ratio");
    for per_step in [1000_usize, 100] {
        let body: String = (0..1024).map(|n: u32| char::from(b'a' + u8::try_from(n * n % 25).unwrap_or(0))).collect();
        let steps: Vec<Step> = tenants
            .iter()
            .map(|tenant| Step { events: (0..per_step).map(|n| event(tenant, &n.to_string(), &body)).collect(), ..Step::default() })
            .collect();
        let (mut bare_sum, mut log_sum) = ((0, Duration::ZERO), (0, Duration::ZERO));
        for _ in 0..ROUNDS {
            let began = Instant::now();
            log_sum.0 += join_all(tenants.iter().zip(&steps).zip(&mut revisions).map(|((tenant, step), revision)| {
                reader(shards[&ShardId::of(tenant, log.shard_count())].as_ref(), tenant, step, revision)
            }))
            .await
            .into_iter()
            .sum::<usize>();
            log_sum.1 += began.elapsed();
            let began = Instant::now();
            bare_sum.0 += bare(&producer, &topics, &steps[0].events).await;
            bare_sum.1 += began.elapsed();
        }
        let per_second = |(count, time): (usize, Duration)| count as u128 * 1000 / time.as_millis().max(1);
        let (bare, log) = (per_second(bare_sum), per_second(log_sum));
        println!("{per_step:>5} {bare:>42} {log:>14} {:>5}.{:02}", log / bare.max(1), log * 100 / bare.max(1) % 100);
    }
    drop((shards, membership));
    log.close().await;
}

fn main() {
    let Ok(brokers) = std::env::var("SYNCLINE_TEST_KAFKA") else {
        println!("`SYNCLINE_TEST_KAFKA` names no brokers; `tests/support/kafka.sh start FOLDER` starts one");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(brokers));
}
