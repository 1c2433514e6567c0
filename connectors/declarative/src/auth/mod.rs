//! Authentication: what proves who asks, put into each request. Tokens that are fetched live in the job ([`tokens`]), never in
//! here: what is loaded from a manifest is shared by all tenants.

mod fields;
mod jwt;
mod key;
mod legacy;
mod native;
mod oauth;
mod quota;
mod rotating;
mod selective;
mod session;
mod tokens;

use std::{future::Future, pin::Pin, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::{Context, HttpAnswer, HttpRequest};

use self::{jwt::Jwt, legacy::LegacySession, native::Native, oauth::OAuth, rotating::Rotating, selective::Selective, session::Session};
use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    template::{Scope, Template},
};

/// A request that must be proved.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What the connector was given.
    pub context: &'a Context,
    /// What templates may look at.
    pub scope: &'a Scope,
}

/// Values, and where they go in a request.
pub type Options = Vec<(RequestOption, String)>;

/// An authenticator.
#[derive(Debug, Clone)]
pub enum Authenticator {
    /// None.
    No,
    /// A key, put where the manifest says.
    ApiKey(Template, RequestOption),
    /// `Authorization: Bearer`.
    Bearer(Template),
    /// `Authorization: Basic`.
    Basic(Template, Template),
    /// One of several, as the settings say.
    Selective(Arc<Selective>),
    /// Tokens of OAuth 2.0.
    OAuth(Arc<OAuth>),
    /// A token for which one logs in.
    Session(Arc<Session>),
    /// The same as it was written once.
    LegacySession(Arc<LegacySession>),
    /// A token that we sign ourselves.
    Jwt(Arc<Jwt>),
    /// One of several tokens, as long as the source lets it.
    Rotating(Arc<Rotating>),
    /// What stands in for a Python class.
    Native(Arc<Native>),
}

const KNOWN: [&str; 10] = [
    "NoAuth",
    "ApiKeyAuthenticator",
    "BearerAuthenticator",
    "BasicHttpAuthenticator",
    "SelectiveAuthenticator",
    "OAuthAuthenticator",
    "SessionTokenAuthenticator",
    "LegacySessionTokenAuthenticator",
    "JwtAuthenticator",
    "RateLimitedMultipleTokenAuthenticator",
];

