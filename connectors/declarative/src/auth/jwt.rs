//! Tokens that we sign ourselves: JSON Web Tokens (RFC 7519), as PyJWT writes them: the fields of the header are sorted.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value};
use syncline_model::{Fault, nearest};

use super::{
    fields::Fields,
    key::{Algorithm, Key},
};
use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    template::{Scope, Template, is_truthy, python_str},
};

/// A `JwtAuthenticator`.
#[derive(Debug)]
pub struct Jwt {
    secret: Template,
    passphrase: Option<Template>,
    /// The secret is encoded before it is used.
    encoded: bool,
    algorithm: Algorithm,
    lasts: i64,
    prefix: Option<Template>,
    headers: Vec<(&'static str, Template)>,
    claims: Vec<(&'static str, Template)>,
    more_headers: Fields,
    more_claims: Fields,
    option: RequestOption,
}

impl Jwt {
    pub(super) fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let name = node.word("algorithm").ok_or_else(|| node.missing("algorithm"))?;
        let Some(algorithm) = Algorithm::named(name) else {
            let hint = nearest::hint(name, Algorithm::NAMES);
            return Err(Problem::manifest(&node.below("algorithm"), format!("the algorithm `{name}` is not supported{hint}")));
        };
        let option = match node.child("request_option") {
            Some(option) => RequestOption::load(option.value, &option.path)?,
            None => RequestOption::plain(Place::Header, "Authorization"),
        };
        let mut headers = named(node, "jwt_headers", ["kid", "typ", "cty"])?;
        if node.get("jwt_headers").is_none() {
            headers.push(("typ", Template::plain("JWT")));
        }
        Ok(Self {
            secret: node.needed_text("secret_key")?,
            passphrase: node.text("passphrase")?,
            encoded: node.get("base64_encode_secret_key").is_some_and(is_truthy),
            algorithm,
            lasts: node.whole("token_duration")?.unwrap_or(1200),
            prefix: node.text("header_prefix")?,
            headers,
            claims: named(node, "jwt_payload", ["iss", "sub", "aud"])?,
            more_headers: Fields::load(node, "additional_jwt_headers")?,
            more_claims: Fields::load(node, "additional_jwt_payload")?,
            option,
        })
    }

    pub(super) fn options(&self, scope: &Scope) -> Result<Vec<(RequestOption, String)>, Fault> {
        let prefix = self.prefix.as_ref().map(|prefix| prefix.text(scope)).transpose()?.unwrap_or_default();
        let token = self.signed(scope, jiff::Timestamp::now().as_second())?;
        let token = if prefix.is_empty() { token } else { format!("{prefix} {token}") };
        Ok(vec![(self.option.clone(), token)])
    }

    /// The token as it is signed at a moment.
    pub(super) fn signed(&self, scope: &Scope, now: i64) -> Result<String, Fault> {
        let said = format!("{}.{}", encode(&self.header(scope)?)?, encode(&self.payload(scope, now)?)?);
        let signature = self.key(scope)?.sign(self.algorithm, said.as_bytes())?;
        Ok(format!("{said}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn header(&self, scope: &Scope) -> Result<Map<String, Value>, Fault> {
        let more = self.more_headers.fill(scope)?;
        reserved(&more, &["kid", "alg", "typ", "cty"], "additional_jwt_headers")?;
        let mut made = Map::new();
        made.insert("typ".to_owned(), Value::from("JWT"));
        made.insert("alg".to_owned(), Value::from(self.algorithm.name()));
        made.extend(more);
        for (name, template) in &self.headers {
            made.insert((*name).to_owned(), template.value(scope)?);
        }
        // PyJWT leaves out a type that is empty.
        if made.get("typ").is_some_and(|kind| !is_truthy(kind)) {
            made.shift_remove("typ");
        }
        made.sort_keys();
        Ok(made)
    }

    fn payload(&self, scope: &Scope, now: i64) -> Result<Map<String, Value>, Fault> {
        let mut made = self.more_claims.fill(scope)?;
        reserved(&made, &["iss", "sub", "aud", "iat", "exp", "nbf"], "additional_jwt_payload")?;
        for (name, template) in &self.claims {
            made.insert((*name).to_owned(), template.value(scope)?);
        }
        let until = now.saturating_add(self.lasts);
        made.extend([("iat", now), ("exp", until), ("nbf", now)].map(|(name, at)| (name.to_owned(), Value::from(at))));
        Ok(made)
    }

    fn key(&self, scope: &Scope) -> Result<Key, Fault> {
        let secret = python_str(&self.secret.value(scope)?);
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.text(scope)).transpose()?;
        match passphrase.filter(|passphrase| !passphrase.is_empty()) {
            Some(passphrase) => Key::locked(&secret, &passphrase),
            None if self.encoded => Ok(Key::of(BASE64_STANDARD.encode(secret))),
            None => Ok(Key::of(secret)),
        }
    }
}

fn named<const N: usize>(node: &Node<'_>, field: &str, names: [&'static str; N]) -> Result<Vec<(&'static str, Template)>, Problem> {
    let Some(inner) = node.child(field) else { return Ok(Vec::new()) };
    let mut made = Vec::new();
    for name in names {
        if let Some(template) = inner.text(name)?.filter(|template| !template.source().is_empty()) {
            made.push((name, template));
        }
    }
    Ok(made)
}

fn reserved(fields: &Map<String, Value>, names: &[&str], field: &str) -> Result<(), Fault> {
    match names.iter().find(|name| fields.contains_key(**name)) {
        Some(name) => Err(Fault::Misconfigured(format!("`{name}` has a place of its own and cannot stand in `{field}`"))),
        None => Ok(()),
    }
}

fn encode(fields: &Map<String, Value>) -> Result<String, Fault> {
    let text = serde_json::to_vec(fields).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(text))
}

#[cfg(test)]
mod tests;
