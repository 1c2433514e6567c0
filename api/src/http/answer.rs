//! What a handler answers: a value that can also be kept and given again to a request that is repeated.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::Bytes,
};
use futures::{Stream, stream::LocalBoxStream};
use serde::{Serialize, de::DeserializeOwned};

use super::request_id::etag;
use crate::problem::{Code, Problem};

/// What a handler answers.
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Body,
    pub(crate) etag: Option<String>,
    pub(crate) location: Option<String>,
    holds_secret: bool,
}

pub(crate) enum Body {
    Nothing,
    Json(Bytes),
    Svg(String),
    Stream(LocalBoxStream<'static, Bytes>),
}

/// An answer as it is kept for repeated requests.
#[derive(Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    etag: Option<String>,
    location: Option<String>,
    json: Option<Box<serde_json::value::RawValue>>,
}

impl Answer {
    fn of(status: StatusCode, body: Body) -> Self {
        Self { status, body, etag: None, location: None, holds_secret: false }
    }

    /// 200 with this value.
    pub fn ok(value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self::of(StatusCode::OK, json(value)?))
    }

    /// 201 with this value and where it is.
    pub fn created(location: String, value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { location: Some(location), ..Self::of(StatusCode::CREATED, json(value)?) })
    }

    /// 202: it was begun.
    pub fn accepted(value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self::of(StatusCode::ACCEPTED, json(value)?))
    }

    /// 204.
    pub fn nothing() -> Self {
        Self::of(StatusCode::NO_CONTENT, Body::Nothing)
    }

    /// Server-sent events.
    pub fn stream(events: impl Stream<Item = Bytes> + 'static) -> Self {
        Self::of(StatusCode::OK, Body::Stream(Box::pin(events)))
    }

    /// 200 with a picture.
    pub fn svg(picture: String) -> Self {
        Self::of(StatusCode::OK, Body::Svg(picture))
    }

    /// With the `ETag` of this revision.
    #[must_use]
    pub fn at(mut self, revision: syncline_model::Revision) -> Self {
        self.etag = Some(etag(revision.0));
        self
    }

    /// It holds a secret that is shown this once, so it must not be kept for a request that is repeated.
    #[must_use]
    pub fn shown_once(mut self) -> Self {
        self.holds_secret = true;
        self
    }

    /// As it can be kept; a stream cannot, and a secret must not.
    pub(crate) fn keep(&self) -> Option<Vec<u8>> {
        if self.holds_secret {
            return None;
        }
        let json = match &self.body {
            Body::Nothing => None,
            Body::Json(bytes) => Some(serde_json::from_slice(bytes).ok()?),
            Body::Svg(_) | Body::Stream(_) => return None,
        };
        serde_json::to_vec(&Kept { etag: self.etag.clone(), location: self.location.clone(), json }).ok()
    }

    /// What was kept, again.
    pub(crate) fn again(status: u16, kept: &[u8]) -> Result<Self, Problem> {
        let kept: Kept = read(kept)?;
        let status = StatusCode::from_u16(status).map_err(|_| Problem::new(Code::Internal))?;
        let body = kept.json.map_or(Body::Nothing, |raw| Body::Json(Bytes::from(Box::<str>::from(raw).into_string())));
        Ok(Self { etag: kept.etag, location: kept.location, ..Self::of(status, body) })
    }

    /// As actix wants it.
    pub(crate) fn response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        match self.body {
            Body::Nothing => response.finish(),
            Body::Json(bytes) => response.content_type("application/json").body(bytes),
            Body::Svg(picture) => response.content_type("image/svg+xml").body(picture),
            Body::Stream(events) => {
                use futures::StreamExt;
                response.insert_header(("x-accel-buffering", "no"));
                response.content_type("text/event-stream").streaming(events.map(Ok::<_, std::convert::Infallible>))
            }
        }
    }
}

fn json(value: &impl Serialize) -> Result<Body, Problem> {
    let bytes = serde_json::to_vec(value).map_err(|_| Problem::new(Code::Internal))?;
    Ok(Body::Json(Bytes::from(bytes)))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|_| Problem::new(Code::Internal))
}
