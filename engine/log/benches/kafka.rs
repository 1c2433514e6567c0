//! The log on Kafka beside a bare idempotent producer of the same bytes, on the same broker in the same run; what exactly-once costs on
//! one shard beside at-least-once with as many steps under way; and what owning 64 shards costs. `SYNCLINE_TEST_KAFKA=host:port cargo bench -p syncline-log --features kafka --bench kafka`;
//! `ONLY_COST=1` leaves the rest out, `COST_OF=1x100,4x1000` all but these numbers of readers and events in a step.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::{
    collections::VecDeque,
    num::{NonZeroU16, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use syncline_log::{
    KafkaConfig, KafkaLog,
    conformance::{advance, event, key, own, tenant},
};
use syncline_model::{Advance, Cursor, Event, EventLog, Revision, Shard, ShardId, Step, TenantId};
use tokio::sync::Notify;

const ROUNDS: usize = 6;
/// Both sides take turns, and each pair is compared by itself: on a busy machine what comes next is about as slow as what came before.
const TURNS: usize = 14;
/// How many steps of a stream a reader has under way, as the pump has, and how many bytes.
const UNDER_WAY: usize = 96;
const BYTES_UNDER_WAY: usize = 4 << 20;
const EACH: Duration = Duration::from_millis(800);
const TURN: Duration = Duration::from_millis(400);
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

/// Hears when all of a step is written.
struct Acknowledged;

struct Awaited {
    left: AtomicUsize,
    all: Notify,
}

impl rdkafka::ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Arc<Awaited>;

    fn delivery(&self, report: &DeliveryResult<'_>, step: Arc<Awaited>) {
        assert!(report.is_ok());
        if step.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            step.all.notify_one();
        }
    }
}

/// As many steps of this size as one reader has under way.
fn under_way(events: &[Event]) -> usize {
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    (BYTES_UNDER_WAY.div_ceil(bytes.max(1))).clamp(1, UNDER_WAY)
}

/// One reader that writes step after step, a cursor with each, and waits for brokers only when so many are under way: at least once.
async fn at_least_once(producer: &ThreadedProducer<Acknowledged>, topics: &[String; 2], events: &[Event], window: usize) -> usize {
    let (began, mut sent, mut waited_for) = (Instant::now(), 0, VecDeque::new());
    while began.elapsed() < TURN {
        let step = Arc::new(Awaited { left: AtomicUsize::new(events.len() + 1), all: Notify::new() });
        for event in events {
            let mut headers = OwnedHeaders::new();
            for (name, value) in event.attributes() {
                headers = headers.insert(Header { key: &format!("ce_{name}"), value: Some(value.as_str()) });
            }
            let key = event.partition_key();
            let record = BaseRecord::with_opaque_to(&topics[0], Arc::clone(&step)).key(key.as_str()).payload(event.body.as_ref());
            write(producer, record.headers(headers)).await;
        }
        write(producer, BaseRecord::with_opaque_to(&topics[1], Arc::clone(&step)).key("cursor").payload(b"x".as_slice())).await;
        sent += events.len();
        waited_for.push_back(step);
        if waited_for.len() >= window
            && let Some(oldest) = waited_for.pop_front()
        {
            oldest.all.notified().await;
        }
    }
    for step in waited_for {
        step.all.notified().await;
    }
    sent
}

async fn write(producer: &ThreadedProducer<Acknowledged>, mut record: BaseRecord<'_, str, [u8], Arc<Awaited>>) {
    while let Err((_, back)) = producer.send(record) {
        record = back;
        tokio::task::yield_now().await;
    }
}

/// One stream of one tenant, exactly once.
async fn exactly_once(shard: &dyn Shard, tenant: &TenantId, stream: &str, events: &[Event], revision: &mut u64, window: usize) -> usize {
    let (began, mut sent, mut waited_for) = (Instant::now(), 0, VecDeque::new());
    while began.elapsed() < TURN {
        let mut step = Step::default();
        let to = Some(Cursor(b"x".as_slice().into()));
        step.push(events.to_vec(), Advance { key: key(tenant, stream), from: Revision(*revision), to });
        waited_for.push_back(shard.submit(Arc::new(step)).await);
        *revision += 1;
        sent += events.len();
        if waited_for.len() >= window
            && let Some(oldest) = waited_for.pop_front()
        {
            oldest.await.unwrap();
        }
    }
    for answer in waited_for {
        answer.await.unwrap();
    }
    sent
}

fn events_of(tenant: &TenantId, stream: &str, count: usize, bytes: u32) -> Vec<Event> {
    let body: String = (0..bytes).map(|n| char::from(b'a' + u8::try_from(n * n % 25).unwrap_or(0))).collect();
    let named = |mut event: Event| {
        event.stream = stream.parse().unwrap();
        event
    };
    (0..count).map(|number| named(event(tenant, &number.to_string(), &body))).collect()
}

