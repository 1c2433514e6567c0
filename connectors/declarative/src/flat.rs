//! Fields of small objects that hold no others: only their quotes are looked for.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use crate::blocks::{BLOCK_BYTES, Block, Marks};

/// Where the value of a field of the object that stands here within a record stands, the last one of that name; the inner `None` says that
/// there is none. The object has no backslash in it, and the name would be written without one. The outer `None` says that it holds a list
/// or another object, or is none itself, and must be looked at in another way.
#[allow(clippy::option_option)]
pub fn field(record: &[u8], within: Range<usize>, name: &str) -> Option<Option<Range<usize>>> {
    dispatch!(Level::new(), simd => field_with(simd, record, within, name))
}

#[allow(clippy::option_option)]
#[inline(always)]
#[allow(clippy::inline_always, reason = "what is not inlined is compiled for the narrowest registers")]
fn field_with<S: Simd>(simd: S, record: &[u8], within: Range<usize>, name: &str) -> Option<Option<Range<usize>>> {
    let object = record.get(..within.end)?;
    if object.get(within.start) != Some(&b'{') || object.last() != Some(&b'}') {
        return None;
    }
    // What follows the object in its record fills the last block.
    let mut quotes = Quotes { simd, bytes: record, end: within.end, block: 0, left: 0, next: within.start };
    let (mut last, mut from) = (None, within.start + 1);
    while let Some(open) = quotes.next() {
        let close = quotes.next()?;
        flat(object.get(from..open)?)?;
        from = close + 1;
        if &object[open + 1..close] != name.as_bytes() {
            continue;
        }
        let colon = space(object, from);
        if object.get(colon) != Some(&b':') {
            continue;
        }
        let begin = space(object, colon + 1);
        if object.get(begin) == Some(&b'"') {
            quotes.next()?;
            from = quotes.next()? + 1;
            last = Some(begin..from);
            continue;
        }
        let value = object.get(begin..)?;
        let length = value.iter().take_while(|byte| !matches!(byte, b',' | b'}') && !byte.is_ascii_whitespace()).count();
        last = Some(begin..begin + length).filter(|_| length > 0);
    }
    flat(object.get(from..)?)?;
    Some(last)
}

fn flat(between: &[u8]) -> Option<()> {
    (!between.iter().any(|byte| matches!(byte, b'{' | b'['))).then_some(())
}

fn space(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The places of all quotes.
struct Quotes<'a, S> {
    simd: S,
    bytes: &'a [u8],
    /// Behind the last that counts.
    end: usize,
    /// Where the block begins whose quotes are left.
    block: usize,
    left: u64,
    /// Where the block behind it begins.
    next: usize,
}

impl<S: Simd> Iterator for Quotes<'_, S> {
    type Item = usize;

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 && self.next < self.end {
            self.left = Marks::of(self.simd, Block::at(self.bytes, self.next)?.bytes()).quotes().quotes;
            self.block = self.next;
            self.next += BLOCK_BYTES;
        }
        if self.left == 0 {
            return None;
        }
        let place = self.block + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        (place < self.end).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::fields;

    #[test]
    fn only_what_is_flat_is_looked_at() {
        let whole = |object: &[u8]| field(object, 0..object.len(), "b");
        assert_eq!(whole(br#"{"a":{"b":1},"b":2}"#), None);
        assert_eq!(whole(br#"{"b":1,"a":[]}"#), None);
        assert_eq!(whole(br#"["b",1]"#), None);
        assert_eq!(whole(br#"{"b":"b"}"#), Some(Some(5..8)));
        assert_eq!(whole(b"{ }"), Some(None));
        assert_eq!(field(br#"{"a":{"b":1},"b":2}"#, 5..12, "b"), Some(Some(10..11)));
        assert_eq!(field(br#"{"a":{"c":1},"b":2}"#, 5..12, "b"), Some(None));
    }

    proptest! {
        #[test]
        fn a_field_is_found_where_a_walk_finds_it(
            fields in prop::collection::vec(("[abc]{1,2}| |[a-z{:,]{0,70}", prop_oneof!["-?[0-9]{1,5}", "null", "\"[a-c{}\\[\\]:, ]{0,9}\"", "\"[a-z]{60,70}\""], " {0,2}"), 0..6),
            before in "[\"{} a]{0,70}",
            behind in "[\"{}:, ba]{0,70}",
        ) {
            let fields: Vec<_> = fields.iter().map(|(name, value, space)| format!("{space}\"{name}\"{space}:{space}{value}{space}")).collect();
            let object = format!("{{{}}}", fields.join(","));
            for name in ["a", "b", "c", "ab", "", " "] {
                let record = format!("{before}{object}{behind}");
                let found = field(record.as_bytes(), before.len()..before.len() + object.len(), name).unwrap();
                let found = found.map(|found| found.start - before.len()..found.end - before.len());
                prop_assert_eq!(found, fields::field(object.as_bytes(), name), "{} in {}", name, object);
            }
        }
    }
}
