#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use serde_json::Value;

use super::Jwt;
use crate::{node::Node, template::Scope};

#[test]
fn tokens_are_the_same_as_those_that_the_reference_signs() {
    let table: Value = serde_json::from_str(include_str!("../../../tests/reference/web_tokens.json")).unwrap();
    for case in table["cases"].as_array().unwrap() {
        let jwt = Jwt::load(&Node::new(&case["node"], "auth")).unwrap();
        let scope = Scope::new().with("config", Arc::new(case["config"].clone()));
        let signed = jwt.signed(&scope, table["now"].as_i64().unwrap()).unwrap();
        let expected = case["token"].as_str().unwrap().trim_start_matches("JWT ");
        let said = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
        assert_eq!(said(&signed), said(expected), "{}", case["node"]);
        // A signature on a curve is another one each time.
        if case["node"]["algorithm"] != "ES256" {
            assert_eq!(signed, expected, "{}", case["node"]);
        }
        assert_eq!(signed.len(), expected.len());
    }
}

#[test]
fn a_key_that_cannot_be_used_is_not_shown() {
    let node = serde_json::json!({"type": "JwtAuthenticator", "algorithm": "RS256", "secret_key": "hunter2", "passphrase": ""});
    let fault = Jwt::load(&Node::new(&node, "auth")).unwrap().signed(&Scope::new(), 0).unwrap_err().to_string();
    assert!(fault.contains("`BEGIN`") && !fault.contains("hunter2"), "{fault}");
}
