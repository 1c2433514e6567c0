//! The only way out: one request, one answer. Pace and waiting are around it ([`crate::limits`]), retries are with whoever knows
//! what the answer means. No fault made here holds a query string, a path or a header, because those may hold secrets.

mod client;
mod egress;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use syncline_model::Fault;
use url::Url;

pub use client::{Client, ClientConfig};
pub use egress::{Egress, Forbidden};

/// One request.
#[derive(Clone)]
pub struct HttpRequest {
    /// Its method.
    pub method: Method,
    /// Where it goes, query included.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty for none.
    pub body: Bytes,
}

impl HttpRequest {
    /// A GET without headers.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.url.host_str().unwrap_or("no host"))
    }
}

/// One answer, of whatever status.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers; transport encodings are already undone.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
    /// Where it came from in the end, after redirects.
    pub url: Url,
}

/// The only way out.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends one request and reads the whole answer, of whatever status. A fault means that there was no answer: the connection
    /// failed, time or size ran out, or the address is forbidden.
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault>;
}

#[cfg(test)]
mod tests;
