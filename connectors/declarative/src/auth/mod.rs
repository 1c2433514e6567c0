//! Authentication: what proves who asks, put into each request. Tokens that the source gives live with the job, never with the
//! connector, which all tenants share.

mod jwt;
mod oauth;
mod session;

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use syncline_model::Fault;

use self::{
    jwt::Jwt,
    oauth::OAuth,
    session::{LegacySession, Session},
};
use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    run::misconfigured,
    template::{Scope, Template, python_str},
};

/// A request that must be proved.
pub struct Call<'a> {
    /// What the connector was given.
    pub context: &'a syncline_sdk::Context,
    /// What templates may look at.
    pub scope: &'a Scope,
}

/// What proves who asks, when it is there.
type Proof<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Vec<(RequestOption, String)>, Fault>> + Send + 'a>>;

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
    /// A token that is fetched and kept until it ends.
    OAuth(Arc<OAuth>),
    /// A token that a login gives.
    Session(Arc<Session>),
    /// A token of the settings, or one that a login gives.
    LegacySession(Arc<LegacySession>),
    /// A token that is signed here.
    Jwt(Arc<Jwt>),
    /// The one that the settings name.
    Selective(Arc<Selective>),
}

/// `SelectiveAuthenticator`.
#[derive(Debug, Clone)]
pub struct Selective {
    path: Vec<String>,
    known: Vec<(String, Authenticator)>,
}

const KNOWN: [&str; 9] = [
    "NoAuth",
    "ApiKeyAuthenticator",
    "BearerAuthenticator",
    "BasicHttpAuthenticator",
    "OAuthAuthenticator",
    "SessionTokenAuthenticator",
    "LegacySessionTokenAuthenticator",
    "JwtAuthenticator",
    "SelectiveAuthenticator",
];

impl Authenticator {
    /// Reads one.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(Self::No) };
        let node = Node::new(node, path);
        let or_empty = |field: &str| Ok::<_, Problem>(node.text(field)?.unwrap_or_else(|| Template::plain("")));
        match node.kind() {
            "NoAuth" => Ok(Self::No),
            "BearerAuthenticator" => Ok(Self::Bearer(node.needed_text("api_token")?)),
            "BasicHttpAuthenticator" => Ok(Self::Basic(node.needed_text("username")?, or_empty("password")?)),
            "ApiKeyAuthenticator" => {
                let option = match (node.child("inject_into"), node.text("header")?) {
                    (Some(_), Some(_)) => return Err(node.problem("only one of `inject_into` and `header` can be given")),
                    (Some(option), None) => RequestOption::load(option.value, &option.path)?,
                    (None, Some(name)) => RequestOption { place: Place::Header, names: vec![name] },
                    (None, None) => return Err(node.missing("inject_into")),
                };
                Ok(Self::ApiKey(or_empty("api_token")?, option))
            }
            "OAuthAuthenticator" => OAuth::load(&node).map(|made| Self::OAuth(Arc::new(made))),
            "SessionTokenAuthenticator" => Session::load(&node).map(|made| Self::Session(Arc::new(made))),
            "LegacySessionTokenAuthenticator" => LegacySession::load(&node).map(|made| Self::LegacySession(Arc::new(made))),
            "JwtAuthenticator" => Jwt::load(&node).map(|made| Self::Jwt(Arc::new(made))),
            "SelectiveAuthenticator" => Selective::load(&node).map(|made| Self::Selective(Arc::new(made))),
            _ => Err(node.unknown("authenticator", &KNOWN)),
        }
    }

    /// What it puts into a request.
    pub fn options<'a>(&'a self, call: &'a Call<'a>) -> Proof<'a> {
        Box::pin(async move {
            Ok(match self {
                Self::No => Vec::new(),
                Self::ApiKey(token, option) => vec![(option.clone(), token.text(call.scope)?)],
                Self::Bearer(token) => authorization(format!("Bearer {}", token.text(call.scope)?)),
                Self::Basic(user, password) => {
                    let both = format!("{}:{}", user.text(call.scope)?, password.text(call.scope)?);
                    authorization(format!("Basic {}", BASE64_STANDARD.encode(both)))
                }
                Self::OAuth(oauth) => authorization(format!("Bearer {}", oauth.token(call).await?)),
                Self::Session(session) => session.options(call).await?,
                Self::LegacySession(session) => session.options(call).await?,
                Self::Jwt(jwt) => jwt.options(call.scope)?,
                Self::Selective(selective) => selective.chosen(call.scope)?.options(call).await?,
            })
        })
    }

    /// The source refuses what was kept of an earlier proof: it is fetched anew.
    pub async fn forget(&self, context: &syncline_sdk::Context, scope: &Scope) -> Result<(), Fault> {
        match self {
            Self::OAuth(oauth) => oauth.forget(&Call { context, scope }).await,
            Self::Session(session) => session.forget(&Call { context, scope }).await,
            Self::Selective(selective) => Box::pin(selective.chosen(scope)?.forget(context, scope)).await,
            _ => Ok(()),
        }
    }
}

impl Selective {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let path = node.children("authenticator_selection_path").iter().map(|name| python_str(name.value)).collect();
        let all = node.needed("authenticators")?;
        let one = |name: &String| Ok((name.clone(), Authenticator::load(all.get(name), &all.below(name))?));
        let known = all.value.as_object().map(|fields| fields.keys().map(one).collect::<Result<_, Problem>>()).transpose()?;
        Ok(Self { path, known: known.ok_or_else(|| all.problem("`authenticators` must be an object"))? })
    }

    /// The one that the settings name.
    fn chosen(&self, scope: &Scope) -> Result<&Authenticator, Fault> {
        let config = scope.get("config").unwrap_or_default();
        let mut at = Some(config.as_ref());
        for name in &self.path {
            at = at.and_then(|value| value.get(name));
        }
        let path = self.path.join(".");
        let said =
            at.map(python_str).ok_or_else(|| misconfigured(format!("the setting `{path}` says how to authenticate, and is missing")))?;
        let found = self.known.iter().find(|(name, _)| *name == said).map(|(_, authenticator)| authenticator);
        found.ok_or_else(|| {
            let hint = syncline_model::nearest::hint(&said, self.known.iter().map(|(name, _)| name.as_str()));
            misconfigured(format!("the setting `{path}` is `{said}`, and there is no such authentication{hint}"))
        })
    }
}

/// A header that proves who asks.
pub fn authorization(value: String) -> Vec<(RequestOption, String)> {
    vec![(RequestOption::plain(Place::Header, "Authorization"), value)]
}

#[cfg(test)]
mod tests;
