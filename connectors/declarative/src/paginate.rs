//! Which page comes next, and how a request asks for it.

use std::sync::{Arc, LazyLock};

use http::HeaderMap;
use serde_json::{Map, Value, json};
use syncline_model::Fault;

use crate::{
    node::Node,
    parts::RequestOption,
    problem::Problem,
    request::Extra,
    template::{Scope, Template, is_truthy, python_str},
};

#[derive(Debug, Clone)]
enum Strategy {
    Page { first: i64, on_first: bool },
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
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its first document.
    pub response: Option<Arc<Value>>,
    /// How many records it had, before any filter.
    pub extracted: u64,
    /// How many were left of them.
    pub count: u64,
    /// The last of those.
    pub last_record: Option<Arc<Value>>,
    /// The page size that was asked for instead of the manifest's.
    pub size: Option<i64>,
}

impl Paginator {
    /// Reads one.
    pub fn load(node: Option<Node<'_>>) -> Result<Self, Problem> {
        let Some(node) = node.filter(|node| node.kind() != "NoPagination") else { return Ok(Self(None)) };
        if node.kind() != "DefaultPaginator" {
            return Err(node.unknown("paginator", &["DefaultPaginator", "NoPagination"]));
        }
        let strategy = node.needed("pagination_strategy")?;
        let size = strategy.text("page_size")?;
        let on_first = strategy.says("inject_on_first_request");
        let kind = match strategy.kind() {
            "PageIncrement" => Strategy::Page { first: strategy.whole("start_from_page")?.unwrap_or(0), on_first },
            "OffsetIncrement" => Strategy::Offset { on_first },
            "CursorPagination" => Strategy::Cursor { value: strategy.needed_text("cursor_value")?, stop: strategy.text("stop_condition")? },
            _ => return Err(strategy.unknown("pagination strategy", &["PageIncrement", "OffsetIncrement", "CursorPagination"])),
        };
        let option = |option: Node<'_>| RequestOption::load(option.value, &option.path);
        let token = match node.child("page_token_option") {
            None => None,
            Some(place) if place.kind() == "RequestPath" => Some(TokenPlace::Path),
            Some(place) => Some(TokenPlace::Option(option(place)?)),
        };
        let size_option = node.child("page_size_option").map(option).transpose()?;
        if size_option.is_some() && size.is_none() {
            return Err(node.problem("`page_size_option` needs a `page_size` in the pagination strategy"));
        }
        if let (Some(size), Some(TokenPlace::Option(token))) = (&size_option, &token)
            && let Some(name) = size.same_place(token)
        {
            return Err(node.problem(format!("`page_token_option` and `page_size_option` both write `{name}`")));
        }
        Ok(Self(Some(Pages { strategy: kind, size, size_option, token })))
    }

    /// There is only one page.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the decision about the next page needs the answer as a document.
    pub fn reads_answers(&self) -> bool {
        self.0.as_ref().is_some_and(|pages| match &pages.strategy {
            Strategy::Page { .. } => false,
            Strategy::Offset { .. } => pages.size.as_ref().is_some_and(Template::is_dynamic),
            Strategy::Cursor { value, stop } => mentions(value, "response") || stop.as_ref().is_some_and(|stop| mentions(stop, "response")),
        })
    }

    /// The fields of the answer that the decision looks at, where these can be told to be all.
    pub fn answer_fields(&self) -> Option<Vec<Box<str>>> {
        let Strategy::Cursor { value, stop } = &self.0.as_ref()?.strategy else { return None };
        let mut fields = value.fields("response")?;
        if let Some(stop) = stop {
            fields.extend(stop.fields("response")?);
        }
        Some(fields.into_iter().collect())
    }

    /// Whether it needs the last record.
    pub fn reads_records(&self) -> bool {
        self.0.as_ref().is_some_and(|pages| match &pages.strategy {
            Strategy::Page { .. } | Strategy::Offset { .. } => false,
            Strategy::Cursor { value, stop } => {
                mentions(value, "last_record") || stop.as_ref().is_some_and(|stop| mentions(stop, "last_record"))
            }
        })
    }

