#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::Bytes;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_model::{RecordKey, Secret, Version};

use super::{Call, Delivery, Found, Unverified, Webhooks};

/// Signed by the vendors' own packages; see `vectors.py` beside it.
const VECTORS: &str = include_str!("../../tests/webhooks/vectors.json");

fn verify_sections() -> Value {
    json!({
        "standard": {},
        "timestamp_in_header": {
            "scheme": "hmac_sha256", "header": "Stripe-Signature", "separator": ",", "prefix": "v1=",
            "content": "{timestamp}.{body}", "timestamp": {"item": "t="},
        },
        "timestamp_beside": {
            "scheme": "hmac_sha256", "header": "X-Slack-Signature", "prefix": "v0=",
            "content": "v0:{timestamp}:{body}", "timestamp": {"header": "X-Slack-Request-Timestamp"},
        },
    })
}

fn webhooks(section: &Value) -> Webhooks {
    let mut whole = json!({"type": "{json:type}", "events": [{"type": "*", "stream": "things"}]});
    whole.as_object_mut().unwrap().extend(section.as_object().unwrap().clone());
    Webhooks::load(&whole, Some(&["things"])).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn call(body: impl Into<Bytes>, headers: &Value) -> Call {
    let headers = headers.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    Call {
        method: "POST".to_owned(),
        url: "https://example.com/webhooks/x/y".to_owned(),
        query: Vec::new(),
        headers: headers.collect(),
        body: body.into(),
        endpoint: "the-endpoint".to_owned(),
        received: Timestamp::now(),
        timestamp: None,
        id: None,
    }
}

fn vectors() -> Vec<(Webhooks, Secret, Call)> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let sections = verify_sections();
    let one = |signed: &Value| {
        let webhooks = webhooks(&json!({"verify": sections[signed["scheme"].as_str().unwrap()]}));
        let mut call = call(vectors["body"].as_str().unwrap().to_owned(), &signed["headers"]);
        call.received = Timestamp::from_second(vectors["at"].as_i64().unwrap()).unwrap();
        (webhooks, Secret::new(signed["secret"].as_str().unwrap()), call)
    };
    vectors["signed"].as_array().unwrap().iter().map(one).collect()
}

fn verified(webhooks: &Webhooks, call: &Call, secrets: &[Secret]) -> Result<(), Unverified> {
    webhooks.verification.verify(&mut call.clone(), secrets)
}

#[test]
fn what_the_vendors_own_packages_signed_is_verified() {
    assert_eq!(vectors().len(), 3);
    for (webhooks, secret, call) in vectors() {
        assert_eq!(verified(&webhooks, &call, std::slice::from_ref(&secret)), Ok(()));
        let other = Secret::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(verified(&webhooks, &call, std::slice::from_ref(&other)), Err(Unverified::Wrong));
        assert_eq!(verified(&webhooks, &call, &[other, secret]), Ok(()), "while a secret is exchanged, both are good");
        assert_eq!(verified(&webhooks, &call, &[]), Err(Unverified::Wrong));
    }
}

#[test]
fn the_vector_of_the_code_hosts_documentation_is_verified() {
    let verify = json!({"verify": {"scheme": "hmac_sha256", "header": "X-Hub-Signature-256", "prefix": "sha256="}});
    let signed = |signature: &str| call("Hello, World!", &json!({"x-hub-signature-256": signature}));
    let secret = [Secret::new("It's a Secret to Everybody")];
    let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let webhooks = webhooks(&verify);
    assert_eq!(verified(&webhooks, &signed(right), &secret), Ok(()));
    for wrong in [&right[7..], "sha256=", "sha256=757107ea", "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", ""] {
        assert!(verified(&webhooks, &signed(wrong), &secret).is_err(), "{wrong}");
    }
    assert_eq!(verified(&webhooks, &call("Hello, World!", &json!({})), &secret), Err(Unverified::Unsigned));
}

