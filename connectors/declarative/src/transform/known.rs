//! Where those fields of a record stand that its transformations know by name.

use crate::{
    cut::{self, Field},
    piece::Piece,
};

/// The names of fields that are looked for.
#[derive(Debug, Clone, Default)]
pub struct Names {
    plain: Vec<Box<str>>,
    /// The same as they are written.
    quoted: Vec<String>,
    /// How those begin.
    heads: Vec<u64>,
    /// One bit for each hash of those.
    hashes: u64,
    /// Some of them have letters that are no ASCII.
    pub odd: bool,
    /// Some of them are written with a backslash.
    pub escapes: bool,
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
            let head = head(quoted.as_bytes(), 0, quoted.len());
            self.hashes |= hash_bit(head);
            self.heads.push(head);
            self.odd |= !name.is_ascii();
            self.escapes |= quoted.contains('\\');
            self.plain.push(name.into());
            self.quoted.push(quoted);
            self.plain.len() - 1
        })
    }

    /// The name with this number.
    pub fn name(&self, index: usize) -> &str {
        &self.plain[index]
    }

    /// The same with its quotes.
    pub fn quoted(&self, index: usize) -> &[u8] {
        self.quoted[index].as_bytes()
    }

    /// Which of them stands here, with its quotes.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is asked for every field of every record")]
    fn find(&self, bytes: &[u8], from: usize, to: usize, escaped: bool) -> Option<usize> {
        if escaped {
            return self.plain.iter().position(|known| cut::is_name(&bytes[from..to], true, known));
        }
        let head = head(bytes, from, to);
        if self.hashes & hash_bit(head) == 0 {
            return None;
        }
        let mut alike = self.heads.iter().enumerate().filter(|(_, known)| **known == head);
        alike.find_map(|(index, _)| {
            let quoted = self.quoted[index].as_bytes();
            // A short one was compared as a whole.
            let is_same = quoted.len() == to - from && (quoted.len() <= HEAD_BYTES || quoted == &bytes[from..to]);
            is_same.then_some(index)
        })
    }
}

const HEAD_BYTES: usize = 8;

/// The first bytes of a name.
#[inline]
fn head(bytes: &[u8], from: usize, to: usize) -> u64 {
    let head = match bytes[from..].first_chunk() {
        Some(head) => u64::from_le_bytes(*head),
        None => bytes[from..].iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    };
    if to - from < HEAD_BYTES { head & ((1 << (8 * (to - from))) - 1) } else { head }
}

/// One of 64, told by the golden ratio's bits as Knuth has it ("The Art of Computer Programming" 3, section 6.4).
#[inline]
fn hash_bit(head: u64) -> u64 {
    1 << (head.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
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
    /// A field that is not known is null.
    pub null: bool,
}

impl Stands {
    /// Finds them. `None` where the record is no object, or has two fields of one known name: of these the last one counts, and the first
    /// says where it stands.
    pub fn find(&mut self, record: &Piece, joints: &[u32], names: &Names) -> Option<()> {
        self.fields.clear();
        (self.begin, self.end, self.null) = (1, 1, false);
        if let Some(is_told) = self.find_tight(record, joints, names) {
            return is_told.then_some(());
        }
        self.fields.clear();
        let mut is_told = true;
        let mut walk = Walk::new(record, names);
        let found = |field| is_told &= walk.put(self, field).is_some();
        let walked = match joints {
            [] => cut::fields(record, found),
            joints => cut::joined(record, joints, record.seen.escapes, found),
        };
        walk.end(self);
        walked.ok().filter(|()| is_told)
    }

    /// The same where there are no spaces around names and values, as most sources write. `None` where there are some.
    fn find_tight(&mut self, record: &Piece, joints: &[u32], names: &Names) -> Option<bool> {
        let bytes: &[u8] = record;
        if joints.len().is_multiple_of(2) || record.seen.escapes {
            return None;
        }
        let (has_null, mut null, mut is_told, mut is_open) = (record.seen.null, false, true, false);
        let mut from = 1;
        for pair in joints.chunks(2) {
            let (colon, to, comma) = match *pair {
                [colon, comma] => (colon as usize, comma as usize, b','),
                _ => (*pair.first()? as usize, bytes.len() - 1, b'}'),
            };
            let ([b'"', .., b'"', b':'], [first, .., end]) = (bytes.get(from..=colon)?, bytes.get(colon + 1..=to)?) else { return None };
            if *end != comma || *first <= b' ' || bytes[to - 1] <= b' ' {
                return None;
            }
            if is_open && let Some(last) = self.fields.last_mut() {
                last.next = from;
            }
            let known = names.find(bytes, from, colon, false);
            is_open = known.is_some();
            if let Some(index) = known {
                is_told &= !self.fields.iter().any(|known| known.index == index);
                let before = if from == 1 { 1 } else { from - 1 };
                self.fields.push(Stand { index, value: colon + 1, value_end: to, before, next: to });
            } else {
                null |= has_null && *first == b'n';
            }
            from = to + 1;
        }
        (self.end, self.null) = (bytes.len() - 1, null);
        Some(is_told)
    }
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
    fn new(record: &'a Piece, names: &'a Names) -> Self {
        Self { record, names, has_null: record.seen.null, before: None, is_open: false, null: false }
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
        let Some(index) = self.names.find(self.record, name, name_end, name_escaped) else {
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
