#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};
use syncline_model::Fault;

use crate::auth::{
    Call,
    tests::{Endpoint, Owner, job, load, proof},
};

fn node(endpoint: &Endpoint, more: &Value) -> Value {
    let mut node = json!({"type": "OAuthAuthenticator", "token_refresh_endpoint": endpoint.url(),
        "client_id": "{{ config['id'] }}", "client_secret": "{{ config['secret'] }}", "refresh_token": "{{ config['refresh'] }}"});
    node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    node
}

fn settings() -> Value {
    json!({"id": "my id", "secret": "s3cret", "refresh": "r1"})
}

#[actix_web::test]
async fn all_streams_of_a_job_share_one_token_that_is_fetched_once() {
    let endpoint = Endpoint::start(vec![(200, json!({"access_token": "a1", "expires_in": 3600}))]);
    let (context, scope, _) = job(settings());
    let streams: Vec<_> = (0..8).map(|_| load(&node(&endpoint, &json!({})))).collect();
    for token in join_all(streams.iter().map(|stream| proof(stream, &context, &scope))).await {
        assert_eq!(token.unwrap(), "Bearer a1");
    }
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, "grant_type=refresh_token&client_id=my+id&client_secret=s3cret&refresh_token=r1");
}

#[actix_web::test]
async fn another_job_has_its_own_token() {
    let endpoint = Endpoint::start(vec![(200, json!({"access_token": "a1", "expires_in": 3600}))]);
    let stream = load(&node(&endpoint, &json!({})));
    for _ in 0..2 {
        let (context, scope, _) = job(settings());
        proof(&stream, &context, &scope).await.unwrap();
    }
    assert_eq!(endpoint.seen().len(), 2);
}

#[actix_web::test]
async fn what_is_sent_follows_the_names_the_grant_and_the_scopes() {
    let endpoint = Endpoint::start(vec![(200, json!({"data": [{"tok": "a1"}]}))]);
    let more = json!({"grant_type": "client_credentials", "client_id_name": "cid", "client_secret_name": "cs", "refresh_token": null,
        "scopes": ["a", "b"], "access_token_name": "tok",
        "refresh_request_body": {"audience": "{{ config['id'] }}", "cid": "never", "nothing": "{{ config.get('none') }}"}});
    let (context, scope, _) = job(settings());
    assert_eq!(proof(&load(&node(&endpoint, &more)), &context, &scope).await.unwrap(), "Bearer a1");
    assert_eq!(endpoint.seen()[0].body, "grant_type=client_credentials&cid=my+id&cs=s3cret&scopes=a&scopes=b&audience=my+id");
}

#[actix_web::test]
async fn credentials_in_a_header_are_not_repeated_and_may_go_into_the_query() {
    let endpoint = Endpoint::start(vec![(200, json!({"access_token": "a1"}))]);
    let more =
        json!({"refresh_request_headers": {"Authorization": "Basic {{ config['id'] }}"}, "send_refresh_request_as_query_params": true});
    let (context, scope, _) = job(settings());
    proof(&load(&node(&endpoint, &more)), &context, &scope).await.unwrap();
    let seen = endpoint.seen();
    assert_eq!((seen[0].query.as_str(), seen[0].body.as_str()), ("grant_type=refresh_token&refresh_token=r1", ""));
    assert_eq!(seen[0].authorization, "Basic my id");
}

#[actix_web::test]
async fn a_replaced_refresh_token_is_saved_before_it_is_used_and_used_from_then_on() {
    let endpoint = Endpoint::start(vec![
        (200, json!({"access_token": "a1", "refresh_token": "r2", "expires_in": 3600})),
        (200, json!({"access_token": "a2", "expires_in": 3600})),
        (200, json!({"access_token": "a3", "refresh_token": "r3", "expires_in": 3600})),
    ]);
    let settings = json!({"credentials": {"client_id": "own", "client_secret": "s", "refresh_token": "r1"}});
    let (context, scope, owner) = job(settings);
    let stream = load(&node(&endpoint, &json!({"refresh_token_updater": {}})));
    assert_eq!(proof(&stream, &context, &scope).await.unwrap(), "Bearer a1");
    let call = Call { context: &context, scope: &scope };
    assert!(stream.renew(&call, Some("Bearer a1")).await.unwrap());
    assert!(stream.renew(&call, Some("Bearer a1")).await.unwrap(), "the token was replaced already");
    assert_eq!(endpoint.seen().len(), 2);
    assert!(stream.renew(&call, Some("Bearer a2")).await.unwrap());
    assert_eq!(proof(&stream, &context, &scope).await.unwrap(), "Bearer a3");
    let bodies: Vec<_> = endpoint.seen().into_iter().map(|seen| seen.body).collect();
    assert!(bodies[0].contains("client_id=own") && bodies[0].ends_with("refresh_token=r1"), "{bodies:?}");
    assert!(bodies[1].ends_with("refresh_token=r2"), "{bodies:?}");
    assert!(bodies[2].ends_with("refresh_token=r2"), "an omitted refresh token keeps the old one: {bodies:?}");
    let saved = owner.saved.lock().unwrap();
    let refresh: Vec<_> = saved.iter().map(|saved| saved["credentials"]["refresh_token"].as_str().unwrap()).collect();
    assert_eq!(refresh, ["r2", "r2", "r3"]);
    assert_eq!(saved[2]["credentials"]["access_token"], "a3");
    assert!(saved[2]["credentials"]["token_expiry_date"].as_str().unwrap().ends_with("+00:00"));
}

