//! Webhooks, from an address that was just made to the inbox of its tenant's shard.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use syncline_store::Role;

use super::support::{World, integration};
use crate::{ApiConfig, WebhookLimits};

const PATH: &str = "/api/v1/tenants/acme/integrations/shop/webhooks";
/// One that the source has made.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn world() -> World {
    let world = World::inhabited().await;
    world.post("/api/v1/tenants/acme/integrations/shop/resume").key(&world.owner).send().await;
    world
}

async fn made(world: &World, body: &Value) -> (String, String, String) {
    let made = world.post(PATH).key(&world.owner).json(body).send().await;
    assert_eq!(made.status, 201, "{}", made.text);
    let json = made.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&json["endpoint"]["id"]), text(&json["endpoint"]["url"]), text(&json["secret"]))
}

/// Signs as the sample connector wants it: a token.
async fn send(world: &World, url: &str, token: &str, body: &str) -> super::support::Seen {
    world.post(url).header("x-token", token).body(body.to_owned()).send().await
}

#[actix_web::test]
async fn a_webhook_is_answered_200_when_it_is_verified_and_says_nothing_otherwise() {
    let world = world().await;
    let (_, url, secret) = made(&world, &json!({})).await;
    let good = send(&world, &url, &secret, r#"{"type":"thing","it":{"id":"1"}}"#).await;
    assert_eq!((good.status.as_u16(), good.text.as_str()), (200, ""));
    let wrong = send(&world, &url, "not-the-secret", "{}").await;
    let unsigned = world.post(&url).body("{}").send().await;
    let unknown = send(&world, "/webhooks/sample/we_0123456789012345678901234567890123456789", &secret, "{}").await;
    let other = send(&world, &url.replace("/sample/", "/ledgerly/"), &secret, "{}").await;
    let malformed = send(&world, "/webhooks/sample/x", &secret, "{}").await;
    let read = world.get(&url).send().await;
    let without = |seen: &super::support::Seen| {
        let mut json = seen.json();
        json.as_object_mut().unwrap().remove("request_id");
        (seen.status, json)
    };
    for other in [&unsigned, &unknown, &other, &malformed, &read] {
        assert_eq!(without(other), without(&wrong));
    }
    assert_eq!(wrong.status, 404);
    let handshake = world.post(&format!("{url}?validationToken=abc")).send().await;
    assert_eq!((handshake.status.as_u16(), handshake.text.as_str()), (200, "abc"));
    assert_eq!(handshake.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(handshake.header("x-content-type-options"), "nosniff");
}

#[actix_web::test]
async fn the_secret_is_shown_once_exchanged_without_a_gap_and_gone_with_its_address() {
    let world = world().await;
    let given = json!({"secret": SECRET});
    let (id, url, secret) = made(&world, &given).await;
    assert_eq!(secret, SECRET);
    let listed = world.get(PATH).key(&world.owner).send().await;
    assert_eq!(listed.json()["items"][0]["id"], id.as_str());
    assert!(!listed.text.contains(SECRET), "{}", listed.text);
    let rotated = world.post(&format!("{PATH}/{id}/rotate")).key(&world.owner).json(&json!({})).send().await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let new = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert!(rotated.json()["endpoint"]["former_until"].is_string());
    for secret in [SECRET, &new] {
        assert_eq!(send(&world, &url, secret, r#"{"type":"thing","it":{"id":"1"}}"#).await.status, 200);
    }
    let at_once = json!({"keep_former_s": 0});
    world.post(&format!("{PATH}/{id}/rotate")).key(&world.owner).json(&at_once).send().await;
    assert_eq!(send(&world, &url, &new, "{}").await.status, 404);
    let gone = world.delete(&format!("{PATH}/{id}")).key(&world.owner).send().await;
    assert_eq!(gone.status, 204);
    assert_eq!(world.delete(&format!("{PATH}/{id}")).key(&world.owner).send().await.status, 404);
}

#[actix_web::test]
async fn only_whoever_may_gets_an_address_and_only_a_connector_with_webhooks_has_one() {
    let world = world().await;
    for (role, status) in [(Role::Viewer, 403), (Role::Operator, 403), (Role::Admin, 201)] {
        let key = world.make_key(role, Some("acme")).await;
        assert_eq!(world.post(PATH).key(&key).json(&json!({})).send().await.status, status, "{role:?}");
    }
    let foreign = world.make_key(Role::Admin, Some("globex")).await;
    assert_eq!(world.post(PATH).key(&foreign).json(&json!({})).send().await.status, 404);
    let short = world.post(PATH).key(&world.owner).json(&json!({"secret": "short"})).send().await;
    assert_eq!((short.status.as_u16(), short.json()["problems"][0]["path"].as_str()), (422, Some("/secret")));
    let mut books = integration("books");
    books["connector"] = "ledgerly".into();
    world.post("/api/v1/tenants/acme/integrations").key(&world.owner).json(&books).send().await;
    let none = world.post("/api/v1/tenants/acme/integrations/books/webhooks").key(&world.owner).json(&json!({})).send().await;
    assert_eq!((none.status.as_u16(), none.code().as_str()), (409, "wrong_state"));
}

#[actix_web::test]
async fn what_rests_or_is_too_much_is_told_when_to_come_again() {
    let webhooks = WebhookLimits { body_bytes_max: 100, ..WebhookLimits::default() };
    let world = World::with(ApiConfig { webhooks, ..ApiConfig::default() }).await;
    world.make_tenant("acme").await;
    world.post("/api/v1/tenants/acme/integrations").key(&world.owner).json(&integration("shop")).send().await;
    let (_, url, secret) = made(&world, &json!({})).await;
    let draft = send(&world, &url, &secret, "{}").await;
    assert_eq!((draft.status.as_u16(), draft.header("retry-after").as_str()), (503, "300"));
    assert_eq!(send(&world, &url, &secret, &BASE64_STANDARD.encode([7; 300])).await.status, 413);
}
