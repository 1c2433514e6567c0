#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! Fake token endpoints on loopback.

mod usage;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_model::{Fault, Settings};
use syncline_sdk::{
    Context, Patience, WaitReason,
    http::{Client, ClientConfig, Egress},
};

use super::{Authenticator, Call};
use crate::template::Scope;

/// Waits for nothing, and remembers what it was told.
#[derive(Default)]
pub struct Owner {
    pub waits: Mutex<Vec<(WaitReason, Duration)>>,
    pub saved: Mutex<Vec<Value>>,
    pub is_still: bool,
}

#[async_trait]
impl Patience for Owner {
    async fn wait(&self, reason: WaitReason, time: Duration) -> Result<(), Fault> {
        self.waits.lock().unwrap().push((reason, time));
        Ok(())
    }
    fn is_still(&self) -> bool {
        self.is_still
    }
    fn note(&self, _: &str) {}
    fn skipped(&self, _: &str) {}
    async fn save_settings(&self, _: &Settings, settings: &Settings) -> Result<(), Fault> {
        self.saved.lock().unwrap().push(settings.expose().clone());
        Ok(())
    }
}

/// One request that a fake endpoint saw.
#[derive(Debug, Clone)]
pub struct Seen {
    pub query: String,
    pub body: String,
    pub authorization: String,
}

/// A token endpoint: answers are given in order, the last one again and again.
#[derive(Clone)]
pub struct Endpoint {
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub port: u16,
}

impl Endpoint {
    pub fn start(answers: Vec<(u16, Value)>) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (kept, next) = (Arc::clone(&seen), Arc::new(AtomicUsize::new(0)));
        let server = HttpServer::new(move || {
            let (kept, next, answers) = (Arc::clone(&kept), Arc::clone(&next), answers.clone());
            App::new().default_service(web::to(move |request: actix_web::HttpRequest, body: String| {
                let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
                kept.lock().unwrap().push(Seen {
                    query: request.query_string().to_owned(),
                    body,
                    authorization: header.unwrap_or_default(),
                });
                let at = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                let (status, answer) = answers[at].clone();
                async move { HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).json(answer) }
            }))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let port = server.addrs()[0].port();
        actix_web::rt::spawn(server.run());
        Self { seen, port }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }
}

pub fn job(settings: Value) -> (Context, Scope, Arc<Owner>) {
    let owner = Arc::new(Owner::default());
    let config = ClientConfig { egress: Egress { private_allowed: true }, ..ClientConfig::default() };
    let context = Context {
        settings: Settings::new(settings.clone()),
        http: Arc::new(Client::new("shop".parse().unwrap(), config).unwrap()),
        patience: Arc::clone(&owner) as Arc<dyn Patience>,
        now: Timestamp::now(),
        shared: Arc::default(),
    };
    let scope = Scope::new().at(context.now).with("config", Arc::new(settings));
    (context, scope, owner)
}

pub fn load(node: &Value) -> Authenticator {
    Authenticator::load(Some(node), "auth").unwrap()
}

pub async fn proof(authenticator: &Authenticator, context: &Context, scope: &Scope) -> Result<String, Fault> {
    let options = authenticator.options(&Call { context, scope }).await?;
    Ok(options.into_iter().next().map(|(_, value)| value).unwrap_or_default())
}

#[actix_web::test]
async fn the_settings_choose_how_to_authenticate() {
    let node = json!({"type": "SelectiveAuthenticator", "authenticator_selection_path": ["credentials", "kind"], "authenticators": {
        "key": {"type": "BearerAuthenticator", "api_token": "{{ config['credentials']['key'] }}"},
        "class": {"type": "CustomAuthenticator", "class_name": "source_x.components.Odd"},
    }});
    let authenticator = load(&node);
    let (context, scope, _) = job(json!({"credentials": {"kind": "key", "key": "k1"}}));
    assert_eq!(proof(&authenticator, &context, &scope).await.unwrap(), "Bearer k1");
    let (context, scope, _) = job(json!({"credentials": {"kind": "class"}}));
    let fault = proof(&authenticator, &context, &scope).await.unwrap_err().to_string();
    assert!(fault.contains("needs the Python class `source_x.components.Odd`"), "{fault}");
    let (context, scope, _) = job(json!({"credentials": {"kind": "kee"}}));
    let fault = proof(&authenticator, &context, &scope).await.unwrap_err().to_string();
    assert!(fault.contains("did you mean `key`"), "{fault}");
}