#[test]
fn a_request_of_another_time_is_refused_although_its_signature_is_right() {
    for (webhooks, secret, mut call) in vectors() {
        let sent = call.received;
        for (seconds, expected) in [(300, Ok(())), (-300, Ok(())), (301, Err(Unverified::Stale)), (-301, Err(Unverified::Stale))] {
            call.received = sent + seconds.seconds();
            assert_eq!(verified(&webhooks, &call, std::slice::from_ref(&secret)), expected, "{seconds}");
        }
    }
}

#[test]
fn every_other_way_to_sign_is_verified_too() {
    // Made with `openssl dgst -sha1 -hmac key-of-the-endpoint -binary | base64`, and with -sha512.
    let body = "{\"a\":1}";
    let cases = [("hmac_sha1", "base64", SHA1), ("hmac_sha512", "hex", SHA512)];
    for (scheme, encoding, signature) in cases {
        let webhooks = webhooks(&json!({"verify": {"scheme": scheme, "header": "x-signature", "encoding": encoding}}));
        let secret = [Secret::new("key-of-the-endpoint")];
        assert_eq!(verified(&webhooks, &call(body, &json!({"x-signature": signature})), &secret), Ok(()), "{scheme}");
        assert_eq!(verified(&webhooks, &call("{\"a\":2}", &json!({"x-signature": signature})), &secret), Err(Unverified::Wrong));
    }
    let webhooks = webhooks(&json!({"verify": {"scheme": "token", "token": "{header:x-goog-channel-token}"}}));
    let secret = [Secret::new("only-we-two-know")];
    assert_eq!(verified(&webhooks, &call("", &json!({"x-goog-channel-token": "only-we-two-know"})), &secret), Ok(()));
    assert_eq!(verified(&webhooks, &call("", &json!({"x-goog-channel-token": "only-we-two-kno"})), &secret), Err(Unverified::Wrong));
    assert_eq!(verified(&webhooks, &call("", &json!({"x-goog-channel-token": ""})), &secret), Err(Unverified::Unsigned));
    assert_eq!(verified(&webhooks, &call("", &json!({})), &secret), Err(Unverified::Unsigned));
}

const SHA1: &str = "VWvmx50ZTnEQ2h/n+YChZJOs0Qw=";
const SHA512: &str =
    "6311361990c5b2d37a2effa250623cdb7b38ad153f161c8ca8f5826dc5bd21ef5cb087ac7381e24ba346024773481367bd95a36bf5b204209a80c99bb38adf88";

proptest! {
    #[test]
    fn any_changed_bit_of_body_or_signed_headers_is_refused(place in any::<prop::sample::Index>(), bit in 0_u8..8, which in 0_usize..3) {
        let (webhooks, secret, mut call) = vectors().remove(which);
        let mut body = call.body.to_vec();
        let at = place.index(body.len());
        body[at] ^= 1 << bit;
        call.body = body.into();
        prop_assert_eq!(verified(&webhooks, &call, &[secret]), Err(Unverified::Wrong));
    }

    #[test]
    fn any_changed_letter_of_a_header_is_refused(place in any::<prop::sample::Index>(), header in any::<prop::sample::Index>(), which in 0_usize..3) {
        let (webhooks, secret, mut call) = vectors().remove(which);
        let header = header.index(call.headers.len());
        let value = &mut call.headers[header].1;
        // What stands behind the signatures we know is not looked at.
        let looked_at = value.find(",v0=").unwrap_or(value.len());
        let at = place.index(looked_at);
        let changed = if value.as_bytes()[at] == b'7' { "8" } else { "7" };
        value.replace_range(at..=at, changed);
        prop_assert!(verified(&webhooks, &call, &[secret]).is_err());
    }

    #[test]
    fn nothing_that_is_sent_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), signature in ".{0,80}") {
        for (webhooks, secret, mut call) in vectors() {
            call.body = body.clone().into();
            call.headers.iter_mut().for_each(|(_, value)| value.clone_from(&signature));
            prop_assert!(verified(&webhooks, &call, &[secret]).is_err());
            webhooks.mapping.notices(&webhooks.delivery(&call));
            prop_assert!(webhooks.handshake(&call, false).is_none());
        }
    }
}

