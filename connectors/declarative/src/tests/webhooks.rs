//! What webhooks bring becomes the same records as what pages bring.

use bytes::Bytes;
use syncline_model::Cursor;
use syncline_sandbox::{Provider, Stream};
use syncline_sdk::Connector;

use super::{catalog, context, read, sandbox, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_webhook_is_the_same_as_that_of_a_page() {
    let sandbox = sandbox();
    for stream in [Stream::PaymentsCharges, Stream::CrmContacts, Stream::ShopOrders] {
        let connector = catalog(stream.provider());
        let (context, _) = context(&sandbox, stream.provider());
        let recorder = connector.recorder(&context, &stream.name().parse().unwrap()).await.unwrap();
        let (pages, _) = read(&sandbox, stream, &Cursor::START, false).await;
        let records: Vec<_> = pages.into_iter().flat_map(|page| page.records).collect();
        assert!(!records.is_empty());
        for record in records {
            assert!(record.version.is_some());
            assert_eq!(recorder.record(&record.body).unwrap().as_ref(), Some(&record), "{stream:?}");
        }
        let refused = recorder.record(&Bytes::from_static(b"{\"a\": 1}")).unwrap_err();
        assert!(refused.cause.contains("`id` is missing"), "{}", refused.cause);
        assert!(recorder.record(&Bytes::from_static(b"{\"id\": 1,")).unwrap_err().cause.contains("no JSON"));
    }
    assert!(catalog(Provider::Payments).webhooks().is_some());
    assert!(catalog(Provider::Crm).webhooks().is_none());
}

const MANIFEST: &str = "type: DeclarativeSource
streams:
- type: DeclarativeStream
  name: issues
  primary_key: id
  retriever:
    type: SimpleRetriever
    requester: {type: HttpRequester, url_base: 'https://example.com', path: /issues}
    record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
";

#[test]
fn mistakes_about_webhooks_are_told_with_their_lines() {
    let file = "name: x\ntitle: X\ncategory: c\ndescription: d\nwebhooks:\n  verify:\n    scheme: hmac_sha256\n    header: x-signature\n    encodng: hex\n  type: '{json:type}'\n  events:\n    - type: a\n      stream: issues\n    - type: b\n      stream: isues\n";
    assert_eq!(
        told(file, MANIFEST),
        [
            "connector.yaml:9: `webhooks.verify.encodng`: unknown field `encodng` (did you mean `encoding`?)",
            "connector.yaml:15: `webhooks.events[1].stream`: the manifest has no stream `isues` (did you mean `issues`?)",
        ]
    );
}
