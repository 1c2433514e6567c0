//! How fast events become typed rows in PostgreSQL, beside a bare text `COPY` of the same rows into a table of the same columns.
//! `SYNCLINE_TEST_POSTGRES_URL=postgres://… cargo bench -p schema-ai --bench tables_postgres`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::time::Instant;

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

fn events(version: i128) -> Vec<Event> {
    let source = Source {
        tenant: "acme".parse().unwrap(),
        integration: "shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: "customers".parse().unwrap(),
    };
    let status = ["open", "paid", "void"];
    let event = |n: usize| {
        let at = Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap();
        let body = format!(
            r#"{{"id":{n},"name":"customer {n}","email":"c{n}@example.com","amount":"{}.50","status":"{}","paid":{},"created_at":"{at}","note":null}}"#,
            n % 977,
            status[n % 3],
            n.is_multiple_of(2)
        );
        let key = RecordKey::of([n.to_string().as_str()]);
        let record = Record { key, body: Bytes::from(body), version: Some(Version(version)), time: None, deleted: false };
        Event::new(&source, Origin::Poll, record)
    };
    (0..ROWS).map(event).collect()
}

fn ours(writer: &mut dyn TableWriter, events: &[Event]) -> f64 {
    let chunks: Vec<Vec<Event>> = events.chunks(BATCH).map(<[Event]>::to_vec).collect();
    let started = Instant::now();
    for chunk in chunks {
        writer.write_events(chunk, Timestamp::UNIX_EPOCH).unwrap();
    }
    ROWS as f64 / started.elapsed().as_secs_f64()
}

/// The rows that we wrote, as text, by one `COPY` into a table without (`like`: "") or with the same primary key.
async fn bare(db: &mut PgConnection, text: &[u8], table: &str, like: &str) -> f64 {
    db.execute(AssertSqlSafe(format!("CREATE TABLE {table} (LIKE {TABLE} {like})"))).await.unwrap();
    let started = Instant::now();
    let mut copy = db.copy_in_raw(&format!("COPY {table} FROM STDIN")).await.unwrap();
    for chunk in text.chunks(128 * 1024) {
        copy.send(chunk).await.unwrap();
    }
    copy.finish().await.unwrap();
    ROWS as f64 / started.elapsed().as_secs_f64()
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
    let inserted = ours(writer.as_mut(), &events(1));
    let text = runtime.block_on(text_of(&mut db));
    let bare_rows = runtime.block_on(bare(&mut db, &text, "bare", ""));
    let keyed = runtime.block_on(bare(&mut db, &text, "bare_with_key", "INCLUDING INDEXES"));
    let updated = ours(writer.as_mut(), &events(2));
    println!("{ROWS} rows in batches of {BATCH}, one transaction for each");
    println!(
        "events to new typed rows       {inserted:>9.0} rows/s  {:.2} of COPY, {:.2} of COPY with key",
        inserted / bare_rows,
        inserted / keyed
    );
    println!(
        "events over rows that exist    {updated:>9.0} rows/s  {:.2} of COPY, {:.2} of COPY with key",
        updated / bare_rows,
        updated / keyed
    );
    println!("bare COPY, one transaction     {bare_rows:>9.0} rows/s without, {keyed:.0} with the primary key");
}
