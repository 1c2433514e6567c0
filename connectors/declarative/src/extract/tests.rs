#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;

fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/extractors.json")).unwrap()
}

/// What a `JsonDecoder` yields.
fn documents(body: &Value) -> Vec<Value> {
    match body {
        Value::Array(items) if !items.is_empty() => items.clone(),
        Value::Array(_) | Value::Null => vec![json!({})],
        other => vec![other.clone()],
    }
}

fn found(case: &Value, reference: &Value) -> Result<Extracted, String> {
    let extractor = Extractor::load(&case["extractor"], "extractor").map_err(|problem| problem.to_string())?;
    if let Some(table) = case.get("table") {
        let body = Bytes::from(STANDARD.decode(table.as_str().unwrap()).unwrap());
        let rows = extractor.rows(&body, &HeaderMap::new()).unwrap().map_err(|fault| fault.to_string())?;
        let records = rows.collect::<Result<_, _>>().map_err(|fault| fault.to_string())?;
        return Ok(Extracted { records, dropped: 0 });
    }
    let body = if case["body"] == "DOCUMENT" { &reference["document"] } else { &case["body"] };
    page(&extractor, documents(body), &filled::tests::scope(&reference["config"]), usize::MAX).map_err(|fault| fault.to_string())
}

/// Documents that are there already.
struct Ready(std::vec::IntoIter<Value>);

impl crate::decode::Document for Ready {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        self.0.next().map(Ok)
    }
}

/// What is found in documents.
fn page(extractor: &Extractor, documents: Vec<Value>, scope: &Scope, most: usize) -> Result<Extracted, Fault> {
    let mut documents = Documents::of(Ready(documents.into_iter()));
    let mut flow = Flow::new(extractor, &mut documents, scope, most)?;
    let records: Vec<Value> = flow.by_ref().collect();
    let dropped = flow.end()? - records.len();
    Ok(Extracted { records, dropped })
}

#[test]
fn more_records_than_anybody_should_hold_are_refused() {
    let scope = filled::tests::scope(&json!({}));
    for node in [json!({"field_path": ["data"]}), json!({"field_path": ["data", "*"]})] {
        let extractor = Extractor::load(&node, "extractor").unwrap();
        let documents = || vec![json!({"data": [{"id": 1}, {"id": 2}]}), json!({"data": [{"id": 3}]})];
        assert_eq!(page(&extractor, documents(), &scope, 3).unwrap().records.len(), 3);
        let fault = page(&extractor, documents(), &scope, 2).unwrap_err();
        assert!(matches!(&fault, Fault::Unusable(why) if why.contains("records")), "{fault}");
    }
}

#[test]
fn every_extractor_finds_what_the_reference_finds() {
    let reference = reference();
    let cases = reference["cases"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let found = found(case, &reference);
        let fails = case["failed"] == true;
        let fits = match &found {
            Ok(found) => {
                !fails && case["records"] == json!(found.records) && case.get("dropped").is_none_or(|dropped| *dropped == found.dropped)
            }
            Err(_) => fails,
        };
        if !fits {
            wrong.push(format!("{}\n  is {found:?}\n  not {} {}", case["extractor"], case["records"], case["failed"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 200);
}

#[test]
fn one_document_gives_the_same_records_as_a_page_of_it() {
    let reference = reference();
    let scope = filled::tests::scope(&reference["config"]);
    for case in reference["cases"].as_array().unwrap().iter().filter(|case| case["body"] == "DOCUMENT") {
        let Ok(extractor) = Extractor::load(&case["extractor"], "extractor") else { continue };
        let page = page(&extractor, vec![reference["document"].clone()], &scope, usize::MAX).map(|found| found.records);
        assert_eq!(extractor.extract(&reference["document"], &scope), page, "{}", case["extractor"]);
    }
}

#[test]
fn only_a_path_of_plain_names_is_cut_out_of_bytes() {
    let plain = |node: Value| Extractor::load(&node, "extractor").unwrap().plain_path();
    assert_eq!(plain(json!({"field_path": ["a", "b c"]})), Some(vec!["a".to_owned(), "b c".to_owned()]));
    assert_eq!(plain(json!({"field_path": []})), Some(Vec::new()));
    for part in ["*", "a*", "a[0]", "0", "-1", "00", "{{ config['x'] }}", "None"] {
        assert_eq!(plain(json!({"field_path": ["a", part]})), None, "{part}");
    }
    let expander = json!({"expand_records_from_field": ["b"]});
    assert_eq!(plain(json!({"field_path": ["a"], "record_expander": expander})), None);
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let problem = |node: Value| Extractor::load(&node, "extractor").unwrap_err().to_string();
    assert_eq!(
        problem(json!({"type": "DpathExtracto", "field_path": []})),
        "manifest.yaml: `extractor`: unknown extractor `DpathExtracto` (did you mean `DpathExtractor`?)"
    );
    assert!(problem(json!({"type": "CustomRecordExtractor", "class_name": "a.B"})).contains("`a.B` is custom Python"));
    assert!(problem(json!({"type": "CombinedExtractor", "extractors": []})).contains("at least one"));
    assert!(problem(json!({"field_path": ["a", {}]})).contains("`extractor.field_path`"));
    let streams = Decoder::load(&json!({"type": "JsonlDecoder"}), "decoder").unwrap();
    let combined = Extractor::load(&json!({"type": "CombinedExtractor", "extractors": [{"field_path": []}]}), "extractor").unwrap();
    assert!(combined.check_decoder(&streams, "extractor").is_err());
}

#[test]
fn what_is_cut_out_of_bytes_is_what_would_be_extracted() {
    let reference = reference();
    let mut compared = 0;
    for case in reference["cases"].as_array().unwrap() {
        let Ok(extractor) = Extractor::load(&case["extractor"], "extractor") else { continue };
        let Some(path) = extractor.plain_path() else { continue };
        let body = if case["body"] == "DOCUMENT" { &reference["document"] } else { &case["body"] };
        let page = Bytes::from(format!(" {body} "));
        let places = Extractor::pieces(&page, &path, Wanted::default()).unwrap().records;
        let pieces: Vec<Value> = places.iter().map(|place| serde_json::from_slice(&place.within(&page)).unwrap()).collect();
        assert_eq!(json!(pieces), case["records"], "{path:?} {body}");
        compared += 1;
    }
    assert!(compared > 30);
}

#[test]
fn a_text_or_a_number_where_records_should_stand_is_not_taken_for_an_empty_page() {
    let found = |body: &'static str, path: &[&str]| {
        let path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        let places = Extractor::pieces(&Bytes::from_static(body.as_bytes()), &path, Wanted::default()).unwrap().records;
        places.into_iter().map(|place| &body[place.at]).collect::<Vec<_>>()
    };
    assert_eq!(found(r#"{"data": "down"}"#, &["data"]), [r#""down""#]);
    assert_eq!(found(r#"{"a": {"data": 7}, "b": []}"#, &["a", "data"]), ["7"]);
    assert_eq!(found(r#"[{"data": true}, {"data": [{"id": 1}]}]"#, &["data"]), ["true", r#"{"id": 1}"#]);
    assert_eq!(found(" 5 ", &[]), ["5"]);
    for empty in [r#"{"data": null}"#, r#"{"data": ""}"#, r#"{"data": 0}"#, r#"{"data": []}"#, r#"{"data": {}}"#, r#"{"b": 1}"#, "5", "[]"]
    {
        assert!(found(empty, &["data"]).is_empty(), "{empty}");
    }
}
