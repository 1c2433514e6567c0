//! Methods of `str` and `bytes`.

use std::rc::Rc;

use super::super::{
    arguments::{Arguments, index, index_or, text},
    format::format_text,
    run::Run,
    value::{Outcome, Py, Stop, Text, other},
};

/// Calls a method of a text.
pub fn call<'a>(run: &mut Run<'a>, value: &Text<'a>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let own = value.as_str();
    match name {
        "split" | "rsplit" => return super::split::split(run, value, name, arguments),
        "format" => {
            let made = format_text(run, own, &arguments)?;
            return run.made(made);
        }
        "join" => {
            let items = run.iterate(&arguments.one()?)?;
            let parts = items.iter().map(text).collect::<Outcome<Vec<_>>>()?;
            let made = parts.join(own);
            return run.made(made);
        }
        "strip" | "lstrip" | "rstrip" => {
            let chars = arguments.maybe()?;
            return Ok(cut(value, strip(own, name, chars.as_ref())?));
        }
        "startswith" | "endswith" => return edge(own, name, arguments).map(Py::Bool),
        "find" | "rfind" | "index" | "rindex" | "count" => return search(own, name, arguments),
        _ => {}
    }
    if let Some(answer) = asked(own, name) {
        arguments.none()?;
        return Ok(Py::Bool(answer));
    }
    let made = match name {
        "lower" | "casefold" => plain(arguments, || own.to_lowercase())?,
        "upper" => plain(arguments, || own.to_uppercase())?,
        "capitalize" => plain(arguments, || capitalize(own))?,
        "title" => plain(arguments, || title(own))?,
        "swapcase" => plain(arguments, || own.chars().flat_map(swapped).collect())?,
        "replace" => {
            let [old, new, count] = arguments.bind(["old", "new", "count"], 2)?;
            let (old, new) = (old.ok_or(Stop::Type)?, new.ok_or(Stop::Type)?);
            replaced(run, own, text(&old)?, text(&new)?, index_or(count.as_ref(), -1)?)?
        }
        "removeprefix" => {
            let prefix = arguments.one()?;
            own.strip_prefix(text(&prefix)?).unwrap_or(own).to_owned()
        }
        "removesuffix" => {
            let suffix = arguments.one()?;
            own.strip_suffix(text(&suffix)?).unwrap_or(own).to_owned()
        }
        "center" | "ljust" | "rjust" | "zfill" => padded(run, own, name, arguments)?,
        "expandtabs" => {
            let size = usize::try_from(index_or(arguments.maybe()?.as_ref(), 8)?).unwrap_or(0);
            run.spend(own.len().saturating_mul(size) / 16)?;
            expand_tabs(own, size)
        }
        "splitlines" => {
            let [keep] = arguments.bind(["keepends"], 0)?;
            let keep = keep.is_some_and(|keep| super::super::compare::is_true(&keep));
            return Ok(Py::list(super::split::lines(own, keep).into_iter().map(Py::text).collect()));
        }
        "partition" | "rpartition" => {
            let by = arguments.one()?;
            return super::split::partition(own, name, text(&by)?);
        }
        "encode" => {
            let [encoding, _] = arguments.bind(["encoding", "errors"], 0)?;
            return encode(own, encoding.as_ref());
        }
        _ => return Err(Stop::Type),
    };
    run.made(made)
}

fn plain(arguments: Arguments<'_>, made: impl FnOnce() -> String) -> Outcome<String> {
    arguments.none()?;
    Ok(made())
}

