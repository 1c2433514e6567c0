//! What is followed while it happens: jobs and events.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use futures::future::poll_fn;
use serde_json::{Value, json};

use super::support::{CANARY, World};

const SHOP: &str = "/api/v1/tenants/acme/integrations/shop";

/// The next event of a stream, as its name, id and data.
struct Stream {
    body: BoxBody,
    text: String,
}

impl Stream {
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n").map(|(frame, rest)| (frame.to_owned(), rest.to_owned())) {
                self.text = rest;
                let field = |name: &str| frame.lines().filter_map(|line| line.strip_prefix(name)).collect::<String>();
                let data = field("data: ");
                if data.is_empty() {
                    continue;
                }
                return Some((field("event: "), field("id: "), serde_json::from_str(&data).unwrap()));
            }
            let chunk = poll_fn(|context| std::pin::Pin::new(&mut self.body).poll_next(context));
            let chunk = tokio::time::timeout(Duration::from_secs(30), chunk).await.expect("the stream says nothing")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap_or_else(|_| panic!("the stream breaks"))).unwrap());
        }
    }
}

async fn follow(world: &World, path: &str, last: Option<&str>) -> Stream {
    let ask = world.get(path).key(&world.owner);
    let ask = if let Some(last) = last { ask.header("last-event-id", last) } else { ask };
    let answer = ask.open().await;
    assert_eq!(answer.headers().get("content-type").unwrap(), "text/event-stream");
    Stream { body: answer.into_body(), text: String::new() }
}

/// Starts the integration and follows its first job to the end.
async fn synced(world: &World) -> (String, Value) {
    world.post(&format!("{SHOP}/resume")).key(&world.owner).send().await;
    let begun = world.post(&format!("{SHOP}/sync")).key(&world.owner).send().await;
    // The engine may have begun to read it before we asked, or even have ended: what cannot work is refused by then.
    // The oldest job is the one that finds everything.
    assert!(begun.status == 202 || begun.code() == "wrong_state", "{}", begun.text);
    let jobs = world.get(&format!("{SHOP}/jobs")).key(&world.owner).send().await.json();
    let job = jobs["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let mut progress = follow(world, &format!("{SHOP}/jobs/{job}/progress"), None).await;
    let mut last = Value::Null;
    while let Some((name, _, data)) = progress.next().await {
        last = data;
        if name == "done" {
            assert!(progress.next().await.is_none(), "nothing follows the end");
            break;
        }
    }
    (job, last)
}

#[actix_web::test]
async fn a_job_is_followed_to_its_end_and_tells_what_it_did() {
    let world = World::inhabited().await;
    let (job, last) = synced(&world).await;
    assert_eq!(
        (&last["outcome"], &last["progress"][0]["events"], &last["progress"][0]["quarantined"]),
        (&"partial".into(), &2.into(), &1.into()),
        "{last}"
    );
    let shown = world.get(&format!("{SHOP}/jobs/{job}")).key(&world.owner).send().await.json();
    assert_eq!(shown["outcome"], "partial");
    let listed = world.get(&format!("{SHOP}/jobs")).key(&world.owner).send().await.json();
    assert!(listed["items"].as_array().unwrap().iter().any(|one| one["id"] == job.as_str()), "{listed}");
    let logs = world.get(&format!("{SHOP}/jobs/{job}/logs")).key(&world.owner).send().await.json();
    assert!(logs["items"].as_array().unwrap().iter().any(|line| line["message"].as_str().unwrap().contains("it has no key")), "{logs}");
    let foreign = world.get(&format!("/api/v1/tenants/globex/integrations/shop/jobs/{job}")).key(&world.owner).send().await;
    assert_eq!(foreign.status, 404, "a job is found under its own integration only");
}

#[actix_web::test]
async fn events_are_read_and_followed_from_any_position_and_numbers_stay_as_they_were() {
    let world = World::inhabited().await;
    synced(&world).await;
    let events = "/api/v1/tenants/acme/events";
    let first = world.get(&format!("{events}?limit=1")).key(&world.owner).send().await;
    assert!(first.text.contains("\"amount\":1.10"), "{}", first.text);
    let first = first.json();
    assert_eq!(
        (&first["items"][0]["event"]["specversion"], &first["items"][0]["event"]["type"]),
        (&"1.0".into(), &"sample.customers.upsert".into())
    );
    let next = first["next"].as_str().unwrap();
    let second = world.get(&format!("{events}?after={next}&wait_s=1")).key(&world.owner).send().await.json();
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    let mut stream = follow(&world, &format!("{events}/follow"), None).await;
    let (_, id, one) = stream.next().await.unwrap();
    assert_eq!(one["subject"], first["items"][0]["event"]["subject"]);
    let mut stream = follow(&world, &format!("{events}/follow"), Some(&id)).await;
    let (name, _, two) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), &two["id"]), ("event", &second["items"][0]["event"]["id"]));
    let none = world.get("/api/v1/tenants/globex/events").key(&world.owner).send().await.json();
    assert_eq!(none["items"], json!([]));
    assert_eq!(world.get(&format!("{events}?after=nonsense")).key(&world.owner).send().await.code(), "bad_cursor");
}

