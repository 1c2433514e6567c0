//! Which page comes next, and how a request asks for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use syncline_model::{Fault, nearest};
use syncline_sdk::HttpAnswer;

use crate::{
    problem::Problem,
    request::{Extra, RequestOption, text},
    template::{Scope, Template, python_str},
};

/// Which page is meant; none is the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub Value);

#[derive(Debug, Clone)]
enum Strategy {
    Page { first: u64, on_first: bool },
    Offset { on_first: bool },
    Cursor { value: Template, stop: Option<Template> },
}

#[derive(Debug, Clone)]
enum TokenPlace {
    Path,
    Option(RequestOption),
}

/// A paginator. None reads one page.
#[derive(Debug, Clone, Default)]
pub struct Paginator(Option<Pages>);

#[derive(Debug, Clone)]
struct Pages {
    strategy: Strategy,
    size: Option<Template>,
    size_option: Option<RequestOption>,
    token: Option<TokenPlace>,
}

/// What a page was, for whoever decides what comes next.
pub struct Seen<'a> {
    /// The answer.
    pub answer: &'a HttpAnswer,
    /// How many records it had, before any filter.
    pub count: u64,
    /// Its last record.
    pub last_record: Option<&'a bytes::Bytes>,
}

impl Paginator {
    /// Reads one.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        let Some(node) = node.filter(|node| !node.is_null() && node.get("type").and_then(Value::as_str) != Some("NoPagination")) else {
            return Ok(Self(None));
        };
        let here = format!("{path}.pagination_strategy");
        let strategy = node.get("pagination_strategy").ok_or_else(|| Problem::manifest(path, "`pagination_strategy` is missing"))?;
        let size = text(strategy, "page_size", &here)?;
        let on_first = strategy.get("inject_on_first_request").and_then(Value::as_bool).unwrap_or(false);
        let kind = match strategy.get("type").and_then(Value::as_str).unwrap_or_default() {
            "PageIncrement" => Strategy::Page { first: strategy.get("start_from_page").and_then(Value::as_u64).unwrap_or(0), on_first },
            "OffsetIncrement" => Strategy::Offset { on_first },
            "CursorPagination" => Strategy::Cursor {
                value: text(strategy, "cursor_value", &here)?.ok_or_else(|| Problem::manifest(&here, "`cursor_value` is missing"))?,
                stop: text(strategy, "stop_condition", &here)?,
            },
            other => {
                let hint = nearest::hint(other, ["PageIncrement", "OffsetIncrement", "CursorPagination"]);
                return Err(Problem::manifest(&here, format!("unknown pagination strategy `{other}`{hint}")));
            }
        };
        let option = |field: &str| node.get(field).filter(|node| !node.is_null()).map(|node| (node, format!("{path}.{field}")));
        let token = match option("page_token_option") {
            None => None,
            Some((node, _)) if node.get("type").and_then(Value::as_str) == Some("RequestPath") => Some(TokenPlace::Path),
            Some((node, here)) => Some(TokenPlace::Option(RequestOption::load(node, &here)?)),
        };
        let size_option = option("page_size_option").map(|(node, here)| RequestOption::load(node, &here)).transpose()?;
        Ok(Self(Some(Pages { strategy: kind, size, size_option, token })))
    }

    /// What it puts into the request for a page.
    pub fn put(&self, extra: &mut Extra, token: Option<&Token>, scope: &Scope) -> Result<(), Fault> {
        let Some(pages) = &self.0 else { return Ok(()) };
        if let (Some(option), Some(size)) = (&pages.size_option, &pages.size) {
            extra.options.push((option.clone(), python_str(&size.value(scope)?)));
        }
        let value = match (token, &pages.strategy) {
            (Some(token), _) => Some(token.0.clone()),
            (None, Strategy::Page { first, on_first: true }) => Some(json!(first)),
            (None, Strategy::Offset { on_first: true }) => Some(json!(0)),
            (None, _) => None,
        };
        let Some(value) = value else { return Ok(()) };
        match &pages.token {
            None => {}
            Some(TokenPlace::Path) => extra.address = Some(python_str(&value)),
            Some(TokenPlace::Option(option)) => extra.options.push((option.clone(), python_str(&value))),
        }
        Ok(())
    }

    /// The page after one that was seen; `None` when there is none.
    pub fn next(&self, token: Option<&Token>, seen: &Seen<'_>, scope: &Scope) -> Result<Option<Token>, Fault> {
        let Some(pages) = &self.0 else { return Ok(None) };
        let size = pages.size.as_ref().map(|size| size.value(scope)).transpose()?.and_then(|size| size.as_u64());
        let ends = seen.count == 0 || size.is_some_and(|size| seen.count < size);
        let at = token.and_then(|token| token.0.as_u64());
        match &pages.strategy {
            Strategy::Page { .. } | Strategy::Offset { .. } if ends => Ok(None),
            Strategy::Page { first, .. } => Ok(Some(Token(json!(at.unwrap_or(*first) + 1)))),
            Strategy::Offset { .. } => Ok(Some(Token(json!(at.unwrap_or(0) + seen.count)))),
            Strategy::Cursor { value, stop } => {
                let scope = page_scope(scope, seen);
                if let Some(stop) = stop
                    && stop.holds(&scope)?
                {
                    return Ok(None);
                }
                let next = value.value(&scope)?;
                Ok(if is_nothing(&next) { None } else { Some(Token(next)) })
            }
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => matches!(text.as_str(), "" | "{}" | "[]"),
        Value::Number(number) => number.as_str() == "0",
        Value::Array(_) | Value::Object(_) | Value::Bool(true) => false,
    }
}

fn page_scope(scope: &Scope, seen: &Seen<'_>) -> Scope {
    let mut scope = scope.clone();
    let response = match serde_json::from_slice(&seen.answer.body) {
        Ok(Value::Array(items)) => items.into_iter().next().unwrap_or_else(|| json!({})),
        Ok(other) => other,
        Err(_) => json!({}),
    };
    scope.set("response", Arc::new(response));
    scope.set("headers", Arc::new(Value::Object(headers(seen.answer))));
    scope.set("last_page_size", Arc::new(json!(seen.count)));
    let last_record = seen.last_record.and_then(|piece| serde_json::from_slice(piece).ok()).unwrap_or(Value::Null);
    scope.set("last_record", Arc::new(last_record));
    scope
}

/// The headers as templates see them: `link` is taken apart, as by Python's `requests`.
fn headers(answer: &HttpAnswer) -> Map<String, Value> {
    let mut made = Map::new();
    for (name, value) in &answer.headers {
        made.insert(name.as_str().to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    let link = answer.headers.get("link").and_then(|value| value.to_str().ok()).map(links).unwrap_or_default();
    made.insert("link".to_owned(), Value::Object(link));
    made
}

/// `<url>; rel="next", <url>; rel="last"` by relation.
fn links(header: &str) -> Map<String, Value> {
    let mut made = Map::new();
    for part in header.split(", <") {
        let Some((url, rest)) = part.trim().trim_start_matches('<').split_once('>') else { continue };
        let mut link = Map::from_iter([("url".to_owned(), Value::String(url.to_owned()))]);
        for parameter in rest.split(';').filter_map(|text| text.trim().split_once('=')) {
            link.insert(parameter.0.trim().to_owned(), Value::String(parameter.1.trim().trim_matches(['"', '\'']).to_owned()));
        }
        let name = link.get("rel").and_then(Value::as_str).unwrap_or(url).to_owned();
        made.insert(name, Value::Object(link));
    }
    made
}
