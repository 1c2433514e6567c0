//! `Idempotency-Key`: a POST that is repeated is done once, and answered as the first time.

use std::{future::Future, panic::AssertUnwindSafe};

use actix_web::{HttpRequest, http::Method, web::Bytes};
use futures::FutureExt;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use syncline_model::Secret;
use syncline_store::{Answer as Kept, ApiKey, Begun, Idempotency, Store};
use tracing::warn;

use crate::{
    http::answer::Answer,
    metrics,
    problem::{Code, Problem},
};

const HEADER: &str = "idempotency-key";
const LONGEST: usize = 255;

/// How often a request may be done.
pub(crate) enum Once {
    /// As often as it comes.
    Always,
    /// Once for this key.
    For { keys: Idempotency, key: String, request: String, hash: Vec<u8> },
}

impl Once {
    pub(crate) fn of(request: &HttpRequest, store: &Store, caller: &ApiKey, text: &Secret, body: &Bytes) -> Result<Self, Problem> {
        let Some(value) = request.headers().get(HEADER).filter(|_| request.method() == Method::POST) else { return Ok(Self::Always) };
        let bad = || Problem::because(Code::Malformed, format!("`{HEADER}` must have 1 to {LONGEST} visible ASCII characters"));
        let key = value.to_str().map_err(|_| bad())?;
        if key.is_empty() || key.len() > LONGEST {
            return Err(bad());
        }
        // The caller's own secret goes in, so that what is stored says nothing about a body that may hold secrets.
        let hash = Sha256::new().chain_update(text.expose()).chain_update([0]).chain_update(body).finalize().to_vec();
        let request = format!("{} {}", request.method(), request.uri());
        Ok(Self::For { keys: store.idempotency(&caller.id), key: key.to_owned(), request, hash })
    }

    pub(crate) async fn run(self, work: impl Future<Output = Result<Answer, Problem>>) -> Result<Answer, Problem> {
        let Self::For { keys, key, request, hash } = self else { return work.await };
        match keys.begin(&key, &request, &hash, Timestamp::now()).await? {
            Begun::First => {}
            Begun::InProgress => return Err(Problem::new(Code::InProgress).retry_after(1)),
            Begun::Misused => return Err(Problem::new(Code::KeyReused)),
            Begun::Done(Kept { status, body: Some(body) }) => return Answer::again(status, &body),
            Begun::Done(Kept { body: None, .. }) => {
                return Err(Problem::because(
                    Code::AlreadyDone,
                    "the first request was done, and its answer held a secret that is shown once",
                ));
            }
        }
        let done = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            metrics::PANICS_TOTAL.inc();
            Err(Problem::new(Code::Internal))
        });
        let kept = match &done {
            Ok(answer) => keys.finish(&key, &Kept { status: answer.status.as_u16(), body: answer.keep() }).await,
            Err(_) => keys.abandon(&key).await,
        };
        if let Err(fault) = kept {
            warn!("the answer of a request with an idempotency key could not be kept: {fault}");
        }
        done
    }
}
