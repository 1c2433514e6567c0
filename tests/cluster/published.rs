//! What was published, as Kafka's own console consumer reads it, committed transactions only.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use syncline_sandbox::{RunningSandbox, Stream};

use crate::installation::Installation;

/// How long the consumer hears nothing before it ends; longer with each try.
const SILENCE: Duration = Duration::from_secs(8);
/// Begun within this.
const READ_WITHIN: Duration = Duration::from_secs(240);

/// The newest of a record.
struct Newest {
    op: String,
    version: Option<i128>,
    body: String,
    /// How many events there are of the record.
    events: usize,
}

/// What was published, counted while it is read: all of it would not fit into memory after a long storm.
#[derive(Default)]
pub struct Published {
    pub events: usize,
    /// Tenant and id of every event, as a number.
    ids: HashSet<u64>,
    /// Events of a tenant that are there twice.
    pub twice: Vec<String>,
    /// Events that are older than one of the same record before them.
    pub backwards: Vec<String>,
    newest: HashMap<(String, String, String), Newest>,
    /// How many events there are of each stream, over all tenants.
    counts: HashMap<String, usize>,
}

/// Everything that is in the topics of events, in the order of each partition. The consumer ends when it has heard nothing for a while, and
/// on a busy machine, or of a broker that has just come back, that is no sign that there is nothing more: how far it came is asked
/// afterwards, and a reading that did not come to the ends is done again by a new group, from the beginning.
pub fn all(installation: &Installation) -> Published {
    let deadline = Instant::now() + READ_WITHIN;
    let mut silence = SILENCE;
    for number in 1.. {
        let group = format!("published-{number}-{}", rand::random::<u32>());
        let (published, said) = read(installation, &group, silence);
        let left = left_of(installation, &group);
        if left.is_empty() && published.events > 0 {
            return published;
        }
        assert!(
            Instant::now() < deadline,
            "{} events were read, which is not all of them: {left:#?}\nthe consumer said:\n{said}",
            published.events
        );
        println!("reading {number} ended after {} events before it came to the ends, and is done again: {left:?}", published.events);
        silence *= 2;
    }
    unreachable!("the deadline comes first")
}

/// What a new group reads until it hears nothing for so long, and what the consumer said about it.
fn read(installation: &Installation, group: &str, silence: Duration) -> (Published, String) {
    let mut consumer = consumer(installation, group, silence).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = consumer.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        drop(stderr.read_to_string(&mut text));
        text
    });
    let mut published = Published::default();
    for line in BufReader::new(consumer.stdout.take().unwrap()).lines() {
        published.add(&line.unwrap());
    }
    consumer.wait().unwrap();
    (published, errors.join().unwrap())
}

/// The partitions of which the group has not come to the end, as Kafka's own program tells them, or why it cannot tell. Of a group that
/// has committed nothing there is none to be told, and that is no end either.
fn left_of(installation: &Installation, group: &str) -> Vec<String> {
    let brokers = installation.brokers();
    let arguments = ["consumer.group.ConsumerGroupCommand", "--bootstrap-server", &brokers, "--describe", "--offsets", "--group", group];
    let told = installation.kafka_tool(&arguments).output().unwrap();
    let (table, errors) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    let rows: Vec<Row> = table.lines().filter_map(|line| Row::of(line, group)).collect();
    if rows.is_empty() {
        let why = table.lines().chain(errors.lines()).find(|line| !line.trim().is_empty());
        return vec![format!("no partition is told: {}", why.unwrap_or_default())];
    }
    rows.into_iter().filter(|row| row.lag != "0").map(|row| format!("{}/{}: {} behind", row.topic, row.partition, row.lag)).collect()
}

/// One partition of a group: `GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG ...`.
struct Row {
    topic: String,
    partition: String,
    /// A number, or `-` where nothing was committed.
    lag: String,
}

impl Row {
    fn of(line: &str, group: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        if words.next()? != group {
            return None;
        }
        let (topic, partition, _, _, lag) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        Some(Self { topic: topic.to_owned(), partition: partition.to_owned(), lag: lag.to_owned() })
    }
}

