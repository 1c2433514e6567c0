//! Integrations over HTTP.

use serde_json::{Value, json};
use syncline_store::Role;

use super::support::{CANARY, World, integration};

const SHOP: &str = "/api/v1/tenants/acme/integrations/shop";
const ALL: &str = "/api/v1/tenants/acme/integrations";

#[actix_web::test]
async fn an_integration_is_made_shown_listed_and_deleted_and_its_secret_is_never_shown() {
    let world = World::inhabited().await;
    let made = world.post(ALL).key(&world.owner).json(&integration("second")).send().await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location"), "/api/v1/tenants/acme/integrations/second");
    assert_eq!(made.json()["settings"], json!({"region": "eu", "api_key": {"set": true}}));
    assert_eq!(made.json()["state"], "draft");

    let shown = world.get(SHOP).key(&world.owner).send().await;
    assert_eq!(shown.header("etag"), "\"1\"");
    let listed = world.get(&format!("{ALL}?limit=1")).key(&world.owner).send().await;
    assert_eq!(listed.json()["items"][0]["id"], "second");
    let next = listed.json()["next"].as_str().unwrap().to_owned();
    let rest = world.get(&format!("{ALL}?limit=1&after={next}")).key(&world.owner).send().await;
    assert_eq!((&rest.json()["items"][0]["id"], &rest.json()["next"]), (&"shop".into(), &Value::Null));

    assert_eq!(world.delete(SHOP).key(&world.owner).send().await.status, 204);
    assert_eq!(world.get(SHOP).key(&world.owner).send().await.code(), "not_found");
    let again = world.post(ALL).key(&world.owner).json(&integration("shop")).send().await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "taken".to_owned()));
    for seen in [&made, &shown, &listed, &rest] {
        assert!(!seen.text.contains(CANARY));
    }
}

#[actix_web::test]
async fn settings_that_do_not_fit_are_refused_with_every_path() {
    let world = World::inhabited().await;
    let mut wrong = integration("third");
    wrong["settings"] = json!({"api_key": CANARY, "region": "moon", "regoin": "eu", "works": "yes"});
    let refused = world.post(ALL).key(&world.owner).json(&wrong).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "invalid".to_owned()));
    let paths: Vec<String> =
        refused.json()["problems"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(paths, ["/settings/region", "/settings/works", "/settings/regoin"]);
    assert!(refused.text.contains("did you mean `region`?"), "{}", refused.text);

    wrong["settings"] = json!({"api_key": {"nested": CANARY}});
    let refused = world.post(ALL).key(&world.owner).json(&wrong).send().await;
    assert_eq!(refused.status, 422);
    assert!(!refused.text.contains(CANARY), "{}", refused.text);
    wrong["connector"] = "sampel".into();
    let refused = world.post(ALL).key(&world.owner).json(&wrong).send().await;
    assert!(refused.text.contains("did you mean `sample`?"), "{}", refused.text);
    let refused = world.post(ALL).key(&world.owner).json(&json!({"id": "x", "connector": "sample", "setings": {}})).send().await;
    assert_eq!(refused.code(), "unknown_field");
    assert!(refused.text.contains("did you mean `settings`?"), "{}", refused.text);
}

#[actix_web::test]
async fn a_schedule_that_never_works_is_refused() {
    let world = World::inhabited().await;
    for schedule in [json!({"every_s": 0}), json!({"cron": "* *"})] {
        let refused = world.patch(SHOP).key(&world.owner).json(&json!({"schedule": schedule})).send().await;
        assert_eq!(refused.json()["problems"][0]["path"], "/schedule", "{}", refused.text);
    }
}

#[actix_web::test]
async fn a_patch_that_leaves_a_secret_out_keeps_it_and_null_takes_it_away() {
    let world = World::inhabited().await;
    let scope = world.store.of(&"acme".parse().unwrap());
    let id = "shop".parse().unwrap();
    let patched = world
        .patch(SHOP)
        .key(&world.owner)
        .json(&json!({"title": "Other", "settings": {"region": "us", "token": "t-secret"}}))
        .send()
        .await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert_eq!(patched.json()["settings"], json!({"region": "us", "api_key": {"set": true}, "token": {"set": true}}));
    assert_eq!(scope.integrations().settings(&id).await.unwrap().expose()["api_key"], CANARY);

    let shown = patched.json()["settings"].clone();
    let same = world.patch(SHOP).key(&world.owner).json(&json!({"settings": shown})).send().await;
    assert_eq!(same.status, 200, "what was shown can be sent back: {}", same.text);
    assert_eq!(scope.integrations().settings(&id).await.unwrap().expose()["token"], "t-secret");

    let gone = world.patch(SHOP).key(&world.owner).json(&json!({"settings": {"token": null}})).send().await;
    assert_eq!(gone.json()["settings"], json!({"region": "us", "api_key": {"set": true}}));
    assert_eq!(scope.integrations().settings(&id).await.unwrap().expose().get("token"), None);
    let needed = world.patch(SHOP).key(&world.owner).json(&json!({"settings": {"api_key": null}})).send().await;
    assert_eq!(needed.status, 422, "a secret that the schema requires cannot be taken away");
}