fn asked(own: &str, name: &str) -> Option<bool> {
    let all = |kind: fn(char) -> bool| !own.is_empty() && own.chars().all(kind);
    let cased = || own.chars().any(|letter| letter.is_uppercase() || letter.is_lowercase());
    Some(match name {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => own.is_ascii(),
        "isdecimal" | "isdigit" => all(|letter| letter.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "isprintable" => own.chars().all(|letter| !letter.is_control()),
        "islower" => cased() && !own.chars().any(char::is_uppercase),
        "isupper" => cased() && !own.chars().any(char::is_lowercase),
        "istitle" => cased() && title(own) == own,
        "isidentifier" => {
            let begins = own.chars().next().is_some_and(|letter| letter.is_alphabetic() || letter == '_');
            begins && own.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        }
        _ => return None,
    })
}

/// A part of a text, without copying where it stands elsewhere.
pub fn cut<'a>(value: &Text<'a>, part: &str) -> Py<'a> {
    match value {
        Text::Seen(whole) => {
            let from = part.as_ptr() as usize - whole.as_ptr() as usize;
            Py::Str(Text::Seen(whole.get(from..from + part.len()).unwrap_or("")))
        }
        Text::Made(whole) if whole.len() == part.len() => Py::Str(Text::Made(Rc::clone(whole))),
        Text::Made(_) => Py::text(part),
    }
}

fn strip<'v>(own: &'v str, name: &str, chars: Option<&Py<'_>>) -> Outcome<&'v str> {
    let chars = match chars {
        None | Some(Py::None) => None,
        Some(chars) => Some(text(chars)?),
    };
    let stripped = |letter: char| chars.map_or_else(|| is_blank(letter), |chars| chars.contains(letter));
    let from_left = if name == "rstrip" { own } else { own.trim_start_matches(stripped) };
    Ok(if name == "lstrip" { from_left } else { from_left.trim_end_matches(stripped) })
}

/// What Python's `str.isspace` takes.
pub fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || ('\x1c'..='\x1f').contains(&letter)
}

fn edge(own: &str, name: &str, arguments: Arguments<'_>) -> Outcome<bool> {
    let [part, start, end] = arguments.bind(["prefix", "start", "end"], 1)?;
    let own = within(own, start.as_ref(), end.as_ref())?;
    let one = |part: &Py<'_>| text(part).map(|part| if name == "startswith" { own.starts_with(part) } else { own.ends_with(part) });
    match part.ok_or(Stop::Type)? {
        Py::Tuple(parts) => {
            for part in parts.iter() {
                if one(part)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        part => one(&part),
    }
}

/// The letters from one place to another.
fn within<'v>(own: &'v str, start: Option<&Py<'_>>, end: Option<&Py<'_>>) -> Outcome<&'v str> {
    if start.is_none() && end.is_none() {
        return Ok(own);
    }
    let length = i64::try_from(own.chars().count()).unwrap_or(i64::MAX);
    let bound = |at: i64| usize::try_from(if at < 0 { (at + length).max(0) } else { at.min(length) }).unwrap_or(0);
    let (start, end) = (bound(index_or(start, 0)?), bound(index_or(end, length)?));
    let byte = |at: usize| own.char_indices().nth(at).map_or(own.len(), |(byte, _)| byte);
    Ok(own.get(byte(start)..byte(end)).unwrap_or(""))
}

fn search<'a>(own: &str, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [part, start, end] = arguments.bind(["sub", "start", "end"], 1)?;
    let part = part.ok_or(Stop::Type)?;
    let part = text(&part)?;
    let inside = within(own, start.as_ref(), end.as_ref())?;
    let letters = |text: &str| i128::try_from(text.chars().count()).unwrap_or(i128::MAX);
    if name == "count" {
        let found = if part.is_empty() { letters(inside) + 1 } else { i128::try_from(inside.matches(part).count()).unwrap_or(i128::MAX) };
        return Ok(Py::Int(found));
    }
    let found = if name.starts_with('r') { inside.rfind(part) } else { inside.find(part) };
    let before = inside.as_ptr() as usize - own.as_ptr() as usize;
    match found {
        Some(at) => Ok(Py::Int(letters(&own[..before + at]))),
        None if name.ends_with("find") => Ok(Py::Int(-1)),
        None => other("substring not found"),
    }
}

