//! Streams with two ways of reading: all of it, or what changed since a state.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use syncline_model::{Cursor, Fault, Settings, schedule::SyncMode};
use syncline_sdk::{Connector, Context, Http, HttpAnswer, HttpRequest};

use super::Impatient;
use crate::DeclarativeConnector;

/// Three pages of a record each; remembers what it was asked.
#[derive(Default)]
struct Pages(Mutex<Vec<String>>);

#[async_trait]
impl Http for Pages {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let url = request.url;
        self.0.lock().unwrap().push(format!("{}?{}", url.path(), url.query().unwrap_or_default()));
        let page = url.query_pairs().find(|(name, _)| name == "page").map_or(1, |(_, page)| page.parse().unwrap());
        let records = if page > 3 { json!([]) } else { json!([{"id": page, "at": format!("2024-01-0{page}")}]) };
        Ok(HttpAnswer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from(records.to_string()), url })
    }
}

fn connector() -> DeclarativeConnector {
    let way = |path: &str| {
        json!({"type": "DeclarativeStream", "name": "a", "primary_key": "id",
            "incremental_sync": {"type": "DatetimeBasedCursor", "cursor_field": "at", "datetime_format": "%Y-%m-%d", "start_datetime": "2024-01-01", "step": "P1M", "cursor_granularity": "P1D",
                "start_time_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "since"}},
            "retriever": {"type": "SimpleRetriever", "requester": {"type": "HttpRequester", "url_base": "https://api.example.com", "path": path},
                "paginator": {"type": "DefaultPaginator", "pagination_strategy": {"type": "PageIncrement", "page_size": 1, "start_from_page": 1},
                    "page_token_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "page"}},
                "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}}}})
    };
    let manifest = json!({"type": "DeclarativeSource", "check": {"type": "CheckStream", "stream_names": ["a"]}, "streams": [
        {"type": "StateDelegatingStream", "name": "a", "full_refresh_stream": way("all"), "incremental_stream": way("new"), "api_retention_period": "P10D"}]});
    DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", &manifest.to_string())
        .unwrap_or_else(|found| panic!("{found:?}"))
}

/// What is asked at a moment, from a cursor on, with a new reader after every page; and the cursor behind it.
async fn asked(now: &str, from: &Cursor) -> (Vec<String>, Cursor) {
    let (connector, pages) = (connector(), Arc::new(Pages::default()));
    let context = Context {
        settings: Settings::new(json!({})),
        http: Arc::clone(&pages) as Arc<dyn Http>,
        patience: Arc::new(Impatient::default()),
        now: now.parse().unwrap(),
        shared: Arc::default(),
    };
    let specs = connector.streams(&context).await.unwrap();
    let mut cursor = from.clone();
    loop {
        let mut reader = connector.open(&context, &specs[0], SyncMode::Incremental, &cursor).await.unwrap();
        let Some(page) = reader.next_page().await.unwrap() else { break };
        cursor = page.next;
        if !String::from_utf8_lossy(&cursor.0).contains("\"at\":{") {
            break;
        }
    }
    let asked = std::mem::take(&mut *pages.0.lock().unwrap());
    (asked, cursor)
}

#[tokio::test]
async fn a_reading_of_everything_stays_one_whoever_goes_on_with_it_and_begins_anew_where_the_source_has_forgotten() {
    let (first, cursor) = asked("2024-01-05T00:00:00Z", &Cursor::START).await;
    assert!(first.len() > 2 && first.iter().all(|asked| asked.starts_with("/all?")), "{first:?}");
    let (soon, _) = asked("2024-01-10T00:00:00Z", &cursor).await;
    assert!(soon[0].starts_with("/new?since=2024-01-03") && soon.iter().all(|asked| asked.starts_with("/new?")), "{soon:?}");
    let (late, _) = asked("2024-02-20T00:00:00Z", &cursor).await;
    assert!(late[0].starts_with("/all?since=2024-01-01") && late.iter().all(|asked| asked.starts_with("/all?")), "{late:?}");
    assert_eq!(late.iter().filter(|asked| *asked == &late[0]).count(), 1, "no page is read twice: {late:?}");
}