#[actix_web::test]
async fn a_change_for_another_revision_is_refused() {
    let world = World::inhabited().await;
    let change = json!({"title": "New"});
    let first = world.patch(SHOP).key(&world.owner).header("if-match", "\"1\"").json(&change).send().await;
    assert_eq!((first.status.as_u16(), first.header("etag").as_str()), (200, "\"2\""));
    let late = world.patch(SHOP).key(&world.owner).header("if-match", "\"1\"").json(&change).send().await;
    assert_eq!((late.status.as_u16(), late.code()), (412, "changed".to_owned()));
    assert_eq!(world.delete(SHOP).key(&world.owner).header("if-match", "\"1\"").send().await.status, 412);
    assert_eq!(world.delete(SHOP).key(&world.owner).header("if-match", "nonsense").send().await.status, 400);
}

#[actix_web::test]
async fn a_test_tells_what_the_source_said_without_the_secret_that_it_repeats() {
    let world = World::inhabited().await;
    let works = world.post(&format!("{SHOP}/test")).key(&world.owner).send().await;
    assert_eq!(works.json(), json!({"works": true, "code": null, "message": null}));
    world.patch(SHOP).key(&world.owner).json(&json!({"settings": {"works": false}})).send().await;
    let fails = world.post(&format!("{SHOP}/test")).key(&world.owner).send().await;
    assert_eq!((fails.status.as_u16(), &fails.json()["works"], &fails.json()["code"]), (200, &false.into(), &"unauthorized".into()));
    assert_eq!(fails.json()["message"], "the source refused the credentials: the key `[secret]` is unknown here");
    let streams = world.get(&format!("{SHOP}/streams")).key(&world.owner).send().await;
    assert_eq!((streams.status.as_u16(), streams.code()), (502, "source_refused".to_owned()));
    assert!(!streams.text.contains(CANARY));
}

#[actix_web::test]
async fn an_integration_is_started_paused_and_resumed_and_a_draft_is_not_read() {
    let world = World::inhabited().await;
    let operator = world.make_key(Role::Operator, Some("acme")).await;
    let early = world.post(&format!("{SHOP}/sync")).key(&operator).send().await;
    assert_eq!((early.status.as_u16(), early.code()), (409, "wrong_state".to_owned()));
    let started = world.post(&format!("{SHOP}/resume")).key(&operator).send().await;
    assert_eq!((started.status.as_u16(), &started.json()["state"]), (200, &"testing".into()), "{}", started.text);
    let paused = world.post(&format!("{SHOP}/pause")).key(&operator).send().await;
    assert_eq!(paused.json()["state"], "paused");
    let resumed = world.post(&format!("{SHOP}/resume")).key(&operator).send().await;
    assert_eq!(resumed.json()["state"], "testing");
}

#[actix_web::test]
async fn a_post_with_an_idempotency_key_is_done_once() {
    let world = World::inhabited().await;
    let once = || world.post(ALL).key(&world.owner).header("idempotency-key", "k1");
    let first = once().json(&integration("once")).send().await;
    let again = once().json(&integration("once")).send().await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!((again.header("etag"), again.header("location")), (first.header("etag"), first.header("location")));
    let other = once().json(&integration("other")).send().await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "idempotency_key_reused".to_owned()));
    let failed = world.post(ALL).key(&world.owner).header("idempotency-key", "k2").json(&integration("shop")).send().await;
    assert_eq!(failed.status, 409);
    let retried = world.post(ALL).key(&world.owner).header("idempotency-key", "k2").json(&integration("fresh")).send().await;
    assert_eq!(retried.status, 201, "a request that was refused does not use up its key: {}", retried.text);
    let long = "x".repeat(256);
    assert_eq!(world.post(ALL).key(&world.owner).header("idempotency-key", &long).json(&integration("y")).send().await.status, 400);
}

#[actix_web::test]
async fn a_stream_named_twice_is_refused() {
    let world = World::inhabited().await;
    let twice = json!({"streams": [{"name": "customers"}, {"name": "customers"}]});
    assert_eq!(world.patch(SHOP).key(&world.owner).json(&twice).send().await.json()["problems"][0]["path"], "/streams/1/name");
    let chosen = world.patch(SHOP).key(&world.owner).json(&json!({"streams": [{"name": "customers"}]})).send().await;
    assert_eq!(chosen.json()["streams"], json!([{"name": "customers"}]));
    let all = world.patch(SHOP).key(&world.owner).json(&json!({"streams": null})).send().await;
    assert_eq!(all.json()["streams"], Value::Null);
}
