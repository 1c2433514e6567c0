//! OAuth 2.0: an access token is fetched when it is needed, kept until it ends, and fetched once for all streams of a job.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use syncline_model::{Fault, Settings};
use syncline_sdk::{HttpAnswer, HttpRequest, WaitReason};
use tokio::sync::Mutex;

use super::{Authenticator, Call};
use crate::{
    node::Node,
    problem::Problem,
    run::misconfigured,
    template::{Evaluated, Scope, Template, python_str},
};

/// How often a token endpoint that is out of order is asked.
const ATTEMPTS_MAX: u32 = 8;
/// How long a token is good, if nobody says.
const USUAL_S: i64 = 3600;
/// How deep a token may stand in an answer.
const DEPTH_MAX: usize = 5;

/// `OAuthAuthenticator`.
#[derive(Debug)]
pub struct OAuth {
    endpoint: Option<Template>,
    names: Names,
    client_id: Option<Template>,
    client_secret: Option<Template>,
    refresh_token: Option<Template>,
    grant_type: Template,
    scopes: Vec<String>,
    body: Vec<(Template, Field)>,
    headers: Vec<(Template, Field)>,
    as_query: bool,
    access_token: Option<Template>,
    expiry: Option<Template>,
    /// The end is told as an instant, not as seconds.
    tells_instant: bool,
    assertion: Option<Authenticator>,
    uses_assertion: Option<Template>,
    updater: Option<Updater>,
    refusals: Refusals,
}

#[derive(Debug)]
struct Names {
    access_token: Template,
    refresh_token: Template,
    client_id: Template,
    client_secret: Template,
    expires_in: Template,
    grant_type: Template,
}

#[derive(Debug)]
enum Field {
    Template(Template),
    Fixed(Value),
}

/// `RefreshTokenUpdater`: the source gives a new refresh token each time, which is kept in the settings.
#[derive(Debug)]
struct Updater {
    name: String,
    access_path: Vec<String>,
    refresh_path: Vec<String>,
    expiry_path: Vec<String>,
}

/// Which answers mean that the owner must connect anew.
#[derive(Debug, Default)]
struct Refusals {
    codes: Vec<u16>,
    key: String,
    values: Vec<String>,
}

/// A token, until when it is good, and the settings that came with it.
#[derive(Default, Clone)]
struct Token {
    access: Option<String>,
    until: Option<Timestamp>,
    config: Option<Arc<Value>>,
}

/// The tokens of one job, by what distinguishes authenticators: definition and settings.
#[derive(Default)]
struct Tokens(Mutex<HashMap<String, Arc<Mutex<Token>>>>);

