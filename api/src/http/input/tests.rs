#![allow(clippy::unwrap_used, clippy::panic)]
use actix_web::{test::TestRequest, web::Bytes};

use super::{Input, Json, Query};
use crate::problem::{Code, Problem};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "connector", default)]
    _connector: Option<syncline_model::ConnectorName>,
}

fn refused(body: &'static str) -> Problem {
    let request = TestRequest::post().insert_header(("content-type", "application/json; charset=utf-8")).to_http_request();
    Json::<Sample>::read(&request, &Bytes::from_static(body.as_bytes())).err().unwrap()
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_name() {
    let problem = refused(r#"{"titel": "x"}"#);
    assert_eq!(problem.code, Code::UnknownField);
    assert_eq!(problem.detail.as_deref(), Some("unknown field `titel` (did you mean `title`?)"));
}

#[test]
fn an_unknown_query_parameter_is_refused_with_the_nearest_name() {
    let request = TestRequest::get().uri("/x?title=a&conector=b").to_http_request();
    let problem = Query::<Sample>::read(&request, &Bytes::new()).err().unwrap();
    assert_eq!(problem.detail.as_deref(), Some("unknown parameter `conector` (did you mean `connector`?)"));
}

#[test]
fn no_message_repeats_a_value() {
    for body in [
        r#"{"title": {"hunter2": 1}}"#,
        r#"["hunter2"]"#,
        r#""hunter2""#,
        r#"{"title": "x", "connector": "hunter2 `is` no secret"}"#,
        r#"{"title": "hunter2"#,
        r#"{"title": hunter2}"#,
    ] {
        let text = serde_json::to_string(&refused(body).body("id")).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_missing_field_is_named() {
    assert_eq!(refused("{}").detail.as_deref(), Some("the body lacks the field `title`"));
}

#[test]
fn a_body_of_another_type_is_refused() {
    let request = TestRequest::post().insert_header(("content-type", "text/plain")).to_http_request();
    let problem = Json::<Sample>::read(&request, &Bytes::from_static(b"{}")).err().unwrap();
    assert_eq!(problem.code, Code::UnsupportedMediaType);
}