#[actix_web::test]
async fn a_session_is_begun_once_and_its_token_put_where_the_manifest_says() {
    let endpoint = Endpoint::start(vec![(200, json!({"data": {"token": "s1"}}))]);
    let node = json!({
        "type": "SessionTokenAuthenticator",
        "session_token_path": ["data", "token"],
        "expiration_duration": "PT1H",
        "login_requester": {"type": "HttpRequester", "url_base": endpoint.url(), "http_method": "POST",
            "request_body_json": {"user": "{{ config['user'] }}"}},
        "request_authentication": {"type": "ApiKey", "api_token": "Token {{ session_token }}",
            "inject_into": {"type": "RequestOption", "inject_into": "header", "field_name": "X-Token"}},
    });
    let (context, scope, _) = job(json!({"user": "ada"}));
    let authenticator = load(&node);
    assert_eq!(proof(&authenticator, &context, &scope).await.unwrap(), "Token s1");
    assert_eq!(proof(&load(&node), &context, &scope).await.unwrap(), "Token s1");
    assert_eq!(endpoint.seen().len(), 1);
    assert_eq!(endpoint.seen()[0].body, r#"{"user":"ada"}"#);
}

#[actix_web::test]
async fn a_session_that_is_over_is_begun_anew() {
    let endpoint = Endpoint::start(vec![(401, json!({})), (200, json!({"id": "s2"}))]);
    let base = format!("http://127.0.0.1:{}", endpoint.port);
    let requester = json!({"type": "HttpRequester", "url_base": base, "authenticator": {
        "type": "LegacySessionTokenAuthenticator", "header": "X-Session", "login_url": "/session", "validate_session_url": "/me",
        "session_token": "{{ config['token'] }}", "session_token_response_key": "id", "username": "u", "password": "p",
    }});
    let (context, scope, _) = job(json!({"token": "old"}));
    let authenticator = Authenticator::of(&crate::node::Node::new(&requester, "requester")).unwrap();
    assert_eq!(proof(&authenticator, &context, &scope).await.unwrap(), "s2");
    assert_eq!(endpoint.seen().len(), 2);
    assert_eq!(endpoint.seen()[1].body, r#"{"username":"u","password":"p"}"#);
}

#[actix_web::test]
async fn a_class_that_has_a_stand_in_fetches_its_token_without_python() {
    let endpoint = Endpoint::start(vec![(200, json!({"access_token": "z1", "expires_in": 3600}))]);
    let node = json!({"type": "CustomAuthenticator", "class_name": "source_zoom.components.ServerToServerOauthAuthenticator",
        "account_id": "a&b", "client_id": "id", "client_secret": "secret", "authorization_endpoint": endpoint.url()});
    let (context, scope, _) = job(json!({}));
    assert_eq!(proof(&load(&node), &context, &scope).await.unwrap(), "Bearer z1");
    assert_eq!(proof(&load(&node), &context, &scope).await.unwrap(), "Bearer z1");
    assert_eq!(endpoint.seen().len(), 1);
    assert_eq!(endpoint.seen()[0].query, "grant_type=account_credentials&account_id=a%26b");
    assert_eq!(endpoint.seen()[0].authorization, "Basic aWQ6c2VjcmV0");
}

#[test]
fn a_class_without_a_stand_in_is_named() {
    let node = json!({"type": "CustomAuthenticator", "class_name": "source_x.components.Odd"});
    let problem = Authenticator::load(Some(&node), "auth").unwrap_err();
    assert_eq!(problem.message, "it needs the Python class `source_x.components.Odd`, which cannot run here");
}
