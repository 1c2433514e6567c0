//! Keeps a table of the newest state of every record of a tenant, from the events in Kafka: exactly once, with rdkafka.
//!
//! ```text
//! cargo run -p syncline-log --features kafka --example consumer -- \
//!     localhost:9092 '^syncline\.acme\..*' my-copy my-copy.db [--until-end] [name=value]...
//! ```
//!
//! What makes it right, and what every consumer should do:
//! 1. It reads committed transactions only (`isolation.level`), so that it never sees a step that was aborted.
//! 2. The rows and how far each partition is are written in one transaction, before Kafka is told. What comes again is passed over.
//! 3. The newest state wins by `ce_entityversion`, not by arrival: a record may come by poll, by webhook and again by replay.
//! 4. A deletion is kept as a row without data, so that an older state that arrives later does not bring the record back.
#![allow(clippy::print_stdout, reason = "a program that prints what it was asked for")]

use std::{collections::HashMap, error::Error, time::Duration};

use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

const TABLES: &str = "
create table if not exists records (
  tenant text, integration text, stream text, key text, id text not null, version text, deleted integer not null, data text,
  primary key (tenant, integration, stream, key)) without rowid;
create table if not exists offsets (topic text, part integer, next integer not null, primary key (topic, part)) without rowid;";
const BATCH: usize = 500;
const A_SECOND: Duration = Duration::from_secs(1);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topics, group, file, rest @ ..] = arguments.as_slice() else {
        return Err("wanted: BROKERS TOPICS GROUP FILE [--until-end] [NAME=VALUE]...".into());
    };
    let mut table = Connection::open(file)?;
    table.execute_batch(TABLES)?;
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true");
    for (name, value) in rest.iter().filter_map(|pair| pair.split_once('=')) {
        settings.set(name, value);
    }
    let consumer: BaseConsumer = settings.create()?;
    consumer.subscribe(&[topics])?;
    let until_end = rest.iter().any(|word| word == "--until-end");
    follow(&consumer, &mut table, until_end)?;
    show(&table)
}

/// Reads for ever, or until every partition has come to its end.
fn follow(consumer: &BaseConsumer, table: &mut Connection, until_end: bool) -> Outcome<()> {
    let mut ends = 0;
    loop {
        let (mut taken, mut wait) = (0, A_SECOND);
        let step = table.transaction()?;
        while taken < BATCH {
            match consumer.poll(wait) {
                Some(Ok(message)) => {
                    take(&step, &message)?;
                    taken += 1;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
            wait = Duration::ZERO;
        }
        step.commit()?;
        if taken > 0 {
            consumer.commit_consumer_state(CommitMode::Async)?;
        }
        let assigned = consumer.assignment()?.count();
        if until_end && assigned > 0 && ends >= assigned {
            return Ok(());
        }
    }
}

/// Puts one message into the table, unless it is there already.
fn take(step: &Transaction<'_>, message: &BorrowedMessage<'_>) -> Outcome<()> {
    let next: Option<i64> = step
        .prepare_cached("select next from offsets where topic = ? and part = ?")?
        .query_row(params![message.topic(), message.partition()], |row| row.get(0))
        .optional()?;
    if next.is_some_and(|next| message.offset() < next) {
        return Ok(());
    }
    apply(step, message)?;
    step.prepare_cached("insert or replace into offsets values (?, ?, ?)")?.execute(params![
        message.topic(),
        message.partition(),
        message.offset() + 1
    ])?;
    Ok(())
}

fn apply(step: &Transaction<'_>, message: &BorrowedMessage<'_>) -> Outcome<()> {
    let event = attributes(message)?;
    let wanted = |name: &str| event.get(name).copied().ok_or_else(|| format!("a message has no header `ce_{name}`"));
    let (tenant, integration, stream, key) = (wanted("tenantid")?, wanted("integrationid")?, wanted("stream")?, wanted("subject")?);
    let (id, version) = (wanted("id")?, event.get("entityversion").copied());
    let known: Option<(String, Option<String>)> = step
        .prepare_cached("select id, version from records where tenant = ? and integration = ? and stream = ? and key = ?")?
        .query_row(params![tenant, integration, stream, key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((known_id, known_version)) = known
        && (known_id == id || !is_newer(version, known_version.as_deref())?)
    {
        return Ok(());
    }
    let deleted = wanted("op")? == "delete";
    let data = if deleted { None } else { Some(std::str::from_utf8(body(message, &event))?) };
    step.prepare_cached("insert or replace into records values (?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
        tenant,
        integration,
        stream,
        key,
        id,
        version,
        deleted,
        data
    ])?;
    Ok(())
}

/// The CloudEvents attributes of a message in Kafka's binary mode.
fn attributes<'a>(message: &'a BorrowedMessage<'_>) -> Outcome<HashMap<&'a str, &'a str>> {
    let mut found = HashMap::new();
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        if let (Some(name), Some(value)) = (header.key.strip_prefix("ce_"), header.value) {
            found.insert(name, std::str::from_utf8(value)?);
        }
    }
    Ok(found)
}

/// The record's own bytes. With the wire format of a schema registry five bytes stand before them.
fn body<'a>(message: &'a BorrowedMessage<'_>, event: &HashMap<&str, &str>) -> &'a [u8] {
    let payload = message.payload().unwrap_or_default();
    match payload {
        [0, _, _, _, _, rest @ ..] if event.contains_key("dataschema") => rest,
        _ => payload,
    }
}

/// Versions are whole numbers of up to 128 bits. Without them, what comes later is newer.
fn is_newer(version: Option<&str>, than: Option<&str>) -> Outcome<bool> {
    let (Some(version), Some(than)) = (version, than) else { return Ok(true) };
    Ok(version.parse::<i128>()? >= than.parse::<i128>()?)
}

/// The table as lines: integration, stream, key, version and data, with tabs between.
fn show(table: &Connection) -> Outcome<()> {
    let mut rows = table.prepare(
        "select integration || char(9) || stream || char(9) || key || char(9) || ifnull(version, '') || char(9) || ifnull(data, '')
         from records where not deleted order by 1",
    )?;
    for line in rows.query_map([], |row| row.get::<_, String>(0))? {
        println!("{}", line?);
    }
    Ok(())
}
