//! What a catalog has to say about how a stream is read.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use syncline_model::{Fault, Settings};
use syncline_sdk::Context;

use super::{Fixed, Impatient};
use crate::{Configured, DeclarativeConnector};

fn connector(is_free: bool) -> DeclarativeConnector {
    let manifest = format!(
        "{{type: DeclarativeSource, check: {{type: CheckStream, stream_names: [a]}}, streams: [{{type: DeclarativeStream, name: a, primary_key: id, \
        incremental_sync: {{type: DatetimeBasedCursor, cursor_field: at, allow_catalog_defined_cursor_field: {is_free}, datetime_format: '%Y-%m-%d', start_datetime: '2024-01-01'}}, \
        retriever: {{type: SimpleRetriever, requester: {{type: HttpRequester, url_base: 'https://api.example.com', path: /a}}, \
        record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: []}}}}}}}}]}}"
    );
    DeclarativeConnector::from_texts("{name: x, title: X, category: c, description: d}", &manifest)
        .unwrap_or_else(|found| panic!("{found:?}"))
}

fn context() -> Context {
    Context {
        settings: Settings::new(json!({})),
        http: Arc::new(Fixed(r#"[{"id": 1, "at": "2024-01-02", "seen": "2024-01-03"}]"#)),
        patience: Arc::new(Impatient::default()),
        now: "2024-02-01T00:00:00Z".parse().unwrap(),
        shared: Arc::default(),
    }
}

async fn state_by(is_free: bool, path: &[&str]) -> Result<Value, Fault> {
    let cursor_field = path.iter().map(|&name| name.to_owned()).collect();
    let configured = Configured { cursor_field, ..Configured::default() };
    let mut reader = connector(is_free).read(&context(), "a", Map::new(), configured).await?;
    while reader.next().await?.is_some() {}
    Ok(reader.state())
}

#[tokio::test]
async fn a_catalog_names_the_field_to_go_by_where_the_manifest_leaves_it_that() {
    let (by_manifest, by_catalog) = (json!({"at": "2024-01-02"}), json!({"seen": "2024-01-03"}));
    assert_eq!(state_by(true, &["seen"]).await.unwrap(), by_catalog);
    assert_eq!(state_by(true, &[]).await.unwrap(), by_manifest);
    assert_eq!(state_by(true, &[""]).await.unwrap(), by_manifest);
    assert_eq!(state_by(false, &["seen"]).await.unwrap(), by_manifest);
    let fault = state_by(true, &["seen", "at"]).await.unwrap_err().to_string();
    assert!(fault.contains("the catalog's cursor `seen.at` of `a` must be one field"), "{fault}");
}

#[tokio::test]
async fn it_is_told_where_a_catalog_may_name_the_field() {
    for is_free in [true, false] {
        let found = connector(is_free).discovered(&context()).await.unwrap();
        assert_eq!(found[0].cursor_is_free, is_free);
    }
}
