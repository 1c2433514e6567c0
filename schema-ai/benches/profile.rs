//! How fast records of 4 KB are profiled, beside sonic-rs that makes a tree of the same records and throws it away.
//! `cargo bench -p schema-ai --bench profile`
//!
//! Both are told for each CPU second, so that other work on the machine matters little.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::fmt::Write;

use schema_ai::organize::profile::Profile;

const RECORDS: usize = 20_000;
const ROUNDS: usize = 5;
const WORDS: [&str; 16] = [
    "panic", "loop", "index", "parser", "crash", "timeout", "retry", "buffer", "cursor", "schema", "token", "login", "cache", "header",
    "column", "merge",
];

fn user(n: usize) -> String {
    let mut user = format!(r#"{{"login":"user{0}","id":{0},"type":"User","site_admin":false"#, n * 7919 % 5_000);
    for name in ["followers", "following", "gists", "starred", "repos", "events", "received_events", "organizations", "html"] {
        write!(user, r#","{name}_url":"https://api.example.org/users/{n}/{name}""#).unwrap();
    }
    user + "}"
}

/// A record as an issue tracker gives it: nested people, lists, addresses, times, nulls, and text that says something.
fn record(n: usize) -> String {
    let text: Vec<&str> = (0..415).map(|at| WORDS[(n * 31 + at * at) % WORDS.len()]).collect();
    let text = text.join(" ");
    let labels: Vec<String> =
        (0..n % 4).map(|at| format!(r#"{{"id":{at},"name":"label{at}","color":"ededed","default":false}}"#)).collect();
    let (day, hour) = (n % 28 + 1, n % 24);
    let assignee = if n.is_multiple_of(3) { "null".to_owned() } else { user(n + 1) };
    format!(
        r#"{{"id":{},"number":{n},"title":"{}","state":"open","locked":false,"user":{},"assignee":{assignee},"labels":[{}],"comments":{},"created_at":"2026-01-{day:02}T{hour:02}:00:00Z","closed_at":null,"body":"{text}","reactions":{{"total":{},"+1":{},"-1":0}},"score":{}.25,"url":"https://api.example.org/issues/{n}"}}"#,
        10_000_000 + n,
        &text[..60],
        user(n),
        labels.join(","),
        n % 17,
        n % 9,
        n % 4,
        n % 1_000
    )
}

/// The CPU time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) as f64 / 100.0
}

fn measured(name: &str, bytes: usize, mut work: impl FnMut()) -> f64 {
    let before = cpu_seconds();
    (0..ROUNDS).for_each(|_| work());
    let speed = (RECORDS * ROUNDS) as f64 / (cpu_seconds() - before);
    println!("{name:28} {speed:>9.0} records for each CPU second, {:.2} GB", speed * (bytes / RECORDS) as f64 / 1e9);
    speed
}

fn main() {
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    let bytes: usize = records.iter().map(String::len).sum();
    println!("{RECORDS} records of {} bytes, {ROUNDS} times", bytes / RECORDS);
    let parsed = measured("sonic-rs, a tree", bytes, || {
        records.iter().for_each(|one| drop(std::hint::black_box(sonic_rs::from_str::<sonic_rs::Value>(one).unwrap())));
    });
    let profiled = measured("profile", bytes, || {
        let mut profile = Profile::default();
        records.iter().for_each(|one| profile.record(one.as_bytes()).unwrap());
        std::hint::black_box(profile.records);
    });
    println!("the profile takes {:.2} times as long as sonic-rs alone", parsed / profiled);
}
