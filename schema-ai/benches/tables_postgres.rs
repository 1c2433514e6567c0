//! How fast events become typed rows in PostgreSQL, beside a bare text `COPY` of the same rows into a table of the same columns, and
//! beside dlt where `DLT_PYTHON` names a Python that has it.
//! `SYNCLINE_TEST_POSTGRES_URL=postgres://… [DLT_PYTHON=…] cargo bench -p schema-ai --bench tables_postgres`
//!
//! CPU seconds are those of this process and of the server's processes for it, where the server runs on this machine: they are what
//! can still be compared when the machine has other work.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::{io::Write, process::Command, time::Instant};

use bytes::Bytes;
use jiff::Timestamp;
use schema_ai::tables::{PostgresHome, TableHome, TablePolicy, TableWriter};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use syncline_model::{Event, Origin, Record, RecordKey, Secret, Version, event::Source};
use tokio::runtime::Runtime;

const ROWS: usize = 200_000;
const BATCH: usize = 5_000;
const PREFIX: &str = "bench_";
const TABLE: &str = r#""bench_acme".shop_customers"#;

fn body(n: usize) -> String {
    let at = Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap();
    let (amount, status, paid) = (n % 977, ["open", "paid", "void"][n % 3], n.is_multiple_of(2));
    format!(
        r#"{{"id":{n},"name":"customer {n}","email":"c{n}@example.com","amount":"{amount}.50","status":"{status}","paid":{paid},"created_at":"{at}","note":null}}"#
    )
}

fn events(version: i128) -> Vec<Event> {
    let source = Source {
        tenant: "acme".parse().unwrap(),
        integration: "shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: "customers".parse().unwrap(),
    };
    let event = |n: usize| {
        let key = RecordKey::of([n.to_string().as_str()]);
        let record = Record { key, body: Bytes::from(body(n)), version: Some(Version(version)), time: None, deleted: false };
        Event::new(&source, Origin::Poll, record)
    };
    (0..ROWS).map(event).collect()
}

/// What a way of writing the rows took.
struct Cost {
    name: &'static str,
    seconds: f64,
    cpu_seconds: f64,
}

impl Cost {
    fn print(&self, bare: &Self, keyed: &Self) {
        let Self { name, seconds, cpu_seconds } = self;
        println!(
            "{name:32} {:>9.0} rows/s  {:.2} of COPY, {:.2} of COPY with key   {cpu_seconds:6.2} CPU s, COPY's are {:.2} and {:.2} of them",
            ROWS as f64 / seconds,
            bare.seconds / seconds,
            keyed.seconds / seconds,
            bare.cpu_seconds / cpu_seconds,
            keyed.cpu_seconds / cpu_seconds
        );
    }
}

/// Runs something that writes rows.
fn measured(name: &'static str, runtime: &Runtime, db: &mut PgConnection, work: impl FnOnce(&mut PgConnection)) -> Cost {
    let asked = sqlx::query_scalar("SELECT pid FROM pg_stat_activity").fetch_all(&mut *db);
    let pids: Vec<i32> = runtime.block_on(asked).unwrap();
    let processes: Vec<String> = pids.iter().map(ToString::to_string).chain(["self".to_owned()]).collect();
    let cpu = || processes.iter().filter_map(|one| ticks(one)).sum::<u64>();
    let (started, before) = (Instant::now(), cpu());
    work(db);
    Cost { name, seconds: started.elapsed().as_secs_f64(), cpu_seconds: (cpu() - before) as f64 / 100.0 }
}

/// The CPU time of a process of this machine, in hundredths of a second.
fn ticks(process: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

fn ours(writer: &mut dyn TableWriter, chunks: Vec<Vec<Event>>) {
    for chunk in chunks {
        writer.write_events(chunk, Timestamp::UNIX_EPOCH).unwrap();
    }
}

/// The rows that we wrote, as text, by one `COPY` into a table without (`like`: "") or with the same primary key.
async fn bare(db: &mut PgConnection, text: &[u8], table: &str) {
    let mut copy = db.copy_in_raw(&format!("COPY {table} FROM STDIN")).await.unwrap();
    for chunk in text.chunks(128 * 1024) {
        copy.send(chunk).await.unwrap();
    }
    copy.finish().await.unwrap();
}

/// What dlt says that it took to append and to merge the same rows.
fn dlt(server: &str, format: &str) {
    let Ok(python) = std::env::var("DLT_PYTHON") else { return };
    let mut rows = tempfile::NamedTempFile::new().unwrap();
    (0..ROWS).for_each(|n| writeln!(rows, "{}", body(n)).unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/dlt_rows.py");
    let done = Command::new(python).arg(script).arg(rows.path()).args([server, format]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let numbers: Vec<f64> = said.lines().last().unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [count, new, merged] = numbers[..] else {
        println!("dlt failed: {}", String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or_default());
        return;
    };
    println!("dlt, {format:13} {count:>9.0} rows, {:.0} rows/s when new, {:.0} rows/s merged", count / new, count / merged);
}

async fn text_of(db: &mut PgConnection) -> Vec<u8> {
    use futures::TryStreamExt;
    let chunks: Vec<Bytes> = db.copy_out_raw(&format!("COPY {TABLE} TO STDOUT")).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

fn main() {
    let Ok(server) = std::env::var("SYNCLINE_TEST_POSTGRES_URL") else {
        println!("SYNCLINE_TEST_POSTGRES_URL is not set");
        return;
    };
    let runtime = Runtime::new().unwrap();
    let clean = |db: &'static str| {
        let server = server.clone();
        async move {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            connection.execute(db).await.unwrap();
            connection
        }
    };
    let mut db = runtime.block_on(clean(r#"DROP SCHEMA IF EXISTS "bench_acme" CASCADE; DROP TABLE IF EXISTS bare, bare_with_key"#));
    let home = runtime.block_on(PostgresHome::connect(&Secret::new(server.clone()), PREFIX, 2)).unwrap();
    let mut writer = home.writer(&"acme".parse().unwrap(), TablePolicy::default()).unwrap();
    let mut write = |name, db: &mut PgConnection, version| {
        let chunks: Vec<Vec<Event>> = events(version).chunks(BATCH).map(<[Event]>::to_vec).collect();
        measured(name, &runtime, db, |_| ours(writer.as_mut(), chunks))
    };
    println!("{ROWS} rows in batches of {BATCH}, one transaction for each");
    let new = write("events to new typed rows", &mut db, 1);
    let text = runtime.block_on(text_of(&mut db));
    let copied = |name, table: &str, like: &str, db: &mut PgConnection| {
        let make = format!("CREATE TABLE {table} (LIKE {TABLE} {like})");
        runtime.block_on(db.execute(AssertSqlSafe(make))).unwrap();
        measured(name, &runtime, db, |db| runtime.block_on(bare(db, &text, table)))
    };
    let without = copied("bare COPY, one transaction", "bare", "", &mut db);
    let keyed = copied("the same with the primary key", "bare_with_key", "INCLUDING INDEXES", &mut db);
    let replaced = write("events over rows that exist", &mut db, 2);
    // From the second time on there is room beside each row.
    let again = write("the same once more", &mut db, 3);
    [&new, &replaced, &again, &without, &keyed].iter().for_each(|cost| cost.print(&without, &keyed));
    dlt(&server, "insert_values");
    dlt(&server, "csv");
}
