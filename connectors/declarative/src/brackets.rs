//! Where a list or an object ends, found block by block: only those with brackets outside of texts are walked through.

use crate::{
    blocks::{BLOCK_BYTES, Block, Marks, Texts, below},
    cut::NotJson,
    piece::Seen,
};

/// Behind the list or object that begins at `open`. Brackets are counted, not matched by kind. `STRICT` refuses what Python writes for
/// numbers that JSON has no word for.
pub fn end<const STRICT: bool>(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    search::<STRICT, false>(bytes, open).map(|(end, _)| end)
}

/// The same, and what was seen on the way there.
pub fn end_seen(bytes: &[u8], open: usize) -> Result<(usize, Seen), NotJson> {
    search::<false, true>(bytes, open)
}

fn search<const STRICT: bool, const SEES: bool>(bytes: &[u8], open: usize) -> Result<(usize, Seen), NotJson> {
    let (mut texts, mut seen) = (Texts::default(), Seen::NOTHING);
    let (mut at, mut depth) = (open, 0);
    loop {
        let Some(block) = Block::at(bytes, at) else {
            return Err(NotJson(if texts.inside == 0 { "it ends too early" } else { "it ends within a text" }));
        };
        let block = Marks::of(block.bytes());
        let quotes = block.quotes();
        if texts.goes_on(&quotes) {
            seen.odd |= SEES && block.odd() != 0;
            at += BLOCK_BYTES;
            continue;
        }
        let outside = !texts.next(&quotes);
        let brackets = block.brackets(outside);
        let depth_before = depth;
        let last = if brackets.any() == 0 { None } else { brackets.walk(&mut depth)? };
        // What stands behind the end is not ours to judge.
        let within = last.map_or(u64::MAX, |last| below(last + 1));
        if STRICT && block.letters([b'N', b'I']) & outside & within != 0 {
            return Err(NotJson::NO_WORD);
        }
        if SEES {
            seen.odd |= block.odd() & within != 0;
            // Outside of texts only `null` has this letter, and what Python writes for numbers that JSON has no word for.
            let words = block.letter(b'n') & outside & within;
            if words != 0 {
                seen.null |= brackets.outermost(words, depth_before);
                seen.word |= !are_nulls(bytes, at, words);
            }
        }
        if let Some(last) = last {
            return Ok((at + last as usize + 1, seen));
        }
        at += BLOCK_BYTES;
    }
}