/// `str.replace`; a negative count replaces all.
pub fn replaced(run: &mut Run<'_>, own: &str, old: &str, new: &str, count: i64) -> Outcome<String> {
    let places = if old.is_empty() { own.chars().count() + 1 } else { own.matches(old).count() };
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(places);
    run.spend(count.saturating_mul(new.len()) / 16)?;
    Ok(own.replacen(old, new, count))
}

/// `str.capitalize`
pub fn capitalize(own: &str) -> String {
    let mut letters = own.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()).unwrap_or_default()
}

fn title(own: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for letter in own.chars() {
        if inside {
            out.extend(letter.to_lowercase());
        } else {
            out.extend(letter.to_uppercase());
        }
        inside = letter.is_uppercase() || letter.is_lowercase();
    }
    out
}

fn swapped(letter: char) -> Vec<char> {
    if letter.is_uppercase() { letter.to_lowercase().collect() } else { letter.to_uppercase().collect() }
}

fn padded<'a>(run: &mut Run<'a>, own: &str, name: &str, arguments: Arguments<'a>) -> Outcome<String> {
    let [width, fill] = arguments.bind(["width", "fillchar"], 1)?;
    let width = usize::try_from(index(&width.ok_or(Stop::Type)?)?).unwrap_or(0);
    run.spend(width / 16)?;
    let fill = fill.unwrap_or_else(|| Py::text(if name == "zfill" { "0" } else { " " }));
    let fill = text(&fill)?;
    if fill.chars().count() != 1 {
        return Err(Stop::Type);
    }
    let length = own.chars().count();
    let missing = width.saturating_sub(length);
    Ok(match name {
        "ljust" => format!("{own}{}", fill.repeat(missing)),
        "rjust" => format!("{}{own}", fill.repeat(missing)),
        "zfill" => {
            let (sign, digits) = own.split_at(usize::from(own.starts_with(['+', '-'])));
            format!("{sign}{}{digits}", fill.repeat(missing))
        }
        _ => {
            let left = missing / 2 + (missing & width & 1);
            format!("{}{own}{}", fill.repeat(left), fill.repeat(missing - left))
        }
    })
}

fn expand_tabs(own: &str, size: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for letter in own.chars() {
        match letter {
            '\t' => {
                let missing = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(missing));
                column += missing;
            }
            '\n' | '\r' => {
                out.push(letter);
                column = 0;
            }
            letter => {
                out.push(letter);
                column += 1;
            }
        }
    }
    out
}

fn encode<'a>(own: &str, encoding: Option<&Py<'_>>) -> Outcome<Py<'a>> {
    let encoding = encoding.map_or(Ok("utf-8"), text)?.to_lowercase().replace('_', "-");
    match encoding.as_str() {
        "utf-8" | "utf8" => Ok(Py::Bytes(own.as_bytes().into())),
        "ascii" | "us-ascii" if own.is_ascii() => Ok(Py::Bytes(own.as_bytes().into())),
        "latin-1" | "latin1" | "iso-8859-1" => {
            let bytes: Option<Vec<u8>> = own.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
            bytes.map(|bytes| Py::Bytes(bytes.into())).ok_or_else(|| Stop::Other("a text cannot be encoded".to_owned()))
        }
        _ => other("a text cannot be encoded"),
    }
}

/// Calls a method of bytes.
pub fn of_bytes<'a>(bytes: &Rc<[u8]>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    if name == "hex" {
        arguments.none()?;
        return Ok(Py::text(hex::encode(bytes)));
    }
    let [encoding, _] = arguments.bind(["encoding", "errors"], 0)?;
    let encoding = encoding.as_ref().map_or(Ok("utf-8"), text)?.to_lowercase();
    if encoding.starts_with("latin") {
        return Ok(Py::text(bytes.iter().map(|byte| char::from(*byte)).collect::<String>()));
    }
    std::str::from_utf8(bytes).map(Py::text).map_err(|_| Stop::Other("bytes cannot be decoded".to_owned()))
}
