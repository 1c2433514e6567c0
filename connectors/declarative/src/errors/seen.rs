//! An answer as filters and strategies look at it: parsed once, and only when somebody looks.

use std::{
    cell::OnceCell,
    sync::{Arc, LazyLock},
};

use regex::Regex;
use serde_json::{Map, Value};
use syncline_sdk::HttpAnswer;

use super::message;
use crate::template::{Scope, Template};

/// An answer that is looked at.
pub struct Seen<'a> {
    /// The answer.
    pub answer: &'a HttpAnswer,
    scope: &'a Scope,
    body: OnceCell<Option<Arc<Value>>>,
}

/// What could be the name of a header in a template.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"['"]([A-Za-z0-9_-]+)['"]|headers\.([A-Za-z0-9_]+)"#).ok());

impl<'a> Seen<'a> {
    /// Looks at an answer.
    pub fn new(answer: &'a HttpAnswer, scope: &'a Scope) -> Self {
        Self { answer, scope, body: OnceCell::new() }
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    /// Its body, if it is JSON.
    fn json(&self) -> Option<&Arc<Value>> {
        self.body.get_or_init(|| crate::decode::json::parse(&self.answer.body).ok().map(Arc::new)).as_ref()
    }

    /// What the body says about what is wrong.
    pub fn complaint(&self) -> Option<String> {
        match self.json() {
            Some(body) => message::of(body),
            None => std::str::from_utf8(&self.answer.body).ok().map(str::to_owned),
        }
    }

    /// What a template may look at beside the settings. A body that is no JSON counts as an empty object.
    pub fn scope(&self, template: &Template, with_config: bool) -> Scope {
        let empty = || Arc::new(Value::Object(Map::new()));
        let mut scope = Scope::new().at(self.scope.now());
        let config = if with_config { self.scope.get("config") } else { None };
        scope.set("config", config.unwrap_or_default());
        scope.set("response", self.json().cloned().unwrap_or_else(empty));
        scope.set("headers", Arc::new(Value::Object(self.headers(template))));
        scope.set("request_url", Arc::new(Value::String(self.address())));
        scope
    }

    /// The headers. The case of their names does not matter, so each also stands there as the template spells it.
    fn headers(&self, template: &Template) -> Map<String, Value> {
        let headers = &self.answer.headers;
        let text = |value: &http::HeaderValue| Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut made: Map<String, Value> = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let spelt = QUOTED.as_ref().into_iter().flat_map(|quoted| quoted.captures_iter(template.source()));
        for name in spelt.filter_map(|found| found.get(1).or(found.get(2))) {
            if let Some(value) = headers.get(name.as_str()) {
                made.insert(name.as_str().to_owned(), text(value));
            }
        }
        made
    }

    /// Where it came from, without what could be a secret.
    fn address(&self) -> String {
        let mut url = self.answer.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // An address without a host has nobody's name in it either.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        url.into()
    }
}
