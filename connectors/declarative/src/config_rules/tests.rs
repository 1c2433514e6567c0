#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::*;

fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/settings.json")).unwrap()
}

fn rules(rules: &Value) -> Result<ConfigRules, String> {
    ConfigRules::load(&json!({"config_normalization_rules": rules}), "spec").map_err(|problem| problem.to_string())
}

#[test]
fn settings_are_changed_as_the_reference_changes_them() {
    let reference = reference();
    let mut wrong = Vec::new();
    for case in reference["changes"].as_array().unwrap() {
        let mut settings = reference["settings"].clone();
        let made = rules(&json!({"transformations": [case[0]]})).and_then(|rules| {
            rules.transform(&mut settings).map_err(|fault| fault.to_string())?;
            Ok(settings)
        });
        if made.as_ref().unwrap_or(&json!("FAILED")) != &case[1] {
            wrong.push(format!("{}\n  is {made:?}\n  not {}", case[0], case[1]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn settings_are_checked_as_the_reference_checks_them() {
    let reference = reference();
    for case in reference["checks"].as_array().unwrap() {
        let valid = rules(&json!({"validations": [case[0]]})).unwrap().validate(&reference["settings"]);
        assert_eq!(valid.is_ok(), case[1] == "VALID", "{}: {valid:?}", case[0]);
    }
}

#[test]
fn a_migration_says_whether_it_changed_anything() {
    let migration = json!({"type": "ConfigRemapField", "field_path": ["region"], "map": {"EU": "eu"}});
    let rules = rules(&json!({"config_migrations": [{"type": "ConfigMigration", "transformations": [migration]}]})).unwrap();
    let mut settings = json!({"region": "EU"});
    assert!(rules.migrate(&mut settings).unwrap());
    assert_eq!(settings, json!({"region": "eu"}));
    assert!(!rules.migrate(&mut settings).unwrap());
}

#[test]
fn a_check_tells_the_place_and_no_value() {
    let check = json!({"type": "DpathValidator", "field_path": ["auth"], "validation_strategy": {
        "type": "ValidateAdheresToSchema", "base_schema": {"properties": {"token": {"maxLength": 3}}}}});
    let fault = rules(&json!({"validations": [check]})).unwrap().validate(&json!({"auth": {"token": "hidden"}})).unwrap_err();
    assert_eq!(fault.to_string(), "the setting `auth` does not fit what the connector asks of it at `/token`: `maxLength`");
}

#[test]
fn rules_that_cannot_be_run_are_refused_by_name() {
    let problem = |given: &Value| rules(given).unwrap_err();
    assert!(problem(&json!({"transformations": [{"type": "ConfigAddField"}]})).contains("did you mean `ConfigAddFields`?"));
    assert!(problem(&json!({"validations": [{"type": "DpathValidator", "field_path": []}]})).contains("`field_path` is empty"));
    assert!(
        problem(&json!({"transformations": [{"type": "ConfigRemapField", "field_path": ["a"], "map": "{{ x }}"}]}))
            .contains("a map of values is missing")
    );
    assert_eq!(ConfigRules::load(&json!({}), "spec").unwrap().validate(&json!({})), Ok(()));
}
