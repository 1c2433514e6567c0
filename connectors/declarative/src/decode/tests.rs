#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn load(node: &Value) -> Decoder {
    Decoder::load(node, "decoder").unwrap()
}

/// The documents up to a fault, and the fault.
fn read(decoder: &Decoder, body: &Bytes, headers: &HeaderMap, limits: Limits) -> (Vec<Value>, Option<Fault>) {
    let documents = match decoder.decode_within(body, headers, limits) {
        Ok(documents) => documents,
        Err(fault) => return (Vec::new(), Some(fault)),
    };
    let (mut read, mut fault) = (Vec::new(), None);
    for document in documents {
        match document {
            Ok(document) => read.push(document),
            Err(found) => fault = Some(found),
        }
    }
    (read, fault)
}

fn headers(case: &Value) -> HeaderMap {
    let one =
        |(name, value): (&String, &Value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    case["headers"].as_object().unwrap().iter().map(one).collect()
}

#[test]
fn every_body_becomes_the_documents_that_the_reference_makes_of_it() {
    let cases: Vec<Value> = as_list(json::parse(include_bytes!("../../tests/reference/decoders.json")).unwrap());
    let mut wrong = Vec::new();
    for case in &cases {
        let body = Bytes::from(STANDARD.decode(case["body"].as_str().unwrap()).unwrap());
        let (documents, fault) = read(&load(&case["decoder"]), &body, &headers(case), Limits::USUAL);
        // The reference yields the empty object of what is no JSON twice, which changes nothing.
        let twice = *case["documents"].as_array().unwrap() == [json!({}), json!({})];
        let expected = if twice { &[json!({})] } else { case["documents"].as_array().unwrap().as_slice() };
        if documents != expected || fault.is_some() != case["failed"].as_bool().unwrap() {
            let body = String::from_utf8_lossy(&body).into_owned();
            wrong.push(format!(
                "{} {body:?} {}\n  is {documents:?} {fault:?}\n  not {expected:?} {}",
                case["decoder"], case["headers"], case["failed"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 200);
}

fn as_list(value: Value) -> Vec<Value> {
    let Value::Array(items) = value else { panic!("no list") };
    items
}

fn gzipped(bytes: &[u8]) -> Bytes {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap().into()
}

fn fault(decoder: &Value, body: impl Into<Bytes>, limits: Limits) -> String {
    read(&load(decoder), &body.into(), &HeaderMap::new(), limits).1.expect("a fault").to_string()
}

const SMALL: Limits = Limits { expanded: 1000, whole: 1000, record: 1000 };

#[test]
fn what_is_nested_ten_thousand_deep_is_refused_and_overflows_no_stack() {
    let lists = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = "{\"a\":".repeat(10_000);
    let elements = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let within = format!("{{\"a\":[{lists}]}}");
    for (decoder, body) in [
        (json!({"type": "JsonDecoder"}), &lists),
        (json!({"type": "JsonDecoder"}), &objects),
        (json!({"type": "JsonlDecoder"}), &lists),
        (json!({"type": "GzipDecoder", "decoder": {"type": "JsonDecoder"}}), &lists),
        (json!({"type": "JsonItemsDecoder", "items_path": "a"}), &lists),
        (json!({"type": "JsonItemsDecoder", "items_path": "a"}), &within),
        (json!({"type": "XmlDecoder"}), &elements),
    ] {
        let said = fault(&decoder, body.clone(), Limits::USUAL);
        assert!(said.contains("nested deeper than 500 levels"), "{decoder}: {said}");
    }
}

#[test]
fn rows_that_lack_most_of_the_cells_that_the_first_line_names_are_refused_before_they_fill_the_memory() {
    let table = |rows: usize| format!("a,b,c,d,e,f,g,h,i,j,k\n{}", "1\n".repeat(rows));
    let (records, complaint) = read(&load(&json!({"type": "CsvDecoder"})), &table(6).into(), &HeaderMap::new(), SMALL);
    assert_eq!((records.len(), complaint), (6, None));
    assert!(fault(&json!({"type": "CsvDecoder"}), table(7), SMALL).ends_with("far fewer cells than its first line names"));
}

#[test]
fn what_swells_beyond_the_limit_is_refused_with_the_limit() {
    let zeros = gzipped(&vec![b' '; 5000]);
    for inner in ["JsonDecoder", "CsvDecoder", "JsonlDecoder"] {
        let said = fault(&json!({"type": "GzipDecoder", "decoder": {"type": inner}}), zeros.clone(), Limits { record: 10_000, ..SMALL });
        assert_eq!(said, "the source answered something unusable: a compressed answer holds more than 1000 bytes", "{inner}");
    }
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("big.csv", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&[b'x'; 5000]).unwrap();
    let archive = archive.finish().unwrap().into_inner();
    let said = fault(&json!({"type": "ZipfileDecoder", "decoder": {"type": "CsvDecoder"}}), archive, SMALL);
    assert!(said.ends_with("the file `big.csv` of a zip archive cannot be read: it holds more than 1000 bytes"), "{said}");
}

#[test]
fn one_record_may_not_be_longer_than_its_limit() {
    let long = "x".repeat(5000);
    for (decoder, body) in [
        (json!({"type": "JsonlDecoder"}), format!("\"{long}\"\n")),
        (json!({"type": "IterableDecoder"}), long.clone()),
        (json!({"type": "CsvDecoder"}), format!("a\n\"{long}\n{long}")),
        (json!({"type": "JsonItemsDecoder", "items_path": "a"}), format!("{{\"a\":[\"{long}\"]}}")),
    ] {
        assert!(fault(&decoder, body, SMALL).ends_with("one record of the answer is longer than 1000 bytes"), "{decoder}");
    }
}

#[test]
fn an_answer_that_is_cut_off_is_asked_for_again_and_one_that_is_something_else_is_not() {
    let whole = gzipped(b"{\"a\": 1}\n{\"a\": 2}\n");
    let lines = load(&json!({"type": "GzipDecoder", "decoder": {"type": "JsonlDecoder"}}));
    let cut = read(&lines, &whole.slice(..whole.len() - 12), &HeaderMap::new(), Limits::USUAL).1;
    assert!(matches!(cut, Some(Fault::Unavailable(_))), "{cut:?}");
    let items = load(&json!({"type": "JsonItemsDecoder", "items_path": "a"}));
    let cut = read(&items, &Bytes::from("{\"a\": [1, "), &HeaderMap::new(), Limits::USUAL).1;
    assert!(matches!(cut, Some(Fault::Unavailable(_))), "{cut:?}");
    for (decoder, body) in [
        (json!({"type": "GzipDecoder", "decoder": {"type": "JsonDecoder"}}), "<html>"),
        (json!({"type": "ZipfileDecoder", "decoder": {"type": "JsonDecoder"}}), "<html>"),
        (json!({"type": "JsonItemsDecoder", "items_path": "a"}), "<html>"),
    ] {
        let other = read(&load(&decoder), &Bytes::from(body), &HeaderMap::new(), Limits::USUAL).1;
        assert!(matches!(other, Some(Fault::Unusable(_))), "{decoder}: {other:?}");
    }
}

#[test]
fn what_is_left_out_is_complained_about() {
    let complaint = |decoder: &Value, body: &'static str| {
        let mut documents = load(decoder).decode(&Bytes::from(body), &HeaderMap::new()).unwrap();
        while documents.next().is_some() {}
        documents.complaint()
    };
    assert_eq!(
        complaint(&json!({"type": "JsonDecoder"}), "<html>").unwrap(),
        "an answer is no JSON: something stands where a value should at byte 0"
    );
    assert_eq!(complaint(&json!({"type": "JsonDecoder"}), " "), None);
    assert_eq!(complaint(&json!({"type": "JsonDecoder"}), "[]"), None);
    let lines = complaint(&json!({"type": "JsonlDecoder"}), "1\nx\n\ny\n").unwrap();
    assert!(lines.starts_with("2 lines of an answer are no JSON and were left out"), "{lines}");
    assert_eq!(complaint(&json!({"type": "XmlDecoder"}), "<a>").unwrap(), "an answer is no XML: `<a>` is not closed");
}

#[test]
fn numbers_keep_their_spelling() {
    let body = Bytes::from("[1.10, 12345678901234567890123, 1e400, NaN]");
    let documents: Vec<String> = load(&json!({"type": "JsonDecoder"}))
        .decode(&body, &HeaderMap::new())
        .unwrap()
        .map(|document| document.unwrap().to_string())
        .collect();
    assert_eq!(documents, ["1.10", "12345678901234567890123", "1e+400", "null"]);
}

#[test]
fn a_decoder_that_cannot_be_run_is_refused_by_name() {
    let problem = |node: &Value| Decoder::load(node, "decoder").unwrap_err().to_string();
    assert_eq!(
        problem(&json!({"type": "GzipDecoder", "decoder": {"type": "CsvDecoder", "encoding": "klingon"}})),
        "manifest.yaml: `decoder.decoder.encoding`: unknown encoding `klingon`"
    );
    assert_eq!(
        problem(&json!({"type": "CsvDecode"})),
        "manifest.yaml: `decoder`: unknown decoder `CsvDecode` (did you mean `CsvDecoder`?)"
    );
    assert_eq!(problem(&json!({"type": "CsvDecoder", "delimiter": "ab"})), "manifest.yaml: `decoder.delimiter`: `ab` is not one character");
    assert_eq!(
        problem(&json!({"type": "ZipfileDecoder", "decoder": {"type": "XmlDecoder"}})),
        "manifest.yaml: `decoder.decoder`: `XmlDecoder` cannot stand within another decoder"
    );
    assert!(problem(&json!({"type": "CustomDecoder", "class_name": "a.B"})).contains("`a.B` is custom Python"));
}

#[test]
fn json_that_is_no_utf_8_is_read_as_its_mark_or_its_headers_say() {
    let latin = "application/json; charset=iso-8859-1";
    let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain("[\"\u{e9}\"]".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let cases: [(&str, &[u8], Option<&str>); 7] = [
        ("application/json", b"\xef\xbb\xbf[1]", Some("[1]")),
        (latin, b"[\"\xe9\"]", Some("[\"\u{e9}\"]")),
        (latin, "[\"\u{e9}\"]".as_bytes(), None),
        ("application/json", &utf_16, Some("[\"\u{e9}\"]")),
        ("application/json", b"[\"\xe9\"]", None),
        ("application/json; charset=utf-8", b"[\"\xe9\"]", None),
        ("image/png; charset=iso-8859-1", b"\xe9", None),
    ];
    for (kind, body, expected) in cases {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind.parse().unwrap())]);
        let text = encoding::json(&Bytes::copy_from_slice(body), &headers);
        assert_eq!(text.as_deref(), expected.map(str::as_bytes), "{kind} {body:?}");
    }
}

fn every_decoder() -> Vec<Decoder> {
    let names = ["JsonDecoder", "JsonlDecoder", "CsvDecoder", "XmlDecoder", "IterableDecoder"];
    let inner = |name: &&&str| matches!(**name, "JsonDecoder" | "JsonlDecoder" | "CsvDecoder");
    let wrapped = ["GzipDecoder", "ZipfileDecoder"]
        .into_iter()
        .flat_map(|outer| names.iter().filter(inner).map(move |name| json!({"type": outer, "decoder": {"type": name}})));
    let items = json!({"type": "JsonItemsDecoder", "items_path": "a"});
    let plain = names.iter().map(|name| json!({"type": name}));
    plain.chain(wrapped).chain([items, json!({"type": "CsvDecoder", "encoding": "utf-16"})]).map(|node| load(&node)).collect()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?".prop_map(|digits| serde_json::from_str(&digits).unwrap()),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_source_sends_is_decoded_or_refused_and_never_a_panic(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:0-9a<>/&;=\r\n\\\\ ]{0,80}".prop_map(String::into_bytes),
        ],
    ) {
        for decoder in every_decoder() {
            for body in [Bytes::from(body.clone()), gzipped(&body)] {
                let _ = read(&decoder, &body, &HeaderMap::new(), SMALL);
            }
        }
    }

    #[test]
    fn what_no_other_parser_takes_is_read_like_what_it_takes(value in any_json()) {
        let text = format!("[{value}, NaN]");
        prop_assert_eq!(json::parse(text.as_bytes()).unwrap(), json!([value, null]));
    }

    #[test]
    fn the_elements_of_a_long_list_are_those_of_a_short_one(items in prop::collection::vec(any_json(), 0..5), other in any_json()) {
        let body = json!({"before": other, "a": items, "after": other}).to_string();
        let decoder = load(&json!({"type": "JsonItemsDecoder", "items_path": "a"}));
        prop_assert_eq!(read(&decoder, &Bytes::from(body), &HeaderMap::new(), Limits::USUAL), (items, None));
    }
}
