//! Rows that come again and again, in batches large and small.
use std::collections::BTreeMap;

use super::{Bed, event, logged, on_each};
use crate::tables::{Deletes, RowQuery, TablePolicy};

#[test]
fn small_batches_over_known_rows_leave_the_newest_usable_state_of_each() {
    for has_lists in [true, false] {
        on_each(TablePolicy::default(), |bed| known_rows(bed, Deletes::Soft, has_lists));
        on_each(TablePolicy { deletes: Deletes::Hard, ..TablePolicy::default() }, |bed| known_rows(bed, Deletes::Hard, has_lists));
    }
}

/// Batches of most of the records: newer and older states, deletions, states without a version, and now and then one that is no JSON.
fn known_rows(bed: &mut Bed, deletes: Deletes, has_lists: bool) {
    let mut state = 11_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut expected: BTreeMap<String, (Option<i128>, Option<u64>)> = BTreeMap::new();
    let (mut rejected, mut n) = (0, 0);
    for round in 0..12_u64 {
        let mut batch = Vec::new();
        for key in 0..60_u64 {
            n += 1;
            let version = (random(9) > 0).then(|| i128::from(round * 10 + random(12)));
            let (is_deleted, is_broken) = (random(25) == 0, round > 3 && random(40) == 0);
            let lists = if has_lists { format!(r#","list":[{{"of":{n}}}]"#) } else { String::new() };
            let body = if is_broken { "{".to_owned() } else { format!(r#"{{"n":{n}{lists}}}"#) };
            batch.push(logged(n, event("orders", &key.to_string(), version, (!is_deleted).then_some(&body))));
            let known = expected.entry(key.to_string()).or_default();
            if matches!((known.0, version), (Some(known), Some(new)) if new < known) {
                continue;
            }
            if is_broken && !is_deleted {
                rejected += 1;
                continue;
            }
            *known = (known.0.max(version), (!is_deleted).then_some(n));
        }
        let applied = bed.writer.apply(&batch).unwrap();
        assert_eq!(applied.events, 60);
    }
    let wanted: BTreeMap<String, u64> = expected.into_iter().filter_map(|(key, (_, n))| Some((key, n?))).collect();
    let all = RowQuery { rows_max: 1_000, ..RowQuery::default() };
    let rows = bed.read().rows("shop_orders", &all).unwrap().rows;
    let found = rows.iter().map(|row| (row["_syncline_key"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), wanted);
    if has_lists {
        let rows = bed.read().rows("shop_orders_list", &all).unwrap().rows;
        let found = rows.iter().map(|row| (row["_syncline_root_key"].as_str().unwrap().to_owned(), row["of"].as_u64().unwrap()));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), wanted);
    }
    assert_eq!((rejected >= 5, bed.writer.rejected(1_000).unwrap().len()), (true, rejected));
    assert!(deletes == Deletes::Soft || bed.read().count("shop_orders").unwrap().1 == wanted.len() as u64);
}

#[test]
fn a_batch_of_many_large_records_with_lists_arrives_whole_and_so_does_the_next_state_of_it() {
    on_each(TablePolicy::default(), |bed| {
        let count = 2_200;
        for version in 1..=3_usize {
            let body = |n: usize| {
                let (text, seen) = ("x".repeat(n % 997), n + version);
                format!(r#"{{"n":{seen},"text":"{text}","list":[{{"of":{seen},"note":"{text}"}},{{"of":{seen}}}]}}"#)
            };
            let keys = 0..count;
            bed.write(keys.map(|n| event("orders", &n.to_string(), Some(version as i128), Some(&body(n)))));
            let read = bed.read();
            assert_eq!(read.count("shop_orders").unwrap().0, count as u64);
            assert_eq!(read.count("shop_orders_list").unwrap().0, 2 * count as u64);
            let (mut sum, mut bytes, mut cursor) = (0, 0, None);
            loop {
                let page = read.rows("shop_orders", &RowQuery { rows_max: 1_000, cursor, ..RowQuery::default() }).unwrap();
                sum += page.rows.iter().map(|row| row["n"].as_u64().unwrap()).sum::<u64>();
                bytes += page.rows.iter().map(|row| row["text"].as_str().unwrap().len()).sum::<usize>();
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(sum, (0..count).map(|n| (n + version) as u64).sum::<u64>());
            assert_eq!(bytes, (0..count).map(|n| n % 997).sum::<usize>());
        }
    });
}

/// A batch: numbers of records, the version of all of them, and what each of them says.
fn states(keys: std::ops::Range<u64>, version: i128, says: &str) -> impl Iterator<Item = syncline_model::Event> {
    keys.map(move |n| event("orders", &n.to_string(), Some(version), Some(&format!(r#"{{"says":"{says}","n":{n}}}"#))))
}

/// What the records say.
fn said(bed: &Bed) -> BTreeMap<String, u64> {
    let all = RowQuery { rows_max: 1_000, ..RowQuery::default() };
    let rows = bed.read().rows("shop_orders", &all).unwrap().rows;
    let mut said = BTreeMap::new();
    rows.iter().for_each(|row| *said.entry(row["says"].as_str().unwrap().to_owned()).or_default() += 1);
    said
}

fn counts<const N: usize>(of: [(&str, u64); N]) -> BTreeMap<String, u64> {
    of.into_iter().map(|(says, count)| (says.to_owned(), count)).collect()
}

#[test]
fn rows_that_are_new_or_newer_among_familiar_ones_are_added_or_stay() {
    on_each(TablePolicy::default(), |bed| {
        bed.write(states(0..100, 1, "first"));
        bed.write(states(0..100, 5, "second"));
        bed.write(states(90..100, 9, "newest"));
        // Somebody opens the tables anew and knows no key; most are there the first time, and are taken for it the second time.
        bed.reopen();
        bed.write(states(0..60, 6, "third"));
        let applied = bed.write(states(40..120, 7, "fourth"));
        assert_eq!((applied.events, applied.rows, applied.outdated), (80, 70, 10));
        assert_eq!(said(bed), counts([("third", 40), ("fourth", 70), ("newest", 10)]));
        // The older ones still belong to their records, and the version that was there stays with a state that has none.
        let unversioned = (0..80).map(|n| event("orders", &n.to_string(), None, Some(r#"{"says":"unversioned","n":1}"#)));
        assert_eq!(bed.write(unversioned).rows, 80);
        let applied = bed.write(states(0..80, 6, "late"));
        assert_eq!((applied.rows, applied.outdated), (40, 40));
        assert_eq!(said(bed), counts([("late", 40), ("unversioned", 40), ("fourth", 30), ("newest", 10)]));
    });
}

#[test]
fn an_older_state_of_a_familiar_record_makes_and_widens_no_column_and_is_not_set_aside() {
    for late in [r#"{"n":"seven"}"#, r#"{"n":7,"other":1}"#, "{"] {
        on_each(TablePolicy::default(), |bed| {
            for version in 1..=3 {
                bed.write(states(0..50, version * 10, "known"));
            }
            let columns = bed.columns("shop_orders");
            let mut batch: Vec<_> = states(0..50, 40, "known").collect();
            batch[7] = event("orders", "7", Some(1), Some(late));
            let applied = bed.write(batch);
            assert_eq!((applied.rows, applied.outdated, applied.rejected, applied.schema_changes), (49, 1, 0, 0), "{late}");
            assert_eq!(bed.columns("shop_orders"), columns);
            let known = bed.rows("shop_orders", &["_syncline_key", "n", "_syncline_version"]);
            assert!(known.contains(&"7|7|30".to_owned()), "{known:?}");
            // What follows is written as before.
            let applied = bed.write(states(0..50, 50, "after"));
            assert_eq!((applied.rows, said(bed)), (50, counts([("after", 50)])));
        });
    }
}
