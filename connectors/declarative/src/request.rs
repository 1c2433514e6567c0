//! Makes a request out of a requester: address, parameters, headers, body, and what pages, partitions and windows put into it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value};
use syncline_model::Fault;
use syncline_sdk::{Context, HttpRequest};
use url::Url;

pub use crate::parts::{Parts, Place, RequestOption};
use crate::{
    address::LastJoined,
    auth::{Authenticator, Call},
    errors::ErrorHandlers,
    node::Node,
    problem::Problem,
    template::{Evaluated, Kind, Nested, Scope, Template, python_str},
    wire::{add_query, form_body, header_value},
};

/// What a manifest says about one part of a request: fields, or one text that becomes all of it.
#[derive(Debug, Clone)]
enum Input {
    Fields(Vec<(Template, Field)>),
    Text(Template),
}

#[derive(Debug, Clone)]
enum Field {
    Template(Template),
    Fixed(Value),
}

impl Default for Input {
    fn default() -> Self {
        Self::Fields(Vec::new())
    }
}

impl Input {
    fn load(node: &Node<'_>, field: &str) -> Result<Self, Problem> {
        let here = Node { value: node.value, path: node.below(field) };
        match node.get(field) {
            None => Ok(Self::default()),
            Some(Value::String(text)) => Ok(if text.is_empty() { Self::default() } else { Self::Text(node.template(text, field)?) }),
            Some(Value::Object(fields)) => {
                let one = |(name, value): (&String, &Value)| {
                    let value = match value {
                        Value::String(text) => Field::Template(here.template(text, name)?),
                        other => Field::Fixed(other.clone()),
                    };
                    Ok((here.template(name, name)?, value))
                };
                let known = fields.iter().filter(|(_, value)| value.get("type").and_then(Value::as_str) != Some("QueryProperties"));
                Ok(Self::Fields(known.map(one).collect::<Result<_, Problem>>()?))
            }
            Some(_) => Err(Problem::manifest(&here.path, format!("`{field}` must be an object or a text"))),
        }
    }

    /// The fields it becomes. `valid` are the types that stay what they are; everything else stays the text that was rendered.
    fn fields(&self, scope: &Scope, valid: &[Kind]) -> Result<Result<Map<String, Value>, String>, Fault> {
        let fields = match self {
            Self::Text(text) => {
                let made = text.eval_or(scope, None)?.map_or_else(|| Value::String(String::new()), Evaluated::into_json);
                return Ok(match made {
                    Value::Null => Ok(Map::new()),
                    Value::Object(fields) => Ok(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
                    other => Err(python_str(&other)),
                });
            }
            Self::Fields(fields) => fields,
        };
        let mut made = Map::new();
        for (name, field) in fields {
            // A name that becomes nothing is Python's `None`, which is written like that.
            let name = name.mapped(scope, &[Kind::Str])?.map_or_else(|| "None".to_owned(), |name| name.text());
            let value = match field {
                Field::Fixed(value) => value.clone(),
                Field::Template(template) => template.mapped(scope, valid)?.map_or(Value::Null, printed),
            };
            if !value.is_null() {
                made.insert(name, value);
            }
        }
        Ok(Ok(made))
    }
}

/// What JSON has no word for is the text that Python prints.
fn printed(made: Evaluated) -> Value {
    match made.kind() {
        Kind::Tuple | Kind::Set | Kind::Bytes | Kind::Ellipsis | Kind::Complex => Value::String(made.into_text()),
        _ => made.into_json(),
    }
}

/// An `HttpRequester`.
#[derive(Debug, Clone)]
pub struct Requester {
    url: Option<Template>,
    base: Option<Template>,
    path: Option<Template>,
    joined: LastJoined,
    method: Method,
    parameters: Input,
    headers: Input,
    body_json: Option<Arc<Nested>>,
    body_data: Input,
    /// Who it asks as.
    pub authenticator: Authenticator,
    /// What its answers mean.
    pub errors: ErrorHandlers,
    /// Answers to equal requests of one job may be used again.
    pub use_cache: bool,
    /// The parameter that the properties of a chunk go into.
    pub properties_parameter: Option<String>,
    /// How long nothing may come of an answer.
    silence: Option<Duration>,
    /// How long a connection may take to be made.
    connect: Option<Duration>,
}

/// What is put into a request beside what the requester says.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// Parameters, headers and body fields.
    pub parts: Parts,
    /// The whole address of the next page, where the pagination gives one.
    pub address: Option<String>,
    /// Properties asked for in this chunk.
    pub properties: Option<Vec<String>>,
}