impl OAuth {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let named = |field: &str, usual: &str| Ok::<_, Problem>(node.text(field)?.unwrap_or_else(|| Template::plain(usual)));
        let uses_assertion = match node.get("use_profile_assertion") {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(Template::plain("True")),
            Some(_) => node.text("use_profile_assertion")?,
        };
        let made = Self {
            endpoint: node.text("token_refresh_endpoint")?,
            names: Names {
                access_token: named("access_token_name", "access_token")?,
                refresh_token: named("refresh_token_name", "refresh_token")?,
                client_id: named("client_id_name", "client_id")?,
                client_secret: named("client_secret_name", "client_secret")?,
                expires_in: named("expires_in_name", "expires_in")?,
                grant_type: named("grant_type_name", "grant_type")?,
            },
            client_id: node.text("client_id")?,
            client_secret: node.text("client_secret")?,
            refresh_token: node.text("refresh_token")?,
            grant_type: named("grant_type", "refresh_token")?,
            scopes: node.children("scopes").iter().map(|scope| python_str(scope.value)).collect(),
            body: fields(node, "refresh_request_body")?,
            headers: fields(node, "refresh_request_headers")?,
            as_query: node.says("send_refresh_request_as_query_params"),
            access_token: node.text("access_token_value")?,
            expiry: node.text("token_expiry_date")?,
            tells_instant: node.word("token_expiry_date_format").is_some_and(|format| !format.is_empty()),
            assertion: node.child("profile_assertion").map(|inner| Authenticator::load(Some(inner.value), &inner.path)).transpose()?,
            uses_assertion,
            updater: node.child("refresh_token_updater").map(|updater| Updater::load(&updater)),
            refusals: Refusals::load(node)?,
        };
        if made.uses_assertion.is_some() && made.assertion.is_none() {
            return Err(node.missing("profile_assertion"));
        }
        if made.uses_assertion.is_none() && (made.client_id.is_none() || made.client_secret.is_none()) {
            return Err(node.missing(if made.client_id.is_none() { "client_id" } else { "client_secret" }));
        }
        if !made.grant_type.is_dynamic()
            && made.grant_type.source() == "refresh_token"
            && made.refresh_token.is_none()
            && made.uses_assertion.is_none()
            && made.updater.is_none()
        {
            return Err(node.missing("refresh_token"));
        }
        Ok(made)
    }

    /// A token that is good now.
    pub async fn token(&self, call: &Call<'_>) -> Result<String, Fault> {
        let cell = self.cell(call).await;
        let mut token = cell.lock().await;
        if token.access.is_none() && token.until.is_none() {
            *token = self.given(call)?;
        }
        // Without an endpoint a token that was given is all there is.
        let is_good = token.until.is_some_and(|until| call.context.now.max(Timestamp::now()) <= until || self.endpoint.is_none());
        if let Some(access) = token.access.as_ref().filter(|_| is_good || self.endpoint.is_none()) {
            return Ok(access.clone());
        }
        *token = self.fetch(call, token.config.clone()).await?;
        token.access.clone().ok_or_else(|| Fault::Internal("a token was fetched and is not there".to_owned()))
    }

    /// The token is no longer good, whatever was said about it.
    pub async fn forget(&self, call: &Call<'_>) -> Result<(), Fault> {
        let cell = self.cell(call).await;
        let mut token = cell.lock().await;
        *token = self.fetch(call, token.config.clone()).await?;
        Ok(())
    }

    async fn cell(&self, call: &Call<'_>) -> Arc<Mutex<Token>> {
        let tokens = call.context.shared.get::<Tokens>();
        let identity = format!("{self:?}");
        let mut tokens = tokens.0.lock().await;
        Arc::clone(tokens.entry(identity).or_default())
    }

    /// What the settings say about a token.
    fn given(&self, call: &Call<'_>) -> Result<Token, Fault> {
        let expired = call.context.now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(call.context.now);
        if let Some(updater) = &self.updater {
            let config = call.scope.get("config").unwrap_or_default();
            let access = at_path(&config, &updater.access_path).map(python_str).filter(|text| !text.is_empty());
            let until = at_path(&config, &updater.expiry_path).and_then(|value| instant(&python_str(value)));
            return Ok(Token { access, until: Some(until.unwrap_or(expired)), config: None });
        }
        let access = self.access_token.as_ref().map(|token| token.eval(call.scope)).transpose()?;
        let access = access.filter(Evaluated::is_truthy).map(Evaluated::into_text);
        let until = match &self.expiry {
            None => expired,
            Some(expiry) => {
                let text = expiry.text(call.scope)?;
                instant(&text).ok_or_else(|| misconfigured(format!("`token_expiry_date` is `{text}`, and must be a time")))?
            }
        };
        Ok(Token { access, until: Some(until), config: None })
    }

    async fn fetch(&self, call: &Call<'_>, config: Option<Arc<Value>>) -> Result<Token, Fault> {
        let scope = match &config {
            Some(config) => call.scope.clone().with("config", Arc::clone(config)),
            None => call.scope.clone(),
        };
        let call = Call { context: call.context, scope: &scope };
        let answer = self.ask(&call).await?;
        let said: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| Fault::Unusable("the token endpoint answered something that is no JSON".to_owned()))?;
        let name = self.names.access_token.text(&scope)?;
        let access = find(&said, &name, 0).filter(|value| crate::template::is_truthy(value)).map(python_str);
        let access = access.ok_or_else(|| Fault::Unusable(format!("the token endpoint answered without `{name}`")))?;
        let until = self.until(&said, &call)?;
        let mut token = Token { access: Some(access), until: Some(until), config };
        if let Some(updater) = &self.updater {
            token.config = Some(updater.keep(&said, &token, &call).await?);
        }
        Ok(token)
    }

    fn until(&self, said: &Value, call: &Call<'_>) -> Result<Timestamp, Fault> {
        let now = call.context.now.max(Timestamp::now());
        let later = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let Some(value) = find(said, &self.names.expires_in.text(call.scope)?, 0).filter(|value| !value.is_null()) else {
            return Ok(later(USUAL_S));
        };
        let text = python_str(value);
        if self.tells_instant {
            return instant(&text).ok_or_else(|| Fault::Unusable("the token endpoint told an end that is no time".to_owned()));
        }
        let whole = text.split('.').next().unwrap_or_default();
        whole.parse().map(later).map_err(|_| Fault::Unusable("the token endpoint told an end that is no number of seconds".to_owned()))
    }

    async fn ask(&self, call: &Call<'_>) -> Result<HttpAnswer, Fault> {
        let mut attempt = 0;
        loop {
            let request = self.request(call).await?;
            let fault = match call.context.http.send(request).await {
                Ok(answer) if answer.status.is_success() => return Ok(answer),
                Ok(answer) if answer.status.as_u16() == 429 || answer.status.is_server_error() => {
                    Fault::Unavailable(format!("the token endpoint answered {}", answer.status.as_u16()))
                }
                Ok(answer) => return Err(self.refused(&answer)),
                Err(fault @ Fault::Unavailable(_)) => fault,
                Err(fault) => return Err(fault),
            };
            attempt += 1;
            if attempt >= ATTEMPTS_MAX {
                return Err(fault);
            }
            call.context.patience.wait(WaitReason::Retry, Duration::from_secs(1 << attempt.min(6))).await?;
        }
    }

    /// What a refusal means. Only the code of the error is repeated, because a source may repeat what it was sent.
    fn refused(&self, answer: &HttpAnswer) -> Fault {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = said.get("error").and_then(Value::as_str).filter(|code| code.len() < 60).unwrap_or("no reason");
        let status = answer.status.as_u16();
        let named = said.get(&self.refusals.key).map(python_str);
        let must_connect = self.refusals.codes.contains(&status) && named.is_some_and(|value| self.refusals.values.contains(&value));
        if must_connect || ["invalid_grant", "invalid_client", "unauthorized_client", "access_denied"].contains(&code) || status == 401 {
            return Fault::Unauthorized(format!("the source no longer accepts the connection ({code}); connect it anew"));
        }
        Fault::Unusable(format!("the token endpoint answered {status} ({code})"))
    }

    async fn request(&self, call: &Call<'_>) -> Result<HttpRequest, Fault> {
        let endpoint = self.endpoint.as_ref().map(|endpoint| endpoint.text(call.scope)).transpose()?.unwrap_or_default();
        let mut url: url::Url = endpoint.parse().map_err(|_| misconfigured("`token_refresh_endpoint` is no address"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in filled(&self.headers, call.scope)? {
            let bad = || misconfigured(format!("the header `{name}` of the token request cannot be sent"));
            headers.insert(HeaderName::try_from(&name).map_err(|_| bad())?, HeaderValue::try_from(python_str(&value)).map_err(|_| bad())?);
        }
        let mut pairs = Vec::new();
        for (name, value) in self.payload(call, headers.contains_key(header::AUTHORIZATION)).await? {
            match value {
                Value::Null => {}
                Value::Array(items) => pairs.extend(items.iter().map(|item| (name.clone(), python_str(item)))),
                other => pairs.push((name, python_str(&other))),
            }
        }
        let mut body = Bytes::new();
        if self.as_query && self.uses_assertion.is_none() {
            url.query_pairs_mut().extend_pairs(pairs);
        } else {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/x-www-form-urlencoded"));
            body = Bytes::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish());
        }
        Ok(HttpRequest { method: Method::POST, url, headers, body })
    }

    async fn payload(&self, call: &Call<'_>, is_proved: bool) -> Result<Map<String, Value>, Fault> {
        let text = |template: &Template| template.text(call.scope);
        let grant = text(&self.names.grant_type)?;
        let uses_assertion = self.uses_assertion.as_ref().map(|uses| uses.holds(call.scope)).transpose()?.unwrap_or(false);
        if let (Some(assertion), true) = (&self.assertion, uses_assertion) {
            let proof = assertion.options(call).await?.into_iter().next().map(|(_, token)| token).unwrap_or_default();
            let kind = Value::from("urn:ietf:params:oauth:grant-type:jwt-bearer");
            return Ok(Map::from_iter([(grant, kind), ("assertion".to_owned(), Value::from(proof))]));
        }
        let mut made = Map::from_iter([(grant, Value::from(text(&self.grant_type)?))]);
        if !is_proved {
            let id = self.client_id.as_ref().map(text).transpose()?.unwrap_or_default();
            if id.is_empty() {
                return Err(misconfigured("the settings have no `client_id` for the source's sign-in"));
            }
            made.insert(text(&self.names.client_id)?, Value::from(id));
            let secret = self.client_secret.as_ref().map(text).transpose()?.unwrap_or_default();
            made.insert(text(&self.names.client_secret)?, Value::from(secret));
        }
        let refresh = match &self.updater {
            Some(updater) => at_path(&call.scope.get("config").unwrap_or_default(), &updater.refresh_path).cloned(),
            None => self.refresh_token.as_ref().map(text).transpose()?.map(Value::from),
        };
        let name = match &self.updater {
            Some(updater) => updater.name.clone(),
            None => text(&self.names.refresh_token)?,
        };
        made.insert(name, refresh.unwrap_or_default());
        if !self.scopes.is_empty() {
            made.insert("scopes".to_owned(), Value::from(self.scopes.clone()));
        }
        for (name, value) in filled(&self.body, call.scope)? {
            made.entry(name).or_insert(value);
        }
        Ok(made)
    }
}

