//! Changes made in the bytes of a record, for transformations that only put fields in at the top and take some out there. Only what their
//! templates look at is parsed; everything else stays as the source wrote it.

use std::{ops::Range, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{Change, Transform};
use crate::{
    cut::{self, Field},
    decode::json,
    extract::filled::{self, Kind, Scope, Template},
    piece::{Piece, Seen},
};

/// Transformations that can be made so.
#[derive(Debug, Clone)]
pub struct Splice {
    steps: Vec<Step>,
    /// Every field that a step changes or looks at.
    names: Vec<Box<str>>,
    /// The same as they are written.
    quoted: Vec<String>,
    /// Some of them have letters that are no ASCII.
    odd: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Add(Box<Added>),
    Remove(usize),
}

#[derive(Debug, Clone)]
struct Added {
    field: usize,
    value: Template,
    wanted: Vec<Kind>,
    parameters: Option<Arc<Value>>,
    looks: Vec<usize>,
    /// The field whose value is the whole template, and what lies on the way to it below that field.
    copies: Option<(usize, Vec<Box<str>>)>,
}

/// Where one of the known fields is by now.
#[derive(Debug, Clone, Default, PartialEq)]
enum Now {
    /// It is not there.
    #[default]
    Gone,
    /// As the source wrote it, at this place among the fields.
    Kept(usize),
    /// With another value where it stood.
    Changed(usize, New),
    /// Behind all others.
    Behind(New),
}

/// A value that was put in.
#[derive(Debug, Clone, PartialEq)]
enum New {
    /// It stands in the record, here.
    There(Range<usize>),
    Made(Bytes),
}

impl New {
    fn bytes<'a>(&'a self, record: &'a [u8]) -> &'a [u8] {
        match self {
            Self::There(place) => &record[place.clone()],
            Self::Made(bytes) => bytes,
        }
    }

    /// What it adds to what was seen of the record. Only texts and numbers are taken from there.
    fn look(&self, seen: &mut Seen) {
        if let Self::Made(bytes) = self {
            seen.look(bytes);
        }
    }
}

/// What records are changed with, one after the other.
pub struct Splicer<'a> {
    splice: &'a Splice,
    /// The fields of the record, and which of the known ones they are.
    fields: Vec<(Field, Option<usize>)>,
    now: Vec<Now>,
    /// Which of the known fields stand behind all others, in their order.
    behind: Vec<usize>,
    out: BytesMut,
}

impl Splice {
    /// What can be done in the bytes; `None` if some of it cannot.
    pub fn of(transforms: &[Transform]) -> Option<Self> {
        let mut made = Self { steps: Vec::new(), names: Vec::new(), quoted: Vec::new(), odd: false };
        for transform in transforms {
            match &transform.change {
                Change::Add(add) => {
                    for field in add.plain()? {
                        let step = made.added(field.name, field.value, field.wanted, transform.parameters.as_ref())?;
                        made.steps.push(step);
                    }
                }
                Change::Remove(remove) => {
                    for name in remove.plain()? {
                        let name = made.index(&name);
                        made.steps.push(Step::Remove(name));
                    }
                }
                Change::FlattenAt(_) | Change::Flatten { .. } | Change::Lower | Change::Snake | Change::Replace { .. } => return None,
            }
        }
        (!made.steps.is_empty()).then_some(made)
    }

    fn added(&mut self, name: &str, value: &Template, wanted: &[Kind], parameters: Option<&Arc<Value>>) -> Option<Step> {
        let looks = value.fields("record")?;
        let copies = value.path("record").and_then(|path| {
            let (first, rest) = path.split_first()?;
            Some((self.index(first), rest.to_vec()))
        });
        Some(Step::Add(Box::new(Added {
            field: self.index(name),
            value: value.clone(),
            wanted: wanted.to_vec(),
            parameters: parameters.cloned(),
            looks: looks.iter().map(|name| self.index(name)).collect(),
            copies,
        })))
    }

    fn index(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known.as_ref() == name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.quoted.push(Value::from(name).to_string());
            self.odd |= !name.is_ascii();
            self.names.len() - 1
        })
    }

    /// Changes records of a page of this size.
    pub fn splicer(&self, page_bytes: usize) -> Splicer<'_> {
        Splicer { splice: self, fields: Vec::new(), now: Vec::new(), behind: Vec::new(), out: BytesMut::with_capacity(page_bytes) }
    }
}

