//! A request to an endpoint, read: its body within limits, and of its headers those that somebody looks at.

use std::time::Duration;

use actix_web::{HttpRequest, http::header, web, web::BytesMut};
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use syncline_sdk::webhooks::Call;
use tokio::sync::SemaphorePermit;

use super::{Desk, Open};

/// A sender that is slower than this is not waited for.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Why a body was not read.
pub(super) enum Unread {
    TooLarge,
    Broken,
    Busy,
}

impl Desk {
    /// The raw body. What it holds of the memory for all bodies is given back when the second value is dropped.
    pub(super) async fn body(
        &self,
        request: &HttpRequest,
        mut payload: web::Payload,
    ) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Unread> {
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > self.body_bytes_max()) {
            return Err(Unread::TooLarge);
        }
        let (mut body, mut held): (BytesMut, Option<SemaphorePermit<'_>>) = (BytesMut::new(), None);
        let deadline = tokio::time::Instant::now() + BODY_WITHIN;
        while let Some(chunk) = tokio::time::timeout_at(deadline, payload.next()).await.map_err(|_| Unread::Broken)? {
            let chunk = chunk.map_err(|_| Unread::Broken)?;
            if body.len() + chunk.len() > self.body_bytes_max() {
                return Err(Unread::TooLarge);
            }
            // Held as it comes, so that whoever only announces much keeps nobody out.
            let more = self.bytes.try_acquire_many(u32::try_from(chunk.len()).map_err(|_| Unread::TooLarge)?).map_err(|_| Unread::Busy)?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body.freeze(), held))
    }
}

/// The request as the connector's words see it.
pub(super) fn call(request: &HttpRequest, body: Bytes, open: &Open, public_url: &str) -> Call {
    let text = |name: &str| Some((name.to_owned(), request.headers().get(name)?.to_str().ok()?.to_owned()));
    let base = if public_url.is_empty() {
        let connection = request.connection_info();
        format!("{}://{}", connection.scheme(), connection.host())
    } else {
        public_url.to_owned()
    };
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    Call {
        method: request.method().as_str().to_owned(),
        url: format!("{base}{}", request.uri().path_and_query().map_or("/", |path| path.as_str())),
        query: query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        headers: open.headers.iter().filter_map(|name| text(name)).collect(),
        body,
        endpoint: request.match_info().query("endpoint").to_owned(),
        received: Timestamp::now(),
        timestamp: None,
        id: None,
    }
}
