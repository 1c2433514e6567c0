//! The demo's way to the API: plain HTTP, as anybody would.

use std::net::SocketAddr;

use anyhow::bail;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use syncline_sdk::{
    Http, HttpRequest,
    http::{Client, ClientConfig, Egress},
};

/// A client with a key.
pub struct Api {
    http: Client,
    base: String,
    headers: HeaderMap,
}

impl Api {
    /// A client of the API at this address.
    pub fn new(address: SocketAddr, key: &str) -> anyhow::Result<Self> {
        let config = ClientConfig { egress: Egress { private_allowed: true }, ..ClientConfig::default() };
        let mut bearer = HeaderValue::try_from(format!("Bearer {key}"))?;
        bearer.set_sensitive(true);
        let headers =
            HeaderMap::from_iter([(header::AUTHORIZATION, bearer), (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Ok(Self { http: Client::new("demo".parse()?, config)?, base: format!("http://{address}/api/v1"), headers })
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, &format!("{}{path}", self.base), Bytes::new()).await
    }

    /// Asks to do something.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.post_to(&format!("{}{path}", self.base), body).await
    }

    /// The same, at any address.
    pub async fn post_to(&self, url: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, url, Bytes::from(body.to_string())).await
    }

    async fn send(&self, method: Method, url: &str, body: Bytes) -> anyhow::Result<Value> {
        let request = HttpRequest { method, headers: self.headers.clone(), body, ..HttpRequest::get(url.parse()?) };
        let answer = self.http.send(request).await?;
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !answer.status.is_success() {
            bail!("{url} answered {}: {value}", answer.status);
        }
        Ok(value)
    }
}
