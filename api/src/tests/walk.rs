//! Tries every operation of the document: without a key, with another tenant's key, with a role that is too low. A new operation is
//! tried by being there.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_store::Role;

use super::support::{CANARY, World};

/// What anybody may ask. Whoever adds to this list says so here.
const FOR_EVERYBODY: &[&str] = &["healthz", "readyz", "metrics", "receive_delivery", "answer_handshake"];

struct Operation {
    name: String,
    method: Method,
    path: String,
    role: Option<String>,
    has_body: bool,
    streams: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&crate::openapi_json().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push(Operation {
                name: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                role: operation["x-needed-role"].as_str().map(str::to_owned),
                has_body: operation.get("requestBody").is_some(),
                streams: operation["responses"]["200"]["content"].get("text/event-stream").is_some(),
            });
        }
    }
    assert!(found.len() > 30, "the document has only {} operations", found.len());
    found
}

impl Operation {
    fn path_for(&self, tenant: &str) -> String {
        let parts = [
            ("{tenant}", tenant),
            ("{integration}", "shop"),
            ("{connector}", "sample"),
            ("{job}", "0198c0de-0000-7000-8000-000000000000"),
            ("{stream}", "customers"),
            ("{record}", "00000000000000000000000000000000"),
            ("{table}", "sample_customers"),
            ("{key}", "000000000000"),
            ("{endpoint}", "we_0000000000000000000000000000000000000000"),
            ("{plan}", "1"),
            ("{entity}", "customer"),
            ("{row}", "0198c0de-0000-7000-8000-000000000000"),
        ];
        let path = parts.iter().fold(self.path.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!path.contains('{'), "the walk does not know a part of `{path}`");
        path
    }

    fn is_of_a_tenant(&self) -> bool {
        self.path.contains("{tenant}")
    }

    fn changes(&self) -> bool {
        self.method != Method::GET
    }
}

async fn tried(world: &World, operation: &Operation, tenant: &str, key: Option<&str>) -> (StatusCode, String) {
    let ask = world.ask(operation.method.clone(), &operation.path_for(tenant));
    let ask = if let Some(key) = key { ask.key(key) } else { ask };
    let ask = if operation.has_body { ask.json(&json!({})) } else { ask };
    if operation.streams {
        let answer = ask.open().await;
        if answer.status() == StatusCode::OK {
            return (StatusCode::OK, String::new());
        }
        return (answer.status(), String::new());
    }
    let seen = ask.send().await;
    (seen.status, seen.text)
}

#[actix_web::test]
async fn no_operation_is_done_without_a_key() {
    let world = World::inhabited().await;
    for operation in operations() {
        let (status, text) = tried(&world, &operation, "acme", None).await;
        if FOR_EVERYBODY.contains(&operation.name.as_str()) {
            assert_ne!(status, 401, "{}", operation.name);
            assert_eq!(operation.role, None, "{}", operation.name);
            continue;
        }
        assert_eq!(status, 401, "{}: {text}", operation.name);
        assert!(operation.role.is_some(), "{}", operation.name);
        let (status, text) = tried(&world, &operation, "acme", Some("sk_000000000000_wrong")).await;
        assert!(status == 401 || status == 429, "{}: {status} {text}", operation.name);
    }
}

#[actix_web::test]
async fn no_key_reaches_another_tenant_whatever_its_role() {
    let world = World::inhabited().await;
    for role in [Role::Viewer, Role::Operator, Role::Admin, Role::Owner] {
        let key = world.make_key(role, Some("globex")).await;
        for operation in operations().iter().filter(|operation| operation.is_of_a_tenant()) {
            let (status, text) = tried(&world, operation, "acme", Some(&key)).await;
            assert_eq!(status, 404, "{} as {}: {text}", operation.name, role.as_str());
            assert!(!text.contains("acme incorporated") && !text.contains("The shop"), "{}: {text}", operation.name);
            let (nobody, other) = tried(&world, operation, "nobody", Some(&key)).await;
            assert_eq!((nobody, without_id(&other)), (status, without_id(&text.replace("acme", "nobody"))), "{}", operation.name);
        }
    }
}

fn without_id(text: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    value.as_object_mut().map(|members| members.shift_remove("request_id"));
    value.to_string()
}

#[actix_web::test]
async fn listings_of_the_installation_show_a_tenants_key_its_own_tenant_only() {
    let world = World::inhabited().await;
    let key = world.make_key(Role::Owner, Some("globex")).await;
    for operation in operations().iter().filter(|operation| !operation.is_of_a_tenant() && !operation.changes() && !operation.streams) {
        let (_, text) = tried(&world, operation, "acme", Some(&key)).await;
        assert!(!text.contains("acme"), "{}: {text}", operation.name);
    }
}

#[actix_web::test]
async fn a_viewer_changes_nothing_and_a_role_that_is_too_low_is_told_which_one_is_needed() {
    let world = World::inhabited().await;
    let roles = [Role::Viewer, Role::Operator, Role::Admin, Role::Owner];
    let mut mutating = BTreeSet::new();
    for role in roles {
        let key = world.make_key(role, Some("acme")).await;
        for operation in operations().iter().filter(|operation| operation.role.is_some() && operation.is_of_a_tenant()) {
            let needed = operation.role.as_deref().unwrap();
            let is_too_low = roles.iter().find(|role| role.as_str() == needed).unwrap() > &role;
            if operation.changes() {
                mutating.insert(operation.name.clone());
                assert_ne!(needed, "viewer", "{} changes something", operation.name);
            }
            if is_too_low {
                let (status, text) = tried(&world, operation, "acme", Some(&key)).await;
                assert_eq!(status, 403, "{} as {}: {text}", operation.name, role.as_str());
                assert!(operation.streams || text.contains(&format!("\"needed_role\":\"{needed}\"")), "{text}");
            }
        }
    }
    assert!(mutating.len() > 8, "{mutating:?}");
}

#[actix_web::test]
async fn no_answer_to_an_owner_has_the_canary() {
    let world = World::inhabited().await;
    for operation in operations().iter().filter(|operation| !operation.streams && operation.method != Method::DELETE) {
        let (status, text) = tried(&world, operation, "acme", Some(&world.owner)).await;
        assert!(!text.contains(CANARY), "{}: {status} {text}", operation.name);
        assert!(status.as_u16() < 500, "{}: {status} {text}", operation.name);
    }
}
