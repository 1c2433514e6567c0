#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn made(case: &Value, reference: &Value) -> Result<Value, String> {
    let mut node = case[2].clone();
    node["schema_type_identifier"] = case[0].clone();
    let loader = DynamicSchema::load(&node, "schema_loader").map_err(|problem| problem.to_string())?;
    let scope = Scope::new().with("config", Arc::new(reference["config"].clone())).with("parameters", Arc::new(json!({})));
    let record = Some(&case[1]).filter(|record| !record.is_null());
    loader.schema(record, &scope).map(|mut schema| schema["properties"].take()).map_err(|fault| fault.to_string())
}

#[test]
fn a_description_becomes_the_schema_that_the_reference_makes_of_it() {
    let reference: Value = serde_json::from_str(include_str!("../../tests/reference/settings.json")).unwrap();
    let mut wrong = Vec::new();
    for case in reference["schemas"].as_array().unwrap() {
        let made = made(case, &reference);
        if made.as_ref().unwrap_or(&json!("FAILED")) != &case[3] {
            wrong.push(format!("{case}\n  is {made:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_schema_takes_other_fields_too() {
    let node = json!({"schema_type_identifier": {"key_pointer": ["name"]}});
    let schema = DynamicSchema::load(&node, "schema_loader").unwrap().schema(None, &Scope::new()).unwrap();
    let expected =
        json!({"$schema": "https://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": true, "properties": {}});
    assert_eq!(schema, expected);
}
