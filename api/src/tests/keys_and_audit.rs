//! Keys, who did what, and what is refused before anything is done.

use serde_json::{Value, json};
use syncline_store::Role;

use super::support::{World, integration};

#[actix_web::test]
async fn a_key_is_made_shown_once_used_and_revoked() {
    let world = World::inhabited().await;
    let made = world.post("/api/v1/keys").key(&world.owner).json(&json!({"name": "ci", "role": "operator", "tenant": "acme"})).send().await;
    assert_eq!(made.status, 201, "{}", made.text);
    let text = made.json()["text"].as_str().unwrap().to_owned();
    let me = world.get("/api/v1/whoami").key(&text).send().await;
    assert_eq!((&me.json()["role"], &me.json()["tenant"]), (&"operator".into(), &"acme".into()));
    let listed = world.get("/api/v1/keys").key(&world.owner).send().await;
    assert!(!listed.text.contains(&text) && listed.json()["items"].as_array().unwrap().len() == 2);
    let path = made.header("location");
    assert!(world.get(&path).key(&world.owner).send().await.json()["revoked"].is_null());
    assert_eq!(world.delete(&path).key(&world.owner).send().await.status, 200);
    assert_eq!(world.get("/api/v1/whoami").key(&text).send().await.code(), "unauthenticated");
}

#[actix_web::test]
async fn the_text_of_a_key_is_not_kept_for_a_request_that_is_repeated() {
    let world = World::new().await;
    let ask = || {
        world.post("/api/v1/keys").key(&world.owner).header("idempotency-key", "once").json(&json!({"name": "ci", "role": "viewer"})).send()
    };
    assert_eq!(ask().await.status, 201);
    let again = ask().await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "already_done".to_owned()));
}

#[actix_web::test]
async fn an_owner_of_one_tenant_makes_and_sees_keys_of_that_tenant_only() {
    let world = World::inhabited().await;
    let owner = world.make_key(Role::Owner, Some("acme")).await;
    let make = |tenant: Value| world.post("/api/v1/keys").key(&owner).json(&json!({"name": "n", "role": "owner", "tenant": tenant})).send();
    assert_eq!(make("acme".into()).await.status, 201);
    assert_eq!(make("globex".into()).await.status, 404);
    assert_eq!(make(Value::Null).await.code(), "scope_too_narrow");
    let foreign =
        world.post("/api/v1/keys").key(&world.owner).json(&json!({"name": "n", "role": "viewer", "tenant": "globex"})).send().await;
    assert_eq!(world.delete(&foreign.header("location")).key(&owner).send().await.status, 404);
    let listed = world.get("/api/v1/keys").key(&owner).send().await.json();
    assert!(listed["items"].as_array().unwrap().iter().all(|key| key["tenant"] == "acme"), "{listed}");
    assert_eq!(world.post("/api/v1/tenants").key(&owner).json(&json!({"id": "new"})).send().await.code(), "scope_too_narrow");
}

#[actix_web::test]
async fn what_was_changed_is_in_the_audit_chain_and_what_was_refused_is_not() {
    let world = World::inhabited().await;
    let viewer = world.make_key(Role::Viewer, Some("acme")).await;
    world.post("/api/v1/tenants/acme/integrations/shop/pause").key(&viewer).send().await;
    world.patch("/api/v1/tenants/acme/integrations/shop").key(&world.owner).json(&json!({"title": "T"})).send().await;
    let audit = world.get("/api/v1/audit").key(&world.owner).send().await.json();
    let said: Vec<(&str, &str)> =
        audit["items"].as_array().unwrap().iter().map(|act| (act["what"].as_str().unwrap(), act["target"].as_str().unwrap())).collect();
    assert_eq!(
        said,
        [
            ("change_integration", "/tenants/acme/integrations/shop"),
            ("create_integration", "/tenants/globex/integrations/shop"),
            ("create_integration", "/tenants/acme/integrations/shop"),
        ]
    );
    let checked = world.get("/api/v1/audit/verify").key(&world.owner).send().await.json();
    assert_eq!((&checked["whole"], &checked["entries"]), (&true.into(), &3.into()));
    let admin = world.make_key(Role::Admin, Some("globex")).await;
    let own = world.get("/api/v1/audit").key(&admin).send().await.json();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn wrong_keys_are_limited_and_a_right_one_always_passes() {
    let world = World::new().await;
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(world.get("/api/v1/whoami").key("sk_000000000000_guess").send().await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[39]), (401, 429));
    assert_eq!(world.get("/api/v1/whoami").key(&world.owner).send().await.status, 200);
}

#[actix_web::test]
async fn a_body_that_is_too_large_is_refused_and_never_read_for_a_caller_who_may_not() {
    let world = World::inhabited().await;
    let large = "x".repeat(5 * 1024 * 1024);
    let refused = world.post("/api/v1/tenants").key(&world.owner).body(large.clone()).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (413, "too_large".to_owned()));
    assert_eq!(world.post("/api/v1/tenants").body(large).send().await.status, 401);
}

#[actix_web::test]
async fn every_answer_has_an_id_and_refusals_say_it() {
    let world = World::new().await;
    let own = world.get("/api/v1/nothing").header("x-request-id", "mine-1").send().await;
    assert_eq!((own.status.as_u16(), own.header("x-request-id").as_str(), &own.json()["request_id"]), (404, "mine-1", &"mine-1".into()));
    assert_eq!(own.header("content-type"), "application/problem+json");
    assert_eq!(own.header("x-content-type-options"), "nosniff");
    let strange = world.get("/healthz").header("x-request-id", "a b<script>").send().await;
    assert_eq!(strange.header("x-request-id").len(), 36);
    let method = world.ask(actix_web::http::Method::PUT, "/api/v1/tenants").key(&world.owner).send().await;
    assert_eq!(
        (method.status.as_u16(), method.code(), method.header("allow").as_str()),
        (405, "method_not_allowed".to_owned(), "GET, POST")
    );
}

#[actix_web::test]
async fn tenants_are_made_listed_and_renamed() {
    let world = World::inhabited().await;
    let made = world.post("/api/v1/tenants").key(&world.owner).json(&json!({"id": "initech", "name": "Initech"})).send().await;
    assert_eq!((made.status.as_u16(), made.header("location").as_str()), (201, "/api/v1/tenants/initech"));
    assert_eq!(world.post("/api/v1/tenants").key(&world.owner).json(&json!({"id": "initech"})).send().await.code(), "taken");
    assert_eq!(world.post("/api/v1/tenants").key(&world.owner).json(&json!({"id": "No Good"})).send().await.status, 400);
    let renamed = world.patch("/api/v1/tenants/initech").key(&world.owner).json(&json!({"name": "I"})).send().await;
    assert_eq!(renamed.json()["name"], "I");
    let listed = world.get("/api/v1/tenants?limit=2").key(&world.owner).send().await.json();
    assert_eq!((listed["items"].as_array().unwrap().len(), listed["next"].is_string()), (2, true));
    assert_eq!(world.get("/api/v1/tenants?after=@@@").key(&world.owner).send().await.code(), "bad_cursor");
    let nobody = world.post("/api/v1/tenants/nobody/integrations").key(&world.owner).json(&integration("x")).send().await;
    assert_eq!(nobody.status, 404);
}
