#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod by_state;
mod configured;
mod webhooks;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_model::{Cursor, Fault, Settings, schedule::SyncMode};
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};
use syncline_sdk::{
    Connector, Context, Http, HttpAnswer, HttpRequest, Page, Patience, WaitReason,
    http::{Client, ClientConfig, Egress},
};

use crate::{
    Configured, DeclarativeConnector,
    cut::{NotJson, PIECES_MAX, Wanted, cut},
    dates,
    extract::Extractor,
    manifest,
    template::{Scope, Template},
};

/// Remembers what it was asked to wait for, and does not.
#[derive(Default)]
pub(crate) struct Impatient(Mutex<Vec<(WaitReason, Duration)>>);

#[async_trait]
impl Patience for Impatient {
    async fn wait(&self, reason: WaitReason, time: Duration) -> Result<(), Fault> {
        self.0.lock().unwrap().push((reason, time));
        Ok(())
    }
    fn note(&self, _: &str) {}
    fn skipped(&self, _: &str) {}
    async fn save_settings(&self, _: &Settings, _: &Settings) -> Result<(), Fault> {
        Ok(())
    }
}

fn catalog(provider: Provider) -> DeclarativeConnector {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../catalog/sandbox-{}", provider.name()));
    let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    DeclarativeConnector::from_texts(&text("connector.yaml"), &text("manifest.yaml")).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn sandbox() -> RunningSandbox {
    Sandbox::start(SandboxConfig { records: 2_000, ..SandboxConfig::default() }).unwrap()
}

fn context(sandbox: &RunningSandbox, provider: Provider) -> (Context, Arc<Impatient>) {
    let config = ClientConfig { egress: Egress { private_allowed: true }, ..ClientConfig::default() };
    let patience = Arc::new(Impatient::default());
    let http = Arc::new(Client::new("sandbox".parse().unwrap(), config).unwrap());
    let settings = Settings::new(sandbox.settings(provider));
    (
        Context { settings, http, patience: Arc::clone(&patience) as Arc<dyn Patience>, now: Timestamp::now(), shared: Arc::default() },
        patience,
    )
}

/// Reads a stream to its end, and opens a new reader after every page, as after a crash.
async fn read(sandbox: &RunningSandbox, stream: Stream, from: &Cursor, crash: bool) -> (Vec<Page>, Cursor) {
    let connector = catalog(stream.provider());
    let (context, _) = context(sandbox, stream.provider());
    let specs = connector.streams(&context).await.unwrap();
    let spec = specs.iter().find(|spec| spec.name.as_str() == stream.name()).unwrap();
    let mode = spec.modes[0];
    let (mut cursor, mut pages) = (from.clone(), Vec::new());
    let mut reader = connector.open(&context, spec, mode, &cursor).await.unwrap();
    while let Some(page) = reader.next_page().await.unwrap() {
        cursor = page.next.clone();
        let last = !String::from_utf8_lossy(&cursor.0).contains("\"at\"");
        pages.push(page);
        if last {
            break;
        }
        if crash {
            reader = connector.open(&context, spec, mode, &cursor).await.unwrap();
        }
    }
    (pages, cursor)
}

fn truth(sandbox: &RunningSandbox, stream: Stream) -> BTreeMap<String, (bool, Value)> {
    let text = String::from_utf8(sandbox.truth(stream)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line.get("record").is_some())
        .map(|line| {
            (
                line["key"].as_str().map_or_else(|| line["key"].to_string(), str::to_owned),
                (line["deleted"].as_bool().unwrap(), line["record"].clone()),
            )
        })
        .collect()
}

fn records(pages: &[Page]) -> BTreeMap<String, (bool, Value)> {
    let all = pages.iter().flat_map(|page| &page.records);
    all.map(|record| (record.key.to_string(), (record.deleted, serde_json::from_slice(&record.body).unwrap()))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_of_the_sandbox_is_read_exactly_also_with_a_new_reader_after_every_page() {
    let sandbox = sandbox();
    for stream in Stream::ALL {
        for crash in [false, true] {
            let (pages, _) = read(&sandbox, stream, &Cursor::START, crash).await;
            assert_eq!(records(&pages), truth(&sandbox, stream), "{stream:?}");
            let count: usize = pages.iter().map(|page| page.records.len()).sum();
            assert_eq!(count, truth(&sandbox, stream).len(), "{stream:?}: nothing twice");
            assert!(pages.iter().all(|page| page.refused.is_empty()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_reading_brings_what_has_changed_and_what_is_at_the_boundary() {
    let sandbox = sandbox();
    for stream in [Stream::ShopOrders, Stream::CrmContacts, Stream::PaymentsCharges] {
        let (first, cursor) = read(&sandbox, stream, &Cursor::START, false).await;
        sandbox.advance(Advance { updates: 20, deletes: 0, creates: 10, stream: Some(stream) });
        let (second, _) = read(&sandbox, stream, &cursor, true).await;
        let mut known = records(&first);
        known.extend(records(&second));
        assert_eq!(known, truth(&sandbox, stream), "{stream:?}");
        assert!(records(&second).len() < 100, "{stream:?}: only what is new is read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_waited_for_as_the_source_says_and_an_error_is_tried_again() {
    let sandbox = sandbox();
    sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::Throttle { retry_after_s: 7 }));
    sandbox.fault(FaultRule::once(Provider::Shop, FaultKind::Status { code: 500 }));
    let connector = catalog(Provider::Shop);
    let (context, patience) = context(&sandbox, Provider::Shop);
    connector.check(&context).await.unwrap();
    let waits = patience.0.lock().unwrap().clone();
    assert!(waits.contains(&(WaitReason::Limit, Duration::from_secs(8))), "{waits:?}");
    assert!(waits.iter().any(|(reason, _)| *reason == WaitReason::Retry), "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_source_has_its_stated_outcome() {
    let outcome = async |kind| {
        let sandbox = sandbox();
        sandbox.fault(FaultRule::once(Provider::Shop, kind).on(Stream::ShopCustomers).times(50));
        let (context, _) = context(&sandbox, Provider::Shop);
        catalog(Provider::Shop).check(&context).await.unwrap_err()
    };
    assert!(matches!(outcome(FaultKind::ExpiredKey).await, Fault::Unauthorized(why) if why.contains("Make a new one in the shop")));
    assert!(matches!(outcome(FaultKind::Html).await, Fault::Unusable(why) if why.contains("a web page where data was expected")));
    assert!(matches!(outcome(FaultKind::Truncated).await, Fault::Unavailable(_)));
    assert!(matches!(outcome(FaultKind::RedirectLoop).await, Fault::Unusable(why) if why.contains("redirects")));
    assert!(matches!(outcome(FaultKind::Status { code: 500 }).await, Fault::Unavailable(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_record_is_refused_and_its_page_is_kept() {
    for (kind, cause) in [
        (FaultKind::InvalidUtf8, "it is not UTF-8"),
        (FaultKind::NotAnObject, "it is not an object"),
        (FaultKind::MissingKey, "its key `id` is missing"),
    ] {
        let sandbox = sandbox();
        sandbox.fault(FaultRule::once(Provider::Shop, kind).on(Stream::ShopCustomers));
        let (pages, _) = read(&sandbox, Stream::ShopCustomers, &Cursor::START, false).await;
        let refused: Vec<&str> = pages.iter().flat_map(|page| &page.refused).map(|refused| refused.cause.as_str()).collect();
        assert_eq!(refused, [cause]);
        assert_eq!(records(&pages).len() + 1, truth(&sandbox, Stream::ShopCustomers).len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_come_through_as_they_were_written() {
    let sandbox = sandbox();
    let (pages, _) = read(&sandbox, Stream::PaymentsCharges, &Cursor::START, false).await;
    let lines = String::from_utf8(sandbox.truth(Stream::PaymentsCharges)).unwrap();
    let body = &pages[0].records[0].body;
    assert!(lines.contains(std::str::from_utf8(body).unwrap()), "the bytes are the source's");
}

proptest! {
    #[test]
    fn a_page_is_cut_into_the_same_values_that_a_parser_finds(items in proptest::collection::vec(".{0,12}", 0..6), name in "[a-z\"\\\\é]{1,4}") {
        let records: Vec<Value> = items.iter().map(|text| json!({"t": text, "n": [1, {"x": text}]})).collect();
        let page = Bytes::from(json!({"other": [{"a": "]}"}], name.clone(): records}).to_string());
        let found = cut(&page, std::slice::from_ref(&name)).unwrap();
        let parsed: Vec<Value> = found.into_iter().map(|place| serde_json::from_slice(&page[place.at]).unwrap()).collect();
        prop_assert_eq!(parsed, records);
    }

    #[test]
    fn whatever_a_source_sends_is_cut_or_refused_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = cut(&Bytes::from(bytes), &["a".to_owned()]);
    }

    #[test]
    fn a_time_survives_each_format(seconds in 0_i64..4_000_000_000) {
        let time = dates::Time::from_micros(seconds * 1_000_000).unwrap();
        for format in ["%s", "%ms", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S"] {
            prop_assert_eq!(dates::parse(&dates::format(time, format), format), Some(time), "{}", format);
        }
    }
}

#[test]
fn a_page_nested_deeper_than_it_can_be_read_is_refused_and_costs_no_stack() {
    let nested = |depth: usize| Bytes::from("[".repeat(depth) + &"]".repeat(depth));
    assert_eq!(cut(&nested(127), &[]).unwrap().len(), 1);
    assert!(cut(&nested(200_000), &[]).unwrap_err().to_string().contains("nests too deep"));
}

#[test]
fn a_page_of_more_records_than_memory_can_point_at_is_refused() {
    let page = |records: usize| Bytes::from(format!("[{}1]", "1,".repeat(records - 1)));
    assert_eq!(cut(&page(PIECES_MAX + 1), &[]).unwrap_err(), NotJson::TOO_MANY);
    let lists = format!("[{0},{0}]", String::from_utf8_lossy(&page(PIECES_MAX / 2 + 1)));
    let error = Extractor::pieces(&Bytes::from(lists), &[], Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), "the answer cannot be read: it holds more than 4 million records");
}

#[test]
fn a_rendered_text_is_read_as_python_reads_it() {
    let cases = [
        ("5", json!(5)),
        ("00123", json!("00123")),
        ("True", json!(true)),
        ("None", Value::Null),
        ("true", json!("true")),
        ("'abc'", json!("abc")),
        ("2021-10-01", json!("2021-10-01")),
    ];
    for (text, value) in cases {
        assert_eq!(Template::new(text).unwrap().value(&Scope::new()).unwrap(), value, "{text}");
    }
}

#[test]
fn a_circle_of_references_and_a_reference_to_nowhere_are_told_with_their_place() {
    let resolve = |text: &str| manifest::resolve(&manifest::parse("manifest.yaml", text).unwrap().0).unwrap_err()[0].to_string();
    assert!(resolve("a: {$ref: '#/b'}\nb: {$ref: '#/a'}").contains("the reference `#/b` leads in a circle"));
    assert_eq!(
        resolve("definitions: {requester: {}}\nx: {$ref: '#/definitions/requestor'}"),
        "manifest.yaml: `x`: `#/definitions/requestor` leads nowhere: there is no `requestor` (did you mean `requester`?)"
    );
}

#[test]
fn a_manifest_in_json_may_spell_characters_as_only_json_does() {
    let text = r#"{"description": "\ud83d\ude80 fast", "version": 1.0, "also": "a\/b", "twice": 1, "twice": 2}"#;
    let (manifest, places) = manifest::parse("manifest.yaml", text).unwrap();
    assert_eq!(manifest["description"], json!("\u{1f680} fast"));
    assert_eq!(manifest.to_string(), "{\"description\":\"\u{1f680} fast\",\"version\":1.0,\"also\":\"a/b\",\"twice\":2}");
    assert_eq!(places.line("description"), None, "what YAML cannot read has no lines");
}

#[test]
fn a_schema_that_names_another_file_refuses_nothing() {
    let (manifest, _) = manifest::parse("manifest.yaml", "schema: {properties: {a: {$ref: other.json, type: string}}}").unwrap();
    assert_eq!(manifest::resolve(&manifest).unwrap()["schema"]["properties"]["a"], json!("other.json"));
    let (manifest, _) = manifest::parse("manifest.yaml", "x: {$ref: other.json}").unwrap();
    assert!(manifest::resolve(&manifest).unwrap_err()[0].to_string().contains("`other.json` leads nowhere"));
}

fn told(connector: &str, manifest: &str) -> Vec<String> {
    let Err(problems) = DeclarativeConnector::from_texts(connector, manifest) else { panic!("it loaded") };
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_in_a_connectors_files_is_told_at_once_with_file_line_and_nearest_name() {
    let manifest = "type: DeclarativeSource\n\
        definitions:\n  requester:\n    type: HttpRequester\n    url_bas: https://example.com\n\
        streams:\n\
        - type: DeclarativeStream\n  name: a\n\
        - type: DeclarativeStream\n  name: b\n  retriever:\n    type: SimpleRetriver\n\
        - type: DeclarativeStream\n  name: c\n  retriever:\n    type: SimpleRetriever\n    requester: {$ref: '#/definitions/requester'}\n    record_selector: {type: RecordSelector, record_filtr: {}}\n";
    assert_eq!(
        told("name: x\ntitel: X\n", manifest),
        [
            "connector.yaml:2: unknown field `titel`, expected one of `name`, `title`, `category`, `description`, `business_types`, `setup`, `docs_url`, `origin`, `budgets`, `streams`, `webhooks`, `test_mode` (did you mean `title`?)",
            "manifest.yaml:7: `streams[0]`: `retriever` is missing",
            "manifest.yaml:12: `streams[1].retriever.type`: there is no component `SimpleRetriver` (did you mean `SimpleRetriever`?)",
            "manifest.yaml:17: `streams[2].retriever.requester`: `url_base` is missing",
        ]
    );
    let good = "{name: x, title: X, category: c, description: d}";
    let found = told(good, manifest);
    assert!(found.contains(&"manifest.yaml:7: `streams[0]`: `retriever` is missing".to_owned()), "{found:#?}");
    assert!(found.contains(&"manifest.yaml:17: `streams[2].retriever.requester`: `url_base` is missing".to_owned()), "{found:#?}");
}

#[test]
fn an_option_that_names_no_field_is_refused() {
    for (option, message) in [("field_name: ''", "`field_name` is empty"), ("field_path: []", "`field_name` is missing")] {
        let manifest = format!(
            "{{type: DeclarativeSource, check: {{type: CheckStream, stream_names: [a]}}, streams: [{{type: DeclarativeStream, name: a, \
            retriever: {{type: SimpleRetriever, requester: {{type: HttpRequester, url_base: 'https://api.example.com'}}, \
            record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: []}}}}, \
            partition_router: {{type: ListPartitionRouter, values: [a], cursor_field: part, request_option: {{type: RequestOption, inject_into: body_json, {option}}}}}}}}}]}}"
        );
        let found = told("{name: x, title: X, category: c, description: d}", &manifest);
        assert!(found.len() == 1 && found[0].ends_with(message), "{found:?}");
    }
}

/// Answers each request with the record that its query names.
struct Echo;

#[async_trait]
impl Http for Echo {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let part = request.url.query_pairs().find(|(name, _)| name == "part").unwrap().1.into_owned();
        let time = if part == "late" { "2026-01-01T10:04:00Z" } else { "2026-01-01T09:00:00Z" };
        let body = Bytes::from(json!([{"id": part, "updated_at": time}]).to_string());
        Ok(HttpAnswer { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body, url: request.url })
    }
}

#[tokio::test]
async fn the_state_of_a_stream_read_in_parts_never_passes_the_beginning_of_the_reading() {
    let manifest = "{type: DeclarativeSource, check: {type: CheckStream, stream_names: [a]}, streams: [{type: DeclarativeStream, name: a, primary_key: id, \
        incremental_sync: {type: DatetimeBasedCursor, cursor_field: updated_at, datetime_format: '%Y-%m-%dT%H:%M:%SZ', start_datetime: '2020-01-01T00:00:00Z'}, \
        retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: 'https://api.example.com', path: /a}, \
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}, \
        partition_router: {type: ListPartitionRouter, values: [early, late], cursor_field: part, request_option: {type: RequestOption, inject_into: request_parameter, field_name: part}}}}]}";
    let connector = DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", manifest)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let context = |now: &str| Context {
        settings: Settings::new(json!({})),
        http: Arc::new(Echo),
        patience: Arc::new(Impatient::default()),
        now: now.parse().unwrap(),
        shared: Arc::default(),
    };
    let first = context("2026-01-01T10:00:00Z");
    let spec = connector.streams(&first).await.unwrap().remove(0);
    let mut reader = connector.open(&first, &spec, SyncMode::Incremental, &Cursor::START).await.unwrap();
    let page = reader.next_page().await.unwrap().unwrap();
    // The first part was read; then comes a crash, and a later job goes on.
    let later = context("2026-01-01T11:00:00Z");
    let mut reader = connector.open(&later, &spec, SyncMode::Incremental, &page.next).await.unwrap();
    let page = reader.next_page().await.unwrap().unwrap();
    assert_eq!(page.records[0].key.as_str(), "late");
    let place: Value = serde_json::from_slice(&page.next.0).unwrap();
    let own = |part: &str, time: &str| json!({"partition": {"part": part}, "cursor": {"updated_at": time}});
    assert_eq!(place["state"]["states"], json!([own("early", "2026-01-01T09:00:00Z"), own("late", "2026-01-01T10:04:00Z")]));
    assert_eq!(place.get("at"), None);
}

#[tokio::test]
async fn a_stream_whose_end_cannot_be_told_has_its_first_state_and_no_page() {
    let manifest = "{type: DeclarativeSource, check: {type: CheckStream, stream_names: [gone]}, streams: [{type: DeclarativeStream, name: a, \
        incremental_sync: {type: DatetimeBasedCursor, cursor_field: updated_at, datetime_format: '%Y-%m-%d', start_datetime: '2020-01-01', end_datetime: soon}, \
        retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: 'https://api.example.com', path: /a}, \
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}}}]}";
    let connector = DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", manifest)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let context = Context {
        settings: Settings::new(json!({})),
        http: Arc::new(Echo),
        patience: Arc::new(Impatient::default()),
        now: "2026-01-01T10:00:00Z".parse().unwrap(),
        shared: Arc::default(),
    };
    let mut reader = connector.read(&context, "a", serde_json::Map::new(), Configured::default()).await.unwrap();
    assert!(matches!(reader.next().await, Err(Fault::Misconfigured(why)) if why.contains("`soon` is no time")));
    assert_eq!(reader.state(), json!({"updated_at": "2020-01-01"}));
    let Err(Fault::Misconfigured(why)) = connector.check(&context).await else { panic!("there is no stream `gone`") };
    assert!(why.contains("no stream `gone`"), "{why}");
}

#[tokio::test]
async fn fields_are_added_and_removed_and_every_other_number_stays_as_it_was_written() {
    let manifest = "{type: DeclarativeSource, check: {type: CheckStream, stream_names: [a]}, streams: [{type: DeclarativeStream, name: a, primary_key: key, \
        transformations: [{type: AddFields, fields: [{path: [key], value: \"{{ record['id'] }}-{{ config['region'] }}\"}, {path: [deep, n], value: '7'}]}, {type: RemoveFields, field_pointers: [[secret]]}, \
        {type: AddFields, condition: \"{{ record['id'] == 'nobody' }}\", fields: [{path: [never], value: x}]}], \
        retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: 'https://api.example.com', path: /a}, \
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}}}]}";
    let connector = DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", manifest)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let settings = Settings::new(json!({"region": "eu"}));
    let context = Context {
        settings,
        http: Arc::new(Fixed(r#"[{"id": "1", "secret": 5, "price": 1.10, "big": 18446744073709551616}]"#)),
        patience: Arc::new(Impatient::default()),
        now: Timestamp::now(),
        shared: Arc::default(),
    };
    let spec = connector.streams(&context).await.unwrap().remove(0);
    let page = connector.open(&context, &spec, SyncMode::FullRefresh, &Cursor::START).await.unwrap().next_page().await.unwrap().unwrap();
    assert_eq!(
        std::str::from_utf8(&page.records[0].body).unwrap(),
        r#"{"id":"1","price":1.10,"big":18446744073709551616,"key":"1-eu","deep":{"n":7}}"#
    );
    assert_eq!(page.records[0].key.as_str(), "1-eu");
}

#[tokio::test]
async fn a_page_comes_out_whatever_is_wrong_with_the_request_for_the_next_one() {
    let manifest = "{type: DeclarativeSource, check: {type: CheckStream, stream_names: [a]}, streams: [{type: DeclarativeStream, name: a, primary_key: id, \
        incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-01-01', \
        start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: after}}, \
        retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: 'https://api.example.com', path: /a}, \
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}, \
        paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: after}, \
        pagination_strategy: {type: PageIncrement}}}}]}";
    let connector = DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", manifest)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let context = answered(r#"[{"id": 1, "at": "2024-01-02"}]"#);
    let spec = connector.streams(&context).await.unwrap().remove(0);
    let mut reader = connector.open(&context, &spec, SyncMode::Incremental, &Cursor::START).await.unwrap();
    assert_eq!(reader.next_page().await.unwrap().unwrap().records.len(), 1);
    let fault = reader.next_page().await.unwrap_err().to_string();
    assert!(fault.contains("`after` is put into the request from two sides"), "{fault}");
}

#[tokio::test]
async fn a_record_without_its_key_is_refused_and_counts_for_the_cursor() {
    let manifest = "{type: DeclarativeSource, check: {type: CheckStream, stream_names: [a]}, streams: [{type: DeclarativeStream, name: a, primary_key: id, \
        incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-01-01'}, \
        retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: 'https://api.example.com', path: /a}, \
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}}}]}";
    let connector = DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", manifest)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let context = answered(r#"[{"id": 1, "at": "2024-01-02"}, {"at": "2024-01-03"}, {"id": 2}]"#);
    let spec = connector.streams(&context).await.unwrap().remove(0);
    let mut reader = connector.open(&context, &spec, SyncMode::Incremental, &Cursor::START).await.unwrap();
    let page = reader.next_page().await.unwrap().unwrap();
    let times: Vec<_> = page.records.iter().map(|record| record.time.map(|time| time.to_string())).collect();
    assert_eq!(times, [Some("2024-01-02T00:00:00Z".to_owned()), None]);
    assert_eq!(page.refused.iter().map(|refused| refused.cause.as_str()).collect::<Vec<_>>(), ["its key `id` is missing"]);
    let state: Value = serde_json::from_slice(&page.next.0).unwrap();
    assert_eq!(state["state"], json!({"at": "2024-01-03"}));
}

/// Every request is answered with this page.
fn answered(page: &'static str) -> Context {
    Context {
        settings: Settings::new(json!({})),
        http: Arc::new(Fixed(page)),
        patience: Arc::new(Impatient::default()),
        now: Timestamp::now(),
        shared: Arc::default(),
    }
}

/// Answers every request with the same page.
struct Fixed(&'static str);

#[async_trait]
impl Http for Fixed {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        Ok(HttpAnswer {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: Bytes::from_static(self.0.as_bytes()),
            url: request.url,
        })
    }
}

#[test]
fn a_text_that_is_no_yaml_is_told_with_its_line() {
    let found = told("{name: x, title: X, category: c, description: d}", "a: 1\nb: [1, 2\nc: 3\n");
    assert!(found[0].starts_with("manifest.yaml:3: ") || found[0].starts_with("manifest.yaml:4: "), "{found:?}");
}

#[test]
fn modes_follow_from_what_the_manifest_has() {
    let connector = catalog(Provider::Shop);
    let sandbox = sandbox();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let specs = runtime.block_on(async { connector.streams(&context(&sandbox, Provider::Shop).0).await.unwrap() });
    let modes: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.modes[0])).collect();
    assert_eq!(modes, [("customers", SyncMode::Incremental), ("products", SyncMode::FullRefresh), ("orders", SyncMode::Incremental)]);
}
