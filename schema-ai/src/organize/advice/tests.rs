#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use super::plain::Plain;
use super::*;
use crate::organize::normalize::Stream;
use crate::organize::profile::Profile;

/// A plan with columns whose names say nothing.
fn plan() -> Plan {
    let mut profile = Profile::default();
    for n in 0..30 {
        let line =
            json!({"id": n, "email": format!("ann{n}@example.org"), "col1": format!("Secretstreet {n}"), "col2": n % 4, "name": "Bo"});
        profile.record(line.to_string().as_bytes()).unwrap();
    }
    Plan::of_streams(vec![Stream::new("customers", profile)], &[]).unwrap()
}

/// A model that answers once, and what it was asked.
fn model(status: &'static str, content: String) -> (Endpoint, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut wire, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut part = [0_u8; 4096];
        loop {
            let read = wire.read(&mut part).unwrap();
            asked.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&asked).into_owned();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let whole = text.split_once("\r\n\r\n").is_some_and(|(_, body)| Some(body.len()) >= length);
            if whole || read == 0 {
                let body = json!({"choices": [{"message": {"content": content}}]}).to_string();
                wire.write_all(format!("HTTP/1.1 {status}\r\n\r\n{body}").as_bytes()).unwrap();
                return text;
            }
        }
    });
    (Endpoint { url, model: "small".to_owned(), key: Some("sesame".to_owned()) }, served)
}

fn post() -> Plain {
    Plain { patience: Duration::from_secs(10) }
}

#[test]
fn a_model_suggests_names_and_sees_masked_values_only() {
    let plan = plan();
    let questions = ask::questions(&plan);
    let id = |column: &str| questions.iter().find(|question| question.about.contains(column)).unwrap().id;
    let said =
        json!({"answers": [{"id": id("`col1`"), "choice": "street"}, {"id": id("`col2`"), "choice": "email"}, {"id": 999, "choice": "x"}]});
    let (endpoint, served) = model("200 OK", format!("```json\n{said}\n```"));
    let advice = advise(&plan, &endpoint, &post());
    let asked = served.join().unwrap();
    assert_eq!(advice.failed, None);
    let [suggested] = advice.suggestions.as_slice() else { panic!("{advice:?}") };
    assert_eq!((suggested.subject.as_str(), suggested.rather.as_str()), ("customers.col1", "street"));
    // There is an `email` already.
    assert_eq!(advice.refused, 1);
    assert!(asked.starts_with("POST /v1/chat/completions") && asked.contains("authorization: Bearer sesame"));
    assert!(asked.contains("Xxxxxxxxxxxx") && !asked.contains("Secretstreet") && !asked.contains("example.org"), "{asked}");
}

#[test]
fn names_that_no_database_takes_are_refused() {
    let plan = plan();
    for bad in ["", "Street", "street; drop table x", "1st", &"x".repeat(64)] {
        let answers = ask::questions(&plan).iter().map(|question| (question.id, bad.to_owned())).collect();
        let mut advice = Advice::default();
        check::all(&plan, &ask::questions(&plan), &answers, &mut advice);
        assert!(advice.suggestions.is_empty() && advice.refused > 0, "{bad}");
    }
}

#[test]
fn a_model_that_fails_changes_nothing_and_its_key_is_not_shown() {
    let plan = plan();
    let (endpoint, served) = model("500 Oops", String::new());
    let advice = advise(&plan, &endpoint, &post());
    served.join().unwrap();
    assert!(advice.suggestions.is_empty() && advice.failed.is_some_and(|why| why.contains("500")));
    let (endpoint, served) = model("200 OK", "I do not know".to_owned());
    let advice = advise(&plan, &endpoint, &post());
    served.join().unwrap();
    assert!(advice.suggestions.is_empty() && advice.failed.is_some());
    assert!(!format!("{endpoint:?}").contains("sesame"));
    let nobody = Endpoint { url: "https://example.invalid".to_owned(), model: String::new(), key: None };
    assert!(advise(&plan, &nobody, &post()).failed.is_some());
}

/// A server that takes a question and gives `said` again and again, each time it has waited for more in vain, until nobody listens.
fn slow(said: &'static [u8]) -> (Endpoint, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut wire, _) = listener.accept().unwrap();
        wire.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut part = [0_u8; 4096];
        loop {
            match wire.read(&mut part) {
                Ok(0) => return,
                Ok(_) => {}
                Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                    if wire.write_all(said).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    });
    (Endpoint { url, model: "small".to_owned(), key: None }, served)
}

#[test]
fn a_model_that_never_answers_or_never_ends_is_given_up() {
    let plan = plan();
    for said in [&b""[..], b"x"] {
        let (endpoint, served) = slow(said);
        let advice = advise(&plan, &endpoint, &Plain { patience: Duration::from_millis(200) });
        assert!(advice.suggestions.is_empty() && advice.failed.is_some_and(|why| why.contains("in time")));
        served.join().unwrap();
    }
}
