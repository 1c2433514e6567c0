//! Cuts a page into records without building a tree, byte by byte and only once, so that one record that is no UTF-8 spoils no other.
//! Nothing in here recurses into what a source sends: a page nested ten thousand deep costs no stack.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    brackets,
    piece::{Joints, Piece},
};

/// Why a page cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be read: {0}")]
pub struct NotJson(pub &'static str);

/// So many pieces of a page are kept: what they point at may be as small as a digit, and each takes some 70 bytes.
pub const PIECES_MAX: usize = 4_000_000;

/// Room for so many is made before an object is looked at.
const JOINTS_AT_FIRST: usize = 48;

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
    pub records: Vec<Piece>,
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
    /// Where the fields of its records join.
    pub joints: bool,
}

/// The values at a path of object names. An empty path is the page itself.
pub fn cut(page: &Bytes, path: &[String]) -> Result<Vec<Piece>, NotJson> {
    cut_beside(page, path, Wanted::default()).map(|cut| cut.records)
}

/// The same, and what else is wanted.
pub fn cut_beside(page: &Bytes, path: &[String], wanted: Wanted<'_>) -> Result<Cut, NotJson> {
    let begin = space(page, 0);
    let beside = (page.get(begin) == Some(&b'{')).then(Vec::new);
    let mut cutter = Cutter { page, joins: wanted.joints, cut: Cut { beside, ..Cut::default() } };
    let end = cutter.value(begin, path, wanted.fields)?;
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

/// The fields of the object that these bytes are. What is no object, or holds a number that JSON has no word for, is an error.
pub fn fields(object: &[u8], found: impl FnMut(Field)) -> Result<(), NotJson> {
    let mut joints = Joints::with_capacity(JOINTS_AT_FIRST);
    let (end, seen) = brackets::end_joined(object, 0, &mut joints)?;
    if end != object.len() {
        return Err(NotJson("something stands behind its end"));
    }
    if seen.word {
        return Err(NotJson::NO_WORD);
    }
    joined(object, &joints, seen.escapes, found)
}

/// The same for an object whose joints are known, and whether it may have backslashes.
#[inline]
pub fn joined(object: &[u8], joints: &[u32], may_escape: bool, mut found: impl FnMut(Field)) -> Result<(), NotJson> {
    let (Some(b'{'), Some(b'}')) = (object.first(), object.last()) else { return Err(NotJson("it is no object")) };
    let (mut from, mut left) = (1, joints.iter().map(|place| *place as usize));
    loop {
        let Some(colon) = left.next() else {
            let is_empty = from == 1 && object[1..object.len() - 1].trim_ascii().is_empty();
            return if is_empty { Ok(()) } else { Err(NotJson("a name is not followed by `:`")) };
        };
        let comma = left.next();
        let to = comma.unwrap_or(object.len() - 1);
        if object.get(colon) != Some(&b':') || comma.is_some() && object.get(to) != Some(&b',') {
            return Err(NotJson("`:` and `,` do not take turns"));
        }
        let Some((name, name_end)) = trimmed(object, from, colon).filter(|(from, to)| is_text(object, *from, *to)) else {
            return Err(NotJson("a name in quotes is missing"));
        };
        let Some((value, value_end)) = trimmed(object, colon + 1, to).filter(|(from, to)| is_value(object, *from, *to)) else {
            return Err(NotJson("something stands where a value should"));
        };
        let name_escaped = may_escape && object[name..name_end].contains(&b'\\');
        found(Field { name, name_end, name_escaped, value, value_end });
        if comma.is_none() {
            return Ok(());
        }
        from = to + 1;
    }
}

/// Without the spaces around it; `None` if there is nothing else.
#[inline]
fn trimmed(bytes: &[u8], from: usize, to: usize) -> Option<(usize, usize)> {
    let part = bytes.get(from..to)?;
    // Most sources write no spaces.
    if *part.first()? > b' ' && *part.last()? > b' ' {
        return Some((from, to));
    }
    let length = part.trim_ascii_start().len();
    let from = to - length;
    (length > 0).then(|| (from, from + part.trim_ascii().len()))
}

#[inline]
fn is_text(bytes: &[u8], from: usize, to: usize) -> bool {
    to - from >= 2 && bytes[from] == b'"' && bytes[to - 1] == b'"'
}

/// Whether it begins and ends as a value does. What stands between is judged by whoever reads it.
#[inline]
fn is_value(bytes: &[u8], from: usize, to: usize) -> bool {
    match bytes[from] {
        b'"' => is_text(bytes, from, to),
        b'{' => bytes[to - 1] == b'}',
        b'[' => bytes[to - 1] == b']',
        byte => byte == b'-' || byte.is_ascii_alphanumeric(),
    }
}

struct Cutter<'a> {
    page: &'a Bytes,
    joins: bool,
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
        let (piece, end) = self.piece(open)?;
        if self.page.get(space(self.page, open + 1)) != Some(&b'}') {
            self.cut.records.push(piece);
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

    /// The object that begins here, and where it ends. The first one tells how many there may be.
    fn piece(&mut self, open: usize) -> Result<(Piece, usize), NotJson> {
        let joints_before = self.cut.joints.len();
        let (end, seen) =
            if self.joins { brackets::end_joined(self.page, open, &mut self.cut.joints)? } else { brackets::end_seen(self.page, open)? };
        let joints = joints_before..self.cut.joints.len();
        if self.cut.records.is_empty() {
            let alike = (self.page.len() / (end - open)).min(ALIKE_MAX);
            self.cut.records.reserve(alike + 1);
            self.cut.joints.reserve(alike * joints.len());
        }
        Ok((Piece { bytes: self.page.slice(open..end), seen, joints }, end))
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
            let (piece, end) = match self.page.get(at) {
                Some(b'{') => self.piece(at)?,
                _ => {
                    let end = value_end(self.page, at)?;
                    (self.page.slice(at..end).into(), end)
                }
            };
            if self.cut.records.len() == PIECES_MAX {
                return Err(NotJson::TOO_MANY);
            }
            self.cut.records.push(piece);
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
