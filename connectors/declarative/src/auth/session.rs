//! Tokens that a login gives.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_model::Fault;
use syncline_sdk::HttpRequest;
use tokio::sync::Mutex;

use super::{Call, authorization};
use crate::{
    dates::Duration,
    decode::Decoder,
    node::Node,
    problem::Problem,
    request::{Extra, Place, RequestOption, Requester},
    run::{Run, misconfigured},
    send::{Sent, send},
    template::{Scope, Template, python_str},
};

/// `SessionTokenAuthenticator`.
#[derive(Debug)]
pub struct Session {
    login: Requester,
    path: Vec<String>,
    lasts: Option<Duration>,
    decoder: Decoder,
    /// Where the token goes; without it into `Authorization: Bearer`.
    option: Option<(RequestOption, Template)>,
}

/// A token and until when it is good.
#[derive(Default)]
struct Kept {
    token: Option<(String, Timestamp)>,
}

/// The tokens of one job.
#[derive(Default)]
struct Tokens(Mutex<HashMap<String, Arc<Mutex<Kept>>>>);

impl Session {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let login = node.needed("login_requester")?;
        let lasts = match node.word("expiration_duration").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(
                Duration::parse(text)
                    .ok_or_else(|| node.problem(format!("`expiration_duration` is `{text}`, and must be a duration like `PT1H`")))?,
            ),
        };
        let way = node.needed("request_authentication")?;
        let option = match way.kind() {
            "Bearer" => None,
            "ApiKey" => {
                let option = way.needed("inject_into")?;
                let token = way.text("api_token")?.map_or_else(|| way.template("{{ session_token }}", "api_token"), Ok)?;
                Some((RequestOption::load(option.value, &option.path)?, token))
            }
            _ => return Err(way.unknown("request authentication", &["Bearer", "ApiKey"])),
        };
        Ok(Self {
            login: Requester::load(login.value, &login.path)?,
            path: node.children("session_token_path").iter().map(|name| python_str(name.value)).collect(),
            lasts,
            decoder: node.child("decoder").map_or(Ok(Decoder::Json), |decoder| Decoder::load(decoder.value, &decoder.path))?,
            option,
        })
    }

    /// What it puts into a request.
    pub async fn options(&self, call: &Call<'_>) -> Result<Vec<(RequestOption, String)>, Fault> {
        let token = self.token(call).await?;
        match &self.option {
            None => Ok(authorization(format!("Bearer {token}"))),
            Some((option, template)) => {
                let scope = call.scope.clone().with("session_token", Arc::new(Value::from(token)));
                Ok(vec![(option.clone(), template.text(&scope)?)])
            }
        }
    }

    /// The token is no longer good.
    pub async fn forget(&self, call: &Call<'_>) -> Result<(), Fault> {
        self.cell(call).await.lock().await.token = None;
        Ok(())
    }

    async fn cell(&self, call: &Call<'_>) -> Arc<Mutex<Kept>> {
        let tokens = call.context.shared.get::<Tokens>();
        let mut tokens = tokens.0.lock().await;
        Arc::clone(tokens.entry(format!("{self:?}")).or_default())
    }

    async fn token(&self, call: &Call<'_>) -> Result<String, Fault> {
        let Some(lasts) = self.lasts else { return self.log_in(call).await };
        let cell = self.cell(call).await;
        let mut kept = cell.lock().await;
        let now = call.context.now.max(Timestamp::now());
        if let Some((token, until)) = &kept.token
            && now <= *until
        {
            return Ok(token.clone());
        }
        let token = self.log_in(call).await?;
        let until = crate::dates::Time::from_micros(now.as_microsecond()).and_then(|time| lasts.after(time));
        kept.token = until.map(|until| (token.clone(), until.timestamp()));
        Ok(token)
    }

    async fn log_in(&self, call: &Call<'_>) -> Result<String, Fault> {
        let run = Run::new(call.context, call.scope.get("config").unwrap_or_default().as_ref().clone());
        // A login knows the settings and nothing of the page that needs it.
        let scope: Scope = run.base.clone();
        let Sent::Answer(answer) = Box::pin(send(&run, "login", &self.login, &scope, &Extra::default())).await? else {
            return Err(Fault::Unauthorized("the source did not answer the login".to_owned()));
        };
        let first = self.decoder.decode(&answer.body, &answer.headers)?.next().transpose()?.unwrap_or_default();
        let mut at = Some(&first);
        for name in &self.path {
            at = match at {
                Some(Value::Array(items)) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
                Some(other) => other.get(name),
                None => None,
            };
        }
        let token = at.filter(|token| !token.is_null()).map(python_str);
        token.ok_or_else(|| Fault::Unusable(format!("the answer to the login has no `{}`", self.path.join("."))))
    }
}

