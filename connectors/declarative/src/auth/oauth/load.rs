//! Reads an `OAuthAuthenticator`.

use serde_json::Value;

use super::{OAuth, Updater};
use crate::{
    auth::{Authenticator, fields::Fields},
    node::Node,
    problem::Problem,
    template::{Template, is_truthy},
};

/// Which answers of the token endpoint mean that the owner must authorize anew.
#[derive(Debug, Clone)]
pub struct Refused {
    statuses: Vec<u16>,
    key: String,
    values: Vec<Value>,
}

impl Refused {
    /// An answer means it.
    pub fn fits(&self, status: u16, body: &Value) -> bool {
        let said = body.get(&self.key).unwrap_or(&Value::Null);
        self.statuses.contains(&status) && self.values.contains(said)
    }

    /// It may be said of the authenticator, or as in older manifests of its updater.
    fn load(node: &Node<'_>, updater: Option<&Node<'_>>) -> Result<Self, Problem> {
        const FIELDS: [&str; 3] = ["refresh_token_error_status_codes", "refresh_token_error_key", "refresh_token_error_values"];
        let says = |node: &Node<'_>| FIELDS.iter().any(|field| node.get(field).is_some_and(is_truthy));
        let from = match (updater.filter(|updater| says(updater)), says(node)) {
            (Some(_), true) => return Err(node.problem("`refresh_token_error_…` stand in the authenticator and in its updater")),
            (Some(updater), false) => updater,
            (None, true) => node,
            (None, false) => {
                let values = vec![Value::from("invalid_grant"), Value::from("invalid_permissions")];
                return Ok(Self { statuses: vec![400], key: "error".to_owned(), values });
            }
        };
        let list = |field: &str| from.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(Self {
            statuses: list(FIELDS[0]).iter().filter_map(|code| u16::try_from(code.as_u64()?).ok()).collect(),
            key: from.word(FIELDS[1]).unwrap_or_default().to_owned(),
            values: list(FIELDS[2]),
        })
    }
}

impl OAuth {
    pub(in crate::auth) fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let or = |field: &str, default: &str| Ok::<_, Problem>(node.text(field)?.unwrap_or_else(|| Template::plain(default)));
        let updater = node.child("refresh_token_updater");
        let asserts = node.get("use_profile_assertion").is_some_and(is_truthy);
        let assertion = node.child("profile_assertion").filter(|_| asserts);
        let grant =
            if asserts { Template::plain("urn:ietf:params:oauth:grant-type:jwt-bearer") } else { or("grant_type", "refresh_token")? };
        let refresh_name = match &updater {
            Some(updater) => updater.text("refresh_token_name")?.unwrap_or_else(|| Template::plain("refresh_token")),
            None => or("refresh_token_name", "refresh_token")?,
        };
        let made = Self {
            endpoint: node.text("token_refresh_endpoint")?,
            client_id: (or("client_id_name", "client_id")?, node.text("client_id")?),
            client_secret: (or("client_secret_name", "client_secret")?, node.text("client_secret")?),
            refresh_token: (refresh_name, node.text("refresh_token")?),
            grant: (or("grant_type_name", "grant_type")?, grant),
            scopes: texts(node, "scopes"),
            body: Fields::load(node, "refresh_request_body")?,
            headers: Fields::load(node, "refresh_request_headers")?,
            in_query: node.says("send_refresh_request_as_query_params"),
            access_name: or("access_token_name", "access_token")?,
            expires_name: or("expires_in_name", "expires_in")?,
            expires_as_date: node.word("token_expiry_date_format").is_some_and(|format| !format.is_empty()),
            given: node.text("access_token_value")?,
            given_until: node.text("token_expiry_date")?,
            refused: Refused::load(node, updater.as_ref())?,
            assertion: assertion.map(|inner| Authenticator::load(Some(inner.value), &inner.path)).transpose()?,
            updater: updater.as_ref().map(Updater::load),
        };
        made.checked(node, asserts)
    }

    fn checked(self, node: &Node<'_>, asserts: bool) -> Result<Self, Problem> {
        if asserts && self.assertion.is_none() {
            return Err(node.missing("profile_assertion"));
        }
        if self.updater.is_some() {
            return if self.endpoint.is_some() { Ok(self) } else { Err(node.missing("token_refresh_endpoint")) };
        }
        let missing = [("client_id", &self.client_id.1), ("client_secret", &self.client_secret.1)].into_iter().find(|(_, it)| it.is_none());
        if let Some((field, _)) = missing.filter(|_| !asserts) {
            return Err(node.missing(field));
        }
        let refreshes = !self.grant.1.is_dynamic() && self.grant.1.source() == "refresh_token";
        if refreshes && self.refresh_token.1.is_none() {
            return Err(node.problem("`refresh_token` is missing, which the grant type `refresh_token` needs"));
        }
        Ok(self)
    }
}

impl Updater {
    fn load(node: &Node<'_>) -> Self {
        let path = |field: &str, name: &str| {
            let given = texts(node, field);
            if given.is_empty() { vec!["credentials".to_owned(), name.to_owned()] } else { given }
        };
        Self {
            access: path("access_token_config_path", "access_token"),
            refresh: path("refresh_token_config_path", "refresh_token"),
            until: path("token_expiry_date_config_path", "token_expiry_date"),
        }
    }
}

fn texts(node: &Node<'_>, field: &str) -> Vec<String> {
    let items = node.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
}
