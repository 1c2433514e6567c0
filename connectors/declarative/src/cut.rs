//! Cuts a page into records without building a tree, byte by byte and only once, so that one record that is no UTF-8 spoils no other.
//! Nothing in here recurses into what a source sends: a page nested ten thousand deep costs no stack.

use bytes::Bytes;

/// Why a page cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no JSON: {0}")]
pub struct NotJson(pub &'static str);

/// What nests deeper could not be read as a tree by anybody behind us.
const DEPTH_MAX: usize = 127;

/// What was cut out of a page.
#[derive(Debug, Default)]
pub struct Cut {
    /// The elements of a list, the one object, or none if the path leads nowhere.
    pub records: Vec<Bytes>,
    /// Those of the wanted fields that the page has at its top, by their place among the wanted; `None` if it is no object.
    pub beside: Option<Vec<(usize, Bytes)>>,
}

/// The values at a path of object names. An empty path is the page itself.
pub fn cut(page: &Bytes, path: &[String]) -> Result<Vec<Bytes>, NotJson> {
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
    /// Where its value begins.
    pub value: usize,
    /// Behind the value.
    pub value_end: usize,
}

/// The fields of the object that these bytes are. Whatever is no value of JSON anywhere in them is an error.
pub fn fields(object: &[u8], mut found: impl FnMut(Field)) -> Result<(), NotJson> {
    let end = each_field(object, 0, |name, name_end, value| {
        let value_end = value_end::<true>(object, value)?;
        found(Field { name, name_end, value, value_end });
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
        each_field(page, open, |name, name_end, value| {
            let end = if is_name(&page[name..name_end], first) {
                self.cut.records.clear();
                self.value(value, rest, &[])?
            } else {
                value_end::<false>(page, value)?
            };
            self.keep(name, name_end, value..end, wanted);
            Ok(end)
        })
    }

    fn record(&mut self, open: usize, wanted: &[Box<str>]) -> Result<usize, NotJson> {
        let end = value_end::<false>(self.page, open)?;
        if self.page.get(space(self.page, open + 1)) != Some(&b'}') {
            self.cut.records.push(self.page.slice(open..end));
        }
        if !wanted.is_empty() {
            let page = self.page;
            each_field(page, open, |name, name_end, value| {
                let end = value_end::<false>(page, value)?;
                self.keep(name, name_end, value..end, wanted);
                Ok(end)
            })?;
        }
        Ok(end)
    }

    fn keep(&mut self, name: usize, name_end: usize, value: std::ops::Range<usize>, wanted: &[Box<str>]) {
        let Some(index) = wanted.iter().position(|wanted| is_name(&self.page[name..name_end], wanted)) else { return };
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
            let end = value_end::<false>(self.page, at)?;
            self.cut.records.push(self.page.slice(at..end));
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
fn each_field(bytes: &[u8], open: usize, mut field: impl FnMut(usize, usize, usize) -> Result<usize, NotJson>) -> Result<usize, NotJson> {
    let mut at = space(bytes, open + 1);
    if bytes.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        if bytes.get(at) != Some(&b'"') {
            return Err(NotJson("a name in quotes is missing"));
        }
        let name_end = string_end(bytes, at)?;
        let colon = space(bytes, name_end);
        if bytes.get(colon) != Some(&b':') {
            return Err(NotJson("a name is not followed by `:`"));
        }
        let end = field(at, name_end, space(bytes, colon + 1))?;
        at = space(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = space(bytes, at + 1),
            Some(b'}') => return Ok(at + 1),
            _ => return Err(NotJson("an object goes on neither with `,` nor with `}`")),
        }
    }
}

/// Whether a name as it stands in the bytes, quotes included, is this one.
pub fn is_name(quoted: &[u8], name: &str) -> bool {
    match quoted.get(1..quoted.len().saturating_sub(1)) {
        Some(plain) if plain == name.as_bytes() => !plain.contains(&b'\\'),
        Some(other) if other.contains(&b'\\') => serde_json::from_slice::<String>(quoted).is_ok_and(|text| text == name),
        Some(_) | None => false,
    }
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn string_end(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    let mut at = open + 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += text_stop(rest).ok_or(NotJson("it ends within a text"))?;
        if bytes.get(at) == Some(&b'"') {
            return Ok(at + 1);
        }
        at += 2;
    }
}

/// Where the first quote or backslash stands. Most texts are short, so the first bytes are looked at eight at a time.
fn text_stop(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    // The lowest marked byte is one that is sought; those above it may be marked wrongly.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()).filter(|_| at < 24) {
        let word = u64::from_le_bytes(*chunk);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', &bytes[at..]).map(|found| at + found)
}

/// Behind the value that begins at `at`. Brackets are counted, not matched by kind; whoever parses a record checks it whole. `STRICT`
/// refuses what Python writes for numbers that JSON has no word for.
fn value_end<const STRICT: bool>(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    match bytes.get(at) {
        None => Err(NotJson("it ends too early")),
        Some(b'"') => string_end(bytes, at),
        Some(b'{' | b'[') => nested_end::<STRICT>(bytes, at),
        Some(b'N' | b'I') if STRICT => Err(NO_WORD),
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
            let rest = bytes[at..].iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
            let end = rest.map_or(bytes.len(), |length| at + length);
            if STRICT && bytes[at..end].contains(&b'I') { Err(NO_WORD) } else { Ok(end) }
        }
        Some(_) => Err(NotJson("something stands where a value should")),
    }
}

const NO_WORD: NotJson = NotJson("it holds a number that JSON has no word for");

fn nested_end<const STRICT: bool>(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    let (mut depth, mut at) = (1_usize, open + 1);
    loop {
        match bytes.get(at) {
            None => return Err(NotJson("it ends too early")),
            Some(b'"') => {
                at = string_end(bytes, at)?;
                continue;
            }
            Some(b'{' | b'[') if depth == DEPTH_MAX => return Err(NotJson("it nests too deep")),
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => depth -= 1,
            Some(b'N' | b'I') if STRICT => return Err(NO_WORD),
            Some(_) => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
}

/// The value of a field of the object that these bytes are; the last one of that name.
pub fn field(object: &Bytes, name: &str) -> Option<Bytes> {
    let mut last = None;
    if object.first() != Some(&b'{') {
        return None;
    }
    fields(object, |field| {
        if is_name(&object[field.name..field.name_end], name) {
            last = Some(object.slice(field.value..field.value_end));
        }
    })
    .ok()?;
    last
}