impl Requester {
    /// Reads one.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let node = Node::new(node, path);
        if node.kind() != "HttpRequester" {
            return Err(node.unknown("requester", &["HttpRequester"]));
        }
        let method = node.word("http_method").unwrap_or("GET");
        let method = method.parse().map_err(|_| node.problem(format!("`{method}` is no HTTP method")))?;
        let made = Self {
            url: node.text("url")?,
            base: node.text("url_base")?,
            path: node.text("path")?,
            joined: LastJoined::default(),
            method,
            parameters: Input::load(&node, "request_parameters")?,
            headers: Input::load(&node, "request_headers")?,
            body_json: None,
            body_data: Input::default(),
            authenticator: Authenticator::of(&node)?,
            errors: ErrorHandlers::load(node.get("error_handler"), &node.below("error_handler"))?,
            use_cache: node.says("use_cache"),
            properties_parameter: properties_parameter(&node),
            silence: seconds(&node, "read_timeout_in_seconds")?,
            connect: seconds(&node, "connect_timeout_in_seconds")?,
        };
        if made.url.is_none() && made.base.is_none() {
            return Err(node.missing("url_base"));
        }
        made.with_body(&node)
    }

    fn with_body(mut self, node: &Node<'_>) -> Result<Self, Problem> {
        if node.get("request_body_json").is_some() && node.get("request_body_data").is_some() {
            return Err(node.problem("only one of `request_body_json` and `request_body_data` can be given"));
        }
        if let Some(body) = node.child("request_body") {
            let nested = |value: &Value| Nested::load(value, &body.below("value")).map(|nested| Some(Arc::new(nested)));
            let value = body.needed("value")?;
            match body.kind() {
                "RequestBodyJsonObject" | "RequestBodyGraphQL" => self.body_json = nested(value.value)?,
                "RequestBodyUrlEncodedForm" | "RequestBodyPlainText" => self.body_data = Input::load(&body, "value")?,
                _ => {
                    let known = ["RequestBodyJsonObject", "RequestBodyGraphQL", "RequestBodyUrlEncodedForm", "RequestBodyPlainText"];
                    return Err(body.unknown("request body", &known));
                }
            }
            return Ok(self);
        }
        if let Some(body) = node.child("request_body_json") {
            self.body_json = Some(Arc::new(Nested::load(body.value, &body.path)?));
        }
        self.body_data = Input::load(node, "request_body_data")?;
        Ok(self)
    }

    /// The request, with the proof of who asks.
    pub async fn request(&self, context: &Context, scope: &Scope, extra: &Extra) -> Result<HttpRequest, Fault> {
        let mut parts = self.own_parts(scope)?;
        let mut proof = Parts::default();
        for (option, value) in self.authenticator.options(&Call { context, scope }).await? {
            proof.put(&option, Value::String(value), scope)?;
        }
        // What proves who asks wins over a header of the same name.
        for name in proof.headers.keys() {
            parts.headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        }
        parts.merge(proof)?;
        let mut extra_parts = extra.parts.clone();
        for name in extra_parts.headers.keys().cloned().collect::<Vec<_>>() {
            if parts.headers.contains_key(&name) {
                return Err(Fault::Misconfigured(format!("`{name}` is put into the request from two sides")));
            }
        }
        if let (Some(name), Some(properties)) = (&self.properties_parameter, &extra.properties) {
            extra_parts.parameters.insert(name.clone(), Value::String(properties.join(",")));
        }
        parts.merge(extra_parts)?;
        let url = self.address(scope, extra)?;
        let mut request = self.assemble(url, &parts)?;
        self.authenticator.sign(&Call { context, scope }, &mut request).await?;
        Ok(request)
    }

    fn own_parts(&self, scope: &Scope) -> Result<Parts, Fault> {
        let valid = [Kind::Str, Kind::List];
        let mut made = Parts {
            // A text that is no object says nothing about the query.
            parameters: self.parameters.fields(scope, &valid)?.unwrap_or_default(),
            headers: self
                .headers
                .fields(scope, &[])?
                .map_err(|_| Fault::Misconfigured("`request_headers` must become an object".to_owned()))?,
            ..Parts::default()
        };
        if let Some(body) = &self.body_json {
            match body.fill(scope)? {
                Value::Object(fields) => made.body_json = fields,
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                _ => return Err(Fault::Misconfigured("`request_body_json` must become an object".to_owned())),
            }
        }
        match self.body_data.fields(scope, &valid)? {
            Ok(fields) => made.body_data = fields,
            Err(text) if text.is_empty() => {}
            Err(text) => made.body_text = Some(text),
        }
        Ok(made)
    }

    fn address(&self, scope: &Scope, extra: &Extra) -> Result<Url, Fault> {
        let said = |template: &Option<Template>| template.as_ref().map(|template| template.text(scope)).transpose();
        let path = match &extra.address {
            Some(address) => address.clone(),
            None => said(&self.path)?.unwrap_or_default().trim_start_matches('/').to_owned(),
        };
        let base = said(&self.base)?.filter(|base| !base.is_empty());
        let base = match base {
            Some(base) => base,
            None => said(&self.url)?.unwrap_or_default(),
        };
        self.joined.joined(&base, &path)
    }

    fn assemble(&self, mut url: Url, parts: &Parts) -> Result<HttpRequest, Fault> {
        let known: Vec<(String, String)> = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let mut pairs = Vec::new();
        for (name, value) in &parts.parameters {
            let first = known.iter().find(|(known, text)| known == name && !text.is_empty());
            if first.is_some_and(|(_, text)| *text == python_str(value)) {
                continue;
            }
            spread(name, value, &mut pairs)?;
        }
        if !pairs.is_empty() {
            add_query(&mut url, pairs);
        }
        if url.query() == Some("") {
            url.set_query(None);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &parts.headers {
            add_header(&mut headers, name, &python_str(value))?;
        }
        let mut body = Bytes::new();
        if [Method::POST, Method::PUT, Method::PATCH, Method::GET, Method::DELETE].contains(&self.method) {
            body = write_body(parts, &mut headers)?;
        }
        Ok(HttpRequest { method: self.method.clone(), url, headers, body, connect: self.connect, silence: self.silence })
    }
}

