#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, json};
use syncline_model::{Fault, Settings};
use syncline_sdk::{Context, Http, HttpAnswer, HttpRequest};

use crate::{Configured, DeclarativeConnector, tests::Impatient};

/// Two documents of one row each.
#[derive(Default)]
struct Source(Mutex<Vec<String>>);

#[async_trait]
impl Http for Source {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        self.0.lock().unwrap().push(request.url.as_str().trim_start_matches("http://127.0.0.1:1/").to_owned());
        let body = match request.url.path() {
            "/documents" => json!([{"id": "a"}, {"id": "b"}]),
            path => json!([{"row": path}]),
        };
        Ok(HttpAnswer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from(body.to_string()), url: request.url })
    }
}

const MANIFEST: &str = r##"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [documents]}
definitions:
  selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
  documents:
    type: DeclarativeStream
    name: documents
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "http://127.0.0.1:1", path: documents}
      record_selector: {$ref: "#/definitions/selector"}
      paginator: {type: DefaultPaginator, page_token_option: {type: RequestPath}, pagination_strategy: {type: CursorPagination, cursor_value: "{{ last_records['next'] }}"}}
streams:
  - {$ref: "#/definitions/documents"}
  - type: DeclarativeStream
    name: rows
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "http://127.0.0.1:1", path: "documents/{{ stream_partition.document }}"}
      record_selector: {$ref: "#/definitions/selector"}
      partition_router: {type: SubstreamPartitionRouter, parent_stream_configs: [{type: ParentStreamConfig, parent_key: id, partition_field: document, stream: {$ref: "#/definitions/documents"}}]}
"##;

#[tokio::test]
async fn what_was_found_in_a_parent_is_read_although_its_next_page_cannot_be_told() {
    let connector = DeclarativeConnector::from_texts("{name: a, title: A, category: other, description: A.}", MANIFEST)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let (settings, http, patience) = (Settings::new(json!({})), Arc::<Source>::default(), Arc::<Impatient>::default());
    let context = Context { settings, http, patience, now: Timestamp::now(), shared: Arc::default() };
    for (stream, expected) in
        [("documents", [r#"{"id":"a"}"#, r#"{"id":"b"}"#]), ("rows", [r#"{"row":"/documents/a"}"#, r#"{"row":"/documents/b"}"#])]
    {
        let mut reader = connector.read(&context, stream, Map::new(), Configured::default()).await.unwrap();
        let mut read = Vec::new();
        while let Some(records) = reader.next().await.unwrap() {
            read.extend(records.into_iter().map(|record| String::from_utf8(record.to_vec()).unwrap()));
        }
        assert_eq!(read, expected, "{stream}");
        let faults = reader.take_faults();
        let is_told = |fault: &Fault| matches!(fault, Fault::Unusable(why) if why.contains("`last_records` is not known here"));
        assert!(faults.len() == 1 && is_told(&faults[0]), "{stream}: {faults:?}");
    }
}

#[tokio::test]
async fn a_parent_is_asked_for_all_properties_whatever_the_catalog_wants_of_the_stream_below() {
    let properties = "requester: {type: HttpRequester, request_parameters: {of: {type: QueryProperties, property_list: [a, b], property_selector: {type: JsonSchemaPropertySelector}}}, ";
    let manifest = MANIFEST.replace("requester: {type: HttpRequester, ", properties);
    let connector = DeclarativeConnector::from_texts("{name: a, title: A, category: other, description: A.}", &manifest)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let (settings, http, patience) = (Settings::new(json!({})), Arc::<Source>::default(), Arc::<Impatient>::default());
    let context = Context { settings, http: Arc::clone(&http) as _, patience, now: Timestamp::now(), shared: Arc::default() };
    for (stream, asked) in
        [("documents", vec!["documents?of=b"]), ("rows", vec!["documents?of=a%2Cb", "documents/a?of=b", "documents/b?of=b"])]
    {
        let configured = Configured { schema: Some(json!({"properties": {"b": {}}})), ..Configured::default() };
        let mut reader = connector.read(&context, stream, Map::new(), configured).await.unwrap();
        while reader.next().await.unwrap().is_some() {}
        assert_eq!(std::mem::take(&mut *http.0.lock().unwrap()), asked, "{stream}");
    }
}
