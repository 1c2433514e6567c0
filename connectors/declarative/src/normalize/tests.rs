#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::*;

/// Numbers are the same if they are the same double and are both whole or both not.
fn same(one: &Value, other: &Value) -> bool {
    let is_float = |number: &Number| number.to_string().contains(['.', 'e', 'E']);
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || (is_float(one) == is_float(other) && one.as_f64() == other.as_f64()),
        (Value::Array(one), Value::Array(other)) => one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other)),
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

#[test]
fn every_record_is_normalized_as_the_reference_does() {
    let reference: Value = serde_json::from_str(include_str!("../../tests/reference/transformations.json")).unwrap();
    let cases = reference["normalizations"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let record = &reference["values"][usize::try_from(case[1].as_u64().unwrap()).unwrap()];
        let mut made = record.clone();
        Normalizer::new(&case[0]).normalize(&mut made);
        for (name, expected) in case[2].as_object().unwrap() {
            if !same(&made[name], expected) {
                wrong.push(format!("{} of {}: is {} not {expected}", case[0]["properties"][name], record[name], made[name]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases.len() > 25);
}

#[test]
fn a_number_keeps_its_digits() {
    let schema = json!({"properties": {"n": {"type": "number"}, "i": {"type": "integer"}}});
    let mut record: Value =
        serde_json::from_str(r#"{"n": 123456789012345678901234567890.10, "i": 123456789012345678901234567890}"#).unwrap();
    Normalizer::new(&schema).normalize(&mut record);
    assert_eq!(record.to_string(), r#"{"n":123456789012345678901234567890.10,"i":123456789012345678901234567890}"#);
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    let schema = json!({"$ref": "#"});
    let mut record = json!({"a": 1});
    Normalizer::new(&schema).normalize(&mut record);
    assert_eq!(record, json!({"a": 1}));
}