impl Splicer<'_> {
    /// The record with all changes made. `None` where its bytes do not tell enough, and it must be parsed as a whole.
    pub fn change(&mut self, record: &Piece, scope: &mut Scope) -> Option<Result<Piece, Fault>> {
        self.find(record)?;
        for step in &self.splice.steps {
            match step {
                Step::Remove(field) => self.put(*field, None),
                Step::Add(added) => match self.value(added, record, scope)? {
                    Ok(value) => self.put(added.field, Some(value)),
                    Err(fault) => return Some(Err(fault)),
                },
            }
        }
        Some(Ok(self.written(record)))
    }

    /// Finds the known fields.
    fn find(&mut self, record: &[u8]) -> Option<()> {
        let Self { splice, fields, now, behind, .. } = self;
        fields.clear();
        behind.clear();
        now.clear();
        now.resize(splice.names.len(), Now::Gone);
        if record.first() != Some(&b'{') {
            return None;
        }
        let mut is_told = true;
        cut::fields(record, |field| {
            let name = &record[field.name..field.name_end];
            let known = if field.name_escaped {
                splice.names.iter().position(|known| cut::is_name(name, true, known))
            } else {
                splice.quoted.iter().position(|known| name == known.as_bytes())
            };
            if let Some(known) = known {
                // Of two fields of the same name the last one counts, and the first says where it stands.
                is_told &= now[known] == Now::Gone;
                now[known] = Now::Kept(fields.len());
            }
            fields.push((field, known));
        })
        .ok()?;
        is_told.then_some(())
    }

    fn put(&mut self, field: usize, value: Option<New>) {
        let was = std::mem::take(&mut self.now[field]);
        self.now[field] = match (was, value) {
            (Now::Kept(place) | Now::Changed(place, _), Some(value)) => Now::Changed(place, value),
            (Now::Behind(_), Some(value)) => Now::Behind(value),
            (Now::Gone, Some(value)) => {
                self.behind.push(field);
                Now::Behind(value)
            }
            (was, None) => {
                if matches!(was, Now::Behind(_)) {
                    self.behind.retain(|known| *known != field);
                }
                Now::Gone
            }
        };
    }

    /// A field's value by now.
    fn bytes<'a>(&'a self, field: usize, record: &'a [u8]) -> Option<&'a [u8]> {
        match &self.now[field] {
            Now::Gone => None,
            Now::Kept(place) => self.fields.get(*place).map(|(field, _)| &record[field.value..field.value_end]),
            Now::Changed(_, value) | Now::Behind(value) => Some(value.bytes(record)),
        }
    }

    fn value(&self, added: &Added, record: &[u8], scope: &mut Scope) -> Option<Result<New, Fault>> {
        if let Some(parameters) = &added.parameters {
            scope.set("parameters", parameters.clone());
        }
        if let Some(copied) = self.copied(added, record) {
            return Some(Ok(copied));
        }
        let mut seen = Map::new();
        for field in &added.looks {
            if let Some(bytes) = self.bytes(*field, record) {
                seen.insert(self.splice.names[*field].to_string(), json::parse(bytes).ok()?);
            }
        }
        filled::bind(scope, "record", Value::Object(seen));
        let value = filled::value(&added.value, scope, &added.wanted);
        filled::unbind(scope, "record");
        Some(value.map(|value| New::Made(Bytes::from(value.to_string()))))
    }

    /// A text that becomes itself is taken as it stands, and so is a whole number.
    fn copied(&self, added: &Added, record: &[u8]) -> Option<New> {
        let (field, path) = added.copies.as_ref()?;
        let place = match self.now.get(*field)? {
            Now::Kept(place) => self.fields.get(*place).map(|(field, _)| field.value..field.value_end)?,
            Now::Changed(_, New::There(place)) | Now::Behind(New::There(place)) => place.clone(),
            Now::Gone | Now::Changed(..) | Now::Behind(_) => return None,
        };
        let place = path.iter().try_fold(place, |within, name| {
            let found = cut::field(&record[within.clone()], name)?;
            Some(within.start + found.start..within.start + found.end)
        })?;
        let found = &record[place.clone()];
        if is_whole_number(found) {
            return added.wanted.is_empty().then_some(New::There(place));
        }
        let text = found.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if is_whole_number(text) {
            // Python reads the number out of it.
            return added.wanted.is_empty().then(|| New::There(place.start + 1..place.end - 1));
        }
        let is_plain = !text.iter().any(|byte| *byte == b'\\' || *byte < b' ');
        let text = std::str::from_utf8(text).ok().filter(|_| is_plain)?;
        Template::stays(text).then_some(New::There(place))
    }

    fn written(&mut self, record: &Piece) -> Piece {
        let Self { splice, fields, now, behind, out } = self;
        let mut seen = Seen { null: false, odd: record.seen.odd || splice.odd, ..record.seen };
        out.reserve(record.len() + 2);
        out.put_u8(b'{');
        let mut comma = false;
        // Neighbours that stay are copied together.
        let mut kept: Option<(usize, usize)> = None;
        for (place, field) in fields.iter().enumerate() {
            let changed = match field.1.map(|known| &now[known]) {
                None | Some(Now::Kept(_)) => {
                    kept = Some((kept.map_or(field.0.name, |(start, _)| start), field.0.value_end));
                    seen.null |= record.get(field.0.value) == Some(&b'n');
                    continue;
                }
                Some(Now::Changed(at, value)) if *at == place => Some(value),
                Some(_) => None,
            };
            if let Some((start, end)) = kept.take() {
                separate(out, &mut comma);
                out.extend_from_slice(&record[start..end]);
            }
            if let Some(value) = changed {
                separate(out, &mut comma);
                out.extend_from_slice(&record[field.0.name..field.0.value]);
                out.extend_from_slice(value.bytes(record));
                value.look(&mut seen);
            }
        }
        if let Some((start, end)) = kept {
            separate(out, &mut comma);
            out.extend_from_slice(&record[start..end]);
        }
        for known in behind.iter() {
            if let Now::Behind(value) = &now[*known] {
                separate(out, &mut comma);
                out.extend_from_slice(splice.quoted[*known].as_bytes());
                out.put_u8(b':');
                out.extend_from_slice(value.bytes(record));
                value.look(&mut seen);
            }
        }
        out.put_u8(b'}');
        Piece { bytes: out.split().freeze(), seen }
    }
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

fn separate(out: &mut BytesMut, comma: &mut bool) {
    if *comma {
        out.put_u8(b',');
    }
    *comma = true;
}
