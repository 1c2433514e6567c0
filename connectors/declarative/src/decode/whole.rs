//! Formats of which a body is one document: JSON and XML.

use std::vec::IntoIter;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{
    Document, encoding,
    json::{NotJson, parse},
    source::{self, Limits, Source},
    xml,
};

/// Documents that are all there.
pub struct Whole {
    documents: IntoIter<Value>,
    complaint: Option<String>,
}

impl Document for Whole {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        self.documents.next().map(Ok)
    }

    fn complaint(&self) -> Option<String> {
        self.complaint.clone()
    }
}

impl Whole {
    fn of(value: Value) -> Self {
        let documents = if let Value::Array(items) = value { items } else { vec![value] };
        Self { documents: documents.into_iter(), complaint: None }
    }

    fn empty(complaint: Option<String>) -> Self {
        Self { complaint, ..Self::of(Value::Object(Map::new())) }
    }
}

/// More values than anybody should hold at once; each takes many times the room that it takes in the body.
const VALUES_MAX: usize = 16_000_000;

/// Refuses a text that would become more values than that, by the marks that stand before them.
fn not_too_many(body: &[u8], marks: [u8; 3], kind: &str) -> Result<(), Fault> {
    if body.len() <= VALUES_MAX || memchr::memchr3_iter(marks[0], marks[1], marks[2], body).count() <= VALUES_MAX {
        return Ok(());
    }
    Err(Fault::Unusable(format!("the answer cannot be read as {kind}: it holds more than 16 million values")))
}

/// What a `JsonDecoder` makes of a body: one that is no JSON, is `null` or has no elements counts as an empty object.
pub fn forgiving(body: &Bytes) -> Result<Whole, Fault> {
    not_too_many(body, *b",[{", "JSON")?;
    match parse(body) {
        Ok(Value::Null) => Ok(Whole::empty(None)),
        Ok(Value::Array(items)) if items.is_empty() => Ok(Whole::empty(None)),
        Ok(value) => Ok(Whole::of(value)),
        Err(error @ NotJson::TooDeep) => Err(Fault::Unusable(format!("the answer cannot be read as JSON: {error}"))),
        Err(_) if body.iter().all(u8::is_ascii_whitespace) => Ok(Whole::empty(None)),
        Err(error) => Ok(Whole::empty(Some(format!("an answer is no JSON: {error}")))),
    }
}

/// What JSON within another format must be.
pub fn strict(source: Source, limits: Limits) -> Result<Whole, Fault> {
    let body = source::all(source, limits)?;
    not_too_many(&body, *b",[{", "JSON")?;
    match parse(&body) {
        Ok(Value::Null) => Err(Fault::Unusable("the answer cannot be read as JSON: it is `null`".to_owned())),
        Ok(value) => Ok(Whole::of(value)),
        Err(error) => Err(Fault::Unusable(format!("the answer cannot be read as JSON: {error}"))),
    }
}

/// What an `XmlDecoder` makes of a body; one that is no XML counts as an empty object.
pub fn xml(body: &Bytes, headers: &HeaderMap) -> Result<Whole, Fault> {
    not_too_many(body, *b"<<=", "XML")?;
    match xml::parse(&encoding::text(body, headers)) {
        Ok(value) => Ok(Whole::of(value)),
        Err(xml::NotXml::TooDeep) => Err(Fault::Unusable(format!("the answer cannot be read as XML: {}", xml::NotXml::TooDeep))),
        Err(error) => Ok(Whole::empty(Some(format!("an answer is no XML: {error}")))),
    }
}