fn consumer(installation: &Installation, group: &str, silence: Duration) -> Command {
    let (brokers, silence_ms) = (installation.brokers(), silence.as_millis().to_string());
    installation.kafka_tool(&[
        "consumer.ConsoleConsumer",
        "--bootstrap-server",
        &brokers,
        "--include",
        "line\\.t[0-9]+(\\..*)?",
        "--group",
        group,
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--timeout-ms",
        &silence_ms,
        "--formatter-property",
        "print.headers=true",
        "--formatter-property",
        "headers.separator=\u{1}",
        "--formatter-property",
        "key.separator=\u{2}",
    ])
}

impl Published {
    fn add(&mut self, line: &str) {
        let Some((headers, body)) = line.split_once('\u{2}') else { return };
        let headers: HashMap<&str, &str> = headers.split('\u{1}').filter_map(|header| header.split_once(':')).collect();
        let header = |name: &str| headers.get(name).copied().unwrap_or_else(|| panic!("an event has no `{name}`: {line}")).to_owned();
        self.events += 1;
        let (tenant, id) = (header("ce_tenantid"), header("ce_id"));
        let mut hasher = DefaultHasher::new();
        (&tenant, &id).hash(&mut hasher);
        if !self.ids.insert(hasher.finish()) {
            self.twice.push(format!("{tenant}: {id} of {}", header("ce_subject")));
        }
        let version = headers.get("ce_entityversion").and_then(|version| version.parse().ok());
        *self.counts.entry(full_name(&header("ce_connector"), &header("ce_stream"))).or_default() += 1;
        let place = (tenant, full_name(&header("ce_connector"), &header("ce_stream")), header("ce_subject"));
        let before = self.newest.get(&place);
        let events = before.map_or(0, |newest| newest.events) + 1;
        let before = before.and_then(|newest| newest.version);
        if before > version {
            self.backwards.push(format!("{place:?}: {version:?} after {before:?}"));
        }
        self.newest.insert(place, Newest { op: header("ce_op"), version, body: body.to_owned(), events });
    }

    /// How many events there are of a stream.
    pub fn count(&self, stream: Stream) -> usize {
        self.counts.get(&name_of(stream)).copied().unwrap_or_default()
    }

    /// The records of a stream that have more than one event.
    pub fn more_than_once(&self, stream: Stream) -> Vec<String> {
        let name = name_of(stream);
        let several = self.newest.iter().filter(|((_, stream, _), newest)| *stream == name && newest.events > 1);
        several.map(|(place, newest)| format!("{place:?}: {} events", newest.events)).collect()
    }

    /// Where the newest that was published of a record is not what the source says.
    pub fn lost(&self, tenant: &str, truth: &[Value], stream: Stream) -> Vec<String> {
        truth.iter().filter_map(|row| self.wrong(tenant, row, stream)).collect()
    }

    fn wrong(&self, tenant: &str, row: &Value, stream: Stream) -> Option<String> {
        let key = row["key"].as_str().map_or_else(|| row["key"].to_string(), str::to_owned);
        let place = (tenant.to_owned(), name_of(stream), key.clone());
        let newest = self.newest.get(&place);
        if row["deleted"] == true {
            // It may have been made and removed between two looks.
            let shown = newest.is_some_and(|newest| newest.op != "delete");
            return shown.then(|| format!("{tenant} {stream:?} {key} is gone, and that was not published"));
        }
        let Some(newest) = newest else { return Some(format!("{tenant} {stream:?} {key} is missing")) };
        let body: Value = serde_json::from_str(&newest.body).unwrap_or(Value::Null);
        let right = newest.op == "upsert" && body == row["record"];
        (!right).then(|| format!("{tenant} {stream:?} {key} is {} {body} and should be {}", newest.op, row["record"]))
    }
}

/// The streams of two providers may have the same name.
fn full_name(connector: &str, stream: &str) -> String {
    format!("{connector}.{stream}")
}

fn name_of(stream: Stream) -> String {
    full_name(&format!("sandbox-{}", stream.provider().name()), stream.name())
}

/// What the source says now: each record with its key, and whether it is gone.
pub fn truth(sandbox: &RunningSandbox, stream: Stream) -> Vec<Value> {
    let truth = sandbox.truth(stream);
    truth.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}
