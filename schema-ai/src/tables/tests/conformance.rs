//! What every implementation of the port shows.
use std::collections::BTreeMap;

use super::{AT, Bed, event, logged, on_each, plain, tenant};
use crate::tables::{Compare, Deletes, Filter, RowQuery, TablePolicy, schema::Limits};

#[test]
fn a_record_becomes_a_row_with_typed_columns() {
    on_each(TablePolicy::default(), |bed| {
        bed.upsert(
            "1",
            r#"{"id":1,"name":"Ada","paid":true,"address":{"city":"Paris"},"tags":["a","b"],"at":"2024-01-02T03:04:05.678+02:00","day":"2024-02-29","uid":"0191f6f0-3f2e-7c3a-8a5b-0d6f1f6a2b3c"}"#,
        );
        let expected =
            ["id INTEGER", "name TEXT", "paid BOOLEAN", "address_city TEXT", "tags JSON", "at TIMESTAMP", "day DATE", "uid UUID"];
        assert_eq!(bed.columns("shop_orders"), expected);
        assert_eq!(
            bed.rows("shop_orders", &["id", "name", "paid", "address_city", "tags", "at", "day", "uid"]),
            [r#"1|Ada|true|Paris|["a","b"]|2024-01-02T03:04:05.678+02:00|2024-02-29|0191f6f0-3f2e-7c3a-8a5b-0d6f1f6a2b3c"#]
        );
    });
}

#[test]
fn p9_of_equal_versions_the_later_in_the_log_wins_and_a_late_one_changes_nothing() {
    on_each(TablePolicy::default(), |bed| {
        bed.write([event("orders", "1", Some(5), Some(r#"{"a":"first"}"#)), event("orders", "1", Some(5), Some(r#"{"a":"second"}"#))]);
        assert_eq!(bed.rows("shop_orders", &["a"]), ["second"]);
        let applied =
            bed.write([event("orders", "1", Some(5), Some(r#"{"a":"third"}"#)), event("orders", "1", Some(4), Some(r#"{"a":"late"}"#))]);
        assert_eq!((bed.rows("shop_orders", &["a"]), applied.outdated), (vec!["third".to_owned()], 1));
        bed.reopen();
        bed.write([event("orders", "1", Some(4), Some(r#"{"a":"late"}"#))]);
        assert_eq!(bed.rows("shop_orders", &["a"]), ["third"]);
    });
}

#[test]
fn p13_what_the_log_gives_twice_is_written_once_and_the_position_is_kept_with_the_rows() {
    on_each(TablePolicy::default(), |bed| {
        let log: Vec<_> = (1..=20).map(|n| logged(n, event("orders", &n.to_string(), None, Some(&format!(r#"{{"n":{n}}}"#))))).collect();
        bed.writer.apply(&log[..12]).unwrap();
        bed.reopen();
        assert_eq!(bed.writer.position().0.values().copied().collect::<Vec<_>>(), [12]);
        let applied = bed.writer.apply(&log[4..]).unwrap();
        assert_eq!((applied.events, applied.rows), (8, 8));
        assert_eq!(bed.read().count("shop_orders").unwrap(), (20, 20));
        assert_eq!(bed.read().position().unwrap().0.values().copied().collect::<Vec<_>>(), [20]);
    });
}

#[test]
fn p14_a_soft_deletion_keeps_the_row_and_says_when() {
    on_each(TablePolicy::default(), |bed| {
        bed.write([event("orders", "1", Some(1), Some(r#"{"a":[{"b":1}]}"#)), event("orders", "2", Some(1), Some("{}"))]);
        bed.write([event("orders", "1", Some(2), None), event("orders", "3", Some(2), None)]);
        assert_eq!(bed.read().count("shop_orders").unwrap(), (1, 3));
        assert_eq!(bed.read().count("shop_orders_a").unwrap(), (0, 1));
        let all = RowQuery { deleted: true, ..RowQuery::default() };
        let rows = bed.read().rows("shop_orders", &all).unwrap().rows;
        assert_eq!(rows[0]["_syncline_deleted_at"], AT);
        bed.write([event("orders", "1", Some(1), Some("{}"))]);
        assert_eq!(bed.read().count("shop_orders").unwrap(), (1, 3), "an older state does not bring it back");
        bed.write([event("orders", "1", Some(3), Some(r#"{"a":[{"b":2}]}"#))]);
        assert_eq!(bed.rows("shop_orders_a", &["b"]), ["2"]);
    });
}

#[test]
fn p14_a_hard_deletion_removes_the_row_and_an_older_state_does_not_bring_it_back() {
    on_each(TablePolicy { deletes: Deletes::Hard, ..TablePolicy::default() }, |bed| {
        bed.write([event("orders", "1", Some(5), Some(r#"{"a":[{"b":1}]}"#))]);
        bed.write([event("orders", "1", Some(6), None)]);
        bed.reopen();
        bed.write([event("orders", "1", Some(4), Some(r#"{"a":[{"b":1}]}"#))]);
        assert_eq!((bed.read().count("shop_orders").unwrap(), bed.read().count("shop_orders_a").unwrap()), ((0, 0), (0, 0)));
        bed.write([event("orders", "1", Some(7), Some(r#"{"a":[{"b":2}]}"#))]);
        assert_eq!(bed.rows("shop_orders_a", &["b"]), ["2"]);
    });
}

#[test]
fn p21_numbers_and_times_keep_every_digit() {
    on_each(TablePolicy::default(), |bed| {
        let body = r#"{"big":9223372036854775807,"bigger":99999999999999999999999999999.123456789,"us":"2024-01-01T00:00:00.123456Z","ns":"2024-01-01T00:00:00.123456789+05:30","zeros":"2024-01-01T00:00:00.100Z","far":"10000-01-01T00:00:00Z","scale":1.10,"whole":18446744073709551616,"small":-0.00001234}"#;
        bed.upsert("1", body);
        assert_eq!(
            bed.rows("shop_orders", &["big", "bigger", "us", "ns", "zeros", "far", "scale", "whole", "small"]),
            [
                "9223372036854775807|99999999999999999999999999999.123456789|2024-01-01T00:00:00.123456Z|2024-01-01T00:00:00.123456789+05:30|2024-01-01T00:00:00.100Z|10000-01-01T00:00:00Z|1.10|18446744073709551616|-0.00001234"
            ]
        );
    });
}

#[test]
fn p22_one_bad_record_is_set_aside_and_the_others_are_written() {
    on_each(TablePolicy::default(), |bed| {
        let mut events: Vec<_> = (0..40).map(|n| event("orders", &n.to_string(), None, Some(r#"{"a":1}"#))).collect();
        events[17] = event("orders", "17", None, Some(r#"{"a":NaN}"#));
        let applied = bed.write(events);
        assert_eq!((applied.rejected, applied.rows), (1, 39));
        let rejected = bed.writer.rejected(10).unwrap();
        assert_eq!(rejected.len(), 1);
        assert_eq!((rejected[0].1.key.clone().unwrap().as_str(), rejected[0].1.body.as_ref()), ("17", r#"{"a":NaN}"#.as_bytes()));
        bed.writer.mark_reported(&[rejected[0].0]).unwrap();
        assert!(bed.writer.rejected(10).unwrap().is_empty());
    });
}

#[test]
fn p24_new_columns_and_tables_leave_the_rest_alone() {
    on_each(TablePolicy::default(), |bed| {
        bed.upsert("1", r#"{"a":1}"#);
        bed.upsert("2", r#"{"a":2.5,"b":"x","items":[{"c":1}]}"#);
        bed.write([event("customers", "1", None, Some(r#"{"name":"Ada"}"#))]);
        assert_eq!(bed.rows("shop_orders", &["a", "b"]), ["1|null", "2.5|x"]);
        assert_eq!(bed.columns("shop_orders"), ["a DECIMAL", "b TEXT"]);
        let nullable: Vec<_> = bed.read().table("shop_orders").unwrap().columns.iter().map(|column| column.nullable).collect();
        assert_eq!(nullable, [false, true]);
    });
}

#[test]
fn p26_null_or_empty_first_and_nested_later_leaves_no_stray_column() {
    on_each(TablePolicy::default(), |bed| {
        bed.upsert("1", r#"{"id":1,"address":null,"items":[],"meta":{}}"#);
        bed.upsert("2", r#"{"id":2,"address":{"city":"Paris"},"items":[{"sku":"x"}],"meta":{"k":"v"}}"#);
        assert_eq!(bed.columns("shop_orders"), ["id INTEGER", "address_city TEXT", "meta_k TEXT"]);
        assert_eq!(bed.rows("shop_orders_items", &["_syncline_root_key", "sku"]), ["2|x"]);
    });
}

#[test]
fn a_column_widens_online_from_kind_to_kind_and_its_values_stay() {
    on_each(TablePolicy::default(), |bed| {
        let steps = [
            ("true", "\"x\"", "TEXT", ["true", "x"]),
            ("7", "18446744073709551616", "BIG_INTEGER", ["7", "18446744073709551616"]),
            ("7", "1.50", "DECIMAL", ["7", "1.50"]),
            ("1.50", "\"x\"", "TEXT", ["1.50", "x"]),
            ("\"2024-01-02T03:04:05.10+02:00\"", "\"x\"", "TEXT", ["2024-01-02T03:04:05.10+02:00", "x"]),
            ("\"2024-01-02T03:04:05.12Z\"", "\"2024-01-02\"", "TEXT", ["2024-01-02T03:04:05.12Z", "2024-01-02"]),
            ("\"2024-01-02T03:04:05Z\"", "[1]", "JSON", ["2024-01-02T03:04:05Z", "[1]"]),
            ("7", "[1]", "JSON", ["7", "[1]"]),
            ("\"a\\\"b\"", "[1]", "JSON", ["a\"b", "[1]"]),
        ];
        for (at, (first, second, kind, values)) in steps.into_iter().enumerate() {
            bed.write([event(&format!("s{at}"), "1", None, Some(&format!(r#"{{"v":{first}}}"#)))]);
            bed.write([event(&format!("s{at}"), "2", None, Some(&format!(r#"{{"v":{second}}}"#)))]);
            let table = format!("shop_s{at}");
            assert_eq!(bed.columns(&table), [format!("v {kind}")]);
            assert_eq!(bed.rows(&table, &["v"]), values);
        }
    });
}

#[test]
fn paths_beyond_the_column_limit_go_to_the_overflow_and_that_is_said_once() {
    let limits = Limits { columns_max: 3, ..Limits::default() };
    on_each(TablePolicy { limits, ..TablePolicy::default() }, |bed| {
        let applied = bed.upsert("1", r#"{"a":1,"b":2,"c":3,"d":1.10,"e":"x"}"#);
        bed.upsert("2", r#"{"a":1,"b":2,"c":3,"f":1}"#);
        assert_eq!(applied.overflow, 2);
        assert_eq!(bed.rows("shop_orders", &["_syncline_overflow"]), [r#"{"/d":1.10,"/e":"x"}"#, r#"{"/f":1}"#]);
        let said = bed.read().changes(100).unwrap();
        assert_eq!(said.iter().filter(|(_, change)| change.contains("_syncline_overflow")).count(), 1, "{said:?}");
    });
}

#[test]
fn half_a_surrogate_pair_and_a_zero_character_are_not_lost() {
    on_each(TablePolicy::default(), |bed| {
        bed.upsert("1", r#"{"a":"ok","b":"\ud800"}"#);
        bed.upsert("2", r#"{"a":"x\u0000y"}"#);
        let rows = bed.rows("shop_orders", &["a", "_syncline_overflow"]);
        assert_eq!(rows[0], r#"ok|{"/b":"\ud800"}"#);
        assert!(rows[1] == "x\0y|null" || rows[1] == "null|{\"/a\":\"x\\u0000y\"}", "{rows:?}");
    });
}

#[test]
fn lists_of_objects_become_child_tables_that_follow_their_parent() {
    on_each(TablePolicy::default(), |bed| {
        let order = |sku: &str| format!(r#"{{"line_items":[{{"sku":"{sku}","taxes":[{{"rate":0.2}},{{"rate":0.05}}]}},{{"sku":"z"}}]}}"#);
        bed.upsert("7", &order("x"));
        bed.upsert("7", &order("y"));
        assert_eq!(bed.rows("shop_orders_line_items", &["_syncline_parent_key", "_syncline_index", "sku"]), ["7|0|y", "7|1|z"]);
        assert_eq!(
            bed.rows("shop_orders_line_items_taxes", &["_syncline_root_key", "_syncline_parent_key", "rate"]),
            ["7|7[0]|0.2", "7|7[0]|0.05"]
        );
        bed.upsert("7", r#"{"line_items":[]}"#);
        assert_eq!(bed.read().count("shop_orders_line_items").unwrap(), (0, 0));
    });
}

#[test]
fn the_rows_of_lists_are_asked_for_by_the_records_that_they_are_of() {
    on_each(TablePolicy::default(), |bed| {
        // More than a page of rows in one record.
        let long = (0..1_200).map(|n| format!(r#"{{"n":{n}}}"#)).collect::<Vec<_>>().join(",");
        bed.upsert("1", &format!(r#"{{"items":[{long}]}}"#));
        bed.upsert("2", r#"{"items":[{"n":7},{"n":8}]}"#);
        bed.upsert("3", r#"{"items":[{"n":9}]}"#);
        bed.write([event("orders", "3", None, None)]);
        let of = |roots: &[&str]| {
            let roots: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
            let rows = bed.read().of_roots("shop_orders_items", &roots).unwrap();
            let mut found: Vec<String> = rows.iter().map(|row| format!("{} {}", plain(&row["_syncline_key"]), row["n"])).collect();
            found.sort();
            found
        };
        assert_eq!(of(&["1"]).len(), 1_200);
        assert_eq!(of(&["2", "3", "4"]), ["2[0] 7", "2[1] 8"]);
        assert!(bed.read().of_roots("shop_orders", &["2".to_owned()]).is_err(), "a stream's own table has no such rows");
    });
}

#[test]
fn names_that_are_long_reserved_or_differ_only_in_case_stay_apart() {
    on_each(TablePolicy::default(), |bed| {
        let long = "x".repeat(80);
        bed.upsert(
            "1",
            &format!(r#"{{"UserID":1,"userId":2,"user":3,"select":4,"ctid":5,"xmin":6,"{long}1":7,"{long}2":8,"_syncline_key":9,"é":10}}"#),
        );
        let columns = bed.read().table("shop_orders").unwrap().columns;
        let names: std::collections::BTreeSet<_> = columns.iter().map(|column| column.name.to_lowercase()).collect();
        assert_eq!((columns.len(), names.len()), (10, 10));
        assert!(names.iter().all(|name| name.len() <= 63), "{names:?}");
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(bed.rows("shop_orders", &names), ["1|2|3|4|5|6|7|8|9|10"]);
    });
}

#[test]
fn pages_follow_each_other_and_unknown_names_are_refused_with_a_hint() {
    on_each(TablePolicy::default(), |bed| {
        bed.write((0..25).map(|n| event("orders", &format!("{n:02}"), None, Some(&format!(r#"{{"n":{n},"status":"s{}"}}"#, n % 2)))));
        let read = bed.read();
        let (mut query, mut seen) = (RowQuery { rows_max: 10, ..RowQuery::default() }, Vec::new());
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
            filters: vec![Filter { column: column.to_owned(), compare, value: Some(value.to_owned()) }],
            ..RowQuery::default()
        };
        assert_eq!(read.rows("shop_orders", &filter("status", Compare::Is, "s1")).unwrap().rows.len(), 12);
        assert_eq!(read.rows("shop_orders", &filter("n", Compare::Above, "22")).unwrap().rows.len(), 2);
        assert!(read.rows("shop_orders", &filter("n", Compare::Is, "x")).is_err());
        let error = read.rows("shop_orders", &filter("statsu", Compare::Is, "x")).unwrap_err();
        assert_eq!(error.to_string(), "table `shop_orders` has no column `statsu` (did you mean `status`?)");
        assert!(read.rows("shop_orders; DROP TABLE shop_orders", &RowQuery::default()).is_err());
    });
}

#[test]
fn a_reader_that_stays_open_sees_the_tables_and_columns_made_since() {
    on_each(TablePolicy::default(), |bed| {
        bed.upsert("1", r#"{"a":1}"#);
        let reader = bed.read();
        let seen = |table: &str| {
            let names: Vec<String> = reader.table(table).unwrap().columns.into_iter().map(|column| column.name).collect();
            (names, reader.rows(table, &RowQuery::default()).unwrap().rows.len())
        };
        assert_eq!((seen("shop_orders"), seen("shop_orders")), ((vec!["a".to_owned()], 1), (vec!["a".to_owned()], 1)));
        bed.upsert("2", r#"{"a":2,"b":"new","list":[{"c":1}]}"#);
        let own = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!((seen("shop_orders"), seen("shop_orders_list")), ((own, 2), (vec!["c".to_owned()], 1)));
        let rows = reader.rows("shop_orders", &RowQuery::default()).unwrap().rows;
        assert_eq!((rows[0]["b"].as_str(), rows[1]["b"].as_str()), (None, Some("new")));
    });
}

#[test]
fn the_schema_is_the_same_after_opening_again() {
    on_each(TablePolicy::default(), |bed| {
        bed.upsert("1", r#"{"a":{"b/c":"2024-01-01T00:00:00Z"},"":1,"x":[{"y":[{"z":1}]}]}"#);
        let before = bed.read().tables().unwrap();
        bed.reopen();
        let applied = bed.upsert("2", r#"{"a":{"b/c":"2024-01-01T00:00:01Z"},"":2,"x":[{"y":[{"z":2}]}]}"#);
        assert_eq!(applied.schema_changes, 0);
        assert_eq!(bed.read().tables().unwrap(), before);
    });
}

#[test]
fn two_writers_of_one_tenant_write_every_event_once() {
    on_each(TablePolicy::default(), |bed| {
        let mut second = bed.home.writer(&tenant("acme"), TablePolicy::default()).unwrap();
        let log: Vec<_> = (1..=30).map(|n| logged(n, event("orders", &n.to_string(), None, Some(&format!(r#"{{"n{n}":{n}}}"#))))).collect();
        let mut events = 0;
        for (at, part) in log.chunks(5).enumerate() {
            let writer = if at % 2 == 0 { &mut bed.writer } else { &mut second };
            events += writer.apply(&log[..5 * at]).unwrap().events;
            events += writer.apply(part).unwrap().events;
        }
        assert_eq!((events, bed.read().count("shop_orders").unwrap()), (30, (30, 30)));
    });
}

#[test]
fn a_large_batch_leaves_what_its_events_leave_one_after_the_other() {
    on_each(TablePolicy::default(), |bed| large_batch(bed, Deletes::Soft));
    on_each(TablePolicy { deletes: Deletes::Hard, ..TablePolicy::default() }, |bed| large_batch(bed, Deletes::Hard));
}

/// More events than are written at once, of records that come again and again, late, deleted, with lists, and with fields that some of
/// them have and others have not. Before it, some of the records have rows.
fn large_batch(bed: &mut Bed, deletes: Deletes) {
    let keys = 160;
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut expected: BTreeMap<String, (i128, Option<u64>)> = BTreeMap::new();
    let mut log = Vec::new();
    for n in 1..=12_000_u64 {
        let (key, version) = (random(keys).to_string(), i128::from(n / 30 + random(200)));
        let is_deleted = random(10) == 0;
        let late = if n % 3_000 == 0 { format!(r#","late_{n}":true"#) } else { String::new() };
        let body = format!(r#"{{"n":{n},"list":[{{"of":{n}}},{{"of":"{key}"}}]{late}}}"#);
        let mut one = logged(n, event("orders", &key, Some(version), (!is_deleted).then_some(&body)));
        one.committed += jiff::SignedDuration::from_secs(i64::try_from(n).unwrap());
        log.push(one);
        let known = expected.entry(key).or_insert((i128::MIN, None));
        if version >= known.0 {
            *known = (version, (!is_deleted).then_some(n));
        }
    }
    bed.writer.apply(&log[..300]).unwrap();
    let all = RowQuery { rows_max: 1_000, deleted: true, ..RowQuery::default() };
    let first_seen = |bed: &Bed| {
        let rows = bed.read().rows("shop_orders", &all).unwrap().rows;
        rows.into_iter().map(|row| (row["_syncline_key"].to_string(), row["_syncline_first_seen"].to_string())).collect::<BTreeMap<_, _>>()
    };
    let before = first_seen(bed);
    bed.writer.apply(&log[300..]).unwrap();
    let live = |table: &str| {
        let rows = bed.read().rows(table, &RowQuery { rows_max: 1_000, ..RowQuery::default() }).unwrap().rows;
        rows.into_iter().map(|row| (row["_syncline_key"].as_str().unwrap().to_owned(), row)).collect::<BTreeMap<_, _>>()
    };
    let found: BTreeMap<String, u64> = live("shop_orders").into_iter().map(|(key, row)| (key, row["n"].as_u64().unwrap())).collect();
    let wanted: BTreeMap<String, u64> = expected.iter().filter_map(|(key, (_, n))| Some((key.clone(), (*n)?))).collect();
    assert_eq!(found, wanted);
    let lists: Vec<String> = live("shop_orders_list").into_keys().collect();
    let mut wanted: Vec<String> = wanted.keys().flat_map(|key| [format!("{key}[0]"), format!("{key}[1]")]).collect();
    wanted.sort();
    assert_eq!(lists, wanted);
    if deletes == Deletes::Soft {
        let after = first_seen(bed);
        assert!(before.iter().all(|(key, first)| after[key] == *first), "a row has forgotten when it was first seen");
        assert_eq!(after.len(), expected.len());
    }
    bed.reopen();
    assert_eq!(bed.writer.apply(&log).unwrap().events, 0);
}
