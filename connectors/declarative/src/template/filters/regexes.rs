//! `regex_search` and `regex_replace`, with Python's regular expressions.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use fancy_regex::{Captures, Regex, RegexBuilder};

use super::super::{
    arguments::{Arguments, text},
    run::Run,
    value::{Outcome, Py, Stop, Text, other},
};

/// More expressions than a connector has; when a thread has seen so many, it forgets them all.
const KNOWN_MAX: usize = 256;
/// A search may go back so often.
const BACKTRACKS_MAX: usize = 100_000;
const INVALID: &str = "a regular expression cannot be read";

thread_local! {
    static KNOWN: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::new(HashMap::new());
}

/// Applies one of them.
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    if name == "regex_search" {
        let [regex] = arguments.bind(["regex"], 1)?;
        return search(run, text(value)?, &regex.ok_or(Stop::Type)?);
    }
    let [regex, replacement] = arguments.bind(["regex", "replacement"], 2)?;
    let (regex, replacement) = (regex.ok_or(Stop::Type)?, replacement.ok_or(Stop::Type)?);
    let own = text(value)?;
    run.spend(own.len() / 4)?;
    let made = replaced(run, own, &*compiled(text(&regex)?, own)?, text(&replacement)?)?;
    run.made(made)
}

fn search<'a>(run: &mut Run<'a>, own: &str, regex: &Py<'a>) -> Outcome<Py<'a>> {
    run.spend(own.len() / 4)?;
    let regex = compiled(text(regex)?, own)?;
    let found = regex.captures(own).map_err(|_| Stop::Other("a search takes too long".to_owned()))?;
    Ok(match found {
        Some(found) if found.len() > 1 => found.get(1).map_or(Py::None, |part| Py::text(part.as_str())),
        _ => Py::Str(Text::Seen("")),
    })
}

/// An expression for a text. In Python `$` is also before the line end that ends a text, and `\Z` only at its end.
fn compiled(pattern: &str, own: &str) -> Outcome<Rc<Regex>> {
    let translated = translated(pattern, own.ends_with('\n'));
    KNOWN.with_borrow_mut(|known| {
        if let Some(regex) = known.get(&translated) {
            return regex.clone().ok_or_else(|| Stop::Other(INVALID.to_owned()));
        }
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let regex = RegexBuilder::new(&translated).backtrack_limit(BACKTRACKS_MAX).build().ok().map(Rc::new);
        known.insert(translated, regex.clone());
        regex.ok_or_else(|| Stop::Other(INVALID.to_owned()))
    })
}

fn translated(pattern: &str, line_end: bool) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut class = false;
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('Z') if !class => out.push_str(r"\z"),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            // Our engine would read a bracket, `&&` or `~~` in a class as something of its own.
            '[' if class => out.push_str(r"\["),
            '&' | '~' if class => out.extend(['\\', letter]),
            '[' => {
                class = true;
                out.push('[');
            }
            ']' if class && !out.ends_with('[') && !out.ends_with("[^") => {
                class = false;
                out.push(']');
            }
            ']' if class => out.push_str(r"\]"),
            '$' if !class && line_end && !pattern.contains("(?m") => out.push_str(r"(?=\n?\z)"),
            letter => out.push(letter),
        }
    }
    out
}

fn replaced(run: &mut Run<'_>, own: &str, regex: &Regex, replacement: &str) -> Outcome<String> {
    let mut out = String::new();
    let mut end = 0;
    for found in regex.captures_iter(own) {
        let found = found.map_err(|_| Stop::Other("a search takes too long".to_owned()))?;
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&own[end..whole.start()]);
        let before = out.len();
        expand(&mut out, &found, replacement)?;
        run.spend(1 + (out.len() - before) / 16)?;
        end = whole.end();
    }
    out.push_str(&own[end..]);
    Ok(out)
}

/// Writes a replacement: `\1`, `\g<1>`, `\g<name>`, `\n`.
fn expand(out: &mut String, found: &Captures<'_, str>, replacement: &str) -> Outcome<()> {
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else { return other("bad escape at the end of a replacement") };
        if letter == 'g' {
            let name = rest.strip_prefix("g<").and_then(|rest| rest.split_once('>'));
            let (name, after) = name.ok_or_else(|| Stop::Other("a group of a replacement cannot be read".to_owned()))?;
            let group = name.parse().map_or_else(|_| found.name(name), |number: usize| found.get(number));
            out.push_str(group.map_or("", |group| group.as_str()));
            rest = after;
        } else if letter.is_ascii_digit() {
            let second = rest[1..].starts_with(|next: char| next.is_ascii_digit()) && letter != '0';
            let (digits, after) = rest.split_at(if second { 2 } else { 1 });
            let number: usize = digits.parse().unwrap_or(0);
            if number >= found.len() {
                return other("a replacement names a group that is not there");
            }
            out.push_str(found.get(number).filter(|_| number > 0).map_or("", |group| group.as_str()));
            rest = after;
        } else {
            match letter {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '\\' => out.push('\\'),
                letter if letter.is_ascii_alphabetic() => return other("bad escape in a replacement"),
                letter => out.extend(['\\', letter]),
            }
            rest = &rest[letter.len_utf8()..];
        }
    }
    out.push_str(rest);
    Ok(())
}
