#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Connection;
use syncline_model::{Event, Origin, Record, RecordKey, TenantId, Version, event::Source};
use tempfile::TempDir;

use crate::{
    infer::Kind,
    tables::{Applied, Deletes, RowQuery, SqliteReader, SqliteWriter, TablePolicy, TableReader, TableWriter, file_of, schema::Limits},
};

mod model;
mod nothing_lost;
mod pains;

pub(super) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(super) fn event(stream: &str, key: &str, version: Option<i128>, body: Option<&str>) -> Event {
    let source = Source {
        tenant: tenant(),
        integration: "my-shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: stream.parse().unwrap(),
    };
    let record = Record {
        key: RecordKey::of([key]),
        body: Bytes::copy_from_slice(body.unwrap_or("{}").as_bytes()),
        version: version.map(Version),
        time: None,
        deleted: body.is_none(),
    };
    Event::new(&source, Origin::Poll, record)
}

pub(super) struct Bench {
    pub folder: TempDir,
    pub writer: SqliteWriter,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(TablePolicy::default())
    }

    pub fn with(policy: TablePolicy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = SqliteWriter::open(&file_of(folder.path(), &tenant()), &tenant(), policy).unwrap();
        Self { folder, writer }
    }

    pub fn write(&mut self, events: impl IntoIterator<Item = Event>) -> Applied {
        self.writer.write_events(events.into_iter().collect(), "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap()).unwrap()
    }

    pub fn upsert(&mut self, key: &str, body: &str) -> Applied {
        self.write([event("orders", key, None, Some(body))])
    }

    pub fn db(&self) -> Connection {
        Connection::open(file_of(self.folder.path(), &tenant())).unwrap()
    }

    pub fn read(&self) -> SqliteReader {
        SqliteReader::open(self.folder.path(), &tenant()).unwrap().unwrap()
    }

    /// What `sqlite3` would print for a query, columns joined by `|`.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        let db = self.db();
        let mut statement = db.prepare(sql).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..width).map(|at| match row.get_ref(at).unwrap() {
                rusqlite::types::ValueRef::Null => "NULL".to_owned(),
                rusqlite::types::ValueRef::Integer(number) => format!("i:{number}"),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                other => panic!("{other:?}"),
            });
            Ok(cells.collect::<Vec<_>>().join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    pub fn columns(&self, table: &str) -> Vec<(String, Kind)> {
        self.read().table(table).unwrap().columns.into_iter().map(|column| (column.name, column.kind)).collect()
    }
}

