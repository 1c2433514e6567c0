//! Cuts a page into records without building a tree, byte by byte, so that one record that is no UTF-8 spoils no other.
//! Nothing in here recurses: a page nested ten thousand deep costs no stack.

use bytes::Bytes;

/// Why a page cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no JSON: {0}")]
pub struct NotJson(pub &'static str);

/// What nests deeper could not be read as a tree by anybody behind us.
const DEPTH_MAX: usize = 127;

/// The values at a path of object names: the elements of a list, the one object, or none if the path leads nowhere.
/// An empty path is the page itself.
pub fn cut(page: &Bytes, path: &[String]) -> Result<Vec<Bytes>, NotJson> {
    let bytes = page.as_ref();
    let mut at = space(bytes, 0);
    let end = value_end(bytes, at)?;
    if space(bytes, end) != bytes.len() {
        return Err(NotJson("something stands behind its end"));
    }
    for name in path {
        match member(bytes, at, name)? {
            Some(found) => at = found,
            None => return Ok(Vec::new()),
        }
    }
    match bytes.get(at) {
        Some(b'[') => elements(page, at),
        Some(b'{') if value_end(bytes, at)? > at + 2 => Ok(vec![page.slice(at..value_end(bytes, at)?)]),
        _ => Ok(Vec::new()),
    }
}

fn elements(page: &Bytes, open: usize) -> Result<Vec<Bytes>, NotJson> {
    let bytes = page.as_ref();
    let mut found = Vec::new();
    let mut at = space(bytes, open + 1);
    if bytes.get(at) == Some(&b']') {
        return Ok(found);
    }
    loop {
        let end = value_end(bytes, at)?;
        found.push(page.slice(at..end));
        at = space(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = space(bytes, at + 1),
            Some(b']') => return Ok(found),
            _ => return Err(NotJson("a list goes on neither with `,` nor with `]`")),
        }
    }
}

/// Where the value of a member of the object at `open` begins; the last one of that name, as JSON parsers take it.
fn member(bytes: &[u8], open: usize, name: &str) -> Result<Option<usize>, NotJson> {
    if bytes.get(open) != Some(&b'{') {
        return Ok(None);
    }
    let mut found = None;
    let mut at = space(bytes, open + 1);
    while bytes.get(at) == Some(&b'"') {
        let end = string_end(bytes, at)?;
        let is_it = serde_json::from_slice::<String>(&bytes[at..end]).is_ok_and(|text| text == name);
        at = space(bytes, end);
        if bytes.get(at) != Some(&b':') {
            return Err(NotJson("a name is not followed by `:`"));
        }
        at = space(bytes, at + 1);
        if is_it {
            found = Some(at);
        }
        at = space(bytes, value_end(bytes, at)?);
        if bytes.get(at) == Some(&b',') {
            at = space(bytes, at + 1);
        }
    }
    Ok(found)
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
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return Err(NotJson("it ends within a text")),
        }
    }
}

/// Behind the value that begins at `at`. Brackets are counted, not matched by kind; whoever parses a record checks it whole.
fn value_end(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    match bytes.get(at) {
        None => Err(NotJson("it ends too early")),
        Some(b'"') => string_end(bytes, at),
        Some(b'{' | b'[') => nested_end(bytes, at),
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
            let rest = bytes[at..].iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
            Ok(rest.map_or(bytes.len(), |length| at + length))
        }
        Some(_) => Err(NotJson("something stands where a value should")),
    }
}

fn nested_end(bytes: &[u8], open: usize) -> Result<usize, NotJson> {
    let (mut depth, mut at) = (0_usize, open);
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
            Some(_) => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
}
