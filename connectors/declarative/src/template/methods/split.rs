//! Texts cut into parts.

use super::{
    super::{
        arguments::{Arguments, index_or, text},
        run::Run,
        value::{Outcome, Py, Text, other},
    },
    text::{cut, is_blank},
};

/// `str.split` and `str.rsplit`
pub fn split<'a>(run: &mut Run<'a>, value: &Text<'a>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [by, most] = arguments.bind(["sep", "maxsplit"], 0)?;
    let most = usize::try_from(index_or(most.as_ref(), -1)?).unwrap_or(usize::MAX - 1);
    let own = value.as_str();
    let from_right = name == "rsplit";
    let mut parts: Vec<&str> = match &by {
        None | Some(Py::None) => blanks(own, most, from_right),
        Some(by) => match text(by)? {
            "" => return other("empty separator"),
            by if from_right => own.rsplitn(most + 1, by).collect(),
            by => own.splitn(most + 1, by).collect(),
        },
    };
    if from_right {
        parts.reverse();
    }
    run.spend(parts.len())?;
    Ok(Py::list(parts.into_iter().map(|part| cut(value, part)).collect()))
}

/// The words of a text; the last one, or the first one from the right, keeps its blanks inside.
fn blanks(own: &str, most: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = own.trim_matches(is_blank);
    if most < usize::MAX - 1 {
        rest = if from_right { own.trim_end_matches(is_blank) } else { own.trim_start_matches(is_blank) };
    }
    while !rest.is_empty() {
        let at = if from_right { rest.rfind(is_blank) } else { rest.find(is_blank) };
        let Some(at) = at.filter(|_| parts.len() < most) else { break };
        let width = rest[at..].chars().next().map_or(1, char::len_utf8);
        if from_right {
            parts.push(&rest[at + width..]);
            rest = rest[..at].trim_end_matches(is_blank);
        } else {
            parts.push(&rest[..at]);
            rest = rest[at + width..].trim_start_matches(is_blank);
        }
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// The lines of a text as `str.splitlines` cuts them.
pub fn lines(own: &str, keep: bool) -> Vec<String> {
    let is_end =
        |letter: char| matches!(letter, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = own;
    while let Some(at) = rest.find(is_end) {
        let width = if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
        lines.push(rest[..if keep { at + width } else { at }].to_owned());
        rest = &rest[at + width..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// `str.partition` and `str.rpartition`
pub fn partition<'a>(own: &str, name: &str, by: &str) -> Outcome<Py<'a>> {
    if by.is_empty() {
        return other("empty separator");
    }
    let from_right = name == "rpartition";
    let found = if from_right { own.rsplit_once(by) } else { own.split_once(by) };
    let parts = match found {
        Some((before, after)) => [before, by, after],
        None if from_right => ["", "", own],
        None => [own, "", ""],
    };
    Ok(Py::tuple(parts.map(Py::text).to_vec()))
}