    /// The token of the first page, where it has one.
    pub fn initial(&self) -> Option<Value> {
        match self.0.as_ref()?.strategy {
            Strategy::Page { first, on_first: true } => Some(json!(first)),
            Strategy::Offset { on_first: true } => Some(json!(0)),
            _ => None,
        }
    }

    /// How many records a page should have.
    pub fn page_size(&self, scope: &Scope) -> Result<Option<i64>, Fault> {
        let Some(size) = self.0.as_ref().and_then(|pages| pages.size.as_ref()) else { return Ok(None) };
        let said = size.eval(scope)?;
        said.json()
            .as_i64()
            .map(Some)
            .ok_or_else(|| Fault::Misconfigured(format!("`page_size` is `{}`, and must be a whole number", said.text())))
    }

    /// What it puts into the request for a page.
    pub fn put(&self, extra: &mut Extra, token: Option<&Value>, size: Option<i64>, scope: &Scope) -> Result<(), Fault> {
        let Some(pages) = &self.0 else { return Ok(()) };
        if let (Some(value), Some(TokenPlace::Option(option))) = (token, &pages.token) {
            extra.parts.put(option, value.clone(), scope)?;
        }
        if let (Some(value), Some(TokenPlace::Path)) = (token, &pages.token)
            && is_truthy(value)
        {
            extra.address = Some(python_str(value));
        }
        if let Some(option) = &pages.size_option {
            let size = if size.is_some() { size } else { self.page_size(scope)? };
            if let Some(size) = size.filter(|size| *size != 0) {
                extra.parts.put(option, json!(size), scope)?;
            }
        }
        Ok(())
    }

    /// The page after one that was seen; `None` when there is none.
    pub fn next(&self, token: Option<&Value>, seen: &Seen<'_>, scope: &Scope) -> Result<Option<Value>, Fault> {
        let Some(pages) = &self.0 else { return Ok(None) };
        let counted = |value: Option<&Value>| match value {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| Fault::Internal(format!("the page `{value}` is no number"))),
        };
        match &pages.strategy {
            Strategy::Cursor { value, stop } => pages.behind_cursor(value, stop.as_ref(), seen, scope),
            Strategy::Page { first, .. } => {
                let size = if seen.size.is_some() { seen.size } else { self.page_size(scope)? };
                let next = counted(token)?.unwrap_or(*first) + 1;
                // A page of no number is no page to the reference.
                Ok((!ends(seen.extracted, size) && next != 0).then_some(json!(next)))
            }
            Strategy::Offset { .. } => {
                let with_answer;
                let scope = match &seen.response {
                    Some(response) => {
                        with_answer = scope.clone().with("response", Arc::clone(response));
                        &with_answer
                    }
                    None => scope,
                };
                let size = if seen.size.is_some() { seen.size } else { self.page_size(scope)? };
                let read = i64::try_from(seen.extracted).unwrap_or(i64::MAX);
                Ok((!ends(seen.extracted, size)).then_some(json!(counted(token)?.unwrap_or(0) + read)))
            }
        }
    }
}

/// A template that may look at something of this name.
fn mentions(template: &Template, name: &str) -> bool {
    template.is_dynamic() && template.source().contains(name)
}

/// A page that is shorter than asked for, or empty, is the last.
fn ends(count: u64, size: Option<i64>) -> bool {
    count == 0 || size.is_some_and(|size| size > 0 && i64::try_from(count).is_ok_and(|count| count < size))
}

