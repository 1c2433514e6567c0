//! Decoders: what the body of an answer becomes before anybody looks for records in it. Each yields documents one after the other, and
//! holds no more than one of them where its format allows that. Where the records stand in a document is the extractors'.

pub mod csv;
pub mod encoding;
pub mod gzip;
mod items;
pub mod json;
mod lines;
mod load;
pub mod source;
mod whole;
mod xml;
mod zipped;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use syncline_model::Fault;

use self::{csv::Csv, encoding::Encoding, source::Limits};

/// How the body of an answer is read.
#[derive(Debug, Clone)]
pub enum Decoder {
    /// JSON; what is none counts as an empty object.
    Json,
    /// Every line is a record with one field.
    Iterable,
    /// XML, as `xmltodict` reads it.
    Xml,
    /// Every file of an archive.
    Zip(Parser),
    /// The body as it comes.
    Raw(Parser),
}

/// How bytes are read, wherever they come from.
#[derive(Debug, Clone)]
pub enum Parser {
    /// One JSON document, or the elements of one list.
    Json,
    /// One JSON document on each line.
    Lines,
    /// The elements of a list that is too long to be held.
    Items { path: String, encoding: Encoding },
    /// Rows under a line of names.
    Csv(Csv),
    /// Compressed, or not, as the first two bytes say.
    Gzip(Box<Self>),
}

impl Decoder {
    /// Whether this is the usual decoder of JSON, so that records may be cut out of the bytes.
    pub fn is_plain_json(&self) -> bool {
        matches!(self, Self::Json)
    }

    /// Whether the body is read once, from beginning to end: a paginator then sees an empty object instead of the answer.
    pub fn is_streamed(&self) -> bool {
        matches!(self, Self::Iterable | Self::Raw(_))
    }

    /// Whether a paginator may stand beside it.
    pub fn can_be_paginated(&self) -> bool {
        match self {
            Self::Json | Self::Xml | Self::Raw(Parser::Json) => true,
            Self::Raw(Parser::Gzip(inner)) => matches!(**inner, Parser::Json),
            Self::Iterable | Self::Zip(_) | Self::Raw(_) => false,
        }
    }

    /// The documents of a body.
    pub fn decode(&self, body: &Bytes, headers: &HeaderMap) -> Result<Documents, Fault> {
        self.decode_within(body, headers, Limits::USUAL)
    }

    fn decode_within(&self, body: &Bytes, headers: &HeaderMap, limits: Limits) -> Result<Documents, Fault> {
        match self {
            Self::Json => Ok(Documents(Box::new(whole::forgiving(body)?))),
            Self::Xml => Ok(Documents(Box::new(whole::xml(body, headers)?))),
            Self::Iterable => Ok(Documents(Box::new(lines::texts(source::of(body), limits)))),
            Self::Zip(parser) => Ok(Documents(Box::new(zipped::Files::open(body, parser, limits)?))),
            Self::Raw(parser) => Ok(Documents(parser.parse(gzip::in_transport(source::of(body), headers, parser, limits)?, limits)?)),
        }
    }
}

impl Parser {
    fn parse(&self, source: source::Source, limits: Limits) -> Result<Box<dyn Document>, Fault> {
        match self {
            Self::Json => Ok(Box::new(whole::strict(source, limits)?)),
            Self::Lines => Ok(Box::new(lines::documents(source, limits))),
            Self::Items { path, encoding } => Ok(Box::new(items::Items::new(encoding.recoded(source), path, limits))),
            Self::Csv(csv) => Ok(Box::new(csv.rows(source, limits))),
            Self::Gzip(inner) => inner.parse(gzip::peel(source, limits)?, limits),
        }
    }
}

/// What yields documents.
pub trait Document: Send {
    /// The next one.
    fn next(&mut self) -> Option<Result<Value, Fault>>;

    /// What could not be read and was left out so far.
    fn complaint(&self) -> Option<String> {
        None
    }
}

/// The documents of a body, one after the other. Behind a fault there are no more.
pub struct Documents(Box<dyn Document>);

impl Documents {
    /// What yields documents.
    pub fn of(documents: impl Document + 'static) -> Self {
        Self(Box::new(documents))
    }

    /// What could not be read and was left out so far, as a lowercase clause: nothing is dropped without a word.
    pub fn complaint(&self) -> Option<String> {
        self.0.complaint()
    }
}

impl Iterator for Documents {
    type Item = Result<Value, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Documents")
    }
}

#[cfg(test)]
mod tests;