impl Updater {
    fn load(node: &Node<'_>) -> Self {
        let path = |field: &str, last: &str| {
            let names: Vec<String> = node.children(field).iter().map(|name| python_str(name.value)).collect();
            if names.is_empty() { vec!["credentials".to_owned(), last.to_owned()] } else { names }
        };
        Self {
            name: node.word("refresh_token_name").unwrap_or("refresh_token").to_owned(),
            access_path: path("access_token_config_path", "access_token"),
            refresh_path: path("refresh_token_config_path", "refresh_token"),
            expiry_path: path("token_expiry_date_config_path", "token_expiry_date"),
        }
    }

    /// Saves what the source gave before it is used for the first time.
    async fn keep(&self, said: &Value, token: &Token, call: &Call<'_>) -> Result<Arc<Value>, Fault> {
        let mut config = call.scope.get("config").unwrap_or_default().as_ref().clone();
        let refresh = find(said, &self.name, 0).filter(|value| crate::template::is_truthy(value));
        if let Some(refresh) = refresh {
            put(&mut config, &self.refresh_path, refresh.clone());
        }
        put(&mut config, &self.access_path, Value::from(token.access.clone()));
        put(&mut config, &self.expiry_path, token.until.map_or(Value::Null, |until| Value::from(until.to_string())));
        call.context.patience.save_settings(&Settings::new(config.clone())).await?;
        Ok(Arc::new(config))
    }
}

