//! Bodies and queries, read strictly: a name that does not exist is refused with the nearest one, and no message repeats a value.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header,
    web::{Bytes, BytesMut},
};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use syncline_model::nearest;

use crate::problem::{Code, FieldProblem, Problem};

const BODY_WITHIN: Duration = Duration::from_secs(30);

/// What a handler wants of a request besides its path. Read only after the caller was found to be permitted.
pub trait Input: Sized + 'static {
    /// The request has a body that must be read.
    const HAS_BODY: bool = false;
    /// Reads it.
    fn read(request: &HttpRequest, body: &Bytes) -> Result<Self, Problem>;
}

impl Input for () {
    fn read(request: &HttpRequest, _: &Bytes) -> Result<Self, Problem> {
        Query::<Nothing>::read(request, &Bytes::new()).map(drop)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> Input for Json<T> {
    const HAS_BODY: bool = true;

    fn read(request: &HttpRequest, body: &Bytes) -> Result<Self, Problem> {
        Query::<Nothing>::read(request, &Bytes::new())?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !["application/json", "application/merge-patch+json"].iter().any(|known| essence.eq_ignore_ascii_case(known)) {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        // Serde would also take a list of the fields' values.
        if body.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
            return Err(Problem::because(Code::Malformed, "the body must be a JSON object"));
        }
        serde_json::from_slice(body).map(Self).map_err(|error| unreadable_json(&error))
    }
}

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> Input for Query<T> {
    fn read(request: &HttpRequest, _: &Bytes) -> Result<Self, Problem> {
        actix_web::web::Query::<T>::from_query(request.query_string())
            .map(|query| Self(query.into_inner()))
            .map_err(|error| unreadable("query", "parameter", &error.to_string()))
    }
}

fn unreadable_json(error: &serde_json::Error) -> Problem {
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => unreadable("body", "field", &error.to_string()),
        serde_json::error::Category::Eof => Problem::because(Code::Malformed, format!("the body ends too early, at {place}")),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            Problem::because(Code::Malformed, format!("the body is no JSON: see {place}"))
        }
    }
}

/// Serde's message may repeat a value, which may be a secret: of what it says only names and expectations are passed on.
fn unreadable(place: &str, kind: &str, message: &str) -> Problem {
    let mut names = message.split('`').skip(1).step_by(2);
    if message.contains("unknown field `") {
        let wrong = names.next().unwrap_or_default();
        let why = format!("unknown {kind} `{wrong}`{}", nearest::hint(wrong, names));
        let path = if kind == "field" { format!("/{wrong}") } else { wrong.to_owned() };
        return Problem { problems: vec![FieldProblem { path, why: why.clone() }], ..Problem::because(Code::UnknownField, why) };
    }
    if message.contains("missing field `") {
        let missing = names.next().unwrap_or_default();
        let problem = Problem::because(Code::Malformed, format!("the {place} lacks the {kind} `{missing}`"));
        return Problem { problems: vec![FieldProblem { path: format!("/{missing}"), why: "is missing".to_owned() }], ..problem };
    }
    let expected = message.split_once("expected ").map(|(_, expected)| expected.split(" at line").next().unwrap_or_default());
    let at = message.split_once(" at line ").map(|(_, at)| format!(", at line {at}")).unwrap_or_default();
    let detail = match (expected, rule(message)) {
        (Some(expected), _) => format!("the {place} has a value of another kind than {expected}{at}"),
        (None, Some(rule)) => format!("the {place} has a value that does not fit: {rule}{at}"),
        (None, None) => format!("the {place} has a value that does not fit{at}"),
    };
    Problem::because(Code::Malformed, detail)
}

/// The rule of an id, which its message states behind the id itself.
fn rule(message: &str) -> Option<&str> {
    let (_, behind) = message.rsplit_once("` is no ")?;
    behind.split(" at line").next()
}

/// The body, if it is not larger than the server takes.
pub async fn body(request: &HttpRequest, payload: &mut actix_web::dev::Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::because(Code::TooLarge, format!("the body may have {bytes_max} bytes at most"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    let slow = |_| Problem::because(Code::Malformed, "the body did not come in time");
    let deadline = tokio::time::Instant::now() + BODY_WITHIN;
    while let Some(chunk) = tokio::time::timeout_at(deadline, payload.next()).await.map_err(slow)? {
        let chunk = chunk.map_err(|_| Problem::because(Code::Malformed, "the body could not be read to its end"))?;
        if body.len() + chunk.len() > bytes_max {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests;
