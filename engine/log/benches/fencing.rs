//! What exactly-once costs beside at-least-once, and the two ways of fencing beside each other: a transactional producer for each shard
//! (ours), and one for a node that puts the offsets and the generation of the group into each transaction. Same messages, same broker,
//! same run. And how long a new owner waits for the cursors of one that died in the middle of a transaction.
//! `SYNCLINE_TEST_KAFKA=host:port cargo bench -p syncline-log --features kafka --bench fencing`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    unsafe_code,
    reason = "a bench, with calls of librdkafka on clients that live"
)]

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    bindings,
    client::DefaultClientContext,
    config::FromClientConfig,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};

type Writer = ThreadedProducer<DefaultProducerContext>;

const ROUNDS: usize = 8;
const EACH: Duration = Duration::from_millis(1000);
const BODY_BYTES: usize = 500;
const CALL: Duration = Duration::from_secs(60);
/// How long brokers let a transaction of somebody who died stand open.
const OPEN: Duration = Duration::from_secs(10);

struct Bench {
    brokers: String,
    prefix: String,
    body: String,
}

impl Bench {
    fn client(&self, more: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("topic.metadata.refresh.fast.interval.ms", "20");
        for (name, value) in more {
            config.set(*name, *value);
        }
        config
    }

    fn producer(&self, more: &[(&str, &str)]) -> Writer {
        let mut config = self.client(&[("enable.idempotence", "true"), ("acks", "all"), ("linger.ms", "5"), ("compression.type", "lz4")]);
        config.set("queue.buffering.max.messages", "200000");
        for (name, value) in more {
            config.set(*name, *value);
        }
        config.create().unwrap()
    }

    fn transactional(&self, id: &str) -> Writer {
        let wait_ms = OPEN.as_millis().to_string();
        self.producer(&[("transactional.id", &format!("{}-{id}", self.prefix)), ("transaction.timeout.ms", &wait_ms)])
    }

    fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn make(&self, name: &str) {
        let admin: AdminClient<DefaultClientContext> = AdminClient::from_config(&self.client(&[])).unwrap();
        let topic = self.topic(name);
        let new = [NewTopic::new(&topic, 1, TopicReplication::Fixed(1))];
        futures::executor::block_on(admin.create_topics(&new, &AdminOptions::new())).unwrap();
    }

    /// Events, and a cursor, as a step has them.
    fn write(&self, producer: &Writer, events: usize) {
        let (topic, cursors) = (self.topic("events"), self.topic("cursors"));
        for number in 0..events {
            let headers = OwnedHeaders::new().insert(Header { key: "ce_id", value: Some("0123456789abcdef0123456789abcdef") });
            let key = format!("eu/orders/{number}");
            send(producer, BaseRecord::to(&topic).key(key.as_str()).payload(self.body.as_str()).headers(headers));
        }
        send(producer, BaseRecord::to(&cursors).key("eu/orders").payload("2026-01-01T00:00:00Z"));
    }
}

fn send(producer: &Writer, mut record: BaseRecord<'_, str, str>) {
    while let Err((_, back)) = producer.send(record) {
        record = back;
        std::thread::yield_now();
    }
}

fn wait_ms(within: Duration) -> i32 {
    i32::try_from(within.as_millis()).unwrap()
}

fn flush(producer: &Writer) {
    // SAFETY: the client lives.
    assert_eq!(
        unsafe { bindings::rd_kafka_flush(producer.client().native_ptr(), wait_ms(CALL)) },
        bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
    );
}

/// Not the crate's own: that one waits in slices of 100 ms.
fn commit(producer: &Writer) {
    // SAFETY: the client lives.
    assert!(unsafe { bindings::rd_kafka_commit_transaction(producer.client().native_ptr(), wait_ms(CALL)) }.is_null());
}

/// Steps for a while, one after the other; how many events that were a second.
fn measure(events: usize, step: impl Fn()) -> f64 {
    let (began, mut steps) = (Instant::now(), 0_u32);
    while began.elapsed() < EACH {
        step();
        steps += 1;
    }
    f64::from(steps) * f64::from(u32::try_from(events).unwrap()) / began.elapsed().as_secs_f64()
}

