//! Rows that come again and again, in batches large and small.
use std::collections::BTreeMap;

use super::{Bed, event, logged, on_each};
use crate::tables::{Deletes, RowQuery, TablePolicy};

#[test]
fn small_batches_over_known_rows_leave_the_newest_usable_state_of_each() {
    on_each(TablePolicy::default(), |bed| known_rows(bed, Deletes::Soft));
    on_each(TablePolicy { deletes: Deletes::Hard, ..TablePolicy::default() }, |bed| known_rows(bed, Deletes::Hard));
}

/// Batches of most of the records: newer and older states, deletions, states without a version, and now and then one that is no JSON.
fn known_rows(bed: &mut Bed, deletes: Deletes) {
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
            let body = if is_broken { "{".to_owned() } else { format!(r#"{{"n":{n},"list":[{{"of":{n}}}]}}"#) };
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
    let rows = bed.read().rows("shop_orders_list", &all).unwrap().rows;
    let found = rows.iter().map(|row| (row["_syncline_root_key"].as_str().unwrap().to_owned(), row["of"].as_u64().unwrap()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), wanted);
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
