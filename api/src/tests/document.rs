//! The OpenAPI document is valid and whole.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::World;
use crate::{openapi, routes};

fn document() -> Value {
    serde_json::from_str(&crate::openapi_json().unwrap()).unwrap()
}

/// What OpenAPI 3.1 asks of a document, as far as this one uses it; its schemas are checked as JSON Schema 2020-12.
fn shape() -> Value {
    let response = json!({"type": "object", "required": ["description"]});
    let parameter = json!({
        "type": "object", "required": ["name", "in", "schema"],
        "properties": {"in": {"enum": ["path", "query", "header"]}},
        "if": {"properties": {"in": {"const": "path"}}}, "then": {"required": ["required"], "properties": {"required": {"const": true}}},
    });
    let operation = json!({
        "type": "object", "required": ["operationId", "responses", "summary", "tags"],
        "properties": {
            "parameters": {"type": "array", "items": parameter, "uniqueItems": true},
            "requestBody": {"type": "object", "required": ["content"]},
            "responses": {"type": "object", "minProperties": 1, "additionalProperties": response, "propertyNames": {"pattern": "^([1-5][0-9X]{2}|default)$"}},
        },
    });
    json!({
        "type": "object", "required": ["openapi", "info", "paths", "components"],
        "properties": {
            "openapi": {"pattern": "^3\\.1\\.\\d+$"},
            "info": {"required": ["title", "version"]},
            "paths": {
                "propertyNames": {"pattern": "^/"},
                "additionalProperties": {"type": "object", "propertyNames": {"enum": ["get", "put", "post", "delete", "patch"]}, "additionalProperties": operation},
            },
        },
    })
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = document();
    let validator = jsonschema::validator_for(&shape()).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        jsonschema::meta::validate(&with_draft(schema)).unwrap_or_else(|error| panic!("`{name}`: {error}"));
    }
}

fn with_draft(schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk<'a>(at: &'a Value, found: &mut Vec<&'a str>) {
        match at {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| walk(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document();
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "`{reference}` leads nowhere");
    }
}

#[test]
fn every_route_is_one_operation_of_the_document_and_every_operation_is_a_route() {
    let routes: Vec<&str> = routes::entries().iter().map(|entry| entry.operation).collect();
    let named: Vec<String> = openapi::named(&mut openapi::document()).into_iter().map(|named| named.operation).collect();
    let (routes, named): (BTreeSet<_>, BTreeSet<_>) = (routes.into_iter().collect(), named.iter().map(String::as_str).collect());
    assert_eq!(routes, named);
    assert_eq!(routes.len(), routes::entries().len(), "two routes have one name");
}

#[test]
fn every_part_of_a_path_is_a_parameter_that_is_explained() {
    for (path, item) in document()["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for part in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
                let parameter = operation["parameters"].as_array().unwrap().iter().find(|one| one["name"] == part && one["in"] == "path");
                assert_ne!(parameter.unwrap()["description"], "A part of the path.", "`{part}` of {path}");
            }
        }
    }
}

#[actix_web::test]
async fn the_document_and_the_pages_are_served_without_a_key_and_with_a_strict_policy() {
    let world = World::new().await;
    let served = world.get("/api/v1/openapi.json").send().await;
    assert_eq!(served.json(), document());
    for page in ["/", "/docs", "/console/app.js", "/docs/docs.js", "/console/style.css"] {
        let seen = world.get(page).send().await;
        assert_eq!(seen.status, 200, "{page}");
        let policy = seen.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(!seen.text.contains("https://") || !seen.text.contains("src=\"http"), "{page} loads something from elsewhere");
        assert!(
            !seen.text.contains("<script>") && !seen.text.contains(" style=\"") && !seen.text.contains(" onclick="),
            "{page} has something inline"
        );
    }
}
