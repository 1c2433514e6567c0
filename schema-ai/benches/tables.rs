//! How fast events become typed rows, beside a bare multi-row INSERT of the same values into an untyped table of the same width.
//! `cargo bench -p schema-ai --bench tables`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::{fmt::Write, time::Instant};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Connection;
use schema_ai::tables::{SqliteWriter, TablePolicy, TableWriter};
use syncline_model::{Event, Origin, Record, RecordKey, Version, event::Source};

const ROWS: usize = 200_000;
const BATCH: usize = 5_000;

fn bodies() -> Vec<String> {
    let status = ["open", "paid", "void"];
    (0..ROWS)
        .map(|n| {
            let at = Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap();
            format!(
                r#"{{"id":{n},"name":"customer {n}","email":"c{n}@example.com","amount":"{}.50","status":"{}","paid":{},"created_at":"{at}","note":null}}"#,
                n % 977,
                status[n % 3],
                n % 2 == 0
            )
        })
        .collect()
}

fn events(bodies: &[String], version: i128) -> Vec<Event> {
    let source = Source {
        tenant: "acme".parse().unwrap(),
        integration: "shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: "customers".parse().unwrap(),
    };
    let event = |(n, body): (usize, &String)| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let record =
            Record { key: RecordKey::of([n.to_string().as_str()]), body, version: Some(Version(version)), time: None, deleted: false };
        Event::new(&source, Origin::Poll, record)
    };
    bodies.iter().enumerate().map(event).collect()
}

fn ours(writer: &mut SqliteWriter, events: &[Event]) -> f64 {
    let chunks: Vec<Vec<Event>> = events.chunks(BATCH).map(<[Event]>::to_vec).collect();
    let started = Instant::now();
    for chunk in chunks {
        writer.write_events(chunk, Timestamp::UNIX_EPOCH).unwrap();
    }
    ROWS as f64 / started.elapsed().as_secs_f64()
}

/// The rows that we wrote, put into a table of their own by the shortest way there is.
fn bare(from: &std::path::Path, to: &std::path::Path) -> f64 {
    let source = Connection::open(from).unwrap();
    let mut read = source.prepare("SELECT * FROM shop_customers").unwrap();
    let width = read.column_count();
    let rows =
        read.query_map([], |row| (0..width).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect::<Result<Vec<_>, _>>()).unwrap();
    let rows: Vec<Vec<rusqlite::types::Value>> = rows.map(Result::unwrap).collect();
    let db = Connection::open(to).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    let columns: Vec<String> = (0..width).map(|at| if at == 0 { "c0 TEXT PRIMARY KEY".to_owned() } else { format!("c{at} ANY") }).collect();
    db.execute_batch(&format!("CREATE TABLE bare ({}) STRICT", columns.join(","))).unwrap();
    let mut sql = "INSERT INTO bare VALUES ".to_owned();
    for at in 0..32 {
        write!(sql, "{}({})", if at == 0 { "" } else { "," }, vec!["?"; width].join(",")).unwrap();
    }
    let started = Instant::now();
    for batch in rows.chunks(BATCH) {
        db.execute_batch("BEGIN").unwrap();
        for chunk in batch.chunks_exact(32) {
            db.prepare_cached(&sql).unwrap().execute(rusqlite::params_from_iter(chunk.iter().flatten())).unwrap();
        }
        let rest = batch.chunks_exact(32).remainder();
        for row in rest {
            let one = format!("INSERT INTO bare VALUES ({})", vec!["?"; width].join(","));
            db.prepare_cached(&one).unwrap().execute(rusqlite::params_from_iter(row)).unwrap();
        }
        db.execute_batch("COMMIT").unwrap();
    }
    ROWS as f64 / started.elapsed().as_secs_f64()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let bodies = bodies();
    let (first, second) = (events(&bodies, 1), events(&bodies, 2));
    let file = folder.path().join("acme.sqlite");
    let mut writer = SqliteWriter::open(&file, &"acme".parse().unwrap(), TablePolicy::default()).unwrap();
    let inserted = ours(&mut writer, &first);
    let updated = ours(&mut writer, &second);
    let bare = bare(&file, &folder.path().join("bare.sqlite"));
    println!("{ROWS} rows in batches of {BATCH}, one fsync for each");
    println!("events to new typed rows      {inserted:>9.0} rows/s  {:.2} of the bare insert", inserted / bare);
    println!("events over rows that exist   {updated:>9.0} rows/s  {:.2} of the bare insert", updated / bare);
    println!("bare multi-row insert         {bare:>9.0} rows/s");
}
