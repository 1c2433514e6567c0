//! A tenant of very many streams is organized in bounded memory. It has a process of its own, so that its memory can be asked.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use serde_json::Value;

const APPS: usize = 50;
const NOUNS: [&str; 10] = ["customer", "order", "invoice", "product", "ticket", "message", "event", "file", "deal", "payment"];
/// More than that is not bounded: all records together are a few hundred kilobytes.
const MOST_MIB: u64 = 256;

/// Each order of an application is of one of its customers, and so on around.
fn record(app: usize, noun: usize, n: usize) -> String {
    let (own, other) = (NOUNS[noun], NOUNS[(noun + 1) % NOUNS.len()]);
    format!(r#"{{"id":"{own}_{app}_{n}","{other}_id":"{other}_{app}_{}","status":"open"}}"#, n * 7 % 10)
}

fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

#[test]
fn a_tenant_of_hundreds_of_streams_is_planned_in_bounded_memory_with_every_relation() {
    let folder = tempfile::tempdir().unwrap();
    for app in 0..APPS {
        for (noun, name) in NOUNS.iter().enumerate() {
            let lines: Vec<String> = (0..10).map(|n| record(app, noun, n)).collect();
            fs::write(folder.path().join(format!("app{app}_{name}s.jsonl")), lines.join("\n")).unwrap();
        }
    }
    let arguments = ["plan", folder.path().to_str().unwrap(), "--format", "json"].map(str::to_owned);
    let mut out = Vec::new();
    schema_ai::organize::cli::run(&arguments, &mut out).unwrap();
    let plan: Value = serde_json::from_slice(&out).unwrap();
    let count = |what: &str| plan[what].as_array().map_or(0, Vec::len);
    assert_eq!((count("tables"), count("relations")), (APPS * NOUNS.len(), APPS * NOUNS.len()));
    if let Some(peak) = peak_mib() {
        assert!(peak < MOST_MIB, "{peak} MiB");
    }
}