#[test]
fn a_record_becomes_a_row_with_typed_columns() {
    let mut bench = Bench::new();
    bench.upsert(
        "1",
        r#"{"id":1,"name":"Ada","paid":true,"address":{"city":"Paris"},"tags":["a","b"],"at":"2024-01-02T03:04:05.678+02:00"}"#,
    );
    let names: Vec<_> = bench.columns("shop_orders");
    let expected = [
        ("id", Kind::Integer),
        ("name", Kind::Text),
        ("paid", Kind::Boolean),
        ("address_city", Kind::Text),
        ("tags", Kind::Json),
        ("at", Kind::Timestamp),
    ];
    assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(
        bench.sql("SELECT id, name, paid, address_city, tags, at, _syncline_us_at FROM shop_orders"),
        [r#"i:1|Ada|i:1|Paris|["a","b"]|2024-01-02T03:04:05.678+02:00|i:1704157445678000"#]
    );
}

#[test]
fn sqlite_never_converts_a_value() {
    let mut bench = Bench::new();
    let values =
        ["1.10", "18446744073709551616", "\"007\"", "1e400", "\"1.0\"", "9223372036854775807", "-0", "\"1e3\"", "0.1000", "\" 7\""];
    for (at, first) in values.iter().enumerate() {
        for (to, second) in values.iter().enumerate() {
            bench.upsert("a", &format!(r#"{{"f{at}_{to}":{first},"g":{first}}}"#));
            bench.upsert("b", &format!(r#"{{"f{at}_{to}":{second},"g":{first}}}"#));
            let found = bench.sql(&format!("SELECT f{at}_{to} FROM shop_orders ORDER BY _syncline_key"));
            let plain = |text: &str| text.trim_matches('"').to_owned();
            let both: Vec<_> = found.iter().map(|text| text.trim_start_matches("i:").to_owned()).collect();
            let _ = both;
            assert_eq!(found[1].trim_start_matches("i:"), plain(second));
        }
    }
    bench.write(values.iter().enumerate().map(|(at, value)| event("exact", &at.to_string(), None, Some(&format!(r#"{{"v":{value}}}"#)))));
    let found = bench.sql("SELECT v FROM shop_exact ORDER BY _syncline_key");
    assert_eq!(found, values.map(|value| value.trim_matches('"').to_owned()));
}

#[test]
fn lists_of_objects_become_child_tables_that_follow_their_parent() {
    let mut bench = Bench::new();
    let order = |sku: &str| format!(r#"{{"line_items":[{{"sku":"{sku}","taxes":[{{"rate":0.2}},{{"rate":0.05}}]}},{{"sku":"z"}}]}}"#);
    bench.upsert("7", &order("x"));
    bench.upsert("7", &order("y"));
    assert_eq!(
        bench.sql("SELECT _syncline_parent_key, _syncline_index, sku FROM shop_orders_line_items ORDER BY _syncline_index"),
        ["7|i:0|y", "7|i:1|z"]
    );
    assert_eq!(
        bench.sql("SELECT _syncline_root_key, _syncline_parent_key, rate FROM shop_orders_line_items_taxes"),
        ["7|7[0]|0.2", "7|7[0]|0.05"]
    );
    bench.write([event("orders", "7", None, None)]);
    assert_eq!(bench.read().count("shop_orders_line_items").unwrap(), (0, 2));
    bench.upsert("7", r#"{"line_items":[]}"#);
    assert_eq!(bench.read().count("shop_orders_line_items").unwrap(), (0, 0));
}

#[test]
fn names_that_differ_only_in_their_writing_stay_apart() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"UserID":1,"userId":2,"user_id":3,"user":{"id":4},"USER.ID":5}"#);
    let columns = bench.columns("shop_orders");
    let names: std::collections::HashSet<_> = columns.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert_eq!((columns.len(), names.len()), (5, 5));
    let list = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",");
    assert_eq!(bench.sql(&format!("SELECT {list} FROM shop_orders")), ["i:1|i:2|i:3|i:4|i:5"]);
}

#[test]
fn a_body_that_is_not_json_is_set_aside_and_the_others_are_written() {
    let mut bench = Bench::new();
    let applied = bench.write([
        event("orders", "1", None, Some(r#"{"a":1}"#)),
        event("orders", "2", None, Some(r#"{"a":NaN}"#)),
        event("orders", "3", None, Some(r#"{"a":3}"#)),
    ]);
    assert_eq!((applied.rejected, applied.rows), (1, 2));
    let rejected = bench.writer.rejected(10).unwrap();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].1.key, Some(RecordKey::of(["2"])));
    bench.writer.mark_reported(&[rejected[0].0]).unwrap();
    assert!(bench.writer.rejected(10).unwrap().is_empty());
}

#[test]
fn paths_beyond_the_column_limit_go_to_the_overflow() {
    let mut bench = Bench::with(TablePolicy { limits: Limits { columns_max: 3, ..Limits::default() }, ..TablePolicy::default() });
    let applied = bench.upsert("1", r#"{"a":1,"b":2,"c":3,"d":1.10,"e":{"f":[1, 2]}}"#);
    assert_eq!(applied.overflow, 2);
    assert_eq!(bench.sql("SELECT _syncline_overflow FROM shop_orders"), [r#"{"/d":1.10,"/e/f":[1, 2]}"#]);
}

#[test]
fn half_a_surrogate_pair_is_kept_as_it_was_written() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"a":"ok","b":"\ud800"}"#);
    assert_eq!(bench.sql("SELECT a, _syncline_overflow FROM shop_orders"), [r#"ok|{"/b":"\ud800"}"#]);
}

#[test]
fn a_second_integration_of_a_connector_gets_its_own_tables() {
    let mut bench = Bench::new();
    let mut other = event("orders", "1", None, Some("{}"));
    other.integration = "other".parse().unwrap();
    bench.write([event("orders", "1", None, Some("{}")), other]);
    let names: Vec<_> = bench.read().tables().unwrap().into_iter().map(|table| table.name).collect();
    assert_eq!(names, ["other_orders", "shop_orders"]);
}

#[test]
fn pages_follow_each_other_and_unknown_names_are_refused_with_a_hint() {
    let mut bench = Bench::new();
    bench.write((0..25).map(|n| event("orders", &format!("{n:02}"), None, Some(&format!(r#"{{"n":{n},"status":"s{}"}}"#, n % 2)))));
    let read = bench.read();
    let mut query = RowQuery { rows_max: 10, ..RowQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = read.rows("shop_orders", &query).unwrap();
        seen.extend(page.rows.iter().map(|row| row["n"].as_i64().unwrap()));
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
    let filter = |column: &str, compare, value: &str| RowQuery {
        filters: vec![crate::tables::Filter { column: column.to_owned(), compare, value: Some(value.to_owned()) }],
        ..RowQuery::default()
    };
    assert_eq!(read.rows("shop_orders", &filter("status", crate::tables::Compare::Is, "s1")).unwrap().rows.len(), 12);
    assert_eq!(read.rows("shop_orders", &filter("n", crate::tables::Compare::Above, "22")).unwrap().rows.len(), 2);
    let error = read.rows("shop_orders", &filter("statsu", crate::tables::Compare::Is, "x")).unwrap_err();
    assert_eq!(error.to_string(), "table `shop_orders` has no column `statsu` (did you mean `status`?)");
    assert!(read.rows("shop_orders; DROP TABLE shop_orders", &RowQuery::default()).is_err());
}

#[test]
fn a_hard_deletion_removes_the_row_and_an_older_state_does_not_bring_it_back() {
    let mut bench = Bench::with(TablePolicy { deletes: Deletes::Hard, ..TablePolicy::default() });
    bench.write([event("orders", "1", Some(5), Some(r#"{"a":[{"b":1}]}"#))]);
    bench.write([event("orders", "1", Some(6), None)]);
    let policy = TablePolicy { deletes: Deletes::Hard, ..TablePolicy::default() };
    bench.writer = SqliteWriter::open(&file_of(bench.folder.path(), &tenant()), &tenant(), policy).unwrap();
    bench.write([event("orders", "1", Some(4), Some(r#"{"a":[{"b":1}]}"#))]);
    assert_eq!(bench.read().count("shop_orders").unwrap(), (0, 0));
    assert_eq!(bench.read().count("shop_orders_a").unwrap(), (0, 0));
    bench.write([event("orders", "1", Some(7), Some(r#"{"a":[{"b":2}]}"#))]);
    assert_eq!(bench.sql("SELECT b FROM shop_orders_a"), ["i:2"]);
}

#[test]
fn a_file_that_somebody_is_about_to_make_has_no_tables_yet() {
    let folder = tempfile::tempdir().unwrap();
    let (tenant, file) = (tenant(), file_of(folder.path(), &tenant()));
    assert!(SqliteReader::open(folder.path(), &tenant).unwrap().is_none());
    let db = Connection::open(&file).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    assert!(SqliteReader::open(folder.path(), &tenant).unwrap().is_none());
    drop(SqliteWriter::open(&file, &tenant, TablePolicy::default()).unwrap());
    assert!(SqliteReader::open(folder.path(), &tenant).unwrap().is_some_and(|tables| tables.tables().unwrap().is_empty()));
}

#[test]
fn the_tables_of_one_tenant_are_not_opened_for_another() {
    let bench = Bench::new();
    let other = "other".parse().unwrap();
    assert!(SqliteWriter::open(&file_of(bench.folder.path(), &tenant()), &other, TablePolicy::default()).is_err());
}

#[test]
fn a_full_disk_leaves_the_tables_where_they_were_and_the_batch_goes_in_later() {
    let mut bench = Bench::new();
    bench.upsert("0", r#"{"n":0}"#);
    let pages: i64 = bench.writer.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    bench.writer.db.pragma_update(None, "max_page_count", pages + 3).unwrap();
    let position = bench.writer.position().clone();
    let events: Vec<_> =
        (1..500).map(|n| event("orders", &n.to_string(), None, Some(&format!(r#"{{"n":{n},"new":[{{"m":1}}]}}"#)))).collect();
    let fault = bench.writer.write_events(events.clone(), Timestamp::UNIX_EPOCH).unwrap_err();
    assert!(fault.to_string().contains("full"), "{fault}");
    assert_eq!((bench.read().count("shop_orders").unwrap().0, bench.writer.position()), (1, &position));
    bench.writer.db.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    bench.write(events);
    assert_eq!(bench.read().count("shop_orders").unwrap().0, 500);
    assert_eq!(bench.read().count("shop_orders_new").unwrap().0, 499);
}

#[test]
fn versions_beyond_64_bits_are_compared_as_numbers() {
    let mut bench = Bench::new();
    let big = i128::from(i64::MAX) * 10;
    bench.write([event("orders", "1", Some(big), Some(r#"{"a":"new"}"#))]);
    bench.write([event("orders", "1", Some(9), Some(r#"{"a":"old"}"#))]);
    assert_eq!(bench.sql("SELECT a FROM shop_orders"), ["new"]);
}

#[test]
fn a_text_with_a_zero_character_survives_the_widening_of_its_column() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"v":"a\u0000b"}"#);
    bench.upsert("2", r#"{"v":[1]}"#);
    assert_eq!(bench.read().rows("shop_orders", &RowQuery::default()).unwrap().rows[0]["v"], "a\0b");
}

#[test]
fn names_that_the_file_already_has_are_not_taken() {
    let mut bench = Bench::new();
    bench.db().execute_batch("CREATE TABLE Shop_Orders (a)").unwrap();
    bench.upsert("1", r#"{"a":1}"#);
    let names: Vec<_> = bench.read().tables().unwrap().into_iter().map(|table| table.name).collect();
    assert!(names.len() == 1 && names[0].starts_with("shop_orders_"), "{names:?}");
}
