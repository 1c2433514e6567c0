//! Where a list or an object ends, found 64 bytes at a time: which bytes of a block are quotes, backslashes and brackets is asked of all
//! at once, and only those with brackets outside of texts are walked through. The method is that of simdjson
//! (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.1).

use wide::u8x16;

use crate::cut::NotJson;

/// What nests deeper could not be read as a tree by anybody behind us.
const DEPTH_MAX: u32 = 127;

const BLOCK_BYTES: usize = 64;

/// Behind the list or object that begins at `open`. Brackets are counted, not matched by kind. `STRICT` refuses what Python writes for
/// numbers that JSON has no word for.
pub fn end<const STRICT: bool>(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    let mut texts = Texts::default();
    let (mut at, mut depth) = (open, 0);
    loop {
        let Some(block) = Block::at(bytes, at) else {
            return Err(NotJson(if texts.inside == 0 { "it ends too early" } else { "it ends within a text" }));
        };
        let marks = block.marks(if STRICT { [b'N', b'I'] } else { NOTHING });
        let outside = !texts.next(&marks);
        let (opens, closes) = (marks.opens & outside, marks.closes & outside);
        if STRICT && marks.letters & outside != 0 {
            // Such a word behind the end is not ours to judge.
            let (found, first) = (walk(opens, closes, &mut depth)?, (marks.letters & outside).trailing_zeros());
            return found.filter(|last| *last < first).map(|last| at + last as usize + 1).ok_or(NO_WORD);
        }
        if opens | closes != 0
            && let Some(last) = walk(opens, closes, &mut depth)?
        {
            return Ok(at + last as usize + 1);
        }
        at += BLOCK_BYTES;
    }
}

/// Whether the object that these bytes are may have a field that is null; one within another value does not count.
pub fn may_have_null(object: &[u8]) -> bool {
    let mut texts = Texts::default();
    let (mut at, mut depth) = (0, 0);
    while let Some(block) = Block::at(object, at) {
        // Outside of texts only `null` begins with this letter.
        let marks = block.marks([b'n', b'n']);
        let outside = !texts.next(&marks);
        let (mut left, opens, nulls) = ((marks.opens | marks.closes) & outside, marks.opens, marks.letters & outside);
        // From bracket to bracket: what stands up to the next one is as deep as what stands behind the last.
        let mut from = 0;
        while nulls >> from != 0 {
            let to = left.trailing_zeros();
            let between = nulls & (u64::MAX << from) & (1_u64.checked_shl(to).unwrap_or(0)).wrapping_sub(1);
            if depth == 1 && between != 0 {
                return true;
            }
            if left == 0 {
                break;
            }
            depth = if (opens >> to) & 1 == 1 { depth + 1 } else { depth - 1 };
            left &= left - 1;
            from = to;
        }
        depth += deeper(left & opens) - deeper(left & !opens);
        at += BLOCK_BYTES;
    }
    false
}

fn deeper(brackets: u64) -> i64 {
    i64::from(brackets.count_ones())
}

pub const NO_WORD: NotJson = NotJson("it holds a number that JSON has no word for");

/// No letter of any word.
const NOTHING: [u8; 2] = [0, 0];

/// So many bytes, with spaces behind the last.
enum Block<'a> {
    Whole(&'a [u8; BLOCK_BYTES]),
    Padded([u8; BLOCK_BYTES]),
}

impl<'a> Block<'a> {
    /// `None` behind the last.
    #[inline]
    fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        if let Some(whole) = rest.first_chunk() {
            return Some(Self::Whole(whole));
        }
        let mut padded = [b' '; BLOCK_BYTES];
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Some(Self::Padded(padded))
    }

    #[inline]
    fn marks(&self, letters: [u8; 2]) -> Marks {
        match self {
            Self::Whole(block) => Marks::of(block, letters),
            Self::Padded(block) => Marks::of(block, letters),
        }
    }
}

