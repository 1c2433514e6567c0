//! Records as the messages of the protocol hold them: fields of the outermost object that are null are left out, as the reference does.

use std::sync::LazyLock;

use bytes::{BufMut, BytesMut};
use memchr::memmem::Finder;
use serde_json::Value;

use crate::{
    fields::fields,
    item::Item,
    items::Items,
    piece::{Pieces, Place, Raw, Seen},
};

static NULL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"null"));

/// Records without those of their fields that are null, in one text.
pub fn without_nulls(items: Items) -> Pieces {
    let mut made = Made::default();
    match items {
        Items::Cut(pieces) => {
            if !pieces.iter().any(may_hold_null) {
                return pieces;
            }
            made.text.reserve(pieces.text.len());
            pieces.iter().for_each(|record| made.put(record));
        }
        Items::Each(items) => items.into_iter().for_each(|item| made.put_item(item)),
    }
    Pieces { text: made.text.freeze(), places: made.places }
}

fn may_hold_null(record: Raw<'_>) -> bool {
    record.seen.null && NULL.find(&record).is_some()
}

/// Records one behind the other.
#[derive(Default)]
struct Made {
    text: BytesMut,
    places: Vec<Place>,
}

impl Made {
    fn put_item(&mut self, item: Item) {
        match item {
            Item::Tree(Value::Object(mut fields)) => {
                fields.retain(|_, value| !value.is_null());
                self.write(Value::Object(fields).to_string().as_bytes(), Seen::UNKNOWN);
            }
            Item::Raw(piece) => self.put(piece.raw()),
            other => self.write(&other.bytes(), Seen::UNKNOWN),
        }
    }

    /// A record as it stands, but for its nulls.
    fn put(&mut self, record: Raw<'_>) {
        let begin = self.text.len();
        if may_hold_null(record) && self.shorten(&record).is_some() {
            let seen = Seen { null: false, ..record.seen };
            self.places.push(Place { at: begin..self.text.len(), seen, joints: None });
            return;
        }
        self.text.truncate(begin);
        self.write(&record, record.seen);
    }

    fn write(&mut self, record: &[u8], seen: Seen) {
        let begin = self.text.len();
        self.text.extend_from_slice(record);
        self.places.push(Place { at: begin..self.text.len(), seen, joints: None });
    }

    /// Writes the other fields of a record as they stand; `None` if it is no object.
    fn shorten(&mut self, record: &[u8]) -> Option<()> {
        let begin = self.text.len();
        self.text.put_u8(b'{');
        // Neighbours that stay are copied together.
        let mut kept: Option<(usize, usize)> = None;
        let walked = fields(record, |field| {
            if &record[field.value..field.value_end] != b"null" {
                kept = Some((kept.map_or(field.name, |(begin, _)| begin), field.value_end));
            } else if let Some(kept) = kept.take() {
                self.join(begin, &record[kept.0..kept.1]);
            }
        });
        if let Some(kept) = kept {
            self.join(begin, &record[kept.0..kept.1]);
        }
        self.text.put_u8(b'}');
        walked.ok()
    }

    /// Puts fields into the object that begins here.
    fn join(&mut self, begin: usize, fields: &[u8]) {
        if self.text.len() > begin + 1 {
            self.text.put_u8(b',');
        }
        self.text.extend_from_slice(fields);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    fn raw(text: &'static str) -> String {
        lines(Items::Each(vec![Item::Raw(Bytes::from_static(text.as_bytes()).into())]))
    }

    fn lines(items: Items) -> String {
        let made = without_nulls(items);
        let lines: Vec<_> = made.iter().map(|piece| String::from_utf8_lossy(piece.bytes)).collect();
        lines.join("\n")
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
        assert_eq!(lines(Items::Each(vec![Item::Tree(tree)])), r#"{"b":{"c":null}}"#);
    }

    #[test]
    fn what_is_no_record_stays_as_it_came() {
        assert_eq!(raw("[null]"), "[null]");
        assert_eq!(raw(r#"{"a":null"#), r#"{"a":null"#);
    }

    #[test]
    fn of_records_in_one_text_only_those_with_nulls_are_written_anew() {
        let page = Bytes::from_static(br#"[{"a":1},{"b":null,"c":{"d":null}} , {"e": null}, {"f":"null"}]"#);
        let cut = |page: &Bytes| Items::from(Pieces { text: page.clone(), places: crate::cut::cut(page, &[]).unwrap() });
        assert_eq!(lines(cut(&page)), "{\"a\":1}\n{\"c\":{\"d\":null}}\n{}\n{\"f\":\"null\"}");
        let page = Bytes::from_static(br#"[{"a":1}, {"b":[null]}]"#);
        let made = without_nulls(cut(&page));
        assert_eq!(made.text, page, "nothing is copied where nothing is left out");
        assert_eq!(lines(cut(&page)), "{\"a\":1}\n{\"b\":[null]}");
    }
}
