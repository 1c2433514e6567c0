//! Authentication: what proves who asks, put into each request.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use syncline_model::Fault;

use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    template::{Scope, Template},
};
/// A request that must be proved.
pub struct Call<'a> {
    /// What the connector was given.
    pub context: &'a syncline_sdk::Context,
    /// What templates may look at.
    pub scope: &'a Scope,
}

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
}

const KNOWN: [&str; 4] = ["NoAuth", "ApiKeyAuthenticator", "BearerAuthenticator", "BasicHttpAuthenticator"];

impl Authenticator {
    /// Reads one.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(Self::No) };
        let needed =
            |field: &str| Node::new(node, path).text(field)?.ok_or_else(|| Problem::manifest(path, format!("`{field}` is missing")));
        let or_empty = |field: &str| Ok::<_, Problem>(Node::new(node, path).text(field)?.unwrap_or_else(empty));
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "NoAuth" => Ok(Self::No),
            "BearerAuthenticator" => Ok(Self::Bearer(needed("api_token")?)),
            "BasicHttpAuthenticator" => Ok(Self::Basic(needed("username")?, or_empty("password")?)),
            "ApiKeyAuthenticator" => {
                let option = match (node.get("inject_into"), Node::new(node, path).text("header")?) {
                    (Some(option), _) => RequestOption::load(option, &format!("{path}.inject_into"))?,
                    (None, Some(name)) => RequestOption { place: Place::Header, names: vec![name] },
                    (None, None) => return Err(Problem::manifest(path, "`inject_into` is missing")),
                };
                Ok(Self::ApiKey(needed("api_token")?, option))
            }
            other => {
                Err(Problem::manifest(path, format!("unknown authenticator `{other}`{}", syncline_model::nearest::hint(other, KNOWN))))
            }
        }
    }

    /// What it puts into a request.
    #[allow(clippy::unused_async, reason = "other authenticators ask the source")]
    pub async fn options(&self, call: &Call<'_>) -> Result<Vec<(RequestOption, String)>, Fault> {
        let said = |template: &Template| template.text(call.scope);
        let authorization = |value: String| vec![(RequestOption::plain(Place::Header, "Authorization"), value)];
        Ok(match self {
            Self::No => Vec::new(),
            Self::ApiKey(token, option) => vec![(option.clone(), said(token)?)],
            Self::Bearer(token) => authorization(format!("Bearer {}", said(token)?)),
            Self::Basic(user, password) => {
                authorization(format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", said(user)?, said(password)?))))
            }
        })
    }
    /// Whatever was kept of an earlier proof is no longer good.
    #[allow(clippy::unused_async, reason = "other authenticators ask the source")]
    pub async fn forget(&self, _: &syncline_sdk::Context, _: &Scope) -> Result<(), Fault> {
        Ok(())
    }
}

fn empty() -> Template {
    name("")
}

fn name(text: &str) -> Template {
    Template::plain(text)
}
