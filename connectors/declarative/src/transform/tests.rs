#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    brackets::{self, Joined},
    piece::{Joints, Piece, Raw, Seen},
};

fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/transformations.json")).unwrap()
}

fn scope(reference: &Value) -> Scope {
    let part = |name: &str| Arc::new(reference[name].clone());
    Scope::new().with("config", part("config")).with("stream_slice", part("slice")).with("parameters", Arc::new(json!({})))
}

fn changed(node: &Value, record: &Value, scope: &mut Scope) -> Result<Value, String> {
    let transforms = Transform::load_all(Some(&json!([node])), "transformations").map_err(|problem| problem.to_string())?;
    apply_all(&transforms, record.clone(), scope).map_err(|fault| fault.to_string())
}

#[test]
fn every_record_becomes_what_the_reference_makes_of_it() {
    let reference = reference();
    let cases = reference["transformations"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let record = &reference["records"][usize::try_from(case[1].as_u64().unwrap()).unwrap()];
        let changed = changed(&case[0], record, &mut scope(&reference));
        if changed.as_ref().unwrap_or(&json!("FAILED")) != &case[2] {
            wrong.push(format!("{} of {record}\n  is {changed:?}\n  not {}", case[0], case[2]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 250);
}

#[test]
fn what_is_nested_as_deep_as_is_allowed_overflows_no_stack() {
    let deep = format!("{{\"id\":1,\"a\":{}1{}}}", "{\"a\":".repeat(498), "}".repeat(498));
    let changes = json!([
        {"type": "RemoveFields", "field_pointers": [["**", "b"]]},
        {"type": "AddFields", "fields": [{"path": ["c"], "value": "{{ record['id'] }}"}]},
        {"type": "KeysReplace", "old": "a", "new": "z"},
        {"type": "KeysToSnakeCase"},
        {"type": "DpathFlattenFields", "field_path": ["z"]},
        {"type": "FlattenFields"},
    ]);
    let record = crate::decode::json::parse(deep.as_bytes()).unwrap();
    let schema = json!({"properties": {"a": {"type": "string"}}});
    crate::normalize::Normalizer::new(&schema).normalize(&mut record.clone());
    let transforms = Transform::load_all(Some(&changes), "transformations").unwrap();
    let flat = apply_all(&transforms, record, &mut Scope::new()).unwrap();
    assert!(flat.is_object());
    let deeper = format!("{}1{}", "[".repeat(501), "]".repeat(501));
    assert!(crate::decode::json::parse(deeper.as_bytes()).is_err());
}

/// The record with its changes made in the bytes, where that can be, and with them made in the tree.
fn both_ways(nodes: &Value, record: &str, scope: &Scope) -> Option<(Result<String, Fault>, Result<String, Fault>)> {
    let transforms = Transform::load_all(Some(nodes), "transformations").ok()?;
    let splice = Splice::of(&transforms)?;
    let bytes = Bytes::from(record.to_owned());
    let mut joints = Joints::new();
    let joined = brackets::end_joined(&bytes, 0, splice.tails(), &mut joints);
    let Joined { end, seen, is_even } = joined.unwrap_or(Joined { end: 0, seen: Seen::UNKNOWN, is_even: false });
    let change = |range: Option<&Range<u32>>| {
        let mut splicer = splice.splicer(&joints);
        let changed = splicer.change(Raw { bytes: &bytes, seen }, range, &mut scope.clone())?;
        let text = splicer.written();
        Some(changed.map(|place| place.piece(&text)))
    };
    let walked = change(None)?;
    // The same by joints, where the record is whole.
    let joined = is_even.then(|| 0..u32::try_from(joints.len()).unwrap());
    let spliced = change(joined.as_ref()).filter(|_| end == bytes.len() && !seen.word)?;
    assert_eq!(spliced.as_ref().ok().map(|piece| &piece.bytes), walked.as_ref().ok().map(|piece| &piece.bytes));
    let tree = apply_all(&transforms, crate::decode::json::parse(record.as_bytes()).unwrap(), &mut scope.clone());
    let spelt = |piece: Piece| {
        let tree = crate::decode::json::parse(&piece).unwrap();
        let has_null = tree.as_object().is_some_and(|fields| fields.values().any(Value::is_null));
        assert!(piece.seen.null || !has_null, "a null in {piece:?} was not seen");
        assert!(piece.seen.escapes || !piece.contains(&b'\\'), "a backslash in {piece:?} was not seen");
        assert!(piece.seen.odd || piece.iter().all(|byte| matches!(byte, b' '..=b'~')), "something odd in {piece:?} was not seen");
        tree.to_string()
    };
    Some((spliced.map(spelt), tree.map(|tree| tree.to_string())))
}

#[test]
fn a_change_in_the_bytes_is_the_change_in_the_tree() {
    let reference = reference();
    let mut compared = 0;
    for case in reference["transformations"].as_array().unwrap() {
        let record = &reference["records"][usize::try_from(case[1].as_u64().unwrap()).unwrap()];
        for text in [record.to_string(), serde_json::to_string_pretty(record).unwrap()] {
            let Some((spliced, tree)) = both_ways(&json!([case[0]]), &text, &scope(&reference)) else { continue };
            assert_eq!(spliced, tree, "{} of {text}", case[0]);
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} could be made in the bytes");
}

#[test]
fn what_the_bytes_do_not_tell_is_left_to_the_tree() {
    let add = |value: &str| json!([{"type": "AddFields", "fields": [{"path": ["b"], "value": value}]}]);
    let is_left = |nodes: &Value, record: &str| both_ways(nodes, record, &Scope::new()).is_none();
    assert!(is_left(&add("{{ record }}"), "{}"), "all of the record is looked at");
    assert!(is_left(&add("{{ record.items() | length }}"), "{}"), "all of the record is looked at");
    assert!(is_left(&json!([{"type": "AddFields", "fields": [{"path": ["b", "c"], "value": "1"}]}]), "{}"), "it lies below the top");
    assert!(is_left(&json!([{"type": "RemoveFields", "field_pointers": [["b*"]]}]), "{}"), "a wildcard may mean several");
    assert!(is_left(&add("1"), r#"{"b":1,"b":2}"#), "of two fields of one name the last one counts");
    assert!(is_left(&add("1"), r#"{"a":NaN}"#) && is_left(&add("1"), r#"{"a":[{"c":-Infinity}]}"#), "that is no number of JSON");
    assert!(is_left(&add("1"), "[1]") && is_left(&add("1"), r#"{"a":1"#), "it is no object");
}

proptest! {
    #[test]
    fn whatever_a_record_holds_it_is_changed_alike_in_bytes_and_tree(
        values in proptest::collection::vec((0_usize..6, 0_usize..24), 0..7),
        steps in proptest::collection::vec((0_usize..6, 0_usize..11, 0_usize..8), 1..5),
        is_tight in any::<bool>(),
    ) {
        const NAMES: [&str; 6] = ["a", "b", "c", "a b", "\u{e9}\"", "d\\"];
        const VALUES: [&str; 24] = [
            "1", "-0.50", "1E5", "true", "null", "\"\"", "\"x\"", "\"5\"", "\"00123\"", "\"[1]\"", "\"True\"", "\"q\\\"\\u00e9\"",
            "\"\u{e9}\"", " [1, {\"a\": \"}\"}] ", "{\"a\": \"y\", \"a\": \"z\"}", "{ }",
            "0", "\"0\"", "\"000\"", "\"12 \"", "\"1_0\"", "\"123456789012345678\"", "\"1234567890123456789\"", "1234567890123456789",
        ];
        const TEMPLATES: [&str; 10] = [
            "{{ record['a'] }}", "{{ record.b }}", "{{ record['a']['a'] }}", "{{ record.get('c', 'none') }}", "{{ record['a b'] ~ '-' ~ record.a }}",
            "plain", "7", "{{ 'x' if record['c'] else record.b }}", "{{ record.b | string }}", "{{ record['c'] + 1 }}",
        ];
        const KINDS: [&str; 4] = ["string", "integer", "number", "boolean"];
        let [begin, colon, comma, end] = if is_tight { ["{", ":", ",", "}"] } else { ["{ ", ": ", " ,", " }"] };
        let fields = values.iter().map(|(name, value)| format!("{}{colon}{}", json!(NAMES[*name]), VALUES[*value]));
        let record = format!("{begin}{}{end}", fields.collect::<Vec<_>>().join(comma));
        let node = |(name, template, kind): &(usize, usize, usize)| match TEMPLATES.get(*template) {
            Some(template) => match KINDS.get(*kind) {
                Some(kind) => json!({"type": "AddFields", "fields": [{"path": [NAMES[*name]], "value": template, "value_type": kind}]}),
                None => json!({"type": "AddFields", "fields": [{"path": [NAMES[*name]], "value": template}]}),
            },
            None => json!({"type": "RemoveFields", "field_pointers": [[NAMES[*name]]]}),
        };
        let nodes = Value::Array(steps.iter().map(node).collect());
        if let Some((spliced, tree)) = both_ways(&nodes, &record, &Scope::new()) {
            prop_assert_eq!(spliced, tree);
        }
    }
}
