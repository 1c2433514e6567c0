//! Records as the messages of the protocol hold them: fields of the outermost object that are null are left out, as the reference does.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memmem::Finder;
use serde_json::Value;

use crate::{cut, select::Item};

static NULL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"null"));

/// The bytes of a record without those of its fields that are null.
pub fn without_nulls(item: Item) -> Bytes {
    match item {
        Item::Tree(Value::Object(mut fields)) => {
            fields.retain(|_, value| !value.is_null());
            Bytes::from(Value::Object(fields).to_string())
        }
        Item::Raw(bytes) if NULL.find(&bytes).is_some() => shortened(&bytes).unwrap_or(bytes),
        other => other.bytes(),
    }
}

/// The same record with its other fields as they stand; `None` where all of them stay.
fn shortened(record: &Bytes) -> Option<Bytes> {
    let mut fields = Vec::new();
    cut::fields(record, |field| fields.push(field)).ok()?;
    let is_null = |field: &cut::Field| &record[field.value..field.value_end] == b"null";
    if !fields.iter().any(is_null) {
        return None;
    }
    let mut made = BytesMut::with_capacity(record.len());
    made.put_u8(b'{');
    for (place, field) in fields.iter().filter(|field| !is_null(field)).enumerate() {
        if place > 0 {
            made.put_u8(b',');
        }
        made.extend_from_slice(&record[field.name..field.value_end]);
    }
    made.put_u8(b'}');
    Some(made.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &'static str) -> String {
        String::from_utf8(without_nulls(Item::Raw(Bytes::from_static(text.as_bytes()))).to_vec()).unwrap_or_default()
    }

    #[test]
    fn only_the_outermost_fields_that_are_null_are_left_out() {
        assert_eq!(raw(r#"{"a": null, "b": 1.10,"c":{"d":null} , "e":null}"#), r#"{"b": 1.10,"c":{"d":null}}"#);
        assert_eq!(raw(r#"{"a":null}"#), "{}");
        assert_eq!(raw(r#"{"a":"null", "b": [null]}"#), r#"{"a":"null", "b": [null]}"#);
    }

    #[test]
    fn a_record_that_was_changed_loses_them_too() {
        let tree = serde_json::json!({"a": null, "b": {"c": null}});
        assert_eq!(without_nulls(Item::Tree(tree)), Bytes::from_static(br#"{"b":{"c":null}}"#));
    }

    #[test]
    fn what_is_no_record_stays_as_it_came() {
        assert_eq!(raw("[null]"), "[null]");
        assert_eq!(raw(r#"{"a":null"#), r#"{"a":null"#);
    }
}