#[actix_web::test]
async fn a_token_endpoint_that_does_not_work_is_asked_again() {
    let endpoint = Endpoint::start(vec![(503, json!({})), (429, json!({})), (200, json!({"access_token": "a1"}))]);
    let (context, scope, owner) = job(settings());
    assert_eq!(proof(&load(&node(&endpoint, &json!({}))), &context, &scope).await.unwrap(), "Bearer a1");
    assert_eq!(owner.waits.lock().unwrap().iter().map(|(_, time)| time.as_secs()).collect::<Vec<_>>(), [1, 2]);
}

#[actix_web::test]
async fn a_refused_refresh_token_asks_the_owner_and_shows_no_secret() {
    let answer = json!({"error": "invalid_grant", "error_description": "AADSTS50173: r1 was revoked at noon", "sent": "s3cret"});
    let endpoint = Endpoint::start(vec![(400, answer)]);
    let (context, scope, _) = job(settings());
    let fault = proof(&load(&node(&endpoint, &json!({}))), &context, &scope).await.unwrap_err();
    let expected = "the refresh token is invalid, expired or used already (invalid_grant: AADSTS50173)";
    assert_eq!(fault, Fault::Unauthorized(expected.to_owned()));
    let endpoint = Endpoint::start(vec![(418, json!({"error": "the secret s3cret and the token r1 are bad"}))]);
    let fault = proof(&load(&node(&endpoint, &json!({}))), &context, &scope).await.unwrap_err();
    assert_eq!(fault, Fault::Misconfigured("the token endpoint answered 418 (the secret **** and the token **** are bad)".to_owned()));
}

#[actix_web::test]
async fn a_given_token_is_used_until_it_ends() {
    let endpoint = Endpoint::start(vec![(200, json!({"access_token": "a2"}))]);
    let (context, scope, _) = job(settings());
    let given = |until: &str| load(&node(&endpoint, &json!({"access_token_value": "a1", "token_expiry_date": until})));
    assert_eq!(proof(&given("2999-01-01T00:00:00Z"), &context, &scope).await.unwrap(), "Bearer a1");
    assert_eq!(endpoint.seen().len(), 0);
    let (context, scope, _) = job(settings());
    assert_eq!(proof(&given("2001-01-01T00:00:00Z"), &context, &scope).await.unwrap(), "Bearer a2");
}

#[actix_web::test]
async fn where_the_clock_stands_still_tokens_end_by_that_clock() {
    let endpoint = Endpoint::start(vec![(200, json!({"access_token": "a2", "expires_in": 3600}))]);
    let stream = load(&node(&endpoint, &json!({"refresh_token_updater": {}})));
    let read = async |until: &str| {
        let (mut context, scope, _) = job(
            json!({"credentials": {"client_id": "c", "client_secret": "s", "access_token": "a1", "refresh_token": "r1", "token_expiry_date": until}}),
        );
        let owner = Arc::new(Owner { is_still: true, ..Owner::default() });
        (context.now, context.patience) = ("2001-06-15T12:00:00Z".parse().unwrap(), owner.clone());
        let token = proof(&stream, &context, &scope).await.unwrap();
        let saved = owner.saved.lock().unwrap().pop().unwrap_or_default();
        (token, saved["credentials"]["token_expiry_date"].clone())
    };
    assert_eq!(read("2001-06-15T12:00:01Z").await, ("Bearer a1".to_owned(), Value::Null));
    assert_eq!(read("2001-06-15T11:59:59Z").await, ("Bearer a2".to_owned(), json!("2001-06-15T13:00:00+00:00")));
}

#[test]
fn what_is_missing_is_said_when_the_manifest_is_read() {
    let node = json!({"type": "OAuthAuthenticator", "token_refresh_endpoint": "https://x", "client_id": "a", "client_secret": "b"});
    let problem = crate::auth::Authenticator::load(Some(&node), "auth").unwrap_err();
    assert_eq!(problem.message, "`refresh_token` is missing, which the grant type `refresh_token` needs");
}