fn throughput(bench: &Bench) {
    let once = bench.producer(&[]);
    let ours = bench.transactional("shard-0");
    ours.init_transactions(CALL).unwrap();
    let theirs = bench.transactional("node-0");
    theirs.init_transactions(CALL).unwrap();
    // A member of the group of owners, whose generation goes into each transaction of the second way.
    let group = bench.topic("group");
    let member: BaseConsumer = bench.client(&[("group.id", &group), ("enable.auto.commit", "false")]).create().unwrap();
    let inbox = bench.topic("inbox");
    member.subscribe(&[&inbox]).unwrap();
    while member.assignment().unwrap().count() == 0 {
        drop(member.poll(Duration::from_millis(100)));
    }
    println!("events in a step    at least once/s    a producer a shard/s    ratio    one for a node/s    ratio");
    for events in [100_usize, 1000, 5000] {
        let mut sums = [0.0_f64; 3];
        for _ in 0..ROUNDS {
            sums[0] += measure(events, || {
                bench.write(&once, events);
                flush(&once);
            });
            sums[1] += measure(events, || {
                ours.begin_transaction().unwrap();
                bench.write(&ours, events);
                commit(&ours);
            });
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&inbox, 0, Offset::Offset(1)).unwrap();
            sums[2] += measure(events, || {
                theirs.begin_transaction().unwrap();
                bench.write(&theirs, events);
                drop(member.poll(Duration::ZERO));
                theirs.send_offsets_to_transaction(&offsets, &member.group_metadata().unwrap(), CALL).unwrap();
                commit(&theirs);
            });
        }
        let rounds = f64::from(u32::try_from(ROUNDS).unwrap());
        let [once, ours, theirs] = sums.map(|sum| sum / rounds);
        println!("{events:>15} {once:>18.0} {ours:>23.0} {:>8.2} {theirs:>19.0} {:>8.2}", ours / once, theirs / once);
    }
}

/// Leaves a transaction open, as a node that dies does.
fn die(producer: Writer, bench: &Bench) {
    producer.init_transactions(CALL).unwrap();
    producer.begin_transaction().unwrap();
    bench.write(&producer, 10);
    // SAFETY: the client lives.
    while unsafe { bindings::rd_kafka_outq_len(producer.client().native_ptr()) } > 0 {
        std::thread::yield_now();
    }
    // Dropping it would abort nothing, but closes connections in order; a dead node does neither.
    std::mem::forget(producer);
}

/// Reads the cursors to their end, as whoever takes a shard over must.
fn restore(bench: &Bench, began: Instant) -> Duration {
    let group = bench.topic("restore");
    let settings = [
        ("group.id", group.as_str()),
        ("enable.partition.eof", "true"),
        ("isolation.level", "read_committed"),
        ("enable.auto.commit", "false"),
    ];
    let reader: BaseConsumer = bench.client(&settings).create().unwrap();
    let cursors = bench.topic("cursors");
    // What was written by the dead one must have been decided before the end is the end.
    let (_, end) = reader.fetch_watermarks(&cursors, 0, CALL).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&cursors, 0, Offset::Beginning).unwrap();
    reader.assign(&list).unwrap();
    loop {
        let at_end = matches!(reader.poll(Duration::from_millis(20)), Some(Err(KafkaError::PartitionEOF(_))));
        let reached = |list: &TopicPartitionList| list.elements().iter().any(|of| matches!(of.offset(), Offset::Offset(at) if at >= end));
        if at_end && reader.position().is_ok_and(|list| reached(&list)) {
            return began.elapsed();
        }
    }
}

fn takeover(bench: &Bench) {
    die(bench.transactional("shard-1"), bench);
    let began = Instant::now();
    let next = bench.transactional("shard-1");
    next.init_transactions(CALL).unwrap();
    let ours = restore(bench, began);
    die(bench.transactional("node-1"), bench);
    let theirs = restore(bench, Instant::now());
    println!(
        "an owner died in a transaction that brokers let stand for {OPEN:?}: with a producer for each shard the next one has the cursors after {ours:.2?}, with one for a node after {theirs:.2?}"
    );
}

fn main() {
    let Ok(brokers) = std::env::var("SYNCLINE_TEST_KAFKA") else {
        println!("`SYNCLINE_TEST_KAFKA` names no brokers; `tests/support/kafka.sh start FOLDER` starts one");
        return;
    };
    let body: String = (0..BODY_BYTES).map(|n| char::from(b'a' + u8::try_from(n * n % 25).unwrap_or(0))).collect();
    let bench = Bench { brokers, prefix: format!("fencing-{}", std::process::id()), body };
    for name in ["events", "cursors", "inbox"] {
        bench.make(name);
    }
    throughput(&bench);
    takeover(&bench);
}