#[actix_web::test]
async fn a_quarantined_record_is_listed_dismissed_once_and_retried() {
    let world = World::inhabited().await;
    synced(&world).await;
    let listed = world.get("/api/v1/tenants/acme/quarantine").key(&world.owner).send().await.json();
    assert_eq!((&listed["items"][0]["cause"], &listed["items"][0]["body"]), (&"it has no key".into(), &json!({"id": null})));
    let path = format!("/api/v1/tenants/acme/quarantine/{}", listed["items"][0]["id"].as_str().unwrap());
    let retried = world.post(&format!("{path}/retry")).key(&world.owner).send().await;
    assert_eq!((retried.status.as_u16(), retried.json()["job"].is_string()), (202, true), "{}", retried.text);
    assert_eq!(world.post(&format!("{}/dismiss", path.replace("acme", "globex"))).key(&world.owner).send().await.status, 404);
}

#[actix_web::test]
async fn a_secret_that_the_source_repeats_is_in_no_state_job_or_log_line() {
    let world = World::inhabited().await;
    world.patch(SHOP).key(&world.owner).json(&json!({"settings": {"works": false}})).send().await;
    let (job, last) = synced(&world).await;
    assert_eq!(last["outcome"], "failed");
    let mut said = 0;
    for path in [SHOP.to_owned(), format!("{SHOP}/jobs"), format!("{SHOP}/jobs/{job}"), format!("{SHOP}/jobs/{job}/logs")] {
        let seen = world.get(&path).key(&world.owner).send().await;
        assert!(!seen.text.contains(CANARY), "{path}: {}", seen.text);
        said += usize::from(seen.text.contains("the key `[secret]` is unknown here"));
    }
    assert!(said >= 3, "the rest of what the source said is still there");
    assert!(!last.to_string().contains(CANARY));
}

#[actix_web::test]
async fn tables_are_listed_with_their_columns_and_read_in_pages() {
    let world = World::inhabited().await;
    let tables = "/api/v1/tenants/acme/tables";
    assert_eq!(world.get(tables).key(&world.owner).send().await.json()["items"], json!([]));
    assert_eq!(world.get(&format!("{tables}/none/rows")).key(&world.owner).send().await.status, 404);
    synced(&world).await;
    world.organize("acme").await;

    let listed = world.get(tables).key(&world.owner).send().await.json();
    let (name, columns) = (listed["items"][0]["name"].as_str().unwrap(), &listed["items"][0]["columns"]);
    assert!(columns.as_array().unwrap().iter().any(|column| column["name"] == "amount" && column["type"] == "DECIMAL"), "{columns}");
    let one = world.get(&format!("{tables}/{name}")).key(&world.owner).send().await.json();
    assert_eq!((&one["rows"], &one["rows_deleted"]), (&2.into(), &0.into()));
    let rows = world.get(&format!("{tables}/{name}/rows?limit=1")).key(&world.owner).send().await.json();
    assert_eq!((&rows["items"][0]["id"], &rows["items"][0]["amount"]), (&"1".into(), &"1.10".into()), "{rows}");
    let next = rows["next"].as_str().unwrap();
    let rest = world.get(&format!("{tables}/{name}/rows?after={next}")).key(&world.owner).send().await.json();
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&"2".into(), &Value::Null));
    let found = world.get(&format!("{tables}/{name}/rows?column=id&value=2")).key(&world.owner).send().await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let wrong = world.get(&format!("{tables}/{name}/rows?column=amuont&value=2")).key(&world.owner).send().await;
    assert!(wrong.status == 400 && wrong.text.contains("did you mean `amount`?"), "{}", wrong.text);
    assert_eq!(world.get(&format!("{tables}/{name}/rows?after=zzz")).key(&world.owner).send().await.code(), "bad_cursor");
    let changes = world.get("/api/v1/tenants/acme/table-changes").key(&world.owner).send().await.json();
    assert!(!changes["items"].as_array().unwrap().is_empty());
    assert_eq!(world.get(&format!("{}/{name}", tables.replace("acme", "globex"))).key(&world.owner).send().await.status, 404);
}

#[actix_web::test]
async fn streams_end_when_the_server_stops() {
    let world = World::inhabited().await;
    let mut stream = follow(&world, "/api/v1/tenants/acme/events/follow", None).await;
    world.stop.cancel();
    assert!(stream.next().await.is_none());
    assert_eq!(world.get("/readyz").send().await.status, 503);
}
