//! Cuts a page into records without building a tree, byte by byte and only once, so that one record that is no UTF-8 spoils no other.
//! Nothing in here recurses into what a source sends: a page nested ten thousand deep costs no stack.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    brackets,
    piece::{Joints, Place},
    tails::Tails,
};

/// Why a page cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be read: {0}")]
pub struct NotJson(pub &'static str);

/// So many pieces of a page are kept: what they point at may be as small as a digit, and each takes some 70 bytes.
pub const PIECES_MAX: usize = 4_000_000;

/// For at most so many records is room made when the first is seen.
const ALIKE_MAX: usize = 4096;

impl NotJson {
    /// There is JSON, but of records more than anybody can want of one page.
    pub const TOO_MANY: Self = Self("it holds more than 4 million records");

    /// What Python writes for numbers that JSON has no word for.
    pub const NO_WORD: Self = Self("it holds a number that JSON has no word for");
}

/// What was cut out of a page.
#[derive(Debug, Default)]
pub struct Cut {
    /// The elements of a list, the one object, or none if the path leads nowhere.
    pub records: Vec<Place>,
    /// Those of the wanted fields that the page has at its top, by their place among the wanted; `None` if it is no object.
    pub beside: Option<Vec<(usize, Bytes)>>,
    /// Those of the records, where they were asked for.
    pub joints: Joints,
}

/// What is wanted of a page beside its records.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Fields at its top, by name.
    pub fields: &'a [Box<str>],
    /// Where those fields of its records join that may have such names.
    pub joints: Option<Tails>,
}

/// The values at a path of object names. An empty path is the page itself.
pub fn cut(page: &Bytes, path: &[String]) -> Result<Vec<Place>, NotJson> {
    cut_beside(page, path, Wanted::default()).map(|cut| cut.records)
}

/// The same, and what else is wanted.
pub fn cut_beside(page: &Bytes, path: &[String], wanted: Wanted<'_>) -> Result<Cut, NotJson> {
    let begin = space(page, 0);
    let beside = (page.get(begin) == Some(&b'{')).then(Vec::new);
    let mut cutter = Cutter { page, joints: wanted.joints, cut: Cut { beside, ..Cut::default() } };
    let end = cutter.value(begin, path, wanted.fields)?;
    if space(page, end) != page.len() {
        return Err(NotJson("something stands behind its end"));
    }
    Ok(cutter.cut)
}

struct Cutter<'a> {
    page: &'a Bytes,
    joints: Option<Tails>,
    cut: Cut,
}

impl Cutter<'_> {
    /// Goes through the value that begins at `at`, and says where it ends. The path is the manifest's, and short.
    fn value(&mut self, at: usize, path: &[String], wanted: &[Box<str>]) -> Result<usize, NotJson> {
        match (self.page.get(at), path) {
            (Some(b'['), []) => self.elements(at),
            (Some(b'{'), [first, rest @ ..]) => self.object(at, first, rest, wanted),
            (Some(b'{'), []) => self.record(at, wanted),
            _ => value_end(self.page, at),
        }
    }

    /// The last field of a name counts, as JSON parsers take it.
    fn object(&mut self, open: usize, first: &str, rest: &[String], wanted: &[Box<str>]) -> Result<usize, NotJson> {
        let page = self.page;
        each_field(page, open, |name, value| {
            let end = if name.is(page, first) {
                self.cut.records.clear();
                self.cut.joints.clear();
                self.value(value, rest, &[])?
            } else {
                value_end(page, value)?
            };
            self.keep(name, value..end, wanted);
            Ok(end)
        })
    }

    fn record(&mut self, open: usize, wanted: &[Box<str>]) -> Result<usize, NotJson> {
        let place = self.place(open)?;
        let end = place.at.end;
        if self.page.get(space(self.page, open + 1)) != Some(&b'}') {
            self.cut.records.push(place);
        }
        if !wanted.is_empty() {
            let page = self.page;
            each_field(page, open, |name, value| {
                let end = value_end(page, value)?;
                self.keep(name, value..end, wanted);
                Ok(end)
            })?;
        }
        Ok(end)
    }

    /// Where the object stands that begins here. The first one tells how many there may be.
    fn place(&mut self, open: usize) -> Result<Place, NotJson> {
        let before = self.cut.joints.len();
        let (end, seen, is_even) = match self.joints {
            None => brackets::end_seen(self.page, open).map(|(end, seen)| (end, seen, false))?,
            Some(tails) => {
                let joined = brackets::end_joined(self.page, open, tails, &mut self.cut.joints)?;
                (joined.end, joined.seen, joined.is_even)
            }
        };
        let behind = self.cut.joints.len();
        if self.cut.records.is_empty() {
            let alike = (self.page.len() / (end - open)).min(ALIKE_MAX);
            self.cut.records.reserve(alike + 1);
            self.cut.joints.reserve(alike * (behind - before));
        }
        let joints = u32::try_from(before).ok().zip(u32::try_from(behind).ok()).filter(|_| is_even);
        Ok(Place { at: open..end, seen, joints: joints.map(|(from, to)| from..to) })
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
            let place = match self.page.get(at) {
                Some(b'{') => self.place(at)?,
                _ => Place::unknown(at..value_end(self.page, at)?),
            };
            if self.cut.records.len() == PIECES_MAX {
                return Err(NotJson::TOO_MANY);
            }
            at = space(self.page, place.at.end);
            self.cut.records.push(place);
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

/// Where the first quote or backslash stands.
fn text_stop(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'"', b'\\', bytes)
}

/// Behind the value that begins at `at`. Brackets are counted, not matched by kind; whoever parses a record checks it whole.
fn value_end(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    match bytes.get(at) {
        None => Err(NotJson("it ends too early")),
        Some(b'"') => text(bytes, at).map(|text| text.end),
        Some(b'{' | b'[') => brackets::end(bytes, at),
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
            let rest = bytes[at..].iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
            Ok(rest.map_or(bytes.len(), |length| at + length))
        }
        Some(_) => Err(NotJson("something stands where a value should")),
    }
}
