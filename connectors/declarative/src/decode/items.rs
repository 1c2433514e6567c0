//! The elements of a list within a JSON document that is too long to be held: the document is walked byte by byte, and only what stands
//! at the wanted place is read. Places are named as `ijson` names them, with dots, `item` for each element of a list.

use std::io::BufRead;

use serde_json::Value;
use syncline_model::Fault;

use super::{
    Document,
    json::{DEPTH_MAX, NotJson, parse},
    source::{Limits, Source, unreadable},
};

/// A list or an object that is not closed, and how long the name of its place is.
struct Open {
    is_list: bool,
    place: usize,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Value,
    /// A value, or the end of an empty list.
    First,
    /// A name, or the end of an empty object.
    FirstName,
    Name,
    /// `,` or the end of what is open.
    More,
}

/// The elements.
pub struct Items {
    source: Source,
    wanted: String,
    limits: Limits,
    open: Vec<Open>,
    place: String,
    want: Want,
    ended: bool,
}

impl Items {
    /// The elements of the list at this place.
    pub fn new(source: Source, path: &str, limits: Limits) -> Self {
        Self { source, wanted: format!("{path}.item"), limits, open: Vec::new(), place: String::new(), want: Want::Value, ended: false }
    }

    fn step(&mut self) -> Result<Option<Value>, Fault> {
        loop {
            let next = self.solid()?;
            match (self.want, next) {
                (Want::More, None) if self.open.is_empty() => return Ok(None),
                (_, None) => return Err(cut_off()),
                (Want::First, Some(b']')) | (Want::FirstName, Some(b'}')) => self.close(),
                (Want::Value | Want::First, Some(byte)) => {
                    if let Some(item) = self.value(byte)? {
                        return Ok(Some(item));
                    }
                }
                (Want::Name | Want::FirstName, Some(b'"')) => self.name()?,
                (Want::More, Some(byte)) => self.more(byte)?,
                (Want::Name | Want::FirstName, Some(_)) => return Err(no_json("a name in quotes is missing")),
            }
        }
    }

    /// The next byte that is no space, not yet taken.
    fn solid(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let bytes = self.source.fill_buf().map_err(|error| unreadable(&error))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let spaces = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            let found = bytes.get(spaces).copied();
            self.source.consume(spaces);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn value(&mut self, byte: u8) -> Result<Option<Value>, Fault> {
        if self.open.last().is_some_and(|open| open.is_list) {
            self.at_member("item");
        }
        if self.place == self.wanted {
            let bytes = self.whole(byte)?;
            self.want = Want::More;
            return parse(&bytes).map(Some).map_err(|error| no_json(&error.to_string()));
        }
        if matches!(byte, b'[' | b'{') {
            if self.open.len() >= DEPTH_MAX {
                return Err(no_json(&NotJson::TooDeep.to_string()));
            }
            self.source.consume(1);
            self.open.push(Open { is_list: byte == b'[', place: self.place.len() });
            self.want = if byte == b'[' { Want::First } else { Want::FirstName };
            return Ok(None);
        }
        let bytes = self.whole(byte)?;
        parse(&bytes).map_err(|error| no_json(&error.to_string()))?;
        self.want = Want::More;
        Ok(None)
    }

    fn name(&mut self) -> Result<(), Fault> {
        let bytes = self.whole(b'"')?;
        let Ok(Value::String(name)) = parse(&bytes) else { return Err(no_json("a name is broken")) };
        self.at_member(&name);
        if self.solid()? != Some(b':') {
            return Err(no_json("a name is not followed by `:`"));
        }
        self.source.consume(1);
        self.want = Want::Value;
        Ok(())
    }

    fn at_member(&mut self, name: &str) {
        let around = self.open.last().map_or(0, |open| open.place);
        self.place.truncate(around);
        if self.open.len() > 1 || around > 0 {
            self.place.push('.');
        }
        self.place.push_str(name);
    }

    fn more(&mut self, byte: u8) -> Result<(), Fault> {
        let Some(open) = self.open.last() else { return Err(no_json("something stands behind its end")) };
        match byte {
            b',' => {
                self.want = if open.is_list { Want::Value } else { Want::Name };
                self.source.consume(1);
            }
            b']' if open.is_list => self.close(),
            b'}' if !open.is_list => self.close(),
            _ => return Err(no_json("a list or an object goes on with neither `,` nor its end")),
        }
        Ok(())
    }

    fn close(&mut self) {
        self.source.consume(1);
        if let Some(open) = self.open.pop() {
            self.place.truncate(open.place);
        }
        self.want = Want::More;
    }

    /// The bytes of one value: of a text up to its closing quote, of a list or an object up to its last bracket.
    fn whole(&mut self, first: u8) -> Result<Vec<u8>, Fault> {
        let (mut taken, mut end) = (Vec::new(), End::of(first));
        loop {
            let bytes = self.source.fill_buf().map_err(|error| unreadable(&error))?;
            if bytes.is_empty() {
                return if end.is_bare { Ok(taken) } else { Err(cut_off()) };
            }
            let found = bytes.iter().position(|byte| end.passes(*byte));
            let length = found.map_or(bytes.len(), |at| if end.is_bare { at } else { at + 1 });
            taken.extend_from_slice(bytes.get(..length).unwrap_or_default());
            self.source.consume(length);
            if taken.len() > self.limits.record {
                return Err(self.limits.record_too_long());
            }
            if found.is_some() {
                return Ok(taken);
            }
        }
    }
}

/// Finds where a value ends.
struct End {
    is_bare: bool,
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl End {
    fn of(first: u8) -> Self {
        Self { is_bare: !matches!(first, b'"' | b'[' | b'{'), depth: 0, in_text: false, escaped: false }
    }

    /// Whether the value ends with this byte, or before it if it is bare.
    fn passes(&mut self, byte: u8) -> bool {
        if self.is_bare {
            return matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        }
        if self.in_text {
            let closes = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_text = !closes;
            return closes && self.depth == 0;
        }
        match byte {
            b'"' => self.in_text = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => return false,
        }
        self.depth == 0 && !self.in_text
    }
}

impl Document for Items {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        if self.ended {
            return None;
        }
        let step = self.step();
        self.ended = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}

fn cut_off() -> Fault {
    Fault::Unavailable("the answer cannot be read as JSON: it ends too early".to_owned())
}

fn no_json(why: &str) -> Fault {
    Fault::Unusable(format!("the answer cannot be read as JSON: {why}"))
}