/// Bracket by bracket; the place of the one that closes what was opened first.
fn walk(opens: u64, closes: u64, depth: &mut u32) -> Result<Option<u32>, NotJson> {
    let (more, less) = (opens.count_ones(), closes.count_ones());
    if less < *depth && *depth + more <= DEPTH_MAX {
        *depth = *depth + more - less;
        return Ok(None);
    }
    let mut left = opens | closes;
    while left != 0 {
        let place = left.trailing_zeros();
        left &= left - 1;
        if (opens >> place) & 1 == 1 {
            if *depth == DEPTH_MAX {
                return Err(NotJson("it nests too deep"));
            }
            *depth += 1;
            continue;
        }
        *depth -= 1;
        if *depth == 0 {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Which bytes of a block are what, one bit for each.
struct Marks {
    quotes: u64,
    backslashes: u64,
    opens: u64,
    closes: u64,
    /// The letters that are looked for.
    letters: u64,
}

impl Marks {
    #[inline]
    fn of(block: &[u8; BLOCK_BYTES], letters: [u8; 2]) -> Self {
        let mut made = Self { quotes: 0, backslashes: 0, opens: 0, closes: 0, letters: 0 };
        let (parts, _) = block.as_chunks::<16>();
        for (index, part) in parts.iter().enumerate() {
            let bytes = u8x16::new(*part);
            // `[` and `{`, `]` and `}` differ in this one bit, and nothing else becomes one of them by it.
            let folded = bytes | u8x16::splat(b'[' ^ b'{');
            let mark = |is: u8x16| u64::from(is.to_bitmask()) << (16 * index);
            made.quotes |= mark(bytes.simd_eq(u8x16::splat(b'"')));
            made.backslashes |= mark(bytes.simd_eq(u8x16::splat(b'\\')));
            made.opens |= mark(folded.simd_eq(u8x16::splat(b'{')));
            made.closes |= mark(folded.simd_eq(u8x16::splat(b'}')));
            if letters != NOTHING {
                let [one, other] = letters.map(|letter| bytes.simd_eq(u8x16::splat(letter)));
                made.letters |= mark(one | other);
            }
        }
        made
    }
}

/// Where texts are, from block to block.
#[derive(Default)]
struct Texts {
    /// All ones if a text goes on from the block before.
    inside: u64,
    /// One if the first byte follows a backslash that escapes it.
    escapes: u64,
}

impl Texts {
    /// The bytes of the next block that belong to texts, opening quotes included.
    #[inline]
    fn next(&mut self, marks: &Marks) -> u64 {
        let mut texts = marks.quotes & !self.escaped(marks.backslashes);
        // A byte is in a text if the number of quotes up to it is odd.
        for places in [1, 2, 4, 8, 16, 32] {
            texts ^= texts << places;
        }
        texts ^= self.inside;
        self.inside = if texts >> 63 == 1 { u64::MAX } else { 0 };
        texts
    }

    /// The bytes that follow an odd number of backslashes.
    #[inline]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        if backslashes == 0 {
            return std::mem::take(&mut self.escapes);
        }
        let backslashes = backslashes & !self.escapes;
        let behind = (backslashes << 1) | self.escapes;
        let odd_begins = backslashes & !EVEN & !behind;
        let (ends, over) = odd_begins.overflowing_add(backslashes);
        self.escapes = u64::from(over);
        (EVEN ^ (ends << 1)) & behind
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(end::<true>(br#"{"a":NaN}"#, 0), Err(NO_WORD));
        assert_eq!(end::<true>(b"[-Infinity]", 0), Err(NO_WORD));
        assert_eq!(end::<true>(br#"{"a":"NaN"},NaN"#, 0), Ok(11));
        assert_eq!(end::<false>(br#"{"a":NaN}"#, 0), Ok(9));
    }

    #[test]
    fn only_a_null_of_the_outermost_object_counts() {
        for before in 0..70 {
            let spaces = " ".repeat(before);
            let has = |text: &str| may_have_null(text.as_bytes());
            assert!(has(&format!("{{{spaces}\"a\":null}}")));
            assert!(has(&format!("{{\"b\":[[1],{{}}],{spaces}\"a\": null}}")));
            assert!(has(&format!("{{\"b\":{{\"c\":{spaces}null}},\"a\":null }}")));
            assert!(!has(&format!("{{\"b\":{{\"c\":{spaces}null}},\"a\":[null]}}")));
            assert!(!has(&format!("{{\"n\":\"n{spaces}null\",\"b\":[{spaces}{{\"n\":null}}]}}")));
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
                prop_assert_eq!(may_have_null(object.as_bytes()), tree.values().any(serde_json::Value::is_null), "{}", object);
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
