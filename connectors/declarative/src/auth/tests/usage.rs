use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_model::{Fault, Settings};
use syncline_sdk::{Context, Http, HttpAnswer, HttpRequest, Patience, WaitReason};

use super::super::{Authenticator, Call};
use crate::template::Scope;

/// A source that answers what it is told to, and remembers what it was asked and what was saved.
#[derive(Default)]
struct Source {
    answers: Mutex<Vec<(u16, Value)>>,
    asked: Mutex<Vec<String>>,
    saved: Mutex<Vec<Value>>,
}

#[async_trait]
impl Http for Source {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let said = format!("{} {} {}", request.method, request.url, String::from_utf8_lossy(&request.body));
        self.asked.lock().unwrap().push(said);
        let mut answers = self.answers.lock().unwrap();
        let (status, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        let status = http::StatusCode::from_u16(status).unwrap();
        Ok(HttpAnswer { status, headers: http::HeaderMap::new(), body: Bytes::from(body.to_string()), url: request.url })
    }
}

#[async_trait]
impl Patience for Source {
    async fn wait(&self, _: WaitReason, _: std::time::Duration) -> Result<(), Fault> {
        Ok(())
    }
    fn note(&self, _: &str) {}
    fn skipped(&self, _: &str) {}
    async fn save_settings(&self, _: &Settings, settings: &Settings) -> Result<(), Fault> {
        self.saved.lock().unwrap().push(settings.expose().clone());
        Ok(())
    }
}

fn world(answers: &[(u16, Value)]) -> (Arc<Source>, Context) {
    let source = Arc::new(Source { answers: Mutex::new(answers.to_vec()), ..Source::default() });
    let context = Context {
        settings: Settings::new(json!({})),
        http: Arc::clone(&source) as Arc<dyn Http>,
        patience: Arc::clone(&source) as Arc<dyn Patience>,
        now: Timestamp::now(),
        shared: Arc::default(),
    };
    (source, context)
}

async fn proof(node: &Value, context: &Context, config: &Value) -> Result<String, Fault> {
    let authenticator = Authenticator::load(Some(node), "authenticator").unwrap();
    let scope = Scope::new().at(context.now).with("config", Arc::new(config.clone()));
    let options = authenticator.options(&Call { context, scope: &scope }).await?;
    Ok(options.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(","))
}

fn oauth(more: &Value) -> Value {
    let mut node = json!({"type": "OAuthAuthenticator", "token_refresh_endpoint": "https://api.example.com/token", "client_id": "{{ config['id'] }}",
        "client_secret": "{{ config['secret'] }}", "refresh_token": "{{ config['refresh'] }}"});
    node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    node
}

