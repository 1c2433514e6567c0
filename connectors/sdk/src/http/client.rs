//! `Http` by reqwest: time and size limits, cookies for one job, redirects checked against [`Egress`].

use std::{error::Error as _, sync::Arc, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use syncline_model::{ConnectorName, Fault};

use super::{Egress, Forbidden, Http, HttpAnswer, HttpRequest};
use crate::metrics;

/// Limits of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// Where requests may go.
    pub egress: Egress,
    /// How long a connection may take to be made.
    pub connect_ms: u64,
    /// How long an answer may take, from the request to its last byte.
    pub answer_ms: u64,
    /// How large an answer may be, after decompression.
    pub body_bytes_max: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { egress: Egress::default(), connect_ms: 10_000, answer_ms: 300_000, body_bytes_max: 128 << 20 }
    }
}

/// A client for one job of one integration. It keeps the cookies of that job.
pub struct Client {
    inner: reqwest::Client,
    config: ClientConfig,
    connector: ConnectorName,
}

/// Reading the machine's root certificates takes a while, so it is done once.
static TLS: LazyLock<Arc<rustls::crypto::CryptoProvider>> = LazyLock::new(|| {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Somebody else may have installed one before; then theirs is used, which is as good.
    let _ = rustls::crypto::CryptoProvider::install_default(provider.as_ref().clone());
    provider
});

const REDIRECTS_MAX: usize = 10;

impl Client {
    /// A client for requests of this connector.
    pub fn new(connector: ConnectorName, config: ClientConfig) -> Result<Self, Fault> {
        LazyLock::force(&TLS);
        let egress = config.egress;
        let redirects = reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS_MAX {
                return attempt.error("too many redirects");
            }
            match egress.check(attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(forbidden) => attempt.error(forbidden),
            }
        });
        let inner = reqwest::Client::builder()
            .user_agent(concat!("syncline/", env!("CARGO_PKG_VERSION")))
            .cookie_store(true)
            .connect_timeout(Duration::from_millis(config.connect_ms))
            .timeout(Duration::from_millis(config.answer_ms))
            .redirect(redirects)
            // The address that redirects may hold a key.
            .referer(false)
            .dns_resolver(Arc::new(egress))
            .build()
            .map_err(|error| Fault::Internal(format!("no HTTP client could be made: {}", error.without_url())))?;
        Ok(Self { inner, config, connector })
    }

    async fn body(&self, mut answer: reqwest::Response, host: &str) -> Result<Bytes, Fault> {
        let limit = self.config.body_bytes_max;
        let too_large = || Fault::Unusable(format!("`{host}` sent more than {limit} bytes in one answer"));
        let announced = answer.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        if announced > limit {
            return Err(too_large());
        }
        let first = answer.chunk().await.map_err(|error| fault(host, error))?.unwrap_or_default();
        if first.len() > limit {
            return Err(too_large());
        }
        let is_whole = announced > 0 && first.len() == announced && answer.version() < reqwest::Version::HTTP_2;
        if is_whole {
            // It came in one piece and need not be copied. HTTP/1 has nothing behind the last byte that somebody must wait for.
            return Ok(first);
        }
        let mut body = BytesMut::with_capacity(announced);
        body.extend_from_slice(&first);
        while let Some(chunk) = answer.chunk().await.map_err(|error| fault(host, error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

#[async_trait]
impl Http for Client {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        self.config.egress.check(&request.url).map_err(|forbidden| Fault::Misconfigured(forbidden.to_string()))?;
        let started = tokio::time::Instant::now();
        let mut outgoing = self.inner.request(request.method, request.url).headers(request.headers);
        if !request.body.is_empty() {
            outgoing = outgoing.body(request.body);
        }
        let sent = outgoing.send().await.map_err(|error| fault(&host, error));
        let answer = match sent {
            Ok(answer) => answer,
            Err(fault) => {
                metrics::requests(&self.connector, "none", started.elapsed());
                return Err(fault);
            }
        };
        let (status, headers, url) = (answer.status(), answer.headers().clone(), answer.url().clone());
        let body = self.body(answer, &host).await;
        metrics::requests(&self.connector, metrics::status_class(status), started.elapsed());
        let body = body?;
        metrics::received(&self.connector, body.len());
        Ok(HttpAnswer { status, headers, body, url })
    }
}

/// What a failed request means. reqwest's own text would hold the URL, and with it perhaps a secret.
fn fault(host: &str, error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let (mut cause, mut forbidden) = (String::new(), None);
    let mut next = error.source();
    while let Some(source) = next {
        cause = source.to_string();
        forbidden = forbidden.or_else(|| source.downcast_ref::<Forbidden>().cloned());
        next = source.source();
    }
    if let Some(forbidden) = forbidden {
        return Fault::Misconfigured(forbidden.to_string());
    }
    if error.is_builder() {
        return Fault::Misconfigured(format!("no request to `{host}` could be made: {error}"));
    }
    if error.is_redirect() {
        return Fault::Unusable(format!("`{host}` redirects in a circle, or too often"));
    }
    let what = if error.is_timeout() {
        "took too long".to_owned()
    } else if error.is_connect() {
        format!("could not be reached: {cause}")
    } else {
        format!("broke off the answer: {cause}")
    };
    Fault::Unavailable(format!("`{host}` {what}"))
}
