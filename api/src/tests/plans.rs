//! Plans over HTTP: made, looked at, edited, decided.

use serde_json::json;
use syncline_store::Role;

use super::support::World;

async fn world() -> World {
    let world = World::inhabited().await;
    let made = world.post("/api/v1/tenants/acme/integrations/shop/resume").key(&world.owner).send().await;
    assert!(made.status.is_success(), "{}", made.text);
    world.organize("acme").await;
    world
}

#[actix_web::test]
async fn a_plan_is_made_drawn_compared_edited_and_decided() {
    let world = world().await;
    let begun = world.post("/api/v1/tenants/acme/organize").key(&world.owner).send().await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let path = format!("/api/v1/tenants/acme/plans/{}", begun.json()["id"]);
    let mut plan = world.get(&path).key(&world.owner).send().await.json();
    while plan["about"]["state"] == "making" {
        tokio::task::yield_now().await;
        plan = world.get(&path).key(&world.owner).send().await.json();
    }
    assert_eq!(plan["about"]["state"], "proposed", "{plan}");
    let picture = world.get(&format!("{path}/erd.svg")).key(&world.owner).send().await;
    assert_eq!((picture.header("content-type").as_str(), picture.text.starts_with("<svg ")), ("image/svg+xml", true));
    assert_eq!(world.get(&format!("{path}/diff")).key(&world.owner).send().await.status, 200);
    let edits = json!({"edits": [{"do": "rename_entity", "entity": "nobody", "name": "somebody"}]});
    let refused = world.post(&format!("{path}/edit")).key(&world.owner).json(&edits).send().await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "invalid"));
    let accepted = world.post(&format!("{path}/accept")).key(&world.owner).send().await;
    assert_eq!(accepted.json()["state"], "accepted", "{}", accepted.text);
    let entities = world.get("/api/v1/tenants/acme/entities").key(&world.owner).send().await;
    assert_eq!((entities.status.as_u16(), &entities.json()["items"]), (200, &json!([])), "nothing of this stream is recognized");
    let wrong = world.get("/api/v1/tenants/acme/entities/customer/rows").key(&world.owner).send().await;
    assert!(wrong.status == 404 && wrong.text.contains("there is no entity `customer`"), "{}", wrong.text);
    let again = world.post(&format!("{path}/reject")).key(&world.owner).send().await;
    assert_eq!(again.code(), "wrong_state", "{}", again.text);
    let policy = world.ask(actix_web::http::Method::PUT, "/api/v1/tenants/acme/organize/policy");
    assert_eq!(policy.key(&world.owner).json(&json!({"policy": "accept_additive"})).send().await.status, 204);
    let now = world.get("/api/v1/tenants/acme/organize").key(&world.owner).send().await.json();
    assert_eq!((&now["policy"], &now["proposed"]), (&json!("accept_additive"), &json!(null)));
    let audit = world.get("/api/v1/audit").key(&world.owner).send().await;
    assert!(audit.text.contains("accept_plan"), "{}", audit.text);
}

#[actix_web::test]
async fn a_tenant_without_tables_has_no_plans_and_an_operator_decides_nothing() {
    let world = World::inhabited().await;
    let none = world.get("/api/v1/tenants/acme/plans").key(&world.owner).send().await;
    assert_eq!(none.json()["items"], json!([]));
    let none = world.get("/api/v1/tenants/acme/entities").key(&world.owner).send().await;
    assert_eq!(none.json()["items"], json!([]));
    let operator = world.make_key(Role::Operator, Some("acme")).await;
    assert_eq!(world.post("/api/v1/tenants/acme/plans/1/accept").key(&operator).send().await.status, 403);
    assert_eq!(world.post("/api/v1/tenants/acme/organize").key(&operator).send().await.code(), "wrong_state");
}
