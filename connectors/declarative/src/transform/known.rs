//! Where those fields of a record stand that its transformations know by name.

use crate::{
    cut,
    fields::{self, Field, fields},
    piece::Raw,
    tails::{self, Tails},
};

/// The names of fields that are looked for.
#[derive(Debug, Clone)]
pub struct Names {
    plain: Vec<Box<str>>,
    /// The same as they are written, and how that ends.
    quoted: Vec<(String, Option<u32>)>,
    /// How any of them ends.
    pub tails: Tails,
    /// Some of them have letters that are no ASCII.
    pub odd: bool,
    /// Some of them are written with a backslash.
    pub escapes: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self { plain: Vec::new(), quoted: Vec::new(), tails: Tails::NONE, odd: false, escapes: false }
    }
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.plain.len()
    }

    /// The number of this name, which is added if it is not known.
    pub fn index(&mut self, name: &str) -> usize {
        self.plain.iter().position(|known| known.as_ref() == name).unwrap_or_else(|| {
            let quoted = serde_json::Value::from(name).to_string();
            self.odd |= !name.is_ascii();
            self.escapes |= quoted.contains('\\');
            self.tails.add(&quoted);
            self.plain.push(name.into());
            let tail = tails::of_name(&quoted);
            self.quoted.push((quoted, tail));
            self.plain.len() - 1
        })
    }

    /// The name with this number.
    pub fn name(&self, index: usize) -> &str {
        &self.plain[index]
    }

    /// The same with its quotes.
    pub fn quoted(&self, index: usize) -> &[u8] {
        self.quoted[index].0.as_bytes()
    }

    /// Which of them stands here, with its quotes.
    fn find(&self, quoted: &[u8], escaped: bool) -> Option<usize> {
        self.plain.iter().position(|known| cut::is_name(quoted, escaped, known))
    }

    /// Which of them stands right before this colon, and where it begins. There is no backslash.
    #[inline]
    fn before(&self, bytes: &[u8], colon: usize) -> Option<(usize, usize)> {
        let (name, tail) = (bytes.get(..colon)?, tails::before(bytes, colon));
        let index =
            self.quoted.iter().position(|(quoted, known)| (known.is_none() || *known == tail) && name.ends_with(quoted.as_bytes()))?;
        Some((index, colon - self.quoted[index].0.len()))
    }
}

/// A known field of a record, by places in it.
#[derive(Debug, Clone, Copy)]
pub struct Stand {
    /// Which of the names it has.
    pub index: usize,
    /// Where its value begins.
    pub value: usize,
    /// Behind its value.
    pub value_end: usize,
    /// Behind the value of the field before; where its own name begins if there is none.
    pub before: usize,
    /// Where the name of the field behind it begins; behind its own value if there is none.
    pub next: usize,
}

/// All known fields of a record.
#[derive(Debug, Default)]
pub struct Stands {
    /// In the order of the record.
    pub fields: Vec<Stand>,
    /// Where the name of the first field begins, known or not.
    pub begin: usize,
    /// Behind the value of the last.
    pub end: usize,
    /// A field that is not known may be null.
    pub null: bool,
}

impl Stands {
    /// Finds them. `None` where the record is no object, or has two fields of one known name: of these the last one counts, and the first
    /// says where it stands.
    pub fn find(&mut self, record: Raw<'_>, joints: Option<&[u32]>, names: &Names) -> Option<()> {
        self.fields.clear();
        if let Some(joints) = joints.filter(|_| !record.seen.escapes)
            && let Some(is_told) = self.find_joined(record, joints, names)
        {
            return is_told.then_some(());
        }
        self.fields.clear();
        (self.begin, self.end, self.null) = (1, 1, false);
        let mut is_told = true;
        let mut walk = Walk::new(record, names);
        let walked = fields(record.bytes, |field| is_told &= walk.put(self, field).is_some());
        walk.end(self);
        walked.ok().filter(|()| is_told)
    }

    /// The same by the joints of those fields that may be known. `None` where these do not tell it.
    fn find_joined(&mut self, record: Raw<'_>, joints: &[u32], names: &Names) -> Option<bool> {
        let bytes: &[u8] = record.bytes;
        let [b'{', inner @ .., b'}'] = bytes else { return None };
        (self.begin, self.end, self.null) = (1 + spaces(inner), 1 + inner.trim_ascii_end().len(), record.seen.null);
        let mut is_told = bytes.get(self.begin) == Some(&b'"');
        for pair in joints.chunks_exact(2) {
            let (colon, to) = (pair[0] as usize, pair[1] as usize);
            let Some((index, name)) = names.before(bytes, colon) else {
                // Behind a name with spaces behind it there may be any.
                if bytes.get(colon - 1) == Some(&b'"') {
                    continue;
                }
                return None;
            };
            let before = match &bytes[..name] {
                // Most sources write no spaces.
                [.., b'!'..=b'~', b','] => name - 1,
                written => match written.trim_ascii_end() {
                    [b'{'] => name,
                    [rest @ .., b','] => rest.trim_ascii_end().len(),
                    _ => return None,
                },
            };
            let (value, value_end) = fields::trimmed_value(bytes, colon, to)?;
            let next = if bytes.get(to) == Some(&b',') { to + 1 + spaces(&bytes[to + 1..]) } else { value_end };
            is_told &= !self.fields.iter().any(|known| known.index == index);
            self.fields.push(Stand { index, value, value_end, before, next });
        }
        Some(is_told)
    }
}

/// So many spaces it begins with.
#[inline]
fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The way through the fields of a record.
struct Walk<'a> {
    record: &'a [u8],
    names: &'a Names,
    has_null: bool,
    /// Behind the value of the field before.
    before: Option<usize>,
    /// The field before was known, and what follows it was not yet seen.
    is_open: bool,
    null: bool,
}

impl<'a> Walk<'a> {
    fn new(record: Raw<'a>, names: &'a Names) -> Self {
        Self { record: record.bytes, names, has_null: record.seen.null, before: None, is_open: false, null: false }
    }

    /// One more field. `None` if it is the second of a known name.
    #[inline]
    fn put(&mut self, stands: &mut Stands, field: Field) -> Option<()> {
        let Field { name, name_end, name_escaped, value, value_end } = field;
        let before = self.before.unwrap_or_else(|| {
            stands.begin = name;
            name
        });
        self.before = Some(value_end);
        if std::mem::take(&mut self.is_open)
            && let Some(last) = stands.fields.last_mut()
        {
            last.next = name;
        }
        let Some(index) = self.names.find(&self.record[name..name_end], name_escaped) else {
            self.null |= self.has_null && self.record.get(value) == Some(&b'n');
            return Some(());
        };
        let is_second = stands.fields.iter().any(|known| known.index == index);
        self.is_open = true;
        stands.fields.push(Stand { index, value, value_end, before, next: value_end });
        (!is_second).then_some(())
    }

    fn end(self, stands: &mut Stands) {
        stands.end = self.before.unwrap_or(stands.end);
        stands.null = self.null;
    }
}