impl Refusals {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let source = node.child("refresh_token_updater").unwrap_or_else(|| node.clone());
        let codes = source.children("refresh_token_error_status_codes");
        let code = |one: &Node<'_>| one.value.to_string().trim_matches('"').parse().map_err(|_| one.problem("this is no HTTP status"));
        Ok(Self {
            codes: codes.iter().map(code).collect::<Result<_, _>>()?,
            key: source.word("refresh_token_error_key").unwrap_or_default().to_owned(),
            values: source.children("refresh_token_error_values").iter().map(|value| python_str(value.value)).collect(),
        })
    }
}

fn fields(node: &Node<'_>, field: &str) -> Result<Vec<(Template, Field)>, Problem> {
    let Some(here) = node.child(field) else { return Ok(Vec::new()) };
    let one = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => Field::Template(here.template(text, name)?),
            other => Field::Fixed(other.clone()),
        };
        Ok((here.template(name, name)?, value))
    };
    here.value.as_object().into_iter().flatten().map(one).collect()
}

fn filled(fields: &[(Template, Field)], scope: &Scope) -> Result<Map<String, Value>, Fault> {
    let mut made = Map::new();
    for (name, field) in fields {
        let value = match field {
            Field::Fixed(value) => value.clone(),
            Field::Template(template) => template.mapped(scope, &[])?.map_or(Value::Null, Evaluated::into_json),
        };
        made.insert(name.text(scope)?, value);
    }
    Ok(made)
}

/// A value by its name, at the top or in the objects and lists below.
fn find<'a>(said: &'a Value, name: &str, depth: usize) -> Option<&'a Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match said {
        Value::Object(fields) => fields.get(name).or_else(|| fields.values().find_map(|inner| find(inner, name, depth + 1))),
        Value::Array(items) => items.iter().find_map(|inner| find(inner, name, depth + 1)),
        _ => None,
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    crate::dates::parse_any(text).map(crate::dates::Time::timestamp)
}

fn at_path<'a>(config: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(config, |at, name| at.get(name))
}

fn put(config: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *config = value;
        return;
    };
    if !config.is_object() {
        *config = Value::Object(Map::new());
    }
    if let Value::Object(fields) = config {
        put(fields.entry(name.clone()).or_insert(Value::Null), rest, value);
    }
}
