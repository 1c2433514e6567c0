//! What one node is asked for a tenant of another.

use serde_json::{Value, json};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::{Installation, until_they_own_all},
    published::truth,
    support::Home,
};

const NEW: u64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_given_to_any_node_is_where_the_owner_goes_on_even_if_it_is_resumed_at_once() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start_with(0, &["kafka.topic={prefix}.{tenant}"]);
    let sandbox = Sandbox::start(SandboxConfig { records: 500, ..SandboxConfig::default() }).unwrap();
    let orders = truth(&sandbox, Stream::ShopOrders);
    let newest = orders.iter().filter_map(|row| row["record"]["updated_at"].as_str()).max().unwrap().to_owned();
    sandbox.advance(Advance { creates: NEW, stream: Some(Stream::ShopOrders), ..Advance::default() });

    let home = Home::new();
    let first = installation.serve(&home);
    let other = Home::of_node(&first.key);
    let second = installation.serve(&other);
    until_they_own_all(&[&first, &second]).await;
    // Enough tenants for both nodes to have some.
    let tenants: Vec<String> = (0..6).map(|number| format!("t{number}")).collect();
    for tenant in &tenants {
        first.make_tenant(tenant).await;
        let body = json!({
            "id": "shop", "connector": "sandbox-shop", "settings": sandbox.settings(Provider::Shop),
            "schedule": {"every_s": 1}, "streams": [{"name": "orders"}],
        });
        first.post(&format!("/api/v1/tenants/{tenant}/integrations"), body).await;
        let path = format!("/api/v1/tenants/{tenant}/integrations/shop");
        let state = json!({"state": {"orders": {"updated_at": newest}}});
        let (status, said) = first.call(reqwest::Method::PUT, &format!("{path}/state"), Some(state)).await;
        assert_eq!(status, 204, "{said}");
        second.post(&format!("{path}/resume"), json!({})).await;
    }
    for tenant in &tenants {
        let job = first.sync(tenant, "shop").await;
        assert_eq!(job["outcome"], "succeeded", "{tenant}: {job:#}");
        let events: Vec<Value> = second.events(tenant).await;
        // The lower bound is inclusive: what is as old as the state itself comes again.
        let count = u64::try_from(events.len()).unwrap();
        assert!((NEW..2 * NEW).contains(&count), "{tenant} has {count} events instead of the {NEW} new orders of {}", orders.len());
    }
}
