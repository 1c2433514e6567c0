#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::organize::resolve::tests::people;

const FIELDS: [&str; 4] = ["first_name", "last_name", "date_of_birth", "email"];

fn rows() -> Vec<Row> {
    people().into_iter().map(|(id, values)| Row { id, values }).collect()
}

fn model() -> Model {
    static LEARNT: std::sync::LazyLock<Model> = std::sync::LazyLock::new(|| Model::learn_from(&FIELDS, &rows()));
    LEARNT.clone()
}

fn all_at_once(model: &Model, rows: Vec<Row>) -> Index {
    let mut index = Index::default();
    index.settle(model, 0, rows, Vec::new());
    index
}

/// The records that are one thing, without the ids of the things.
fn parts(index: &Index) -> Vec<Vec<RecordId>> {
    index.things().into_iter().map(|(_, records)| records).collect()
}

#[test]
fn settling_all_at_once_finds_what_a_whole_resolution_finds() {
    let index = all_at_once(&model(), rows());
    let right = parts(&index).iter().filter(|records| records.len() == 2 && records[0][1..] == records[1][1..]).count();
    assert!(right >= 34, "{right}");
}

#[test]
fn a_copy_that_comes_later_joins_the_thing_and_the_thing_keeps_its_id() {
    let model = model();
    let (copies, people): (Vec<Row>, Vec<Row>) = rows().into_iter().partition(|row| row.id.starts_with('c'));
    let mut index = all_at_once(&model, people);
    let before = index.things();
    let update = index.settle(&model, 1, copies[1..2].to_vec(), Vec::new());
    let [assigned] = update.assignments.as_slice() else { panic!("{:?}", update.assignments) };
    let (thing, _) = before.iter().find(|(_, records)| records[0] == "p1").unwrap();
    assert_eq!((assigned.record.as_str(), assigned.from, assigned.to), ("c1", None, *thing));
    assert!(update.merges.is_empty() && update.splits.is_empty() && update.emptied.is_empty());
    assert!(update.edges.iter().any(|edge| edge.confidence > 0.5 && !edge.why.is_empty()));
}

#[test]
fn a_record_that_comes_to_say_something_else_leaves_its_thing() {
    let model = model();
    let mut index = all_at_once(&model, rows());
    let other = Row { id: "c1".to_owned(), values: rows()[77].values.clone() };
    let update = index.settle(&model, 1, vec![other], Vec::new());
    let moved = update.assignments.iter().find(|assigned| assigned.record == "c1").unwrap();
    assert!(moved.from.is_some_and(|from| from != moved.to));
    let things = index.things();
    assert!(things.iter().any(|(thing, records)| *thing == moved.to && records.contains(&"p77".to_owned())));
    assert!(update.splits.iter().any(|split| Some(split.from) == moved.from));
}

#[test]
fn a_thing_whose_last_record_is_gone_is_emptied() {
    let model = model();
    let mut index = all_at_once(&model, rows());
    let (thing, records) = index.things().into_iter().find(|(_, records)| records.len() == 1).unwrap();
    let update = index.settle(&model, 1, Vec::new(), records.clone());
    assert_eq!((update.removed, update.emptied), (records, vec![thing]));
    assert!(index.things().iter().all(|(other, _)| *other != thing));
}

#[test]
fn a_model_survives_being_saved() {
    let (model, rows) = (model(), rows());
    let saved = serde_json::to_string(&model).unwrap();
    let read: Model = serde_json::from_str(&saved).unwrap();
    for row in &rows[..20] {
        assert_eq!(model.keys(row), read.keys(row));
        assert!((model.compare(row, &rows[181]).confidence - read.compare(row, &rows[181]).confidence).abs() < 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]
    #[test]
    fn portions_in_any_order_end_where_all_at_once_ends(
        order in Just((0..220_usize).collect::<Vec<_>>()).prop_shuffle(),
        sizes in prop::collection::vec(1..60_usize, 6),
        again in prop::collection::vec(0..220_usize, 0..20),
    ) {
        let (model, rows) = (model(), rows());
        let mut index = Index::default();
        let mut order = order.as_slice();
        for (at, size) in sizes.into_iter().chain([220]).enumerate() {
            let (portion, rest) = order.split_at(size.min(order.len()));
            order = rest;
            index.settle(&model, at as u64, portion.iter().map(|n| rows[*n].clone()).collect(), Vec::new());
        }
        // Leaving and coming back changes nothing either.
        let leaving: Vec<RecordId> = again.iter().map(|n| rows[*n].id.clone()).collect();
        index.settle(&model, 100, Vec::new(), leaving);
        index.settle(&model, 101, again.iter().map(|n| rows[*n].clone()).collect(), Vec::new());
        prop_assert_eq!(parts(&index), parts(&all_at_once(&model, rows)));
    }
}
