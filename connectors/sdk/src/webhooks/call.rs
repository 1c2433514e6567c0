//! A request as it came to an endpoint.

use bytes::Bytes;
use jiff::Timestamp;

/// A request as it came to an endpoint: of its headers those that somebody looks at, with names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `GET` or `POST`.
    pub method: String,
    /// The address that was asked, as the sender sees it.
    pub url: String,
    /// The parameters of the query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// The endpoint's id.
    pub endpoint: String,
    /// When it came.
    pub received: Timestamp,
    /// What the sender says about when it sent this, as it stands there; known once somebody looked for it.
    pub timestamp: Option<String>,
    /// What the sender calls this message.
    pub id: Option<String>,
}

impl Call {
    /// A header; the first of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query; the first of that name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }
}
