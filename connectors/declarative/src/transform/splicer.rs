//! One record after the other changed in its bytes.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{
    known::Stands,
    splice::{Added, Splice, Step},
};
use crate::{
    decode::json,
    extract::filled::{self, Scope, Template},
    fields, flat,
    piece::{Joints, Place, Raw, Seen},
};

/// Where one of the known fields is by now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Now {
    /// It is not there.
    #[default]
    Gone,
    /// As the source wrote it, at this place among those found.
    Kept(usize),
    /// With another value where it stood.
    Changed(New),
    /// Behind all others.
    Behind(New),
}

/// A value that was put in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum New {
    /// It stands in the record, from here to there.
    There(usize, usize),
    /// This one of those that were made.
    Made(usize),
}

/// What records are changed with, one after the other.
pub struct Splicer<'a> {
    splice: &'a Splice,
    joints: &'a Joints,
    stands: Stands,
    now: Vec<Now>,
    /// Which of the known fields stand behind all others, in their order.
    behind: Vec<usize>,
    made: Vec<String>,
    out: Vec<u8>,
}

impl<'a> Splicer<'a> {
    /// One for records whose fields join there.
    pub(super) fn new(splice: &'a Splice, joints: &'a Joints) -> Self {
        let (now, behind, made) = (Vec::new(), Vec::new(), Vec::new());
        Self { splice, joints, stands: Stands::default(), now, behind, made, out: Vec::new() }
    }