/// Whether `null` begins at each of these places.
fn are_nulls(bytes: &[u8], at: usize, mut places: u64) -> bool {
    while places != 0 {
        let place = at + places.trailing_zeros() as usize;
        if bytes.get(place..).is_none_or(|rest| !rest.starts_with(b"nu")) {
            return false;
        }
        places &= places - 1;
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// The same, byte by byte.
    fn slow(bytes: &[u8], open: usize) -> Option<usize> {
        let (mut depth, mut at, mut text) = (0, open, false);
        while let Some(byte) = bytes.get(at) {
            match (byte, text) {
                (b'\\', true) => at += 1,
                (b'"', _) => text = !text,
                (b'{' | b'[', false) => depth += 1,
                (b'}' | b']', false) => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
        None
    }

    #[test]
    fn brackets_and_quotes_within_texts_do_not_count() {
        let page = br#"[{"a":"}]\"]","b":["\\"]}] "#;
        assert_eq!(end::<false>(page, 0), Ok(page.len() - 1));
        assert_eq!(end::<false>(page, 1), Ok(page.len() - 2));
    }

    #[test]
    fn what_stops_too_early_says_where_it_stopped() {
        assert_eq!(end::<false>(b"[1,2", 0), Err(NotJson("it ends too early")));
        assert_eq!(end::<false>(b"[\"a", 0), Err(NotJson("it ends within a text")));
        assert_eq!(end::<false>(&b"[".repeat(64), 0), Err(NotJson("it ends too early")));
    }

    #[test]
    fn deep_nesting_is_refused_wherever_a_block_ends() {
        for before in 0..70 {
            let nested = |depth: usize| [&b" ".repeat(before)[..], &b"[".repeat(depth), &b"]".repeat(depth)].concat();
            assert_eq!(end::<false>(&nested(127), before), Ok(before + 254));
            assert_eq!(end::<false>(&nested(128), before), Err(NotJson("it nests too deep")));
        }
    }

    #[test]
    fn words_for_numbers_are_refused_only_within_the_value_and_outside_of_texts() {
        assert_eq!(end::<true>(br#"{"a":NaN}"#, 0), Err(NotJson::NO_WORD));
        assert_eq!(end::<true>(b"[-Infinity]", 0), Err(NotJson::NO_WORD));
        assert_eq!(end::<true>(br#"{"a":"NaN"},NaN"#, 0), Ok(11));
        assert_eq!(end::<false>(br#"{"a":NaN}"#, 0), Ok(9));
    }

    #[test]
    fn only_a_null_of_the_outermost_object_counts() {
        for before in 0..70 {
            let spaces = " ".repeat(before);
            let has = |text: &str| end_seen(text.as_bytes(), 0).unwrap().1.null;
            assert!(has(&format!("{{{spaces}\"a\":null}}")));
            assert!(has(&format!("{{\"b\":[[1],{{}}],{spaces}\"a\": null}}")));
            assert!(has(&format!("{{\"b\":{{\"c\":{spaces}null}},\"a\":null }}")));
            assert!(!has(&format!("{{\"b\":{{\"c\":{spaces}null}},\"a\":[null]}}")));
            assert!(!has(&format!("{{\"n\":\"n{spaces}null\",\"b\":[{spaces}{{\"n\":null}}]}}")));
        }
    }

    #[test]
    fn a_number_that_json_has_no_word_for_is_seen_wherever_it_stands() {
        for before in 0..70 {
            let spaces = " ".repeat(before);
            let has = |text: &str| end_seen(text.as_bytes(), 0).unwrap().1.word;
            for word in ["NaN", "Infinity", "-Infinity"] {
                assert!(has(&format!("{{\"a\":{spaces}{word}}}")));
                assert!(has(&format!("{{\"a\":null,\"b\":[{{\"c\":{spaces}{word}}}]}}")));
                assert!(!has(&format!("{{\"{word}\":\"{spaces}{word}\",\"a\":[null, null]}}, {word}")));
            }
        }
    }

    #[test]
    fn what_is_odd_is_seen_in_the_value_and_not_behind_it() {
        for before in 0..70 {
            let spaces = " ".repeat(before);
            let is_odd = |text: &str| end_seen(text.as_bytes(), 0).unwrap().1.odd;
            assert!(is_odd(&format!("{{\"a\":\"{spaces}\u{e9}\"}}")));
            assert!(is_odd(&format!("{{\"a\":{spaces}\n1}}")));
            assert!(is_odd(&format!("[\"{spaces}\u{7f}\u{80}\"]")));
            assert!(!is_odd(&format!("{{\"a\":\"{spaces}\\n\"}}\r\n\u{e9}")));
        }
    }

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof!["null", r#""([a-z{}\[\],:]|\\\\|\\"){0,80}""#.prop_map(|text| text), "-?[0-9]{1,20}", "null| true"];
        leaf.prop_recursive(6, 128, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::vec((r#""([a-z]|\\\\|\\"){0,3}\\\\""#, inner), 0..8)
                    .prop_map(|items| items.into_iter().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(","))
                    .prop_map(|fields| format!("{{{fields}}}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_null_is_found_where_a_parser_finds_it(fields in prop::collection::vec((" {0,40}", value()), 0..6)) {
            let fields: Vec<_> = fields.iter().enumerate().map(|(place, (space, value))| format!("\"{place}\":{space}{value}")).collect();
            let object = format!("{{{}}}", fields.join(","));
            if let Ok(tree) = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(&object) {
                let page = format!("{object},null\n\u{e9}");
                let (end, seen) = end_seen(page.as_bytes(), 0).unwrap();
                prop_assert_eq!(end, object.len());
                prop_assert_eq!(seen.null, tree.values().any(serde_json::Value::is_null), "{}", object);
                prop_assert_eq!(seen.odd, false);
            }
        }

        #[test]
        fn an_end_is_found_where_a_slow_look_finds_it(value in value(), before in 0..80_usize, behind in "[\\]}\" ]{0,80}", cut in 0..400_usize) {
            let page = format!("{}[{value}]{behind}", " ".repeat(before));
            prop_assert_eq!(end::<false>(page.as_bytes(), before).ok(), slow(page.as_bytes(), before));
            let short = &page.as_bytes()[..page.len().min(before + cut)];
            prop_assert_eq!(end::<false>(short, before).ok(), slow(short, before));
        }
    }
}
