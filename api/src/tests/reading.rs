//! What only has to be read: connectors and health.

use serde_json::json;

use super::support::World;

#[actix_web::test]
async fn connectors_are_found_by_words_and_category() {
    let world = World::new().await;
    let found = world.get("/api/v1/connectors").key(&world.owner).send().await.json();
    assert_eq!(found["categories"], json!(["accounting", "e-commerce"]));
    let by_word = world.get("/api/v1/connectors?q=led").key(&world.owner).send().await.json();
    assert_eq!((by_word["items"].as_array().unwrap().len(), &by_word["items"][0]["name"]), (1, &"ledgerly".into()));
    let by_category = world.get("/api/v1/connectors?category=e-commerce").key(&world.owner).send().await.json();
    assert_eq!(by_category["items"][0]["name"], "sample");
    let one = world.get("/api/v1/connectors/sample").key(&world.owner).send().await.json();
    assert_eq!((&one["setup"], &one["settings_schema"]["required"]), (&json!(["Do this", "Then that"]), &json!(["api_key"])));
    let none = world.get("/api/v1/connectors/sampel").key(&world.owner).send().await;
    assert!(none.text.contains("did you mean `sample`?"));
    assert_eq!(world.get("/api/v1/connectors?catgory=x").key(&world.owner).send().await.code(), "unknown_field");
}

#[actix_web::test]
async fn a_whole_process_says_that_it_is_ready_and_what_can_be_measured() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").send().await.text, "ok\n");
    let ready = world.get("/readyz").send().await;
    assert_eq!(ready.json(), json!({"ready": true, "store": true, "engine": true}));
    let metrics = world.get("/metrics").send().await;
    assert!(metrics.text.contains("syncline_api_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"}"), "{}", metrics.text);
}
