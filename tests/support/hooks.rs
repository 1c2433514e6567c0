//! A source that sends webhooks: signed as the Standard Webhooks specification has it.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_model::Secret;
use syncline_sdk::webhooks::Webhooks;

use crate::support::Server;

/// The address of an endpoint below the server's, and its secret.
#[derive(Clone)]
pub struct Hook {
    pub path: String,
    pub secret: String,
}

impl Hook {
    /// An endpoint of an integration that takes webhooks.
    pub async fn make(server: &Server, tenant: &str, integration: &str) -> Self {
        let made = server.post(&format!("/api/v1/tenants/{tenant}/integrations/{integration}/webhooks"), json!({})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { path: text(&made["endpoint"]["url"]), secret: text(&made["secret"]) }
    }

    /// Sends a webhook; `None` if nobody answered.
    pub async fn send(&self, http: &reqwest::Client, url: &str, id: &str, body: &str) -> Option<reqwest::Response> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let section = json!({"type": "x", "events": [{"type": "x", "stream": "x"}]});
        let verification = Webhooks::load(&section, None).unwrap().verification;
        let signed = verification.sign_hex(&Secret::new(self.secret.as_str()), format!("{id}.{at}.{body}").as_bytes());
        let bytes: Vec<u8> =
            signed.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect();
        let request = http
            .request(Method::POST, format!("{url}{}", self.path))
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(bytes)))
            .body(body.to_owned());
        request.send().await.ok()
    }

    /// The status that a webhook is answered with.
    pub async fn status(&self, server: &Server, id: &str, body: &str) -> StatusCode {
        self.send(&reqwest::Client::new(), &server.url, id, body).await.unwrap().status()
    }
}

/// What the payment service says of a customer.
pub fn customer(key: &str, updated: i64) -> String {
    format!(r#"{{"type":"customer.updated","data":{{"id":"{key}","object":"customer","balance":7,"updated":{updated}}}}}"#)
}

/// How often each record was published because of a webhook, by key.
pub async fn published(server: &Server, tenant: &str) -> std::collections::BTreeMap<String, usize> {
    let mut found = std::collections::BTreeMap::new();
    for logged in server.events(tenant).await {
        if logged["event"]["origin"] == "webhook" {
            *found.entry(logged["event"]["subject"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    found
}
