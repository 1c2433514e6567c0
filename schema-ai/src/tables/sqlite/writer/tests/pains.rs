//! What users of other tools lost, and must not lose here.
use crate::{
    infer::Kind,
    tables::{SqliteWriter, TablePolicy, TableReader},
};

use super::{Bench, event, file_of, tenant};

#[test]
fn p21_numbers_and_times_keep_every_digit() {
    let mut bench = Bench::new();
    let body = r#"{"big":9223372036854775807,"bigger":99999999999999999999999999999.123456789,"us":"2024-01-01T00:00:00.123456Z","far":"10000-01-01T00:00:00Z","e":1E-400}"#;
    bench.upsert("1", body);
    assert_eq!(
        bench.sql("SELECT big, bigger, us, far, e FROM shop_orders"),
        ["i:9223372036854775807|99999999999999999999999999999.123456789|2024-01-01T00:00:00.123456Z|10000-01-01T00:00:00Z|1E-400"]
    );
}

#[test]
fn p24_new_columns_and_tables_leave_the_rest_alone() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"a":1}"#);
    bench.upsert("2", r#"{"a":2.5,"b":"x","items":[{"c":1}]}"#);
    bench.write([event("customers", "1", None, Some(r#"{"name":"Ada"}"#))]);
    assert_eq!(bench.sql("SELECT a, b FROM shop_orders ORDER BY _syncline_key"), ["1|NULL", "2.5|x"]);
    assert_eq!(bench.columns("shop_orders"), [("a".to_owned(), Kind::Decimal), ("b".to_owned(), Kind::Text)]);
    let read = bench.read().table("shop_orders").unwrap();
    assert_eq!(read.columns.iter().map(|column| column.nullable).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn p26_null_or_empty_first_and_nested_later_leaves_no_stray_column() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"id":1,"address":null,"items":[],"meta":{}}"#);
    bench.upsert("2", r#"{"id":2,"address":{"city":"Paris"},"items":[{"sku":"x"}],"meta":{"k":"v"}}"#);
    let names: Vec<_> = bench.columns("shop_orders").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["id", "address_city", "meta_k"]);
    assert_eq!(bench.sql("SELECT _syncline_root_key, sku FROM shop_orders_items"), ["2|x"]);
}

#[test]
fn p9_of_equal_versions_the_later_in_the_log_wins() {
    let mut bench = Bench::new();
    bench.write([event("orders", "1", Some(5), Some(r#"{"a":"first"}"#)), event("orders", "1", Some(5), Some(r#"{"a":"second"}"#))]);
    bench.write([event("orders", "1", Some(5), Some(r#"{"a":"third"}"#)), event("orders", "1", Some(4), Some(r#"{"a":"late"}"#))]);
    assert_eq!(bench.sql("SELECT a FROM shop_orders"), ["third"]);
}

#[test]
fn a_value_of_another_kind_widens_its_column_and_nothing_is_lost() {
    let mut bench = Bench::new();
    for (key, value) in ["true", "7", "1.50", "\"x\"", "[1,2]"].iter().enumerate() {
        bench.upsert(&key.to_string(), &format!(r#"{{"v":{value}}}"#));
    }
    assert_eq!(bench.columns("shop_orders"), [("v".to_owned(), Kind::Json)]);
    assert_eq!(bench.sql("SELECT v FROM shop_orders ORDER BY _syncline_key"), ["\"true\"", "\"7\"", "\"1.50\"", "\"x\"", "[1,2]"]);
}

#[test]
fn an_object_where_a_scalar_was_gets_columns_beside_it() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"customer":"c1"}"#);
    bench.upsert("2", r#"{"customer":{"id":"c2"}}"#);
    assert_eq!(bench.sql("SELECT customer, customer_id FROM shop_orders ORDER BY _syncline_key"), ["c1|NULL", "NULL|c2"]);
}

#[test]
fn the_schema_is_the_same_after_opening_again() {
    let mut bench = Bench::new();
    bench.upsert("1", r#"{"a":{"b/c":"2024-01-01T00:00:00Z"},"":1,"x":[{"y":[{"z":1}]}]}"#);
    let before = bench.read().tables().unwrap();
    bench.writer = SqliteWriter::open(&file_of(bench.folder.path(), &tenant()), &tenant(), TablePolicy::default()).unwrap();
    let applied = bench.upsert("2", r#"{"a":{"b/c":"2024-01-01T00:00:01Z"},"":2,"x":[{"y":[{"z":2}]}]}"#);
    assert_eq!(applied.schema_changes, 0);
    assert_eq!(bench.read().tables().unwrap(), before);
    assert_eq!(bench.sql("SELECT _syncline_us_a_b_c FROM shop_orders"), ["i:1704067200000000", "i:1704067201000000"]);
}
