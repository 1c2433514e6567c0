//! What was published, as Kafka's own console consumer reads it, committed transactions only.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
};

use serde_json::Value;
use syncline_sandbox::{RunningSandbox, Stream};

use crate::installation::Installation;

/// One event.
pub struct Published {
    pub tenant: String,
    pub id: String,
    pub stream: String,
    pub key: String,
    pub op: String,
    pub body: Value,
}

/// Everything that is in the topics of events, in the order of each partition. A consumer that had nothing to say was too slow to
/// join a broker that has just come back: it is asked again.
pub fn all(installation: &Installation) -> Vec<Published> {
    let mut said = String::new();
    for _ in 0..6 {
        let output = consumer(installation).stderr(Stdio::piped()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Vec<Published> = text.lines().filter_map(parse).collect();
        if !found.is_empty() {
            return found;
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    panic!("nothing was published:\n{said}");
}

fn consumer(installation: &Installation) -> Command {
    let brokers = installation.brokers();
    installation.kafka_tool(&[
        "consumer.ConsoleConsumer",
        "--bootstrap-server",
        &brokers,
        "--include",
        "line\\.t[0-9]+\\..*",
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--timeout-ms",
        "10000",
        "--formatter-property",
        "print.headers=true",
        "--formatter-property",
        "headers.separator=\u{1}",
        "--formatter-property",
        "key.separator=\u{2}",
    ])
}

fn parse(line: &str) -> Option<Published> {
    let (headers, body) = line.split_once('\u{2}')?;
    let headers: HashMap<&str, &str> = headers.split('\u{1}').filter_map(|header| header.split_once(':')).collect();
    let header = |name: &str| headers.get(name).map(|value| (*value).to_owned());
    Some(Published {
        tenant: header("ce_tenantid")?,
        id: header("ce_id")?,
        stream: header("ce_stream")?,
        key: header("ce_subject")?,
        op: header("ce_op")?,
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    })
}

/// Events of a tenant that are there twice.
pub fn twice(published: &[Published]) -> Vec<String> {
    let mut counts: HashMap<(&str, &str), u32> = HashMap::new();
    for event in published {
        *counts.entry((&event.tenant, &event.id)).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|((tenant, id), count)| format!("{tenant}: {id} is there {count} times"))
        .collect()
}

/// Where the newest that was published of a record is not what the source says.
pub fn lost(published: &[Published], tenant: &str, truth: &[Value], stream: Stream) -> Vec<String> {
    let mut newest: HashMap<&str, &Published> = HashMap::new();
    for event in published.iter().filter(|event| event.tenant == tenant && event.stream == stream.name()) {
        newest.insert(&event.key, event);
    }
    let mut wrong = Vec::new();
    for row in truth {
        let key = row["key"].as_str().map_or_else(|| row["key"].to_string(), str::to_owned);
        let deleted = row["deleted"] == true;
        match newest.get(key.as_str()) {
            // It was made and removed between two looks.
            None if deleted => {}
            None => wrong.push(format!("{tenant} {stream:?} {key} is missing")),
            Some(event) if deleted => {
                if event.op != "delete" {
                    wrong.push(format!("{tenant} {stream:?} {key} is gone, and that was not published"));
                }
            }
            Some(event) => {
                if event.op != "upsert" || event.body != row["record"] {
                    wrong.push(format!("{tenant} {stream:?} {key} is {} {} and should be {}", event.op, event.body, row["record"]));
                }
            }
        }
    }
    wrong
}

/// What the source says now: each record with its key, and whether it is gone.
pub fn truth(sandbox: &RunningSandbox, stream: Stream) -> Vec<Value> {
    let truth = sandbox.truth(stream);
    truth.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}
