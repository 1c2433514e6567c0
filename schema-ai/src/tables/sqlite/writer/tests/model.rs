//! Whatever order events come in, however they are cut into batches, and wherever the process dies: the tables are what a naive
//! fold over the log gives.
use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use syncline_model::{
    Event, Op,
    log::{Logged, PartitionName, Place},
};

use super::{Bench, event, file_of, tenant};
use crate::tables::{Deletes, RowQuery, SqliteWriter, TablePolicy, TableReader, TableWriter};

#[derive(Debug, Clone)]
struct Said {
    key: u8,
    version: Option<i128>,
    value: Option<u32>,
}

fn said() -> impl Strategy<Value = Said> {
    (0_u8..6, proptest::option::weighted(0.8, 0_i128..8), proptest::option::weighted(0.75, 0_u32..1000))
        .prop_map(|(key, version, value)| Said { key, version, value })
}

fn logged(at: usize, said: &Said) -> Logged {
    let body = said.value.map(|value| format!(r#"{{"n":{value},"items":[{{"m":{value}}},{{"m":{}}}]}}"#, value + 1));
    let event: Event = event("orders", &said.key.to_string(), said.version, body.as_deref());
    Logged { place: Place { partition: PartitionName("0".to_owned()), offset: at as u64 + 1 }, committed: Timestamp::UNIX_EPOCH, event }
}

/// Key to value of the records that are there.
fn naive(log: &[Logged]) -> BTreeMap<String, String> {
    let mut states: BTreeMap<String, (Option<i128>, Option<String>)> = BTreeMap::new();
    for Logged { event, .. } in log {
        let state = states.entry(event.key.to_string()).or_default();
        let version = event.version.map(|version| version.0);
        if state.0.is_some() && version.is_some() && version < state.0 {
            continue;
        }
        let value = serde_json::from_slice::<serde_json::Value>(&event.body).unwrap()["n"].to_string();
        *state = (state.0.max(version), (event.op == Op::Upsert).then_some(value));
    }
    states.into_iter().filter_map(|(key, (_, value))| Some((key, value?))).collect()
}

fn tables(bench: &Bench) -> (BTreeMap<String, String>, Vec<String>) {
    let read = bench.read();
    let rows = read.rows("shop_orders", &RowQuery::default()).unwrap().rows;
    let live = rows.iter().map(|row| (row["_syncline_key"].as_str().unwrap().to_owned(), row["n"].to_string())).collect();
    let has_children = read.table("shop_orders_items").is_ok();
    let children = "SELECT _syncline_root_key, _syncline_index, m FROM shop_orders_items WHERE _syncline_deleted_at IS NULL ORDER BY 1, 2";
    (live, if has_children { bench.sql(children) } else { Vec::new() })
}

/// In the order of SQLite, whose keys are texts.
fn children(live: &BTreeMap<String, String>) -> Vec<String> {
    live.iter().flat_map(|(key, n)| [format!("{key}|i:0|i:{n}"), format!("{key}|i:1|i:{}", n.parse::<u32>().unwrap() + 1)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_tables_are_the_log(
        said in proptest::collection::vec(said(), 1..60),
        cuts in proptest::collection::vec((1_usize..20, any::<bool>(), 0_usize..10), 1..8),
        hard: bool,
    ) {
        let log: Vec<Logged> = said.iter().enumerate().map(|(at, said)| logged(at, said)).collect();
        let policy = TablePolicy { deletes: if hard { Deletes::Hard } else { Deletes::Soft }, ..TablePolicy::default() };
        let mut bench = Bench::with(policy);
        let mut at = 0;
        for (size, dies, replayed) in cuts.iter().cycle() {
            let end = (at + size).min(log.len());
            // What the log gives again after a crash begins before the place where the tables are.
            bench.writer.apply(&log[at.saturating_sub(*replayed)..end]).unwrap();
            if *dies {
                bench.writer = SqliteWriter::open(&file_of(bench.folder.path(), &tenant()), &tenant(), policy).unwrap();
            }
            at = end;
            if at == log.len() {
                break;
            }
        }
        let expected = naive(&log);
        let expected_children = children(&expected);
        prop_assert_eq!(tables(&bench), (expected, expected_children));
    }
}

/// An endless log, the same in every process.
fn endless(at: usize) -> Logged {
    let random = at.wrapping_mul(2_654_435_761) >> 7;
    let said = Said {
        key: u8::try_from(random % 50).unwrap(),
        version: (!random.is_multiple_of(5)).then_some(((random >> 8) % 9) as i128),
        value: (!random.is_multiple_of(7)).then(|| u32::try_from(at).unwrap()),
    };
    logged(at, &said)
}

const FILE: &str = "SYNCLINE_TEST_TABLES";

/// The process that is killed: it writes batch after batch, and says so.
#[test]
#[ignore = "it is started, and killed, by the test below"]
fn writes_until_it_is_killed() {
    let Ok(file) = std::env::var(FILE) else { return };
    let mut writer = SqliteWriter::open(std::path::Path::new(&file), &tenant(), TablePolicy::default()).unwrap();
    let mut at = usize::try_from(writer.position().0.values().max().copied().unwrap_or_default()).unwrap();
    loop {
        let batch: Vec<Logged> = (at..at + 37).map(endless).collect();
        writer.apply(&batch).unwrap();
        at += batch.len();
        eprintln!("at {at}");
    }
}

#[test]
fn a_process_that_is_killed_leaves_tables_that_are_the_log_up_to_their_position() {
    use std::io::{BufRead, BufReader};
    let bench = Bench::new();
    let file = file_of(bench.folder.path(), &tenant());
    for batches in [1, 4, 9, 2, 7] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tables::sqlite::writer::tests::model::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .stderr(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.map_while(Result::ok).filter(|line| line.starts_with("at ")).take(batches).count(), batches);
        child.kill().unwrap();
        child.wait().unwrap();
        let position = *bench.read().position().unwrap().0.values().max().unwrap();
        let log: Vec<Logged> = (0..usize::try_from(position).unwrap()).map(endless).collect();
        let expected = naive(&log);
        let expected_children = children(&expected);
        assert_eq!(tables(&bench), (expected, expected_children), "killed at {position}");
    }
}
