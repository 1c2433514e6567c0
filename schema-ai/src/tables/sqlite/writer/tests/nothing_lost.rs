//! Whatever shape the records have, and however it changes between them, every value is in the tables.
use proptest::prelude::*;
use serde_json::Value;

use super::{Bench, event};
use crate::tables::{TablePolicy, TableReader, schema::Limits};

/// Scalars that are found again by their text.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[1-9][0-9]{19,25}(\\.[0-9]{1,5})?".prop_map(|text| serde_json::from_str(&text).unwrap()),
        "[a-z]{6,8}".prop_map(Value::String),
        (1990..2050, 1..13, 1..29).prop_map(|(y, m, d)| Value::String(format!("{y}-{m:02}-{d:02}T00:00:00Z"))),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    let any_value = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map("[abAB_/~ é]{0,3}", inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[abAB_/]{0,2}", any_value, 0..5).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found.push(number.to_string()),
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, found)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_value_is_somewhere_in_the_tables(documents in proptest::collection::vec(document(), 1..8), small: bool, batch in 1_usize..4) {
        let limits = if small { Limits { columns_max: 4, depth_max: 2, children_max: 1 } } else { Limits::default() };
        let mut bench = Bench::with(TablePolicy { limits, ..TablePolicy::default() });
        let events: Vec<_> =
            documents.iter().enumerate().map(|(at, body)| event("orders", &at.to_string(), None, Some(&body.to_string()))).collect();
        for part in events.chunks(batch) {
            prop_assert_eq!(bench.write(part.to_vec()).rejected, 0);
        }
        let mut dump = String::new();
        for table in bench.read().tables().unwrap() {
            dump.push_str(&bench.sql(&format!("SELECT * FROM {}", table.name)).join("\n"));
        }
        let mut expected = Vec::new();
        for document in &documents {
            leaves(document, &mut expected);
        }
        for leaf in expected {
            prop_assert!(dump.contains(&leaf), "`{}` is lost: {}", leaf, dump);
        }
    }
}
