//! `JwtAuthenticator`: a JSON Web Token that is signed here (RFC 7519).

use std::sync::Arc;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    node::Node,
    problem::Problem,
    request::{Place, RequestOption},
    run::misconfigured,
    template::{Evaluated, Nested, Scope, Template},
};

const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("EdDSA", Algorithm::EdDSA),
];

/// `JwtAuthenticator`.
#[derive(Debug)]
pub struct Jwt {
    algorithm: Algorithm,
    secret: Template,
    encodes_secret: Option<Template>,
    passphrase: Option<Template>,
    lasts_s: i64,
    prefix: Option<Template>,
    header: Vec<(&'static str, Template)>,
    payload: Vec<(&'static str, Template)>,
    more_headers: Arc<Nested>,
    more_payload: Arc<Nested>,
    option: RequestOption,
}

impl Jwt {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let word = node.word("algorithm").ok_or_else(|| node.missing("algorithm"))?;
        let algorithm = ALGORITHMS.iter().find(|(name, _)| *name == word).map(|(_, algorithm)| *algorithm);
        let algorithm = algorithm.ok_or_else(|| {
            let hint = syncline_model::nearest::hint(word, ALGORITHMS.iter().map(|(name, _)| *name));
            node.problem(format!("the algorithm `{word}` is not supported{hint}"))
        })?;
        let inner = |field: &'static str, names: [&'static str; 3]| {
            let Some(part) = node.child(field) else { return Ok(Vec::new()) };
            let one = |name: &'static str| part.text(name).map(|text| text.map(|text| (name, text))).transpose();
            names.into_iter().filter_map(one).collect::<Result<Vec<_>, Problem>>()
        };
        let nested = |field: &str| {
            let value = node.get(field).cloned().unwrap_or_else(|| Value::Object(Map::new()));
            Nested::load(&value, &node.below(field)).map(Arc::new)
        };
        let option = match node.child("request_option") {
            Some(option) => RequestOption::load(option.value, &option.path)?,
            None => RequestOption::plain(Place::Header, "Authorization"),
        };
        Ok(Self {
            algorithm,
            secret: node.needed_text("secret_key")?,
            encodes_secret: node.text("base64_encode_secret_key")?,
            passphrase: node.text("passphrase")?,
            lasts_s: node.whole("token_duration")?.unwrap_or(1200),
            prefix: node.text("header_prefix")?,
            header: inner("jwt_headers", ["kid", "typ", "cty"])?,
            payload: inner("jwt_payload", ["iss", "sub", "aud"])?,
            more_headers: nested("additional_jwt_headers")?,
            more_payload: nested("additional_jwt_payload")?,
            option,
        })
    }

    /// What it puts into a request.
    pub fn options(&self, scope: &Scope) -> Result<Vec<(RequestOption, String)>, Fault> {
        let token = self.signed(scope)?;
        let prefix = self.prefix.as_ref().map(|prefix| prefix.text(scope)).transpose()?.filter(|prefix| !prefix.is_empty());
        Ok(vec![(self.option.clone(), prefix.map_or_else(|| token.clone(), |prefix| format!("{prefix} {token}")))])
    }

    fn signed(&self, scope: &Scope) -> Result<String, Fault> {
        let name = ALGORITHMS.iter().find(|(_, algorithm)| *algorithm == self.algorithm).map_or("HS256", |(name, _)| name);
        let mut header = Map::from_iter([("typ".to_owned(), Value::from("JWT")), ("alg".to_owned(), Value::from(name))]);
        if let Value::Object(more) = self.more_headers.fill(scope)? {
            header.extend(more);
        }
        for (name, template) in &self.header {
            header.insert((*name).to_owned(), template.eval(scope)?.into_json());
        }
        let mut payload = match self.more_payload.fill(scope)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        for (name, template) in &self.payload {
            payload.insert((*name).to_owned(), template.eval(scope)?.into_json());
        }
        let now = scope.now().as_second();
        for (name, value) in [("iat", now), ("exp", now + self.lasts_s), ("nbf", now)] {
            payload.insert(name.to_owned(), Value::from(value));
        }
        let bad = |_| misconfigured("the secret key of the settings cannot sign a token");
        let part = |fields: Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(Value::Object(fields).to_string());
        let message = format!("{}.{}", part(header), part(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key(scope)?, self.algorithm).map_err(bad)?;
        Ok(format!("{message}.{signature}"))
    }

    fn key(&self, scope: &Scope) -> Result<EncodingKey, Fault> {
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.eval(scope)).transpose()?;
        if passphrase.is_some_and(|passphrase| Evaluated::is_truthy(&passphrase)) {
            return Err(misconfigured("a secret key with a passphrase cannot be used; give the key without one"));
        }
        let mut secret = self.secret.text(scope)?;
        if self.encodes_secret.as_ref().map(|encodes| encodes.holds(scope)).transpose()?.unwrap_or(false) {
            secret = BASE64_STANDARD.encode(secret);
        }
        let bad = |_| misconfigured("the secret key of the settings is not in PEM format");
        let bytes = secret.as_bytes();
        match self.algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Ok(EncodingKey::from_secret(bytes)),
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(bytes).map_err(bad),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(bytes).map_err(bad),
            _ => EncodingKey::from_rsa_pem(bytes).map_err(bad),
        }
    }
}
