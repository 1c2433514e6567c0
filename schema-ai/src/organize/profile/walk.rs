//! Walks one record along the trie: the hot loop of the profile.

use super::json::{Malformed, Reader};
use super::{Kind, NodeId, Profile};

/// Deeper values are kept as one JSON text.
const MOST_DEPTH: usize = 64;

pub(super) fn walk(profile: &mut Profile, line: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(line)?;
    if reader.peek()? != b'{' {
        return Err(reader.refuse("a record that is not an object"));
    }
    value(profile, 0, &mut reader, 0)?;
    if reader.is_done() { Ok(()) } else { Err(reader.refuse("something after the record")) }
}

fn value(profile: &mut Profile, at: NodeId, reader: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
    let first = reader.peek()?;
    if depth >= MOST_DEPTH && matches!(first, b'{' | b'[') {
        let text = reader.skip()?;
        profile.nodes[at as usize].stats.text(text);
        return Ok(());
    }
    match first {
        b'"' => {
            let raw = reader.string()?;
            let stats = &mut profile.nodes[at as usize].stats;
            if raw.escaped {
                stats.text(&raw.decoded());
            } else {
                stats.text(raw.text);
            }
            Ok(())
        }
        b'{' => object(profile, at, reader, depth),
        b'[' => list(profile, at, reader, depth),
        b't' => reader.word("true").map(|()| profile.nodes[at as usize].stats.boolean(true)),
        b'f' => reader.word("false").map(|()| profile.nodes[at as usize].stats.boolean(false)),
        b'n' => reader.word("null").map(|()| profile.nodes[at as usize].stats.null()),
        _ => reader.number().map(|text| profile.nodes[at as usize].stats.number(text)),
    }
}

fn object(profile: &mut Profile, at: NodeId, reader: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
    profile.nodes[at as usize].stats.container(Kind::Object);
    reader.take(b'{')?;
    if reader.take_if(b'}')? {
        return Ok(());
    }
    let mut position = 0;
    loop {
        let key = reader.string()?;
        reader.take(b':')?;
        let child = if key.escaped { profile.child(at, &key.decoded(), position) } else { profile.child(at, key.text, position) };
        value(profile, child, reader, depth + 1)?;
        position += 1;
        if !reader.take_if(b',')? {
            profile.nodes[at as usize].fields += position as u64;
            return reader.take(b'}');
        }
    }
}

fn list(profile: &mut Profile, at: NodeId, reader: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
    profile.nodes[at as usize].stats.container(Kind::List);
    reader.take(b'[')?;
    let element = profile.element(at);
    if reader.take_if(b']')? {
        return Ok(());
    }
    loop {
        value(profile, element, reader, depth + 1)?;
        if !reader.take_if(b',')? {
            return reader.take(b']');
        }
    }
}