impl Pages {
    fn behind_cursor(&self, value: &Template, stop: Option<&Template>, seen: &Seen<'_>, scope: &Scope) -> Result<Option<Value>, Fault> {
        let size = match (seen.size, &self.size) {
            (Some(size), _) => json!(size),
            (None, Some(size)) => size.eval(scope)?.into_json(),
            (None, None) => Value::Null,
        };
        let templates = [Some(value), stop].into_iter().flatten().filter(|template| mentions(template, "headers"));
        let headers = match templates.map(Template::source).collect::<Vec<_>>() {
            templates if templates.is_empty() => Arc::default(),
            templates => Arc::new(Value::Object(headers(seen.headers, &templates))),
        };
        let scope = scope
            .clone()
            .without("next_page_token")
            .with("response", seen.response.clone().unwrap_or_else(|| Arc::new(json!({}))))
            .with("headers", headers)
            .with("last_page_size", Arc::new(json!(seen.count)))
            .with("last_record", seen.last_record.clone().unwrap_or_default())
            .with("page_size", Arc::new(size));
        if let Some(stop) = stop
            && stop.holds(&scope)?
        {
            return Ok(None);
        }
        let next = value.eval(&scope)?;
        Ok(next.is_truthy().then(|| next.into_json()))
    }
}

/// The headers as templates see them: as `requests` gives them, with `link` taken apart. How the source spells a name is not known, so
/// it can be looked up as it is written in HTTP/2, as most servers of HTTP/1 write it, and as the templates do.
fn headers(answer: &HeaderMap, templates: &[&str]) -> Map<String, Value> {
    let mut made = Map::new();
    for (name, value) in answer {
        let value = Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
        for template in templates {
            let places = template.to_ascii_lowercase();
            for (at, _) in places.match_indices(name.as_str()) {
                made.insert(template[at..at + name.as_str().len()].to_owned(), value.clone());
            }
        }
        made.insert(title_case(name.as_str()), value.clone());
        made.insert(name.as_str().to_owned(), value);
    }
    let link = answer.get("link").and_then(|value| value.to_str().ok()).map(links).unwrap_or_default();
    made.insert("link".to_owned(), Value::Object(link));
    made
}

/// `x-next-page` as `X-Next-Page`.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// `<url>; rel="next", <url>; rel="last"` by relation, read as Python's `requests` reads it.
fn links(header: &str) -> Map<String, Value> {
    static BETWEEN: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new(", *<").ok());
    let strip = [' ', '\'', '"'];
    let header = header.trim_matches(strip);
    let mut made = Map::new();
    let Some(between) = BETWEEN.as_ref().filter(|_| !header.is_empty()) else { return made };
    for part in between.split(header) {
        let (url, rest) = part.split_once(';').unwrap_or((part, ""));
        let url = url.trim_matches(['<', '>', ' ', '\'', '"']);
        let mut link = Map::from_iter([("url".to_owned(), Value::String(url.to_owned()))]);
        for parameter in rest.split(';') {
            let mut sides = parameter.split('=');
            let (Some(name), Some(value), None) = (sides.next(), sides.next(), sides.next()) else { break };
            link.insert(name.trim_matches(strip).to_owned(), Value::String(value.trim_matches(strip).to_owned()));
        }
        let name = link.get("rel").and_then(Value::as_str).filter(|rel| !rel.is_empty()).unwrap_or(url).to_owned();
        made.insert(name, Value::Object(link));
    }
    made
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_header_is_found_however_the_template_spells_it() {
        let answer = HeaderMap::from_iter([(http::HeaderName::from_static("x-nextpage"), http::HeaderValue::from_static("3"))]);
        for spelt in ["X-NextPage", "x-nextpage", "X-Nextpage", "X-NEXTPAGE"] {
            let strategy = json!({"type": "CursorPagination", "cursor_value": format!("{{{{ headers['{spelt}'] }}}}")});
            let paginator = json!({"type": "DefaultPaginator", "pagination_strategy": strategy});
            let paginator = Paginator::load(Some(Node::new(&paginator, "paginator"))).unwrap();
            let seen = Seen { headers: &answer, response: None, extracted: 1, count: 1, last_record: None, size: None };
            assert_eq!(paginator.next(None, &seen, &Scope::new()).unwrap(), Some(json!(3)), "{spelt}");
        }
    }
}
