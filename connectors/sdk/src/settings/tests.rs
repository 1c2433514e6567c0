#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::{misfits, problems};

fn schema() -> serde_json::Value {
    json!({"type": "object", "required": ["api_key"], "properties": {"api_key": {"type": "string", "airbyte_secret": true, "minLength": 3}, "organization": {"type": "object", "properties": {"id": {"type": "integer"}}}}})
}

#[test]
fn a_misspelt_setting_is_refused_by_name_with_the_nearest_one() {
    let found = problems(&schema(), &json!({"api_key": "abc", "orgnization": {}}));
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["`/orgnization`: unknown setting `orgnization` (did you mean `organization`?)"]
    );
}

#[test]
fn every_mistake_is_told_at_once_with_its_path_and_without_its_value() {
    let found = problems(&schema(), &json!({"api_key": "xy", "organization": {"id": "hunter2"}}));
    let paths: Vec<_> = found.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/api_key", "/organization/id"]);
    assert!(found.iter().all(|problem| !problem.why.contains("hunter2") && !problem.why.contains("xy")), "{found:?}");
}

#[test]
fn a_misfit_is_what_json_schema_refuses_and_not_an_unknown_name_or_a_format() {
    let mut schema = schema();
    schema["properties"]["since"] = json!({"type": "string", "format": "date"});
    assert_eq!(misfits(&schema, &json!({"api_key": "abc", "orgnization": {}, "since": "yesterday"})), []);
    let mut found = misfits(&schema, &json!({"organization": {"id": "hunter2"}}));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(found.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(), ["", "/organization/id"]);
    assert_eq!(misfits(&json!({"type": "str"}), &json!({})), []);
}
