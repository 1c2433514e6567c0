#![allow(clippy::unwrap_used, clippy::panic)]
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_model::{Fault, Settings};
use syncline_sdk::{Context, Http, HttpAnswer, HttpRequest, Patience, WaitReason};

use super::{Sent, send};
use crate::{
    request::{Extra, Requester},
    run::Run,
    template::Scope,
};

/// A source and its token endpoint, each with its own answers; the last of them is given for ever.
struct Source {
    api: Mutex<Vec<u16>>,
    tokens: Mutex<Vec<(u16, &'static str)>>,
    asked: Mutex<Vec<String>>,
}

fn next<T: Clone>(answers: &Mutex<Vec<T>>) -> T {
    let mut answers = answers.lock().unwrap();
    if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
}

#[async_trait]
impl Http for Source {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let is_token = request.url.path() == "/token";
        let proof = request.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        self.asked.lock().unwrap().push(proof.unwrap_or_else(|| "token".to_owned()));
        let (status, body) = if is_token { next(&self.tokens) } else { (next(&self.api), "{}") };
        Ok(HttpAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            url: request.url,
        })
    }
}

#[async_trait]
impl Patience for Source {
    async fn wait(&self, _: WaitReason, _: Duration) -> Result<(), Fault> {
        Ok(())
    }
    fn note(&self, _: &str) {}
    fn skipped(&self, _: &str) {}
    async fn save_settings(&self, _: &Settings, _: &Settings) -> Result<(), Fault> {
        Ok(())
    }
}

/// What comes of a request whose 401 is answered by the action, and what was asked meanwhile.
async fn refused(action: &str, api: &[u16], tokens: &[(u16, &'static str)]) -> (Result<Sent, Fault>, Vec<String>) {
    let source = Arc::new(Source { api: Mutex::new(api.to_vec()), tokens: Mutex::new(tokens.to_vec()), asked: Mutex::default() });
    let context = Context {
        settings: Settings::new(json!({})),
        http: Arc::clone(&source) as Arc<dyn Http>,
        patience: Arc::clone(&source) as Arc<dyn Patience>,
        now: Timestamp::now(),
        shared: Arc::default(),
    };
    let node = json!({"type": "HttpRequester", "url_base": "https://api.example.com", "path": "/items",
        "authenticator": {"type": "OAuthAuthenticator", "token_refresh_endpoint": "https://api.example.com/token", "client_id": "me",
            "client_secret": "s", "refresh_token": "r"},
        "error_handler": {"type": "DefaultErrorHandler", "response_filters": [{"type": "HttpResponseFilter", "action": action, "http_codes": [401]}]}});
    let requester = Requester::load(&node, "requester").unwrap();
    let scope = Scope::new().at(context.now).with("config", Arc::new(json!({})));
    let run = Run { base: scope.clone(), ..Run::new(&context, Value::Null) };
    let sent = send(&run, "items", &requester, &scope, &Extra::default()).await;
    let asked = source.asked.lock().unwrap().clone();
    (sent, asked)
}

const GRANTED: (u16, &str) = (200, r#"{"access_token": "t1", "expires_in": 3600}"#);
const REPLACED: (u16, &str) = (200, r#"{"access_token": "t2", "expires_in": 3600}"#);

#[tokio::test]
async fn a_token_that_is_refused_in_mid_stream_is_replaced_and_the_request_sent_again() {
    let (sent, asked) = refused("REFRESH_TOKEN_THEN_RETRY", &[401, 200], &[GRANTED, REPLACED]).await;
    assert!(matches!(sent, Ok(Sent::Answer(_))));
    assert_eq!(asked, ["token", "Bearer t1", "token", "Bearer t2"]);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_as_well_is_not_replaced_again() {
    let (sent, asked) = refused("REFRESH_TOKEN_THEN_RETRY", &[401], &[GRANTED, REPLACED]).await;
    assert!(matches!(sent, Err(Fault::Unauthorized(_))), "{sent:?}");
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn a_token_endpoint_that_does_not_work_leaves_the_token_one_more_try() {
    for broken in [(503, "{}"), (429, "{}"), (200, "<html>")] {
        let (sent, asked) = refused("REFRESH_TOKEN_THEN_RETRY", &[401, 200], &[GRANTED, broken]).await;
        assert!(matches!(sent, Ok(Sent::Answer(_))), "{broken:?}: {sent:?}");
        assert_eq!(asked.last().unwrap(), "Bearer t1");
        let (sent, asked) = refused("REFRESH_TOKEN_THEN_RETRY", &[401], &[GRANTED, broken]).await;
        assert!(matches!(sent, Err(Fault::Unavailable(_))), "{broken:?}: {sent:?}");
        assert_eq!(asked.iter().filter(|asked| *asked == "Bearer t1").count(), 2);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_ends_it_at_once() {
    let (sent, asked) = refused("REFRESH_TOKEN_THEN_RETRY", &[401, 200], &[GRANTED, (422, "{}")]).await;
    assert!(matches!(sent, Err(Fault::Misconfigured(_))), "{sent:?}");
    assert_eq!(asked, ["token", "Bearer t1", "token"]);
}

#[tokio::test]
async fn credentials_that_are_refused_as_often_as_a_request_is_tried_are_for_the_owner_to_mend() {
    let (sent, asked) = refused("RETRY", &[401], &[GRANTED]).await;
    assert!(matches!(sent, Err(Fault::Unauthorized(_))), "{sent:?}");
    assert_eq!(asked.len(), 7, "a token and six tries");
}