/// `LegacySessionTokenAuthenticator`.
#[derive(Debug)]
pub struct LegacySession {
    api: Template,
    header: Template,
    token: Template,
    response_key: Template,
    user: Template,
    password: Template,
    login: Template,
    validate: Template,
}

impl LegacySession {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let or_empty = |field: &str| Ok::<_, Problem>(node.text(field)?.unwrap_or_else(|| Template::plain("")));
        Ok(Self {
            api: or_empty("api_url")?,
            header: node.needed_text("header")?,
            token: or_empty("session_token")?,
            response_key: node.needed_text("session_token_response_key")?,
            user: or_empty("username")?,
            password: or_empty("password")?,
            login: node.needed_text("login_url")?,
            validate: node.needed_text("validate_session_url")?,
        })
    }

    /// What it puts into a request.
    pub async fn options(&self, call: &Call<'_>) -> Result<Vec<(RequestOption, String)>, Fault> {
        let text = |template: &Template| template.text(call.scope);
        let header = text(&self.header)?;
        let option = RequestOption::plain(Place::Header, &header);
        let given = self.token.eval(call.scope)?;
        if given.is_truthy() && self.is_valid(call, &header, &given.text()).await? {
            return Ok(vec![(option, given.into_text())]);
        }
        let (user, password) = (text(&self.user)?, text(&self.password)?);
        if user.is_empty() || password.is_empty() {
            return Err(Fault::Unauthorized(
                "the session token is not good, and there is no user name and password to get another".to_owned(),
            ));
        }
        let body = json!({"username": user, "password": password}).to_string();
        let mut request = request(Method::POST, &format!("{}{}", text(&self.api)?, text(&self.login)?))?;
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = Bytes::from(body);
        let answer = call.context.http.send(request).await?;
        if !answer.status.is_success() {
            return Err(Fault::Unauthorized(format!("the source answered the login with {}", answer.status.as_u16())));
        }
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let key = text(&self.response_key)?;
        let token = said.get(&key).map(python_str).ok_or_else(|| Fault::Unusable(format!("the answer to the login has no `{key}`")))?;
        Ok(vec![(option, token)])
    }

    async fn is_valid(&self, call: &Call<'_>, header: &str, token: &str) -> Result<bool, Fault> {
        let mut request = request(Method::GET, &format!("{}{}", self.api.text(call.scope)?, self.validate.text(call.scope)?))?;
        request.headers = HeaderMap::new();
        let name = HeaderName::try_from(header).map_err(|_| misconfigured("`header` is no name of a header"))?;
        request.headers.insert(name, HeaderValue::try_from(token).map_err(|_| misconfigured("the session token cannot be sent"))?);
        let answer = call.context.http.send(request).await?;
        match answer.status.as_u16() {
            200..=399 => Ok(true),
            401 => Ok(false),
            status => Err(Fault::Unusable(format!("the source answered {status} when the session token was tried"))),
        }
    }
}

fn request(method: Method, address: &str) -> Result<HttpRequest, Fault> {
    let url = address.parse().map_err(|_| misconfigured("the address of the login is none"))?;
    Ok(HttpRequest { method, ..HttpRequest::get(url) })
}