/// The median, and where the middle half lies.
struct Middle {
    low: f64,
    median: f64,
    high: f64,
}

impl Middle {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

impl std::fmt::Display for Middle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>5.2} ({:.2} to {:.2})", self.median, self.low, self.high)
    }
}

fn rate(count: usize, began: Instant) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / began.elapsed().as_secs_f64()
}

/// One shard, as many readers at a time on both sides, with one lane and with two.
async fn cost(brokers: &str) {
    let prefix = format!("cost-{}", std::process::id());
    let acme = tenant("acme");
    let mut logs = Vec::new();
    for lanes in [1, 2] {
        let config = KafkaConfig {
            topic_template: "{prefix}.{tenant}".to_owned(),
            shards: NonZeroU16::MIN,
            lanes: NonZeroUsize::new(lanes).unwrap(),
            ..KafkaConfig::new(brokers, format!("{prefix}-{lanes}"))
        };
        let log = KafkaLog::open(config).await.unwrap();
        let owned = own(&log).await;
        logs.push((log, owned));
    }
    // One that waits for more and one that does not: with many readers the first is the faster, with few the second.
    let producers = ["5", "0"].map(|linger_ms| -> ThreadedProducer<Acknowledged> {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", brokers).set("enable.idempotence", "true").set("compression.type", "lz4");
        settings.set("linger.ms", linger_ms).set("queue.buffering.max.messages", "200000");
        settings.create_with_context(Acknowledged).unwrap()
    });
    let mut revisions = vec![vec![0; 16]; 2];
    println!("one shard, events of 500 B: readers, events in a step, steps of each under way; at least once, events/s;");
    println!(
        "exactly once as a share of it with one lane, and with two: the median of {TURNS} pairs, and where the middle half of them lies"
    );
    for (readers, per_step) in [(1, 100), (1, 1000), (1, 5000), (4, 100), (4, 1000), (16, 100), (16, 1000)] {
        let is_asked = std::env::var("COST_OF").map_or(true, |sizes| sizes.split(',').any(|size| size == format!("{readers}x{per_step}")));
        if !is_asked {
            continue;
        }
        let streams: Vec<String> = (0..readers).map(|number| format!("stream-{number}")).collect();
        let events: Vec<Vec<Event>> = streams.iter().map(|stream| events_of(&acme, stream, per_step, 500)).collect();
        let window = under_way(&events[0]);
        let topics = [format!("{prefix}-1.acme"), format!("{prefix}-2.acme")];
        let (mut theirs, mut shares) = (Vec::new(), [Vec::new(), Vec::new()]);
        for turn in 0..=TURNS {
            let mut ours = [0.0; 2];
            for (at, (_, (shards, _))) in logs.iter().enumerate() {
                let began = Instant::now();
                let of = streams.iter().zip(&events).zip(&mut revisions[at]);
                let shard = shards[&ShardId(0)].as_ref();
                let writing = of.map(|((stream, events), revision)| exactly_once(shard, &acme, stream, events, revision, window));
                ours[at] = rate(join_all(writing).await.into_iter().sum(), began);
            }
            let mut once = [0.0; 2];
            for (at, producer) in producers.iter().enumerate() {
                let began = Instant::now();
                let writing = events.iter().map(|events| at_least_once(producer, &topics, events, window));
                once[at] = rate(join_all(writing).await.into_iter().sum(), began);
            }
            // In the first turn everybody hears of every topic, and the second lane is opened.
            if turn > 0 {
                theirs.push(once);
                (0..2).for_each(|at| shares[at].push(ours[at]));
            }
        }
        // The better of the two producers over all turns: the better of each turn would be the luckier one.
        let better = (0..2).max_by(|a, b| {
            let of = |at: &usize| Middle::of(theirs.iter().map(|once| once[*at]).collect()).median;
            of(a).total_cmp(&of(b))
        });
        let once: Vec<f64> = theirs.iter().map(|both| both[better.unwrap()]).collect();
        let [one, two] = shares.map(|ours| Middle::of(ours.iter().zip(&once).map(|(ours, once)| ours / once).collect()));
        println!("{readers:>3} {per_step:>6} {window:>3} {:>10.0} {one} {two}", Middle::of(once).median);
    }
    for (log, owned) in logs {
        drop(owned);
        log.close().await;
    }
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
    runtime.block_on(async {
        cost(&brokers).await;
        if std::env::var_os("ONLY_COST").is_none() {
            run(brokers).await;
        }
    });
}
