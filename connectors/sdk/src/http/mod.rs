//! The only way out: one request, one answer. Pace and waiting are around it ([`crate::limits`]), retries are with whoever knows
//! what the answer means. No fault made here holds a query string, a path or a header, because those may hold secrets.

mod client;
mod egress;
mod save;

use std::{path::Path, time::Duration};

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
    /// How long its connection may take to be made, where whoever asks knows; otherwise as long as the client's limits say.
    pub connect: Option<Duration>,
    /// How long nothing may come of its answer, where whoever asks knows.
    pub silence: Option<Duration>,
}

impl HttpRequest {
    /// A GET without headers.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), connect: None, silence: None }
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

    /// Sends one request and writes the body of a good answer into a file that it makes, instead of giving it; an answer that tells
    /// of no success is given as [`Self::send`] gives it. A body of more bytes than `bytes_max` is a fault.
    async fn save(&self, request: HttpRequest, file: &Path, bytes_max: u64) -> Result<HttpAnswer, Fault> {
        let answer = self.send(request).await?;
        save::whole(answer, file, bytes_max).await
    }
}

#[cfg(test)]
mod tests;
