//! Makes a request out of a requester: address, parameters, headers, body, and what pages, partitions and windows put into it.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use syncline_model::Fault;
use syncline_sdk::HttpRequest;
use url::Url;

use crate::{
    auth::Authenticator,
    problem::Problem,
    template::{Evaluated, Kind, Nested, Scope, Template, python_str},
};

/// Where a value is put into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOption {
    /// The part of the request.
    pub place: Place,
    /// The name there.
    pub name: Template,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The query.
    Parameter,
    /// A header.
    Header,
    /// A field of a JSON body.
    BodyJson,
    /// A field of a form.
    BodyData,
}

impl RequestOption {
    /// Reads one.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let place = match node.get("inject_into").and_then(Value::as_str) {
            Some("request_parameter") => Place::Parameter,
            Some("header") => Place::Header,
            Some("body_json") => Place::BodyJson,
            Some("body_data") => Place::BodyData,
            other => {
                return Err(Problem::manifest(
                    path,
                    format!(
                        "`inject_into` is `{}`, and must be one of request_parameter, header, body_json, body_data",
                        other.unwrap_or("absent")
                    ),
                ));
            }
        };
        Ok(Self { place, name: text(node, "field_name", path)?.ok_or_else(|| Problem::manifest(path, "`field_name` is missing"))? })
    }
}

/// A text field of a component as a template.
pub fn text(node: &Value, field: &str, path: &str) -> Result<Option<Template>, Problem> {
    let text = match node.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
        Some(_) => return Err(Problem::manifest(path, format!("`{field}` must be a text"))),
    };
    Template::new(&text).map(Some).map_err(|why| Problem::manifest(&format!("{path}.{field}"), why))
}

/// The fields of an object as templates.
fn texts(node: &Value, field: &str, path: &str) -> Result<Vec<(String, Template)>, Problem> {
    let Some(fields) = node.get(field).and_then(Value::as_object) else { return Ok(Vec::new()) };
    let here = format!("{path}.{field}");
    fields
        .keys()
        .map(|name| {
            Ok((name.clone(), text(&node[field], name, &here)?.ok_or_else(|| Problem::manifest(&here, format!("`{name}` is empty")))?))
        })
        .collect()
}

/// An `HttpRequester`.
#[derive(Debug, Clone)]
pub struct Requester {
    base: Template,
    path: Option<Template>,
    method: Method,
    parameters: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    body_json: Option<Nested>,
    body_data: Vec<(String, Template)>,
    authenticator: Authenticator,
}

/// What is put into a request beside what the requester says.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// Values and where they go.
    pub options: Vec<(RequestOption, String)>,
    /// The whole address of the next page, where the pagination gives one.
    pub address: Option<String>,
}

impl Requester {
    /// Reads one.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let method = node.get("http_method").and_then(Value::as_str).unwrap_or("GET");
        let method = method.parse().map_err(|_| Problem::manifest(path, format!("`{method}` is no HTTP method")))?;
        let base = match text(node, "url_base", path)? {
            Some(base) => Some(base),
            None => text(node, "url", path)?,
        };
        Ok(Self {
            base: base.ok_or_else(|| Problem::manifest(path, "`url_base` is missing"))?,
            path: text(node, "path", path)?,
            method,
            parameters: texts(node, "request_parameters", path)?,
            headers: texts(node, "request_headers", path)?,
            body_json: node.get("request_body_json").map(|body| Nested::load(body, &format!("{path}.request_body_json"))).transpose()?,
            body_data: texts(node, "request_body_data", path)?,
            authenticator: Authenticator::load(node.get("authenticator"), &format!("{path}.authenticator"))?,
        })
    }

    /// The request.
    pub fn request(&self, scope: &Scope, extra: &Extra) -> Result<HttpRequest, Fault> {
        let mut url = self.address(scope, extra)?;
        let mut headers = HeaderMap::new();
        let (mut json, mut data) = (self.json(scope)?, Vec::new());
        for (name, template) in &self.parameters {
            let value = template.mapped(scope, &[Kind::Str, Kind::List])?.map(Evaluated::into_text);
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                add_parameter(&mut url, name, &value);
            }
        }
        for (name, template) in &self.headers {
            let value = template.value(scope)?;
            if !value.is_null() {
                add_header(&mut headers, name, &python_str(&value))?;
            }
        }
        for (name, template) in &self.body_data {
            data.push((name.clone(), template.text(scope)?));
        }
        let auth = self.authenticator.options(scope)?;
        for (option, value) in extra.options.iter().chain(&auth) {
            let name = option.name.text(scope)?;
            match option.place {
                Place::Parameter => add_parameter(&mut url, &name, value),
                Place::Header => add_header(&mut headers, &name, value)?,
                Place::BodyJson => drop(json.get_or_insert_default().insert(name, Value::String(value.clone()))),
                Place::BodyData => data.push((name, value.clone())),
            }
        }
        let body = match json {
            Some(fields) => {
                headers.entry("content-type").or_insert(HeaderValue::from_static("application/json"));
                Value::Object(fields).to_string()
            }
            None if data.is_empty() => String::new(),
            None => {
                headers.entry("content-type").or_insert(HeaderValue::from_static("application/x-www-form-urlencoded"));
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(data).finish()
            }
        };
        Ok(HttpRequest { method: self.method.clone(), url, headers, body: body.into() })
    }

    fn address(&self, scope: &Scope, extra: &Extra) -> Result<Url, Fault> {
        let missing = || Fault::Misconfigured("the address of the source is missing in the settings".to_owned());
        let base = Some(self.base.text(scope)?).filter(|text| !text.is_empty()).ok_or_else(missing)?;
        let path = match &extra.address {
            Some(address) => address.clone(),
            None => self.path.as_ref().map(|path| path.text(scope)).transpose()?.unwrap_or_default(),
        };
        let bad = |error: url::ParseError| Fault::Misconfigured(format!("the address of the source is no URL: {error}"));
        if path.is_empty() {
            return base.parse().map_err(bad);
        }
        let base = if base.ends_with('/') { base } else { format!("{base}/") };
        Url::parse(&base).and_then(|base| base.join(path.trim_start_matches('/'))).map_err(bad)
    }

    fn json(&self, scope: &Scope) -> Result<Option<Map<String, Value>>, Fault> {
        let Some(body) = &self.body_json else { return Ok(None) };
        match body.fill(scope)? {
            Value::Object(fields) => Ok(Some(fields)),
            _ => Ok(None),
        }
    }
}

/// A parameter that the address already has with the same value is not said twice.
fn add_parameter(url: &mut Url, name: &str, value: &str) {
    let known = url.query_pairs().any(|(known, text)| known == name && text == value);
    if !known {
        url.query_pairs_mut().append_pair(name, value);
    }
}

fn add_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Fault> {
    let bad = |what: &str| Fault::Misconfigured(format!("the {what} of the header `{name}` cannot be sent"));
    let key = HeaderName::try_from(name).map_err(|_| bad("name"))?;
    headers.insert(key, HeaderValue::try_from(value).map_err(|_| bad("value"))?);
    Ok(())
}
