#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::Secrets;

#[test]
fn secrets_of_settings_and_answers_are_gone_in_every_spelling() {
    let schema = json!({"properties": {
        "key": {"type": "string", "airbyte_secret": true},
        "login": {"oneOf": [{"properties": {"password": {"airbyte_secret": true}}}]},
        "name": {"type": "string"},
    }});
    let settings = json!({"key": "a b&c\"d", "login": {"password": "hunter2"}, "name": "public"});
    let mut secrets = Secrets::of_settings(&schema, &settings);
    secrets.find_in(r#"{"auth": {"access_token": "tok-123"}}"#);
    let said = json!({"settings": settings, "url": "http://x/?key=a+b%26c%22d&name=public", "body": "{\"k\": \"a b&c\\\"d\", \"t\": \"tok-123\"}"});
    let text = secrets.taken_out(&said).to_string();
    for secret in ["a b&c", "a+b%26", "hunter2", "tok-123"] {
        assert!(!text.contains(secret), "`{secret}` still stands in {text}");
    }
    assert!(text.contains("public"));
}