    /// Makes room for so many bytes of records that are about to be changed.
    pub fn make_room(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// The record with all changes made, and where that stands in what [`Self::written`] gives. `None` where its bytes do not tell enough,
    /// and it must be parsed as a whole.
    pub fn change(&mut self, record: Raw<'_>, joints: Option<&Range<u32>>, scope: &mut Scope) -> Option<Result<Place, Fault>> {
        self.find(record, joints)?;
        for step in &self.splice.steps {
            match step {
                Step::Remove(field) => self.remove(*field),
                Step::Add(added) => match self.value(added, record, scope)? {
                    Ok(value) => self.put(added.field, value),
                    Err(fault) => return Some(Err(fault)),
                },
            }
        }
        Some(Ok(self.write(record)))
    }

    /// All that was written since this was asked last.
    pub fn written(&mut self) -> Bytes {
        std::mem::take(&mut self.out).into()
    }

    fn find(&mut self, record: Raw<'_>, joints: Option<&Range<u32>>) -> Option<()> {
        self.behind.clear();
        self.made.clear();
        self.now.clear();
        self.now.resize(self.splice.names.len(), Now::Gone);
        let joints = joints.and_then(|place| self.joints.get(place.start as usize..place.end as usize));
        self.stands.find(record, joints, &self.splice.names)?;
        for (place, field) in self.stands.fields.iter().enumerate() {
            self.now[field.index] = Now::Kept(place);
        }
        Some(())
    }

    fn put(&mut self, field: usize, value: New) {
        self.now[field] = match self.now[field] {
            Now::Kept(_) | Now::Changed(_) => Now::Changed(value),
            Now::Behind(_) => Now::Behind(value),
            Now::Gone => {
                self.behind.push(field);
                Now::Behind(value)
            }
        };
    }

    fn remove(&mut self, field: usize) {
        if matches!(self.now[field], Now::Behind(_)) {
            self.behind.retain(|known| *known != field);
        }
        self.now[field] = Now::Gone;
    }

    fn bytes<'b>(&'b self, value: New, record: &'b [u8]) -> &'b [u8] {
        match value {
            New::There(from, to) => &record[from..to],
            New::Made(place) => self.made[place].as_bytes(),
        }
    }

    /// A field's value by now.
    fn value_now<'b>(&'b self, field: usize, record: &'b [u8]) -> Option<&'b [u8]> {
        match self.now[field] {
            Now::Gone => None,
            Now::Kept(place) => self.stands.fields.get(place).map(|field| &record[field.value..field.value_end]),
            Now::Changed(value) | Now::Behind(value) => Some(self.bytes(value, record)),
        }
    }

    fn value(&mut self, added: &Added, record: Raw<'_>, scope: &mut Scope) -> Option<Result<New, Fault>> {
        if let Some(copied) = self.copied(added, record) {
            return Some(Ok(copied));
        }
        if let Some(parameters) = &added.parameters {
            scope.set("parameters", parameters.clone());
        }
        let mut seen = Map::new();
        for field in &added.looks {
            if let Some(bytes) = self.value_now(*field, record.bytes) {
                seen.insert(self.splice.names.name(*field).to_owned(), json::parse(bytes).ok()?);
            }
        }
        filled::bind(scope, "record", Value::Object(seen));
        let value = filled::value(&added.value, scope, &added.wanted);
        filled::unbind(scope, "record");
        Some(value.map(|value| {
            self.made.push(value.to_string());
            New::Made(self.made.len() - 1)
        }))
    }

    /// A text that becomes itself is taken as it stands, and so is a whole number.
    fn copied(&self, added: &Added, record: Raw<'_>) -> Option<New> {
        let (field, path) = added.copies.as_ref()?;
        let place = match *self.now.get(*field)? {
            Now::Kept(place) => self.stands.fields.get(place).map(|field| field.value..field.value_end)?,
            Now::Changed(New::There(from, to)) | Now::Behind(New::There(from, to)) => from..to,
            Now::Gone | Now::Changed(_) | Now::Behind(_) => return None,
        };
        let Range { start, end } = path.iter().try_fold(place, |within, name| below(record, within, name))?;
        let found = &record[start..end];
        if is_whole_number(found) {
            return added.wanted.is_empty().then_some(New::There(start, end));
        }
        let text = found.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if is_whole_number(text) {
            // Python reads the number out of it.
            return added.wanted.is_empty().then_some(New::There(start + 1, end - 1));
        }
        let is_plain = !(record.seen.escapes || record.seen.odd);
        if is_plain && text.first().is_some_and(|first| Template::none_begins(*first)) {
            return Some(New::There(start, end));
        }
        let is_plain = is_plain || !text.iter().any(|byte| *byte == b'\\' || *byte < b' ');
        let text = std::str::from_utf8(text).ok().filter(|_| is_plain)?;
        Template::stays(text).then_some(New::There(start, end))
    }

    fn write(&mut self, record: Raw<'_>) -> Place {
        let Self { splice, stands, now, behind, made, out, .. } = self;
        let mut seen = record.seen;
        seen.null = stands.null;
        seen.odd |= splice.names.odd;
        seen.escapes |= splice.names.escapes;
        out.reserve(record.len() + 2);
        let begin = out.len();
        out.push(b'{');
        // All that stands between two changes is copied together.
        let mut from = stands.begin;
        let mut is_first = true;
        for field in &stands.fields {
            let value = match now[field.index] {
                Now::Kept(_) => {
                    seen.null |= record.get(field.value) == Some(&b'n');
                    continue;
                }
                Now::Changed(value) => Some(value),
                Now::Gone | Now::Behind(_) => None,
            };
            let to = if value.is_some() { field.value } else { field.before };
            if from < to {
                out.extend_from_slice(&record[from..to]);
                is_first = false;
            }
            match value {
                Some(value) => {
                    put(out, value, record.bytes, made, &mut seen);
                    from = field.value_end;
                }
                // It goes with one of the commas around it.
                None => from = if is_first { field.next } else { field.value_end },
            }
        }
        if from < stands.end {
            out.extend_from_slice(&record[from..stands.end]);
            is_first = false;
        }
        for known in behind.iter() {
            if let Now::Behind(value) = now[*known] {
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                out.extend_from_slice(splice.names.quoted(*known));
                out.push(b':');
                put(out, value, record.bytes, made, &mut seen);
            }
        }
        out.push(b'}');
        Place { at: begin..out.len(), seen, joints: None }
    }
}

fn put(out: &mut Vec<u8>, value: New, record: &[u8], made: &[String], seen: &mut Seen) {
    match value {
        // Only texts and numbers are taken from there.
        New::There(from, to) => out.extend_from_slice(&record[from..to]),
        New::Made(place) => {
            let value = made[place].as_bytes();
            seen.look(value);
            out.extend_from_slice(value);
        }
    }
}

/// Where a field of an object within a record stands.
fn below(record: Raw<'_>, within: Range<usize>, name: &str) -> Option<Range<usize>> {
    let is_plain = !record.seen.escapes && !name.contains(['"', '\\']) && !name.contains(char::is_control);
    let found = if is_plain { flat::field(record.bytes, within.clone(), name) } else { None };
    found.unwrap_or_else(|| {
        let found = fields::field(&record[within.clone()], name)?;
        Some(within.start + found.start..within.start + found.end)
    })
}

/// Digits that Python and JSON write and read alike.
fn is_whole_number(digits: &[u8]) -> bool {
    const DIGITS_MAX: usize = 18;
    match digits {
        [b'0'] => true,
        [b'1'..=b'9', ..] => digits.len() <= DIGITS_MAX && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
