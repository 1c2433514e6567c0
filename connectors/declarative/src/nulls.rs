//! Records as the messages of the protocol hold them: fields of the outermost object that are null are left out, as the reference does.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memmem::Finder;
use serde_json::Value;

use crate::{
    fields::fields,
    item::Item,
    piece::{Piece, Seen},
};

static NULL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"null"));

/// Records without those of their fields that are null.
pub fn without_nulls(items: Vec<Item>) -> Vec<Piece> {
    let mut made = BytesMut::new();
    items.into_iter().map(|item| one(item, &mut made)).collect()
}

fn one(item: Item, made: &mut BytesMut) -> Piece {
    match item {
        Item::Tree(Value::Object(mut fields)) => {
            fields.retain(|_, value| !value.is_null());
            Bytes::from(Value::Object(fields).to_string()).into()
        }
        Item::Raw(piece) if piece.seen.null && NULL.find(&piece).is_some() => {
            let seen = Seen { null: false, ..piece.seen };
            shortened(&piece, made).map_or(piece, |bytes| Piece::new(bytes, seen))
        }
        Item::Raw(piece) => piece,
        other => other.bytes().into(),
    }
}

/// The same record with its other fields as they stand; `None` if it is no object.
fn shortened(record: &Bytes, made: &mut BytesMut) -> Option<Bytes> {
    /// So many bytes of records are asked for at a time.
    const AT_ONCE_BYTES: usize = 1 << 16;
    if made.capacity() < record.len() {
        made.reserve(record.len().max(AT_ONCE_BYTES));
    }
    made.put_u8(b'{');
    // Neighbours that stay are copied together.
    let mut kept: Option<(usize, usize)> = None;
    let is_object = record.first() == Some(&b'{');
    let walked = fields(record, |field| {
        if &record[field.value..field.value_end] != b"null" {
            kept = Some((kept.map_or(field.name, |(begin, _)| begin), field.value_end));
        } else if let Some(kept) = kept.take() {
            put(made, &record[kept.0..kept.1]);
        }
    });
    if let Some(kept) = kept {
        put(made, &record[kept.0..kept.1]);
    }
    made.put_u8(b'}');
    let made = made.split().freeze();
    (is_object && walked.is_ok()).then_some(made)
}

fn put(made: &mut BytesMut, fields: &[u8]) {
    if made.len() > 1 {
        made.put_u8(b',');
    }
    made.extend_from_slice(fields);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &'static str) -> String {
        let made = without_nulls(vec![Item::Raw(Bytes::from_static(text.as_bytes()).into())]);
        made.iter().map(|piece| String::from_utf8_lossy(piece)).collect()
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
        assert_eq!(without_nulls(vec![Item::Tree(tree)])[0].as_ref(), br#"{"b":{"c":null}}"#);
    }

    #[test]
    fn what_is_no_record_stays_as_it_came() {
        assert_eq!(raw("[null]"), "[null]");
        assert_eq!(raw(r#"{"a":null"#), r#"{"a":null"#);
    }
}
