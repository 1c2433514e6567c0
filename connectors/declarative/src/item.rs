//! A record on its way from an answer.

use bytes::Bytes;
use serde_json::Value;
use syncline_model::Fault;

use crate::{piece::Piece, record::field};

/// A record on its way: the bytes that came, or a tree where something was changed.
#[derive(Debug, Clone)]
pub enum Item {
    /// As it stood in the page.
    Raw(Piece),
    /// Decoded.
    Tree(Value),
    /// What could not be changed as the manifest wants, as it stood in the page, and why.
    Refused(Bytes, String),
}

impl Item {
    /// A record as it stood in a page; a tree where it holds what only Python takes for numbers, which become null.
    pub fn of(piece: Piece) -> Self {
        if piece.seen.word
            && piece.starts_with(b"{")
            && let Ok(tree) = crate::decode::json::parse(&piece)
        {
            return Self::Tree(tree);
        }
        Self::Raw(piece)
    }

    /// A field of it, at the top.
    pub fn field(&self, name: &str) -> Option<Value> {
        match self {
            Self::Raw(bytes) => field(std::str::from_utf8(bytes).ok()?, &[name.to_owned()]),
            Self::Tree(tree) => tree.get(name).cloned(),
            Self::Refused(..) => None,
        }
    }

    /// The whole as a tree; null if it is none.
    pub fn tree(&self) -> Value {
        match self {
            Self::Raw(bytes) => crate::decode::json::parse(bytes).unwrap_or_default(),
            Self::Tree(tree) => tree.clone(),
            Self::Refused(..) => Value::Null,
        }
    }

    /// The same, without a copy where there is a tree already.
    pub fn into_tree(self) -> Value {
        match self {
            Self::Raw(bytes) => crate::decode::json::parse(&bytes).unwrap_or_default(),
            Self::Tree(tree) => tree,
            Self::Refused(..) => Value::Null,
        }
    }

    /// Why it is no record, if it is none: something was wrong with it, or it is no object.
    pub fn refusal(&self) -> Option<Fault> {
        let is_object = match self {
            Self::Raw(bytes) => bytes.trim_ascii_start().starts_with(b"{"),
            Self::Tree(tree) => tree.is_object(),
            Self::Refused(_, cause) => return Some(Fault::BadRecord(cause.clone())),
        };
        (!is_object).then(|| Fault::BadRecord("the source gave a record that is no object".to_owned()))
    }

    /// As bytes.
    pub fn bytes(self) -> Bytes {
        match self {
            Self::Raw(piece) => piece.bytes,
            Self::Refused(bytes, _) => bytes,
            Self::Tree(tree) => Bytes::from(tree.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Item;
    use crate::{cut::Wanted, extract::Extractor, items::Items, piece::Pieces};
    use bytes::Bytes;
    use serde_json::json;

    #[test]
    fn what_only_python_takes_for_a_number_becomes_null() {
        let page = Bytes::from_static(b"[{\"a\":[1.10,NaN]},{\"b\":-Infinity},{\"c\":\"NaN\"}]");
        let places = Extractor::pieces(&page, &[], Wanted::default()).unwrap().records;
        let items = Items::from(Pieces { text: page, places }).into_vec();
        let bytes: Vec<_> = items.into_iter().map(Item::bytes).collect();
        assert_eq!(bytes, [&b"{\"a\":[1.10,null]}"[..], b"{\"b\":null}", b"{\"c\":\"NaN\"}"]);
    }

    #[test]
    fn records_before_the_first_that_is_none_are_left() {
        let raw = |text: &'static str| Item::Raw(Bytes::from_static(text.as_bytes()).into());
        let broken = Item::Refused(Bytes::from_static(b"{}"), "it cannot be changed".to_owned());
        for (last, why) in [
            (raw("7"), "the source gave a record that is no object"),
            (Item::Tree(json!([1])), "the source gave a record that is no object"),
            (broken, "it cannot be changed"),
        ] {
            let mut items = Items::Each(vec![raw(" {\"id\": 1}"), Item::Tree(json!({"id": 2})), last, raw("{}")]);
            assert_eq!(items.until_refused().map(|fault| fault.to_string()).as_deref(), Some(why));
            assert_eq!(items.len(), 2);
            assert_eq!(items.until_refused(), None);
        }
    }
}
