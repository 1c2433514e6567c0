//! Fields of small objects that hold no others: only their quotes are looked for.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use crate::blocks::{BLOCK_BYTES, Block, Marks};

/// Where the value of a field stands, the last one of that name; the inner `None` says that there is none. The object has no backslash in
/// it, and the name would be written without one. The outer `None` says that it holds a list or another object, or is none itself, and
/// must be looked at in another way.
#[allow(clippy::option_option)]
pub fn field(object: &[u8], name: &str) -> Option<Option<Range<usize>>> {
    dispatch!(Level::new(), simd => field_with(simd, object, name))
}

#[allow(clippy::option_option)]
#[inline(always)]
#[allow(clippy::inline_always, reason = "what is not inlined is compiled for the narrowest registers")]
fn field_with<S: Simd>(simd: S, object: &[u8], name: &str) -> Option<Option<Range<usize>>> {
    if object.first() != Some(&b'{') || object.last() != Some(&b'}') {
        return None;
    }
    let mut quotes = Quotes { simd, bytes: object, block: 0, left: 0, next: 0 };
    let (mut last, mut from) = (None, 1);
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
        while self.left == 0 {
            self.left = Marks::of(self.simd, Block::at(self.bytes, self.next)?.bytes()).quotes().quotes;
            self.block = self.next;
            self.next += BLOCK_BYTES;
        }
        let place = self.block + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::cut;

    #[test]
    fn only_what_is_flat_is_looked_at() {
        assert_eq!(field(br#"{"a":{"b":1},"b":2}"#, "b"), None);
        assert_eq!(field(br#"{"b":1,"a":[]}"#, "b"), None);
        assert_eq!(field(br#"["b",1]"#, "b"), None);
        assert_eq!(field(br#"{"b":"b"}"#, "b"), Some(Some(5..8)));
        assert_eq!(field(b"{ }", "b"), Some(None));
    }

    proptest! {
        #[test]
        fn a_field_is_found_where_a_walk_finds_it(
            fields in prop::collection::vec(("[abc]{1,2}| |[a-z{:,]{0,70}", prop_oneof!["-?[0-9]{1,5}", "null", "\"[a-c{}\\[\\]:, ]{0,9}\"", "\"[a-z]{60,70}\""], " {0,2}"), 0..6),
        ) {
            let fields: Vec<_> = fields.iter().map(|(name, value, space)| format!("{space}\"{name}\"{space}:{space}{value}{space}")).collect();
            let object = format!("{{{}}}", fields.join(","));
            for name in ["a", "b", "c", "ab", "", " "] {
                prop_assert_eq!(field(object.as_bytes(), name).unwrap(), cut::field(object.as_bytes(), name), "{} in {}", name, object);
            }
        }
    }
}