#[test]
fn secrets_are_made_and_taken_as_the_scheme_writes_them() {
    let standard = webhooks(&json!({})).verification;
    let made = standard.secret(&[7; 32]);
    assert!(made.expose().starts_with("whsec_"));
    assert_eq!(standard.takes(&made), Ok(()));
    assert!(standard.takes(&Secret::new("whsec_!!!")).unwrap_err().contains("base64"));
    let plain = webhooks(&json!({"verify": {"scheme": "hmac_sha256", "header": "x"}})).verification;
    assert_eq!(plain.takes(&plain.secret(&[7; 32])), Ok(()));
    assert!(plain.takes(&Secret::new("short")).is_err());
    assert!(plain.takes(&Secret::new("")).is_err());
}

#[test]
fn handshakes_of_every_kind_are_answered() {
    let webhooks = webhooks(&json!({
        "verify": {"scheme": "hmac_sha256", "header": "x-signature"},
        "handshakes": [
            {"method": "GET", "when": {"{query:hub.mode}": "subscribe"}, "verify_token": "{query:hub.verify_token}", "answer": "{query:hub.challenge}"},
            {"signed": false, "when": {"{query:validationToken}": null}, "answer": "{query:validationToken}"},
            {"when": {"{json:type}": "url_verification"}, "answer": "{json:challenge}"},
            {"when": {"{header:x-github-event}": "ping"}},
            {"when": {"{json:event}": "endpoint.url_validation"},
             "answer": {"plainToken": "{json:payload.plainToken}", "encryptedToken": "{hmac_hex:payload.plainToken}"}},
        ],
    }));
    let answer = |call: &Call, is_verified: bool| {
        let handshake = webhooks.handshake(call, is_verified)?;
        handshake.answer(call, &webhooks.verification, &[Secret::new("It's a Secret to Everybody")]).map(|answer| answer.body)
    };
    let asked = |method: &str, query: &[(&str, &str)], body: &str, headers: Value| {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Call { method: method.to_owned(), query, ..call(body.to_owned(), &headers) }
    };
    let hub =
        |token| asked("GET", &[("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", "1158201444")], "", json!({}));
    assert_eq!(answer(&hub("the-endpoint"), false).as_deref(), Some("1158201444"));
    assert_eq!(answer(&hub("another"), false), None);
    let graph = asked("POST", &[("validationToken", "a b")], "", json!({}));
    assert_eq!(answer(&graph, false).as_deref(), Some("a b"));
    let slack = asked("POST", &[], "{\"type\":\"url_verification\",\"challenge\":\"3eZb\"}", json!({}));
    assert_eq!(answer(&slack, false), None, "not before its signature was looked at");
    assert_eq!(answer(&slack, true).as_deref(), Some("3eZb"));
    assert_eq!(answer(&asked("POST", &[], "{}", json!({"x-github-event": "ping"})), true).as_deref(), Some(""));
    let zoom = asked("POST", &[], "{\"event\":\"endpoint.url_validation\",\"payload\":{\"plainToken\":\"Hello, World!\"}}", json!({}));
    let expected =
        "{\"plainToken\":\"Hello, World!\",\"encryptedToken\":\"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\"}";
    assert_eq!(answer(&zoom, true).as_deref(), Some(expected));
    let long = asked("POST", &[("validationToken", &"x".repeat(2000))], "", json!({}));
    assert_eq!(answer(&long, false), None);
}

