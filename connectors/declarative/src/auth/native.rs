//! What stands in for Python classes that recur in the wild. A manifest names them by `class_name`; the module is not looked at,
//! because each connector has its own copy.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use std::time::Duration;
use syncline_model::Fault;
use syncline_sdk::HttpRequest;
use url::Url;

use super::{
    Call, bearer, oauth,
    tokens::{Slot, Token, Tokens, Until},
};
use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    template::{Template, python_str},
};

/// What stands in for a Python class.
#[derive(Debug)]
pub enum Native {
    /// Zoom's server-to-server OAuth: a token for an account, with the client's name and secret.
    Account(Box<Account>),
}

/// The `account_credentials` grant.
#[derive(Debug)]
pub struct Account {
    endpoint: Template,
    id: Template,
    client: Template,
    secret: Template,
}

/// How long a token lasts of which nothing is said.
const LASTS: u64 = 3600;
/// A token is replaced this much before its end, so that none ends on its way.
const EARLY: u64 = 300;

impl Native {
    /// What stands in for the class of a component, if there is something.
    pub(super) fn load(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        let class = node.word("class_name").unwrap_or_default();
        match class.rsplit('.').next().unwrap_or_default() {
            "ServerToServerOauthAuthenticator" => Ok(Some(Self::Account(Box::new(Account {
                endpoint: node.needed_text("authorization_endpoint")?,
                id: node.needed_text("account_id")?,
                client: node.needed_text("client_id")?,
                secret: node.needed_text("client_secret")?,
            })))),
            _ => Ok(None),
        }
    }

    pub(super) async fn options(&self, call: &Call<'_>) -> Result<Vec<(RequestOption, String)>, Fault> {
        let mut made = bearer(&self.token(call).await?);
        made.push((RequestOption::plain(Place::Header, "Content-Type"), "application/json".to_owned()));
        Ok(made)
    }

    async fn token(&self, call: &Call<'_>) -> Result<String, Fault> {
        let Self::Account(account) = self;
        let slot = account.slot(call).await?;
        match slot.as_ref() {
            Some(token) if !token.until.is_over() => Ok(token.access.clone()),
            _ => account.fetch(call, slot).await,
        }
    }

    pub(super) async fn renew(&self, call: &Call<'_>, sent: Option<&str>) -> Result<(), Fault> {
        let Self::Account(account) = self;
        let slot = account.slot(call).await?;
        let replaced = match (sent, slot.as_ref()) {
            (Some(sent), Some(token)) => sent != format!("Bearer {}", token.access),
            (None, _) | (_, None) => false,
        };
        if replaced { Ok(()) } else { account.fetch(call, slot).await.map(|_| ()) }
    }
}

impl Account {
    async fn slot(&self, call: &Call<'_>) -> Result<Slot, Fault> {
        let said = |template: &Template| template.text(call.scope);
        Ok(Tokens::slot(call.context, &["account", &said(&self.endpoint)?, &said(&self.id)?, &said(&self.client)?]).await)
    }

    async fn fetch(&self, call: &Call<'_>, mut slot: Slot) -> Result<String, Fault> {
        let said = |template: &Template| template.text(call.scope);
        let mut url: Url = said(&self.endpoint)?
            .parse()
            .map_err(|_| Fault::Misconfigured("the address of the token endpoint cannot be read".to_owned()))?;
        url.query_pairs_mut().append_pair("grant_type", "account_credentials").append_pair("account_id", &said(&self.id)?);
        let proof = BASE64_STANDARD.encode(format!("{}:{}", said(&self.client)?, said(&self.secret)?));
        let proof = HeaderValue::from_str(&format!("Basic {proof}"))
            .map_err(|_| Fault::Misconfigured("the client's credentials cannot be sent in a header".to_owned()))?;
        let headers =
            HeaderMap::from_iter([(header::AUTHORIZATION, proof), (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let answer = oauth::ask(call.context, HttpRequest { method: Method::POST, headers, ..HttpRequest::get(url) }).await?;
        let status = answer.status.as_u16();
        if status >= 400 {
            return Err(Fault::Unauthorized(format!("the token endpoint answered {status}")));
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let access = body.get("access_token").map(python_str).filter(|token| !token.is_empty());
        let access = access.ok_or_else(|| Fault::Unusable("the token endpoint's answer has no `access_token`".to_owned()))?;
        let seconds = body.get("expires_in").and_then(Value::as_u64).unwrap_or(LASTS).saturating_sub(EARLY);
        *slot = Some(Token { access: access.clone(), refresh: None, until: Until::after(Duration::from_secs(seconds)) });
        Ok(access)
    }
}
