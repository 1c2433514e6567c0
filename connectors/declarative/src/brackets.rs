//! Where a list or an object ends, found block by block: only those with brackets outside of texts are walked through.

use fearless_simd::{Level, Simd, dispatch};

use crate::{
    blocks::{BLOCK_BYTES, Block, Marks, Texts, below},
    cut::NotJson,
    piece::{Joints, Seen},
    tails::Tails,
};

/// An object or a list, and what was seen on the way to its end.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    /// Behind it.
    pub end: usize,
    /// What it may hold.
    pub seen: Seen,
    /// If it is an object, it has fields, and as many colons as fields.
    pub is_even: bool,
}

/// Behind the list or object that begins at `open`. Brackets are counted, not matched by kind.
pub fn end(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    search::<false, false>(bytes, open, Tails::NONE, &mut Joints::new()).map(|joined| joined.end)
}

/// The same, and what was seen on the way there.
pub fn end_seen(bytes: &[u8], open: usize) -> Result<(usize, Seen), NotJson> {
    search::<true, false>(bytes, open, Tails::NONE, &mut Joints::new()).map(|joined| (joined.end, joined.seen))
}

/// The same, and where those of its fields join, if it is an object, that may have such a name.
pub fn end_joined(bytes: &[u8], open: usize, tails: Tails, joints: &mut Joints) -> Result<Joined, NotJson> {
    search::<true, true>(bytes, open, tails, joints)
}

/// With the widest registers that the machine has.
fn search<const SEES: bool, const JOINS: bool>(bytes: &[u8], open: usize, tails: Tails, joints: &mut Joints) -> Result<Joined, NotJson> {
    dispatch!(Level::new(), simd => search_with::<_, SEES, JOINS>(simd, bytes, open, tails, joints))
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "what is not inlined is compiled for the narrowest registers")]
fn search_with<S: Simd, const SEES: bool, const JOINS: bool>(
    simd: S,
    bytes: &[u8],
    open: usize,
    tails: Tails,
    joints: &mut Joints,
) -> Result<Joined, NotJson> {
    let (mut texts, mut seen) = (Texts::default(), Seen::NOTHING);
    let (mut at, mut depth) = (open, 0);
    let mut pairs = Pairs { bytes, open, tails, joints, colons: 0, commas: 0, is_open: false };
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
            let joints = block.joints();
            pairs.look(at, joints.colons & outside & outermost, joints.commas & outside & outermost);
        }
        if let Some(last) = last {
            let last = at + last as usize;
            return Ok(Joined { end: last + 1, seen, is_even: !JOINS || pairs.end(last) });
        }
        at += BLOCK_BYTES;
    }
}

/// The fields of an object that may be wanted, each as the place of its colon and that of the comma or bracket behind its value.
struct Pairs<'a> {
    bytes: &'a [u8],
    /// Where the object begins, from which places count.
    open: usize,
    tails: Tails,
    joints: &'a mut Joints,
    /// So many were there.
    colons: usize,
    commas: usize,
    /// Of the last pair only the colon was found.
    is_open: bool,
}

impl Pairs<'_> {
    /// The colons and commas of the outermost object in the block that begins here.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is asked for every block")]
    fn look(&mut self, at: usize, colons: u64, commas: u64) {
        self.colons += colons.count_ones() as usize;
        self.commas += commas.count_ones() as usize;
        if self.is_open && commas != 0 {
            self.push(at + commas.trailing_zeros() as usize);
            self.is_open = false;
        }
        let mut left = colons;
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            let colon = at + place as usize;
            if !self.tails.may_have(self.bytes, colon) {
                continue;
            }
            self.push(colon);
            let behind = commas & (u64::MAX << place);
            self.is_open = behind == 0;
            if behind != 0 {
                self.push(at + behind.trailing_zeros() as usize);
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn push(&mut self, place: usize) {
        // An object that is longer than this is not read by its joints.
        self.joints.push(u32::try_from(place - self.open).unwrap_or(u32::MAX));
    }

    /// The object ends with this bracket. Says whether it has as many colons as fields.
    fn end(&mut self, last: usize) -> bool {
        if self.is_open {
            self.push(last);
        }
        self.colons == self.commas + 1
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
    fn wanted_fields_join_at_the_colons_and_ends_of_the_outermost_object_and_at_no_others() {
        let mut e = Tails::NONE;
        e.add("\"long name\"");
        for before in 0..70 {
            let spaces = " ".repeat(before);
            let page = format!("[{{\"a,:\":{spaces}[1,2],\"b\" : {{\"c\":[],\"d\":1}} ,{spaces}\"long name\":\"\\\",:\"}},\"a\":1]");
            let last = 2 * before + 53;
            let (second, third) = (format!(":{} ,{}", before + 17, before + 34), format!(":{} }}{last}", 2 * before + 46));
            for (tails, wanted) in [(Tails::ALL, format!(":6 ,{} {second} {third}", before + 12)), (e, format!("{second} {third}"))] {
                let mut joints = Joints::new();
                let joined = end_joined(page.as_bytes(), 1, tails, &mut joints).unwrap();
                let joints: Vec<_> = joints.iter().map(|place| format!("{}{place}", &page[1 + *place as usize..][..1])).collect();
                let found = (joints.join(" "), joined.end, joined.seen.escapes, joined.is_even);
                assert_eq!(found, (wanted, page.len() - 7, true, true), "behind the name of the second there is a space");
            }
        }
    }

    #[test]
    fn an_object_whose_names_and_values_do_not_take_turns_is_told() {
        let is_even = |object: &str| end_joined(object.as_bytes(), 0, Tails::ALL, &mut Joints::new()).unwrap().is_even;
        assert!(is_even("{\"a\":1}") && is_even("{\"a\":1,\"b\":{\"c\"},\"d\":[1,2]}"));
        for object in ["{}", "{\"a\"}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":1,\"b\"}", "{\"a\":1,\"b\",\"c\":2}"] {
            assert!(!is_even(object), "{object}");
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