fn repos() -> Webhooks {
    let section = json!({
        "verify": {"scheme": "hmac_sha256", "header": "x-hub-signature-256", "prefix": "sha256="},
        "dedupe": {"id": "{header:x-github-delivery}", "keep_hours": 72},
        "type": "{header:x-github-event}.{json:action}",
        "ignore": "star.*",
        "events": [
            {"type": "issues.deleted", "stream": "issues", "record": "issue", "op": "delete"},
            {"type": "issues.*", "stream": "issues", "record": "issue"},
            {"type": "label.*", "stream": "labels", "record": "label", "delete_when": {"{json:action}": "deleted"},
             "key": ["{json:repository.id}", "{json:label.id}"], "version": {"from": "{json:at}", "unit": "s"}},
            {"type": "push.*", "stream": "commits", "thin": true},
            {"type": "many.*", "stream": "issues", "record": "list"},
        ],
    });
    Webhooks::load(&section, Some(&["issues", "labels", "commits"])).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn found(webhooks: &Webhooks, kind: &str, body: &str) -> Vec<(Option<String>, Found)> {
    let delivery = webhooks
        .delivery(&call(body.to_owned(), &json!({"x-github-event": kind, "x-github-delivery": "d-1", "x-hub-signature-256": "sha256=00"})));
    let again = Delivery::decode(delivery.encode()).unwrap();
    assert_eq!(again, delivery);
    assert!(!delivery.headers.iter().any(|(name, _)| name.contains("signature")), "what proved it is not kept");
    webhooks.mapping.notices(&again).into_iter().map(|notice| (notice.stream.map(|stream| stream.to_string()), notice.found)).collect()
}

fn record(body: &str, deleted: bool) -> Found {
    Found::Record { body: Bytes::from(body.to_owned()), key: None, version: None, deleted }
}

#[test]
fn a_delivery_says_which_records_of_which_streams_are_in_it() {
    let webhooks = repos();
    let issues = |found| (Some("issues".to_owned()), found);
    let body = "{\"action\": \"opened\", \"issue\": {\"id\": 12345678901234567890, \"price\": 1.10}}";
    assert_eq!(found(&webhooks, "issues", body), [issues(record("{\"id\": 12345678901234567890, \"price\": 1.10}", false))]);
    assert_eq!(found(&webhooks, "issues", "{\"action\":\"deleted\",\"issue\":{\"id\":1}}"), [issues(record("{\"id\":1}", true))]);
    assert_eq!(
        found(&webhooks, "many", "{\"action\":\"x\",\"list\":[{\"id\":1}, {\"id\":2}]}"),
        [issues(record("{\"id\":1}", false)), issues(record("{\"id\":2}", false))]
    );
    let label = "{\"action\":\"deleted\",\"at\":1760000000,\"repository\":{\"id\":7},\"label\":{\"id\":\"a|b\"}}";
    let expected = Found::Record {
        body: Bytes::from_static(b"{\"id\":\"a|b\"}"),
        key: Some(RecordKey::of(["7", "a|b"])),
        version: Some(Version(1_760_000_000_000_000_000)),
        deleted: true,
    };
    assert_eq!(found(&webhooks, "label", label), [(Some("labels".to_owned()), expected)]);
    assert_eq!(found(&webhooks, "push", "{\"action\":\"x\"}"), [(Some("commits".to_owned()), Found::Thin)]);
    assert_eq!(found(&webhooks, "star", "{\"action\":\"created\"}"), [(None, Found::Ignored)]);
}

#[test]
fn what_cannot_be_handled_says_why() {
    let webhooks = repos();
    let why = |kind: &str, body: &str| match found(&webhooks, kind, body).remove(0).1 {
        Found::Refused { cause, .. } => cause,
        other => panic!("{other:?}"),
    };
    assert_eq!(why("unknown", "{\"action\":\"x\"}"), "the connector does not know what `unknown.x` means");
    assert_eq!(why("issues", "no JSON"), "it does not say what kind of thing happened");
    assert_eq!(why("issues", "{\"action\":\"opened\"}"), "there is no record where one should be");
    assert_eq!(why("label", "{\"action\":\"x\",\"at\":1,\"label\":{}}"), "its key is missing");
    assert_eq!(
        why("label", "{\"action\":\"x\",\"at\":\"now\",\"label\":{\"id\":1},\"repository\":{\"id\":1}}"),
        "its version cannot be read"
    );
}

#[test]
fn a_delivery_of_many_things_is_split() {
    let section = json!({"type": "{json:kind}", "split": "", "events": [{"type": "a", "stream": "as", "record": "it"}, {"type": "b", "stream": "bs", "thin": true}]});
    let webhooks = Webhooks::load(&section, None).unwrap();
    let delivery = webhooks.delivery(&call("[{\"kind\":\"a\",\"it\":{\"x\":1}},{\"kind\":\"b\"},{\"kind\":\"c\"},7]", &json!({})));
    let found: Vec<_> = webhooks.mapping.notices(&delivery).into_iter().map(|notice| notice.found).collect();
    assert_eq!(found.len(), 4);
    assert_eq!(found[0], record("{\"x\":1}", false));
    assert_eq!(found[1], Found::Thin);
    assert!(matches!(&found[2], Found::Refused { cause, .. } if cause.contains("`c`")), "{found:?}");
    assert!(matches!(&found[3], Found::Refused { .. }), "{found:?}");
}

#[test]
fn a_delivery_is_known_again_by_its_id_or_by_its_content() {
    let webhooks = repos();
    assert_eq!(webhooks.seen_for.as_secs(), 72 * 3600);
    let id = |headers: Value, body: &'static str| webhooks.dedupe_id(&call(body, &headers));
    assert_eq!(id(json!({"x-github-delivery": "72d3162e"}), "{}"), "id:72d3162e");
    assert_ne!(id(json!({}), "{}"), id(json!({}), "{ }"));
    assert_eq!(id(json!({}), "{}"), id(json!({"x-github-event": "other"}), "{}"));
    assert!(id(json!({"x-github-delivery": "x".repeat(5000)}), "").len() < 100);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_the_nearest_name() {
    let section = json!({
        "verify": {"scheme": "hmac_sha265", "headr": "x"},
        "handshakes": [{"when": {"{jsn:type}": "x"}}, {"method": "GET", "when": {"{query:a}": null}, "answer": "{hmac_hex:a}"}],
        "dedup": {},
        "type": "{header:x",
        "events": [{"type": "a", "stream": "isues"}, {"stream": "issues", "thin": true, "record": "x"}],
    });
    let told: Vec<String> = Webhooks::load(&section, Some(&["issues"])).unwrap_err().iter().map(ToString::to_string).collect();
    let expected = [
        "`webhooks.dedup`: unknown field `dedup` (did you mean `dedupe`?)",
        "`webhooks.verify.scheme`: there is no `hmac_sha265` (did you mean `hmac_sha256`?): it can be `standard_webhooks`, `hmac_sha256`, `hmac_sha1`, `hmac_sha512`, `token`",
        "`webhooks.verify.headr`: unknown field `headr`",
        "`webhooks.handshakes[0].when`: there is no `{jsn:type}` (did you mean `json:`?)",
        "`webhooks.handshakes[0]`: `when` is missing",
        "`webhooks.handshakes[1].answer`: only a handshake that is `signed` itself may be answered with a signature",
        "`webhooks.type`: `{header:x` has a `{` without its `}`",
        "`webhooks.events[0].stream`: the manifest has no stream `isues` (did you mean `issues`?)",
        "`webhooks.events[1]`: `type` is missing",
        "`webhooks.events[1].record`: a `thin` event has no record that this could speak of",
    ];
    assert_eq!(told, expected);
    let section =
        json!({"verify": {"scheme": "hmac_sha256", "content": "{timestamp}"}, "type": "x", "events": [{"type": "*", "stream": "s"}]});
    let told: Vec<String> = Webhooks::load(&section, None).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`webhooks.verify`: `header` is missing",
            "`webhooks.verify.content`: `{body}` must be in what is signed",
            "`webhooks.verify.content`: `{timestamp}` is signed, and `timestamp` does not say where it stands",
        ]
    );
}
