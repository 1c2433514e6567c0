#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use serde_json::json;

use super::*;

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