fn write_body(parts: &Parts, headers: &mut HeaderMap) -> Result<Bytes, Fault> {
    if !parts.body_json.is_empty() && (!parts.body_data.is_empty() || parts.body_text.is_some()) {
        return Err(Fault::Misconfigured("a request cannot have a JSON body and a form".to_owned()));
    }
    if !parts.body_json.is_empty() {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        return serde_json::to_vec(&parts.body_json).map(Bytes::from).map_err(|error| Fault::Internal(error.to_string()));
    }
    if let Some(text) = &parts.body_text {
        return Ok(Bytes::from(text.clone()));
    }
    if parts.body_data.is_empty() {
        return Ok(Bytes::new());
    }
    let mut pairs = Vec::new();
    for (name, value) in &parts.body_data {
        spread(name, value, &mut pairs)?;
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/x-www-form-urlencoded"));
    Ok(form_body(pairs))
}

/// A list repeats its name; nothing is left out.
fn spread(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) -> Result<(), Fault> {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| match item {
            Value::Null => {}
            // What is in a list of the list stands beside it, and of an object there are the names.
            Value::Array(items) => pairs.extend(items.iter().map(|item| (name.to_owned(), python_str(item)))),
            Value::Object(fields) => pairs.extend(fields.keys().map(|field| (name.to_owned(), field.clone()))),
            item => pairs.push((name.to_owned(), python_str(item))),
        }),
        Value::Object(_) => return Err(Fault::Misconfigured(format!("the parameter `{name}` cannot be an object"))),
        other => pairs.push((name.to_owned(), python_str(other))),
    }
    Ok(())
}

fn add_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Fault> {
    let bad = |what: &str| Fault::Misconfigured(format!("the {what} of the header `{name}` cannot be sent"));
    let key = HeaderName::try_from(name).map_err(|_| bad("name"))?;
    headers.insert(key, header_value(value).ok_or_else(|| bad("value"))?);
    Ok(())
}

/// A length of time that a manifest says in seconds.
fn seconds(node: &Node<'_>, field: &str) -> Result<Option<Duration>, Problem> {
    let Some(value) = node.get(field).filter(|value| !value.is_null()) else { return Ok(None) };
    let length = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|length| !length.is_zero());
    length.map(Some).ok_or_else(|| node.problem(format!("`{field}` is `{value}`, and must be a number of seconds above zero")))
}

/// The parameter that is a `QueryProperties` component.
fn properties_parameter(node: &Node<'_>) -> Option<String> {
    let fields = node.get("request_parameters")?.as_object()?;
    fields.iter().find(|(_, value)| value.get("type").and_then(Value::as_str) == Some("QueryProperties")).map(|(name, _)| name.clone())
}
