//! Where a list or an object ends, found block by block: only those with brackets outside of texts are walked through.

use fearless_simd::{Level, Simd, dispatch};

use crate::{
    blocks::{BLOCK_BYTES, Block, Marks, Texts, below},
    cut::NotJson,
    piece::{Joints, Seen},
};

/// Behind the list or object that begins at `open`. Brackets are counted, not matched by kind.
pub fn end(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    search::<false, false>(bytes, open, &mut Joints::new()).map(|(end, _)| end)
}

/// The same, and what was seen on the way there.
pub fn end_seen(bytes: &[u8], open: usize) -> Result<(usize, Seen), NotJson> {
    search::<true, false>(bytes, open, &mut Joints::new())
}

/// The same, and where its fields join if it is an object.
pub fn end_joined(bytes: &[u8], open: usize, joints: &mut Joints) -> Result<(usize, Seen), NotJson> {
    search::<true, true>(bytes, open, joints)
}

/// With the widest registers that the machine has.
fn search<const SEES: bool, const JOINS: bool>(bytes: &[u8], open: usize, joints: &mut Joints) -> Result<(usize, Seen), NotJson> {
    dispatch!(Level::new(), simd => search_with::<_, SEES, JOINS>(simd, bytes, open, joints))
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "what is not inlined is compiled for the narrowest registers")]
fn search_with<S: Simd, const SEES: bool, const JOINS: bool>(
    simd: S,
    bytes: &[u8],
    open: usize,
    joints: &mut Joints,
) -> Result<(usize, Seen), NotJson> {
    let (mut texts, mut seen) = (Texts::default(), Seen::NOTHING);
    let (mut at, mut depth) = (open, 0);
    loop {
        let Some(block) = Block::at(bytes, at) else {
            return Err(NotJson(if texts.inside == 0 { "it ends too early" } else { "it ends within a text" }));
        };
        let block = Marks::of(simd, block.bytes());
        let quotes = block.quotes();
        if texts.goes_on(&quotes) {
            seen.odd |= SEES && block.odd() != 0;
            at += BLOCK_BYTES;
            continue;
        }
        let outside = !texts.next(&quotes);
        let brackets = block.brackets(outside);
        // Outside of texts only `null` has this letter, and what Python writes for numbers that JSON has no word for.
        let words = if SEES { block.letter(b'n') & outside } else { 0 };
        let (outermost, last) = if JOINS || words != 0 {
            brackets.outermost(&mut depth)?
        } else if brackets.any() == 0 {
            (0, None)
        } else {
            (0, brackets.walk(&mut depth)?)
        };
        // What stands behind the end is not ours to judge.
        let within = last.map_or(u64::MAX, |last| below(last + 1));
        if SEES {
            seen.odd |= block.odd() & within != 0;
            seen.escapes |= quotes.backslashes & within != 0;
            if words & within != 0 {
                seen.null |= words & outermost != 0;
                seen.word |= !are_nulls(bytes, at, words & within);
            }
        }
        if JOINS {
            let from = at - open;
            let mut left = block.joints() & outside & outermost;
            while left != 0 {
                // An object that is longer than this is not read by its joints.
                joints.push(u32::try_from(from + left.trailing_zeros() as usize).unwrap_or(u32::MAX));
                left &= left - 1;
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
        assert_eq!(end(page, 0), Ok(page.len() - 1));
        assert_eq!(end(page, 1), Ok(page.len() - 2));
    }

    #[test]
    fn what_stops_too_early_says_where_it_stopped() {
        assert_eq!(end(b"[1,2", 0), Err(NotJson("it ends too early")));
        assert_eq!(end(b"[\"a", 0), Err(NotJson("it ends within a text")));
        assert_eq!(end(&b"[".repeat(64), 0), Err(NotJson("it ends too early")));
    }

    #[test]
    fn deep_nesting_is_refused_wherever_a_block_ends() {
        for before in 0..70 {
            let nested = |depth: usize| [&b" ".repeat(before)[..], &b"[".repeat(depth), &b"]".repeat(depth)].concat();
            assert_eq!(end(&nested(127), before), Ok(before + 254));
            assert_eq!(end(&nested(128), before), Err(NotJson("it nests too deep")));
        }
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

    #[test]
    fn fields_join_at_the_colons_and_commas_of_the_outermost_object_and_at_no_others() {
        for before in 0..70 {
            let spaces = " ".repeat(before);
            let page = format!("[{{\"a,:\":{spaces}[1,2],\"b\" : {{\"c\":[],\"d\":1}} ,{spaces}\"e\":\"\\\",:\"}},\"a\":1]");
            let mut joints = Joints::new();
            let (end, seen) = end_joined(page.as_bytes(), 1, &mut joints).unwrap();
            let joints: Vec<_> = joints.iter().map(|place| format!("{}{place}", &page[1 + *place as usize..][..1])).collect();
            let wanted = format!(":6 ,{} :{} ,{} :{}", before + 12, before + 17, before + 34, 2 * before + 38);
            assert_eq!((joints.join(" "), end, seen.escapes), (wanted, page.len() - 7, true));
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
            prop_assert_eq!(end(page.as_bytes(), before).ok(), slow(page.as_bytes(), before));
            let short = &page.as_bytes()[..page.len().min(before + cut)];
            prop_assert_eq!(end(short, before).ok(), slow(short, before));
        }
    }
}
