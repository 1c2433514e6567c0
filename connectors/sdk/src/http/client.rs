//! `Http` by reqwest: time and size limits, cookies for one job, redirects checked against [`Egress`].

use std::{
    collections::BTreeMap,
    error::Error as _,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::cookie::Jar;
use syncline_model::{ConnectorName, Fault};
use tokio::time::Instant;

use super::{Egress, Forbidden, Http, HttpAnswer, HttpRequest, save};
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
    /// How long a file may take, from the request to its last byte.
    pub file_ms: u64,
    /// How long a file may stand still.
    pub silence_ms: u64,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            egress: Egress::default(),
            connect_ms: 10_000,
            answer_ms: 300_000,
            body_bytes_max: 128 << 20,
            file_ms: 3_600_000,
            silence_ms: 60_000,
        }
    }
}

/// A client for one job of one integration. It keeps the cookies of that job.
pub struct Client {
    inner: reqwest::Client,
    /// Others for requests that say how long a connection may take: reqwest keeps that time for all requests of a client.
    others: Mutex<BTreeMap<Duration, reqwest::Client>>,
    cookies: Arc<Jar>,
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

/// As many as the reference runtime follows.
const REDIRECTS_MAX: usize = 30;

impl Client {
    /// A client for requests of this connector.
    pub fn new(connector: ConnectorName, config: ClientConfig) -> Result<Self, Fault> {
        LazyLock::force(&TLS);
        let cookies = Arc::new(Jar::default());
        let inner = made(&config, Duration::from_millis(config.connect_ms), &cookies)?;
        Ok(Self { inner, others: Mutex::default(), cookies, config, connector })
    }

    /// The client whose connections may take so long to be made.
    fn connecting_within(&self, most: Option<Duration>) -> Result<reqwest::Client, Fault> {
        let Some(most) = most else { return Ok(self.inner.clone()) };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(&most) {
            return Ok(known.clone());
        }
        let client = made(&self.config, most, &self.cookies)?;
        others.insert(most, client.clone());
        Ok(client)
    }

    async fn body(&self, mut answer: reqwest::Response, host: &str, silence: Option<Duration>) -> Result<Bytes, Fault> {
        let limit = self.config.body_bytes_max;
        let too_large = || Fault::Unusable(format!("`{host}` sent more than {limit} bytes in one answer"));
        let announced = answer.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        if announced > limit {
            return Err(too_large());
        }
        let first = chunk(&mut answer, host, silence).await?.unwrap_or_default();
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
        while let Some(chunk) = chunk(&mut answer, host, silence).await? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// Sends a request; the answer's body has still to come. With the host and the time at which it began.
    async fn begin(&self, request: HttpRequest, most: Option<Duration>) -> Result<(reqwest::Response, String, Instant), Fault> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        self.config.egress.check(&request.url).map_err(|forbidden| Fault::Misconfigured(forbidden.to_string()))?;
        let (started, silence) = (Instant::now(), request.silence);
        let mut outgoing = self.connecting_within(request.connect)?.request(request.method, request.url).headers(request.headers);
        if !request.body.is_empty() {
            outgoing = outgoing.body(request.body);
        }
        // Whoever may be silent for long has time for an answer behind it.
        let most = most.or_else(|| silence.map(|silence| silence.saturating_add(Duration::from_millis(self.config.answer_ms))));
        if let Some(most) = most {
            outgoing = outgoing.timeout(most);
        }
        let sent = within(&host, silence, async { outgoing.send().await.map_err(|error| fault(&host, error)) }).await;
        match sent {
            Ok(answer) => Ok((answer, host, started)),
            Err(fault) => {
                metrics::requests(&self.connector, "none", started.elapsed());
                Err(fault)
            }
        }
    }

    /// The whole of an answer whose body has still to come.
    async fn whole(&self, answer: reqwest::Response, host: &str, silence: Option<Duration>, started: Instant) -> Result<HttpAnswer, Fault> {
        let (status, headers, url) = (answer.status(), answer.headers().clone(), answer.url().clone());
        let body = self.body(answer, host, silence).await;
        metrics::requests(&self.connector, metrics::status_class(status), started.elapsed());
        let body = body?;
        metrics::received(&self.connector, body.len());
        Ok(HttpAnswer { status, headers, body, url })
    }
}

/// A client of reqwest with these limits, whose connections may take so long to be made.
fn made(config: &ClientConfig, connect: Duration, cookies: &Arc<Jar>) -> Result<reqwest::Client, Fault> {
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
    reqwest::Client::builder()
        .user_agent(concat!("syncline/", env!("CARGO_PKG_VERSION")))
        .cookie_provider(Arc::clone(cookies))
        .connect_timeout(connect)
        .timeout(Duration::from_millis(config.answer_ms))
        .redirect(redirects)
        // The address that redirects may hold a key.
        .referer(false)
        .dns_resolver(Arc::new(egress))
        .build()
        .map_err(|error| Fault::Internal(format!("no HTTP client could be made: {}", error.without_url())))
}

#[async_trait]
impl Http for Client {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let silence = request.silence;
        let (answer, host, started) = self.begin(request, None).await?;
        self.whole(answer, &host, silence, started).await
    }

    async fn save(&self, request: HttpRequest, file: &Path, bytes_max: u64) -> Result<HttpAnswer, Fault> {
        let silence = request.silence.unwrap_or(Duration::from_millis(self.config.silence_ms));
        let (answer, host, started) = self.begin(request, Some(Duration::from_millis(self.config.file_ms))).await?;
        if !answer.status().is_success() {
            return self.whole(answer, &host, Some(silence), started).await;
        }
        let (status, headers, url) = (answer.status(), answer.headers().clone(), answer.url().clone());
        let limits = save::Limits { bytes_max, silence };
        let bytes = save::stream(answer, &host, file, &limits).await;
        metrics::requests(&self.connector, metrics::status_class(status), started.elapsed());
        metrics::received(&self.connector, usize::try_from(bytes?).unwrap_or(usize::MAX));
        Ok(HttpAnswer { status, headers, body: Bytes::new(), url })
    }
}

/// The next piece of a body.
pub(super) async fn chunk(answer: &mut reqwest::Response, host: &str, silence: Option<Duration>) -> Result<Option<Bytes>, Fault> {
    within(host, silence, async { answer.chunk().await.map_err(|error| fault(host, error)) }).await
}

/// Waits for what a source does, and no longer than it may be silent.
async fn within<T>(host: &str, silence: Option<Duration>, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let Some(silence) = silence else { return work.await };
    let silent = |_| Fault::Unavailable(format!("`{host}` took too long: nothing came for {silence:?}"));
    tokio::time::timeout(silence, work).await.map_err(silent)?
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
