//! Cuts a page into records without building a tree, byte by byte and only once, so that one record that is no UTF-8 spoils no other.
//! Nothing in here recurses into what a source sends: a page nested ten thousand deep costs no stack.

use std::ops::Range;

use bytes::Bytes;
use wide::u8x16;

use crate::{
    brackets,
    piece::{Piece, Seen},
};

/// Why a page cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no JSON: {0}")]
pub struct NotJson(pub &'static str);

impl NotJson {
    /// What Python writes for numbers that JSON has no word for.
    pub const NO_WORD: Self = Self("it holds a number that JSON has no word for");
}

/// What was cut out of a page.
#[derive(Debug, Default)]
pub struct Cut {
    /// The elements of a list, the one object, or none if the path leads nowhere.
    pub records: Vec<Piece>,
    /// Those of the wanted fields that the page has at its top, by their place among the wanted; `None` if it is no object.
    pub beside: Option<Vec<(usize, Bytes)>>,
}

/// The values at a path of object names. An empty path is the page itself.
pub fn cut(page: &Bytes, path: &[String]) -> Result<Vec<Piece>, NotJson> {
    cut_beside(page, path, &[]).map(|cut| cut.records)
}

/// The same, and some fields of the page.
pub fn cut_beside(page: &Bytes, path: &[String], wanted: &[Box<str>]) -> Result<Cut, NotJson> {
    let begin = space(page, 0);
    let beside = (page.get(begin) == Some(&b'{')).then(Vec::new);
    let mut cutter = Cutter { page, cut: Cut { records: Vec::new(), beside } };
    let end = cutter.value(begin, path, wanted)?;
    if space(page, end) != page.len() {
        return Err(NotJson("something stands behind its end"));
    }
    Ok(cutter.cut)
}

/// A field of an object: the place of its name, quotes included, and that of its value.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Where its name begins.
    pub name: usize,
    /// Behind the name.
    pub name_end: usize,
    /// The name has backslashes.
    pub name_escaped: bool,
    /// Where its value begins.
    pub value: usize,
    /// Behind the value.
    pub value_end: usize,
}

/// The fields of the object that these bytes are. Whatever is no value of JSON anywhere in them is an error.
pub fn fields(object: &[u8], mut found: impl FnMut(Field)) -> Result<(), NotJson> {
    let end = each_field(object, 0, |name, value| {
        let value_end = value_end::<true>(object, value)?;
        found(Field { name: name.begin, name_end: name.end, name_escaped: name.escaped, value, value_end });
        Ok(value_end)
    })?;
    if end == object.len() { Ok(()) } else { Err(NotJson("something stands behind its end")) }
}

struct Cutter<'a> {
    page: &'a Bytes,
    cut: Cut,
}

impl Cutter<'_> {
    /// Goes through the value that begins at `at`, and says where it ends. The path is the manifest's, and short.
    fn value(&mut self, at: usize, path: &[String], wanted: &[Box<str>]) -> Result<usize, NotJson> {
        match (self.page.get(at), path) {
            (Some(b'['), []) => self.elements(at),
            (Some(b'{'), [first, rest @ ..]) => self.object(at, first, rest, wanted),
            (Some(b'{'), []) => self.record(at, wanted),
            _ => value_end::<false>(self.page, at),
        }
    }

    /// The last field of a name counts, as JSON parsers take it.
    fn object(&mut self, open: usize, first: &str, rest: &[String], wanted: &[Box<str>]) -> Result<usize, NotJson> {
        let page = self.page;
        each_field(page, open, |name, value| {
            let end = if name.is(page, first) {
                self.cut.records.clear();
                self.value(value, rest, &[])?
            } else {
                value_end::<false>(page, value)?
            };
            self.keep(name, value..end, wanted);
            Ok(end)
        })
    }

    fn record(&mut self, open: usize, wanted: &[Box<str>]) -> Result<usize, NotJson> {
        let (end, seen) = brackets::end_seen(self.page, open)?;
        if self.page.get(space(self.page, open + 1)) != Some(&b'}') {
            self.cut.records.push(Piece { bytes: self.page.slice(open..end), seen });
        }
        if !wanted.is_empty() {
            let page = self.page;
            each_field(page, open, |name, value| {
                let end = value_end::<false>(page, value)?;
                self.keep(name, value..end, wanted);
                Ok(end)
            })?;
        }
        Ok(end)
    }

    fn keep(&mut self, name: Text, value: Range<usize>, wanted: &[Box<str>]) {
        let Some(index) = wanted.iter().position(|wanted| name.is(self.page, wanted)) else { return };
        let value = self.page.slice(value);
        let Some(beside) = &mut self.cut.beside else { return };
        beside.retain(|(known, _)| *known != index);
        beside.push((index, value));
    }

    fn elements(&mut self, open: usize) -> Result<usize, NotJson> {
        let mut at = space(self.page, open + 1);
        if self.page.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        loop {
            let (end, seen) = match self.page.get(at) {
                Some(b'{') => brackets::end_seen(self.page, at)?,
                _ => (value_end::<false>(self.page, at)?, Seen::UNKNOWN),
            };
            self.cut.records.push(Piece { bytes: self.page.slice(at..end), seen });
            at = space(self.page, end);
            match self.page.get(at) {
                Some(b',') => at = space(self.page, at + 1),
                Some(b']') => return Ok(at + 1),
                _ => return Err(NotJson("a list goes on neither with `,` nor with `]`")),
            }
        }
    }
}

