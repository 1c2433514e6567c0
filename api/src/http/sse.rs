//! Server-sent events: frames, heartbeats, and an end when the server stops.

use std::{fmt::Write, time::Duration};

use actix_web::web::Bytes;
use futures::{Stream, StreamExt, future::Either, stream};
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// How often a line is sent that says nothing, so that proxies and clients know the stream is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// After this long a stream ends, so that a client comes again with its key, which may have been revoked meanwhile.
const LIFETIME: Duration = Duration::from_mins(15);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its name.
    pub name: &'static str,
    /// Where to go on after it, as `Last-Event-ID`.
    pub id: Option<String>,
    /// What it says: one line of JSON.
    pub json: String,
}

impl Frame {
    /// The frame as it is sent.
    pub fn encode(&self) -> Bytes {
        let mut text = format!("event: {}\n", self.name);
        if let Some(id) = &self.id {
            let _ = writeln!(text, "id: {id}");
        }
        for line in self.json.lines() {
            let _ = writeln!(text, "data: {line}");
        }
        text.push('\n');
        Bytes::from(text)
    }
}

struct Open;

impl Open {
    fn new() -> Self {
        metrics::OPEN_STREAMS.inc();
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::OPEN_STREAMS.dec();
    }
}

/// These frames, with a heartbeat whenever nothing came for a while, until they end or `stop` is cancelled.
pub fn live(
    frames: impl Stream<Item = Frame> + 'static,
    heartbeat: Duration,
    stop: CancellationToken,
) -> impl Stream<Item = Bytes> + 'static {
    let state = (Box::pin(frames), stop, Open::new());
    let end = tokio::time::Instant::now() + LIFETIME;
    let opening = stream::once(std::future::ready(Bytes::from_static(b"retry: 2000\n\n")));
    opening.chain(stream::unfold(state, move |(mut frames, stop, open)| async move {
        if tokio::time::Instant::now() >= end {
            return None;
        }
        let next = {
            let wait = std::pin::pin!(tokio::time::timeout(heartbeat, frames.next()));
            let stopped = std::pin::pin!(stop.cancelled());
            match futures::future::select(wait, stopped).await {
                Either::Left((Ok(Some(frame)), _)) => Some(frame.encode()),
                Either::Left((Err(_), _)) => Some(Bytes::from_static(b": still here\n\n")),
                Either::Left((Ok(None), _)) | Either::Right(_) => None,
            }
        };
        next.map(|bytes| (bytes, (frames, stop, open)))
    }))
}

#[cfg(test)]
mod tests;