impl Authenticator {
    /// Reads one that needs nothing of its requester.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        match node.filter(|node| !node.is_null()) {
            None => Ok(Self::No),
            Some(node) => Self::read(&Node::new(node, path), None),
        }
    }

    /// Reads the one of a requester.
    pub fn of(requester: &Node<'_>) -> Result<Self, Problem> {
        match requester.child("authenticator") {
            None => Ok(Self::No),
            Some(node) => Self::read(&node, requester.text("url")?.or(requester.text("url_base")?)),
        }
    }

    /// `base` is where its requester sends its requests.
    fn read(node: &Node<'_>, base: Option<Template>) -> Result<Self, Problem> {
        let or_empty = |field: &str| Ok::<_, Problem>(node.text(field)?.unwrap_or_else(|| Template::plain("")));
        Ok(match node.kind() {
            "NoAuth" => Self::No,
            "BearerAuthenticator" => Self::Bearer(node.needed_text("api_token")?),
            "BasicHttpAuthenticator" => Self::Basic(node.needed_text("username")?, or_empty("password")?),
            "ApiKeyAuthenticator" => Self::ApiKey(or_empty("api_token")?, key_option(node)?),
            "SelectiveAuthenticator" => Self::Selective(Arc::new(Selective::load(node, base.as_ref())?)),
            "OAuthAuthenticator" => Self::OAuth(Arc::new(OAuth::load(node)?)),
            "SessionTokenAuthenticator" => Self::Session(Arc::new(Session::load(node)?)),
            "LegacySessionTokenAuthenticator" => Self::LegacySession(Arc::new(LegacySession::load(node, base)?)),
            "JwtAuthenticator" => Self::Jwt(Arc::new(Jwt::load(node)?)),
            "RateLimitedMultipleTokenAuthenticator" => Self::Rotating(Arc::new(Rotating::load(node)?)),
            "CustomAuthenticator" => match Native::load(node)? {
                Some(native) => Self::Native(Arc::new(native)),
                None => return Err(node.unknown("authenticator", &KNOWN)),
            },
            _ => return Err(node.unknown("authenticator", &KNOWN)),
        })
    }

    /// What it puts into a request.
    pub async fn options(&self, call: &Call<'_>) -> Result<Options, Fault> {
        let said = |template: &Template| template.text(call.scope);
        Ok(match self {
            // The latter is put in when the request is known.
            Self::No | Self::Rotating(_) => Vec::new(),
            Self::ApiKey(token, option) => vec![(option.clone(), said(token)?)],
            Self::Bearer(token) => bearer(&said(token)?),
            Self::Basic(user, password) => {
                authorization(format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", said(user)?, said(password)?))))
            }
            Self::Selective(selective) => selective.choose(call.scope)?.boxed_options(call).await?,
            Self::OAuth(oauth) => bearer(&oauth.token(call).await?),
            Self::Session(session) => session.options(call).await?,
            Self::LegacySession(session) => session.options(call).await?,
            Self::Jwt(jwt) => jwt.options(call.scope)?,
            Self::Native(native) => native.options(call).await?,
        })
    }

    /// Puts into a whole request what depends on the request.
    pub async fn sign(&self, call: &Call<'_>, request: &mut HttpRequest) -> Result<(), Fault> {
        match self.rotating(call)? {
            Some(rotating) => rotating.sign(call, request).await,
            None => Ok(()),
        }
    }

    /// Whether it wants to hear of the answer to each request.
    pub fn rotates(&self, call: &Call<'_>) -> Result<bool, Fault> {
        self.rotating(call).map(|rotating| rotating.is_some())
    }

    /// Hears of an answer, and says whether a token is left that could be tried at once.
    pub async fn hear(&self, call: &Call<'_>, request: &HttpRequest, answer: &HttpAnswer) -> Result<bool, Fault> {
        match self.rotating(call)? {
            Some(rotating) => rotating.hear(call, request, answer).await,
            None => Ok(false),
        }
    }

    fn rotating(&self, call: &Call<'_>) -> Result<Option<&Rotating>, Fault> {
        match self {
            Self::Rotating(rotating) => Ok(Some(rotating)),
            Self::Selective(selective) => match selective.choose(call.scope)? {
                Self::Rotating(rotating) => Ok(Some(rotating)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The same, for an authenticator that needs another one.
    fn boxed_options<'a>(&'a self, call: &'a Call<'_>) -> Pin<Box<dyn Future<Output = Result<Options, Fault>> + Send + 'a>> {
        Box::pin(self.options(call))
    }

    /// A token that was refused is replaced. `sent` is the `Authorization` that the refused request had: if another request has got
    /// a newer token meanwhile, that one will do. Says whether there is any hope that the next request has a better one.
    pub async fn renew(&self, call: &Call<'_>, sent: Option<&str>) -> Result<bool, Fault> {
        match self {
            Self::OAuth(oauth) => oauth.renew(call, sent).await.map(|()| true),
            Self::Native(native) => native.renew(call, sent).await.map(|()| true),
            Self::Selective(selective) => Box::pin(selective.choose(call.scope)?.renew(call, sent)).await,
            Self::No
            | Self::ApiKey(..)
            | Self::Bearer(_)
            | Self::Basic(..)
            | Self::Session(_)
            | Self::LegacySession(_)
            | Self::Jwt(_)
            | Self::Rotating(_) => Ok(false),
        }
    }

    /// Whatever was kept of an earlier proof is no longer good.
    pub async fn forget(&self, context: &Context, scope: &Scope) -> Result<(), Fault> {
        self.renew(&Call { context, scope }, None).await.map(|_| ())
    }
}

fn authorization(value: String) -> Options {
    vec![(RequestOption::plain(Place::Header, "Authorization"), value)]
}

fn bearer(token: &str) -> Options {
    authorization(format!("Bearer {token}"))
}

/// Where a key goes: `inject_into`, or the `header` of older manifests.
fn key_option(node: &Node<'_>) -> Result<RequestOption, Problem> {
    match (node.child("inject_into"), node.text("header")?) {
        (Some(_), Some(_)) => Err(node.problem("only one of `inject_into` and `header` can be given")),
        (Some(option), None) => RequestOption::load(option.value, &option.path),
        (None, Some(name)) => Ok(RequestOption { place: Place::Header, names: vec![name] }),
        (None, None) => Err(node.missing("inject_into")),
    }
}

#[cfg(test)]
mod tests;
