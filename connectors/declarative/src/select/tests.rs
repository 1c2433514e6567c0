#![allow(clippy::unwrap_used)]

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;

fn selector(transforms: &Value) -> Selector {
    let selector = json!({"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["data"]}});
    let transforms = Transform::load_all(Some(transforms), "transformations").unwrap();
    Selector::load(&Node::new(&selector, "selector"), None, transforms, false).unwrap()
}

fn selected(selector: &Selector, body: &str) -> Items {
    let answer = HttpAnswer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
        url: "http://localhost/".parse().unwrap(),
    };
    selector.select(&answer, &Scope::new(), None, None).unwrap().items
}

fn lines(items: Items) -> Vec<String> {
    items.into_vec().into_iter().map(|item| String::from_utf8(item.bytes().to_vec()).unwrap()).collect()
}

fn changes() -> Value {
    json!([
        {"type": "AddFields", "fields": [{"path": ["b"], "value": "{{ record['a'] }}"}]},
        {"type": "RemoveFields", "field_pointers": [["c"]]},
    ])
}

#[test]
fn records_with_which_nothing_is_done_stay_where_they_lie() {
    let items = selected(&selector(&json!([])), r#"{"data": [{"a":1.10}, {"a":null}]}"#);
    assert!(matches!(&items, Items::Cut(pieces) if pieces.text.starts_with(b"{\"data\"")), "{items:?}");
    assert_eq!((items.len(), lines(items)), (2, vec!["{\"a\":1.10}".to_owned(), "{\"a\":null}".to_owned()]));
}

#[test]
fn changed_records_lie_together_too() {
    let items = selected(&selector(&changes()), r#"{"data": [{"a":1,"c":2}, {"c":[3],"a":"x"}]}"#);
    assert!(matches!(items, Items::Cut(_)), "{items:?}");
    assert_eq!(lines(items), [r#"{"a":1,"b":1}"#, r#"{"a":"x","b":"x"}"#]);
}

#[test]
fn one_record_that_its_bytes_do_not_tell_enough_of_is_changed_among_the_others() {
    let selector = selector(&changes());
    for (odd, becomes) in [(r#"{"a":1,"a":2,"c":3}"#, r#"{"a":2,"b":2}"#), (r#"{"a":NaN,"c":3}"#, r#"{"a":null,"b":null}"#), ("7", "7")] {
        for place in 0..4 {
            let mut records = vec![r#"{"a":5,"c":6}"#; 3];
            records.insert(place, odd);
            let mut wanted = vec![r#"{"a":5,"b":5}"#; 3];
            wanted.insert(place, becomes);
            assert_eq!(lines(selected(&selector, &format!("{{\"data\": [{}]}}", records.join(", ")))), wanted);
        }
    }
}

#[test]
fn a_field_is_found_alike_in_records_that_lie_together_and_in_others() {
    let body = r#"{"data": [{"a":1}, {"b":2}, {"a":"x"}]}"#;
    let cut = selected(&selector(&json!([])), body);
    let each = Items::Each(cut.clone().into_vec());
    for items in [cut, each] {
        let mut found = Vec::new();
        items.fields("a", |value| found.push(value));
        assert_eq!(found, [json!(1), json!("x")]);
        assert_eq!(items.last().map(Item::into_tree), Some(json!({"a": "x"})));
    }
}