/// Goes through the object that begins at `open`, and says where it ends. What is done with a field says where that ends.
fn each_field(bytes: &[u8], open: usize, mut field: impl FnMut(Text, usize) -> Result<usize, NotJson>) -> Result<usize, NotJson> {
    let mut at = space(bytes, open + 1);
    if bytes.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        if bytes.get(at) != Some(&b'"') {
            return Err(NotJson("a name in quotes is missing"));
        }
        let name = text(bytes, at)?;
        let colon = space(bytes, name.end);
        if bytes.get(colon) != Some(&b':') {
            return Err(NotJson("a name is not followed by `:`"));
        }
        let end = field(name, space(bytes, colon + 1))?;
        at = space(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = space(bytes, at + 1),
            Some(b'}') => return Ok(at + 1),
            _ => return Err(NotJson("an object goes on neither with `,` nor with `}`")),
        }
    }
}

/// Where a text stands, quotes included.
#[derive(Debug, Clone, Copy)]
struct Text {
    begin: usize,
    end: usize,
    escaped: bool,
}

impl Text {
    fn is(self, bytes: &[u8], name: &str) -> bool {
        is_name(&bytes[self.begin..self.end], self.escaped, name)
    }
}

/// Whether a name as it stands in the bytes, quotes included and with backslashes or without, is this one.
pub fn is_name(quoted: &[u8], escaped: bool, name: &str) -> bool {
    if escaped {
        return serde_json::from_slice::<String>(quoted).is_ok_and(|text| text == name);
    }
    quoted.get(1..quoted.len().saturating_sub(1)) == Some(name.as_bytes())
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn text(bytes: &[u8], begin: usize) -> Result<Text, NotJson> {
    let (mut at, mut escaped) = (begin + 1, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += text_stop(rest).ok_or(NotJson("it ends within a text"))?;
        if bytes.get(at) == Some(&b'"') {
            return Ok(Text { begin, end: at + 1, escaped });
        }
        escaped = true;
        at += 2;
    }
}

/// Where the first quote or backslash stands. Most texts are short, so the first bytes are looked at before a faster search is begun.
#[inline]
fn text_stop(bytes: &[u8]) -> Option<usize> {
    const AT_FIRST_BYTES: usize = 48;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()).filter(|_| at < AT_FIRST_BYTES) {
        let chunk = u8x16::new(*chunk);
        let found = chunk.simd_eq(u8x16::splat(b'"')) | chunk.simd_eq(u8x16::splat(b'\\'));
        let found = found.to_bitmask();
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += 16;
    }
    memchr::memchr2(b'"', b'\\', &bytes[at..]).map(|found| at + found)
}

/// Behind the value that begins at `at`. Brackets are counted, not matched by kind; whoever parses a record checks it whole. `STRICT`
/// refuses what Python writes for numbers that JSON has no word for.
fn value_end<const STRICT: bool>(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    match bytes.get(at) {
        None => Err(NotJson("it ends too early")),
        Some(b'"') => text(bytes, at).map(|text| text.end),
        Some(b'{' | b'[') => brackets::end::<STRICT>(bytes, at),
        Some(b'N' | b'I') if STRICT => Err(NotJson::NO_WORD),
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
            let rest = bytes[at..].iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
            let end = rest.map_or(bytes.len(), |length| at + length);
            if STRICT && bytes[at..end].contains(&b'I') { Err(NotJson::NO_WORD) } else { Ok(end) }
        }
        Some(_) => Err(NotJson("something stands where a value should")),
    }
}

/// Where the value of a field of the object that these bytes are stands; the last one of that name.
pub fn field(object: &[u8], name: &str) -> Option<Range<usize>> {
    let mut last = None;
    if object.first() != Some(&b'{') {
        return None;
    }
    fields(object, |field| {
        if is_name(&object[field.name..field.name_end], field.name_escaped, name) {
            last = Some(field.value..field.value_end);
        }
    })
    .ok()?;
    last
}
