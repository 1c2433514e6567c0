//! The fields of an object in its bytes: where each name and value begins and ends. Nothing in here recurses.

use std::ops::Range;

use crate::{
    brackets,
    cut::{NotJson, is_name},
    piece::Joints,
    tails::Tails,
};

/// Room for so many is made before an object is looked at.
const JOINTS_AT_FIRST: usize = 48;

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
pub fn fields(object: &[u8], mut found: impl FnMut(Field)) -> Result<(), NotJson> {
    let mut joints = Joints::with_capacity(JOINTS_AT_FIRST);
    let joined = brackets::end_joined(object, 0, Tails::ALL, &mut joints)?;
    if joined.end != object.len() {
        return Err(NotJson("something stands behind its end"));
    }
    if joined.seen.word {
        return Err(NotJson::NO_WORD);
    }
    let [b'{', inner @ .., b'}'] = object else { return Err(NotJson("it is no object")) };
    if joints.is_empty() && inner.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut from = 1;
    for pair in joints.chunks_exact(2) {
        let (colon, to) = (pair[0] as usize, pair[1] as usize);
        let Some((name, name_end)) = trimmed(object, from, colon).filter(|(from, to)| is_text(object, *from, *to)) else {
            return Err(NotJson("a name in quotes is missing"));
        };
        let Some((value, value_end)) = trimmed_value(object, colon, to) else {
            return Err(NotJson("something stands where a value should"));
        };
        let name_escaped = joined.seen.escapes && object[name..name_end].contains(&b'\\');
        found(Field { name, name_end, name_escaped, value, value_end });
        from = to + 1;
    }
    // The last one ends where the object does.
    if from == object.len() { Ok(()) } else { Err(NotJson("a name is not followed by `:`")) }
}

/// Where the value between its colon and what ends it stands, if it may be one.
#[inline]
pub fn trimmed_value(object: &[u8], colon: usize, to: usize) -> Option<(usize, usize)> {
    trimmed(object, colon + 1, to).filter(|(from, to)| is_value(object, *from, *to))
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
