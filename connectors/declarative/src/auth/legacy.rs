//! Sessions as manifests wrote them before there was a requester for the login.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use syncline_model::Fault;
use syncline_sdk::HttpRequest;
use url::Url;

use super::{
    Call,
    tokens::{Token, Tokens, Until},
};
use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    template::{Scope, Template, python_str},
    wire::header_value,
};

/// A day, as the reference keeps such a token.
const LASTS: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A `LegacySessionTokenAuthenticator`.
#[derive(Debug)]
pub struct LegacySession {
    base: Template,
    header: Template,
    login: Template,
    validate: Template,
    token: Template,
    token_key: Template,
    user: Template,
    password: Template,
}

impl LegacySession {
    pub(super) fn load(node: &Node<'_>, base: Option<Template>) -> Result<Self, Problem> {
        let or_empty = |field: &str| Ok::<_, Problem>(node.text(field)?.unwrap_or_else(|| Template::plain("")));
        Ok(Self {
            base: base.ok_or_else(|| node.problem("its requester has no `url_base`"))?,
            header: node.needed_text("header")?,
            login: node.needed_text("login_url")?,
            validate: node.needed_text("validate_session_url")?,
            token: or_empty("session_token")?,
            token_key: or_empty("session_token_response_key")?,
            user: or_empty("username")?,
            password: or_empty("password")?,
        })
    }

    pub(super) async fn options(&self, call: &Call<'_>) -> Result<Vec<(RequestOption, String)>, Fault> {
        let option = RequestOption { place: Place::Header, names: vec![self.header.clone()] };
        Ok(vec![(option, self.token(call).await?)])
    }

    async fn token(&self, call: &Call<'_>) -> Result<String, Fault> {
        let (given, user) = (self.token.text(call.scope)?, self.user.text(call.scope)?);
        let base = self.base.text(call.scope)?;
        let mut slot = Tokens::slot(call.context, &["legacy session", &base, &given, &user]).await;
        if let Some(token) = slot.as_ref().filter(|token| !token.until.is_over()) {
            return Ok(token.access.clone());
        }
        let access = if !given.is_empty() && self.is_valid(call, &given).await? { given } else { self.log_in(call, &user).await? };
        *slot = Some(Token { access: access.clone(), refresh: None, until: Until::after(LASTS) });
        Ok(access)
    }

    async fn is_valid(&self, call: &Call<'_>, token: &str) -> Result<bool, Fault> {
        let bad = || Fault::Misconfigured("the session's token cannot be sent in a header".to_owned());
        let name = HeaderName::try_from(self.header.text(call.scope)?).map_err(|_| bad())?;
        let mut request = HttpRequest::get(self.address(&self.validate, call.scope)?);
        request.headers.insert(name, header_value(token).ok_or_else(bad)?);
        let status = call.context.http.send(request).await?.status;
        match status {
            StatusCode::UNAUTHORIZED => Ok(false),
            status if status.as_u16() < 400 => Ok(true),
            status => Err(Fault::Unusable(format!("asking whether the session still lasts was answered {}", status.as_u16()))),
        }
    }

    async fn log_in(&self, call: &Call<'_>, user: &str) -> Result<String, Fault> {
        let password = self.password.text(call.scope)?;
        if user.is_empty() || password.is_empty() {
            return Err(Fault::Unauthorized("the session is over, and there is no user and password to begin a new one".to_owned()));
        }
        let body = json!({"username": user, "password": password}).to_string();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let url = self.address(&self.login, call.scope)?;
        let answer =
            call.context.http.send(HttpRequest { method: Method::POST, headers, body: Bytes::from(body), ..HttpRequest::get(url) }).await?;
        match answer.status.as_u16() {
            0..=399 => {}
            status @ (401 | 403) => return Err(Fault::Unauthorized(format!("the login was answered {status}"))),
            status @ (429 | 500..) => return Err(Fault::Unavailable(format!("the login was answered {status}"))),
            status => return Err(Fault::Unusable(format!("the login was answered {status}"))),
        }
        let key = self.token_key.text(call.scope)?;
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        document.get(&key).map(python_str).ok_or_else(|| Fault::Unusable(format!("the answer to the login has no `{key}`")))
    }

    fn address(&self, path: &Template, scope: &Scope) -> Result<Url, Fault> {
        let text = format!("{}{}", self.base.text(scope)?, path.text(scope)?);
        text.parse().map_err(|_| Fault::Misconfigured("the address of the session cannot be read".to_owned()))
    }
}
