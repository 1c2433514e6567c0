#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use syncline_model::Fault;
use syncline_sdk::HttpAnswer;

use super::{Action, ErrorHandlers, Verdict, message};
use crate::template::Scope;

fn answer(node: &Value) -> HttpAnswer {
    let header =
        |(name, value): (&String, &Value)| (HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    HttpAnswer {
        status: StatusCode::from_u16(u16::try_from(node["status"].as_u64().unwrap()).unwrap()).unwrap(),
        headers: node["headers"].as_object().into_iter().flatten().map(header).collect::<HeaderMap>(),
        body: Bytes::from(node["body"].as_str().unwrap_or_default().to_owned()),
        url: "https://user:pass@api.example.com/items?key=hunter2".parse().unwrap(),
    }
}

fn scope() -> Scope {
    Scope::new().with("config", Arc::new(json!({"word": "later", "wait": 7, "tries": "2"})))
}

fn handlers(node: &Value) -> ErrorHandlers {
    ErrorHandlers::load(Some(node), "error_handler").unwrap()
}

fn name(action: Action) -> &'static str {
    Action::NAMES.iter().find(|(_, known)| *known == action).unwrap().0
}

#[test]
fn answers_mean_what_they_mean_to_the_reference() {
    let table: Value = serde_json::from_str(include_str!("../../tests/reference/error_handlers.json")).unwrap();
    for case in table["verdicts"].as_array().unwrap() {
        let handlers = handlers(&case["handler"]);
        for (given, said) in table["answers"].as_array().unwrap().iter().zip(case["said"].as_array().unwrap()) {
            let verdict = handlers.judge(&Ok(answer(given)), &scope());
            let ours = json!([name(verdict.action), verdict.config, verdict.message.unwrap_or_default()]);
            assert_eq!(ours, *said, "{} {given}", case["handler"]);
        }
    }
}

#[test]
fn the_same_time_is_waited_as_by_the_reference() {
    let table: Value = serde_json::from_str(include_str!("../../tests/reference/error_handlers.json")).unwrap();
    for case in table["waits"].as_array().unwrap() {
        let handlers = handlers(&json!({"type": "DefaultErrorHandler", "backoff_strategies": case["strategies"]}));
        let attempt = u32::try_from(case["attempt"].as_u64().unwrap()).unwrap();
        for (told, said) in table["told"].as_array().unwrap().iter().zip(case["said"].as_array().unwrap()) {
            let mut told = told.clone();
            told["status"] = json!(429);
            let wait = handlers.strategy(Some(&answer(&told)), attempt, &scope());
            match said.as_u64() {
                Some(millis) => assert_eq!(wait.unwrap(), Some(Duration::from_millis(millis + 1000)), "{case} {told}"),
                None if said == "default" => assert_eq!(wait.unwrap(), None, "{case} {told}"),
                None => assert!(matches!(wait, Err(Fault::Throttled(_))), "{case} {told}"),
            }
        }
    }
}

#[test]
fn bodies_say_what_is_wrong_where_the_reference_looks() {
    let table: Value = serde_json::from_str(include_str!("../../tests/reference/error_handlers.json")).unwrap();
    for case in table["messages"].as_array().unwrap() {
        assert_eq!(message::of(&case["body"]).as_deref(), case["message"].as_str(), "{case}");
    }
}

#[test]
fn the_first_of_several_handlers_says_how_often_and_may_ask_the_settings() {
    let node = json!({"type": "CompositeErrorHandler", "error_handlers": [
        {"type": "DefaultErrorHandler", "max_retries": "{{ config['tries'] }}"}, {"type": "DefaultErrorHandler", "max_retries": 9}]});
    let handlers = handlers(&node);
    assert_eq!(handlers.retries_max(&scope()).unwrap(), 2);
    assert_eq!(ErrorHandlers::load(None, "x").unwrap().retries_max(&scope()).unwrap(), 5);
}

#[test]
fn no_answer_is_tried_again_where_that_can_help() {
    let judged = |fault: Fault| ErrorHandlers::load(None, "x").unwrap().judge(&Err(fault), &scope());
    assert_eq!(judged(Fault::Unavailable("no connection".into())).action, Action::Retry);
    assert_eq!(judged(Fault::Stopped), Verdict { action: Action::Fail, config: false, message: None });
    assert_eq!(judged(Fault::Misconfigured("forbidden".into())).action, Action::Fail);
}

#[test]
fn a_header_is_found_however_the_template_spells_it_and_the_address_shows_no_secret() {
    let node = json!({"type": "DefaultErrorHandler", "response_filters": [{"type": "HttpResponseFilter", "action": "FAIL",
        "predicate": "{{ headers['X-RateLimit-Left'] == '0' }}", "error_message": "{{ request_url }} {{ config['word'] }}"}]});
    let verdict = handlers(&node).judge(&Ok(answer(&json!({"status": 200, "headers": {"x-ratelimit-left": "0"}}))), &scope());
    assert_eq!(verdict.action, Action::Fail);
    assert_eq!(verdict.message.as_deref(), Some("https://api.example.com/items later"));
}

#[test]
fn mistakes_are_told_with_the_nearest_name() {
    let problem = |node: &Value| ErrorHandlers::load(Some(node), "h").unwrap_err().to_string();
    let action = json!({"type": "DefaultErrorHandler", "response_filters": [{"type": "HttpResponseFilter", "action": "RETYR"}]});
    assert!(problem(&action).contains("did you mean `RETRY`"), "{}", problem(&action));
    assert!(problem(&json!({"type": "CustomErrorHandler", "class_name": "a.B"})).contains("needs the Python class `a.B`"));
}

#[test]
fn a_clock_that_stands_still_says_how_long_to_wait_until_a_moment() {
    let backoff = json!({"type": "WaitUntilTimeFromHeader", "header": "X-Reset", "max_waiting_time_in_seconds": 100});
    let handlers = handlers(&json!({"type": "DefaultErrorHandler", "backoff_strategies": [backoff]}));
    let scope = scope().at("2024-06-15T12:00:00Z".parse().unwrap()).still(true);
    let wait = |until: &str| handlers.strategy(Some(&answer(&json!({"status": 429, "headers": {"x-reset": until}}))), 1, &scope);
    assert_eq!(wait("1718452860").unwrap(), Some(Duration::from_secs(61)));
    assert_eq!(wait("1718452900").unwrap_err(), Fault::Throttled(Duration::from_secs(100)));
}
