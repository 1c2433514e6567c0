#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn stream(records: &[&str]) -> Stream {
    let mut profile = Profile::default();
    for record in records {
        profile.record(record.as_bytes()).unwrap();
    }
    Stream::new("things", profile)
}

fn kind(stream: &Stream, path: &str) -> Type {
    let columns = stream.tables.iter().flat_map(|table| &table.columns);
    columns.into_iter().find(|column| column.path == path).unwrap_or_else(|| panic!("no column {path}")).typed.kind
}

#[test]
fn an_integer_that_becomes_a_fraction_stays_one_exact_column() {
    let seen = stream(&["{\"v\":1}", "{\"v\":1.5}"]);
    assert_eq!(kind(&seen, "v"), Type::Numeric);
    assert_eq!(seen.tables[0].columns.len(), 1);
}

#[test]
fn numbers_beyond_64_bits_are_exact() {
    assert_eq!(kind(&stream(&["{\"v\":18446744073709551615}"]), "v"), Type::Numeric);
}

#[test]
fn a_few_misfits_among_many_go_to_an_overflow_column() {
    let mut records: Vec<String> = (0..1_000).map(|number| format!("{{\"v\":{number}}}")).collect();
    records.push("{\"v\":\"n/a\"}".to_owned());
    let seen = stream(&records.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(kind(&seen, "v"), Type::Bigint);
    let overflow = seen.tables[0].columns.iter().find(|column| column.is_overflow).unwrap();
    assert_eq!((overflow.path.as_str(), overflow.name.as_str(), overflow.typed.kind), ("v#overflow", "v__overflow", Type::Jsonb));
}

#[test]
fn half_of_one_and_half_of_another_is_text() {
    assert_eq!(kind(&stream(&["{\"v\":1}", "{\"v\":\"x\"}"]), "v"), Type::Text);
}

#[test]
fn lists_become_child_tables_with_their_parent() {
    let seen = stream(&["{\"id\":1,\"items\":[{\"sku\":\"a\",\"tags\":[\"x\"]}]}", "{\"id\":2,\"items\":[]}"]);
    let tables: Vec<(&str, Option<&str>)> = seen.tables.iter().map(|table| (table.path.as_str(), table.parent.as_deref())).collect();
    assert_eq!(tables, [("", None), ("items", Some("things")), ("items[].tags", Some("things__items"))]);
    assert_eq!(kind(&seen, "items[].tags[]"), Type::Text);
}

#[test]
fn a_value_that_is_sometimes_a_list_is_a_child_table() {
    let seen = stream(&["{\"tags\":\"a\"}", "{\"tags\":[\"a\",\"b\"]}"]);
    assert!(seen.tables.iter().any(|table| table.path == "tags"));
}

#[test]
fn an_expandable_reference_keeps_its_id_and_its_object() {
    let seen = stream(&["{\"customer\":\"cus_1\"}", "{\"customer\":{\"id\":\"cus_2\"}}"]);
    let reference = seen.tables[0].columns.iter().find(|column| column.path == "customer").unwrap();
    assert!(reference.expandable);
    assert_eq!(kind(&seen, "customer.id"), Type::Text);
}

#[test]
fn objects_of_several_shapes_are_known_by_their_tag() {
    let seen = stream(&["{\"s\":{\"object\":\"card\",\"last4\":\"1\"}}", "{\"s\":{\"object\":\"bank\",\"routing\":\"2\"}}"]);
    assert_eq!(seen.tables[0].unions, [("s".to_owned(), "s.object".to_owned())]);
}

#[test]
fn keys_that_are_data_become_rows_and_keys_that_are_names_do_not() {
    let records: Vec<String> = (0..60)
        .map(|n| format!("{{\"by_day\":{{\"2024-01-{:02}\":{{\"n\":1}}}},\"meta\":{{\"color\":1,\"size\":2}}}}", n % 28 + 1))
        .collect();
    let seen = stream(&records.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(seen.tables.iter().any(|table| table.is_map && table.path == "by_day"));
    assert_eq!(kind(&seen, "meta.color"), Type::Bigint);
}

#[test]
fn names_that_differ_in_the_source_differ_in_the_table() {
    let seen =
        stream(&["{\"userId\":1,\"user_id\":2,\"UserID\":3,\"a.b\":4,\"a\":{\"b\":5},\"+1\":6,\"-1\":7,\"select\":8,\"\":9,\"ключ\":10}"]);
    let names: BTreeSet<&str> = seen.tables[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names.len(), 10, "{names:?}");
    assert!(names.contains("user_id") && names.contains("plus_1") && names.contains("minus_1"));
    assert!(!names.contains("select"));
}

#[test]
fn a_name_once_given_is_kept() {
    let first = names::assign(&["userId".to_owned()], &BTreeMap::new());
    let later = names::assign(&["userId".to_owned(), "user_id".to_owned()], &first);
    assert_eq!(later["userId"], "user_id");
    assert_ne!(later["user_id"], "user_id");
}

#[test]
fn texts_that_look_like_numbers_stay_text_in_json_and_codes_stay_text_in_csv() {
    assert_eq!(kind(&stream(&["{\"zip\":\"01234\"}"]), "zip"), Type::Text);
    let mut profile = Profile::untyped();
    profile.record(b"{\"zip\":\"01234\",\"n\":\"5\",\"price\":\"1.5\"}").unwrap();
    let seen = Stream::new("csv", profile);
    assert_eq!((kind(&seen, "zip"), kind(&seen, "n"), kind(&seen, "price")), (Type::Text, Type::Bigint, Type::Numeric));
}

proptest! {
    #[test]
    fn no_two_paths_get_one_name_and_every_name_fits(keys in prop::collection::btree_set("\\PC{0,80}", 1..12)) {
        let paths: Vec<String> = keys.iter().map(|key| path::key("", key)).collect();
        let names = names::assign(&paths, &BTreeMap::new());
        let distinct: BTreeSet<&String> = names.values().collect();
        prop_assert_eq!(distinct.len(), keys.len());
        for name in names.values() {
            prop_assert!(!name.is_empty() && name.len() <= 63, "{}", name);
        }
    }

    #[test]
    fn a_path_gives_its_keys_back(keys in prop::collection::vec("\\PC{0,10}", 1..5)) {
        let whole = keys.iter().fold(String::new(), |at, key| path::key(&at, key));
        if !keys[0].is_empty() {
            prop_assert_eq!(path::keys(&whole), keys);
        }
    }
}

#[test]
fn ten_thousand_paths_are_ten_thousand_columns_with_names_of_their_own() {
    let section = |at: usize| (0..100).map(|field| format!("\"field_{field}\":{at}")).collect::<Vec<_>>().join(",");
    let record = (0..100).map(|at| format!("\"section_{at}\":{{{}}}", section(at))).collect::<Vec<_>>().join(",");
    let record = format!("{{{record}}}");
    let stream = stream(&[&record, &record]);
    let names: BTreeSet<&str> = stream.tables[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((stream.tables.len(), stream.tables[0].columns.len(), names.len()), (1, 10_000, 10_000));
}

#[test]
fn a_long_id_under_a_name_with_a_word_of_time_is_no_time() {
    let mut profile = Profile::default();
    for n in 0..40_u64 {
        profile
            .record(format!("{{\"last_order_id\":{},\"last_at\":{}}}", 3_990_000_000_000 + n * 4_096, 1_600_000_000 + n).as_bytes())
            .unwrap();
    }
    let stream = Stream::new("customers", profile);
    let logical = |path: &str| stream.tables[0].columns.iter().find(|column| column.path == path).unwrap().typed.logical;
    assert_eq!(logical("last_order_id"), None);
    assert_eq!(logical("last_at"), Some(Logical::EpochSeconds));
}

#[test]
fn a_path_says_in_which_list_it_is() {
    assert_eq!(
        (path::list("id"), path::list("lines.data[].price.id"), path::list("a[].b[].c"), path::list("tags[]")),
        ("", "lines.data", "a[].b", "tags")
    );
    assert_eq!(path::list(r#""a[]\"[]"[].c"#), r#""a[]\"[]""#, "what is quoted is a key");
    assert_eq!(path::cut("a.b[].c[].d.e"), ["a.b", "c", "d.e"]);
    assert_eq!((path::cut("id"), path::cut("tags[]")), (vec!["id"], vec!["tags", ""]));
    assert!(path::is_in_map("a.b{}.c") && !path::is_in_map(r#""ä{}".c"#));
}