fn config() -> Value {
    json!({"id": "me", "secret": "hunter2", "refresh": "r-1"})
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_streams_of_a_job_and_again_when_it_has_ended() {
    let (source, context) = world(&[
        (200, json!({"data": {"access_token": "t-1"}, "expires_in": 3600})),
        (200, json!({"access_token": "t-2", "expires_in": -5})),
    ]);
    let node =
        oauth(&json!({"scopes": ["read", "write"], "refresh_request_body": {"tenant": "{{ config['id'] }}", "client_id": "ignored"}}));
    let settings = config();
    let (one, other) = tokio::join!(proof(&node, &context, &settings), proof(&node, &context, &settings));
    assert_eq!((one.unwrap(), other.unwrap()), ("Bearer t-1".to_owned(), "Bearer t-1".to_owned()));
    assert_eq!(
        *source.asked.lock().unwrap(),
        [
            "POST https://api.example.com/token grant_type=refresh_token&client_id=me&client_secret=hunter2&refresh_token=r-1&scopes=read&scopes=write&tenant=me"
        ]
    );
    let other_kind = oauth(&json!({"grant_type": "client_credentials"}));
    for _ in 0..2 {
        assert_eq!(proof(&other_kind, &context, &config()).await.unwrap(), "Bearer t-2");
    }
    assert_eq!(source.asked.lock().unwrap().len(), 3, "a token that has ended is fetched anew");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_saved_before_it_is_used_and_used_from_then_on() {
    let answer = |token: &str| (200, json!({"access_token": token, "refresh_token": format!("r-{token}"), "expires_in": -1}));
    let (source, context) = world(&[answer("1"), answer("2")]);
    let config = json!({"id": "me", "secret": "hunter2", "credentials": {"refresh_token": "r-0"}});
    let node = oauth(&json!({"refresh_token_updater": {}}));
    assert_eq!(proof(&node, &context, &config).await.unwrap(), "Bearer 1");
    assert_eq!(proof(&node, &context, &config).await.unwrap(), "Bearer 2");
    assert!(source.asked.lock().unwrap()[1].contains("refresh_token=r-1"), "{:?}", source.asked);
    let saved = source.saved.lock().unwrap();
    assert_eq!(
        (saved[0]["credentials"]["refresh_token"].as_str(), saved[1]["credentials"]["access_token"].as_str()),
        (Some("r-1"), Some("2"))
    );
}

#[tokio::test]
async fn a_refused_refresh_token_asks_the_owner_and_no_fault_repeats_a_secret() {
    let (_, context) = world(&[(400, json!({"error": "invalid_grant", "error_description": "r-1 hunter2"}))]);
    let fault = proof(&oauth(&json!({})), &context, &config()).await.unwrap_err();
    assert_eq!(fault, Fault::Unauthorized("the refresh token is invalid, expired or used already (invalid_grant)".into()));
    let (source, context) = world(&[(503, json!({})), (200, json!({"access_token": "t"}))]);
    assert_eq!(proof(&oauth(&json!({})), &context, &config()).await.unwrap(), "Bearer t");
    assert_eq!(source.asked.lock().unwrap().len(), 2, "what passes by itself is tried again");
}

#[tokio::test]
async fn a_session_is_kept_as_long_as_the_manifest_says_and_a_login_without_that_is_done_each_time() {
    let node = |more: &Value| {
        let mut node = json!({"type": "SessionTokenAuthenticator", "session_token_path": ["session", "id"],
            "login_requester": {"type": "HttpRequester", "url_base": "https://api.example.com", "path": "login", "http_method": "POST", "request_body_json": {"user": "{{ config['id'] }}"}},
            "request_authentication": {"type": "ApiKey", "inject_into": {"type": "RequestOption", "inject_into": "header", "field_name": "X-Session"}, "api_token": "Token {{ session_token }}"}});
        node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        node
    };
    let (source, context) = world(&[(200, json!({"session": {"id": "s-1"}}))]);
    for _ in 0..2 {
        assert_eq!(proof(&node(&json!({"expiration_duration": "PT1H"})), &context, &config()).await.unwrap(), "Token s-1");
    }
    assert_eq!(*source.asked.lock().unwrap(), [r#"POST https://api.example.com/login {"user":"me"}"#]);
    for _ in 0..2 {
        proof(&node(&json!({})), &context, &config()).await.unwrap();
    }
    assert_eq!(source.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn the_settings_choose_among_several_ways_and_a_wrong_choice_names_the_nearest() {
    let node = json!({"type": "SelectiveAuthenticator", "authenticator_selection_path": ["credentials", "kind"], "authenticators": {
        "token": {"type": "BearerAuthenticator", "api_token": "{{ config['secret'] }}"}, "basic": {"type": "BasicHttpAuthenticator", "username": "a", "password": "b"}}});
    let (_, context) = world(&[(200, json!({}))]);
    let mut config = config();
    config["credentials"] = json!({"kind": "basic"});
    assert_eq!(proof(&node, &context, &config).await.unwrap(), "Basic YTpi");
    config["credentials"]["kind"] = json!("tokn");
    let fault = proof(&node, &context, &config).await.unwrap_err();
    assert!(fault.to_string().contains("did you mean `token`?"), "{fault}");
}

#[tokio::test]
async fn a_token_is_used_as_long_as_the_source_lets_it_and_then_another_and_its_pools_are_asked_once() {
    let limits = |core: i64| {
        (200, json!({"core": {"remaining": core, "reset": 4_000_000_000_i64}, "search": {"remaining": 9, "reset": 4_000_000_000_i64}}))
    };
    let (source, context) = world(&[limits(1), limits(2), limits(5), limits(5)]);
    let quota = |name: &str, matchers: Value| {
        json!({"type": "TokenQuota", "name": name, "matchers": matchers, "remaining_path": [name, "remaining"],
        "reset_path": [name, "reset"], "remaining_header": "x-left", "exhaustion_status_codes": [429]})
    };
    let node = json!({"type": "RateLimitedMultipleTokenAuthenticator", "tokens": "{{ config['tokens'] }}", "auth_method": "token",
        "quota_status_source": {"type": "QuotaStatusSource", "url": "https://api.example.com/limits"}, "budget_min_reserve": 0, "budget_reserve_fraction": 0,
        "max_wait_time": "P99999D", "quotas": [quota("search", json!([{"type": "HttpRequestRegexMatcher", "url_path_pattern": "^/search$"}])), quota("core", json!([]))]});
    let authenticator = Authenticator::load(Some(&node), "authenticator").unwrap();
    let scope = Scope::new().at(context.now).with("config", Arc::new(json!({"tokens": "a, b,"})));
    let call = Call { context: &context, scope: &scope };
    let mut used = Vec::new();
    for path in ["search/", "items", "items", "search", "items", "items"] {
        let mut request = HttpRequest::get(format!("https://api.example.com/{path}").parse().unwrap());
        authenticator.sign(&call, &mut request).await.unwrap();
        used.push(request.headers["authorization"].to_str().unwrap().to_owned());
    }
    assert_eq!(used, ["token a", "token a", "token b", "token b", "token b", "token b"], "the last call waited, and asked anew");
    assert_eq!(source.asked.lock().unwrap().len(), 4);
    let mut request = HttpRequest::get("https://api.example.com/items".parse().unwrap());
    authenticator.sign(&call, &mut request).await.unwrap();
    let answer = HttpAnswer {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        headers: http::HeaderMap::new(),
        body: Bytes::new(),
        url: request.url.clone(),
    };
    assert!(authenticator.hear(&call, &request, &answer).await.unwrap(), "the other token has calls left");
}
