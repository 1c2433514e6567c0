//! Filters that change texts.

use super::super::{
    arguments::{Arguments, index, index_or, text},
    compare::{is_true, pairs},
    format::percent,
    methods::{capitalize, is_blank, lines, replaced},
    reckon::escaped,
    run::Run,
    value::{Outcome, Py, Stop, other},
};

/// Applies one of them.
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let own = run.str_of(value);
    run.spend(own.len() / 16)?;
    let made = match name {
        "lower" => simple(arguments, || own.to_lowercase())?,
        "upper" => simple(arguments, || own.to_uppercase())?,
        "capitalize" => simple(arguments, || capitalize(&own))?,
        "title" => simple(arguments, || title(&own))?,
        "striptags" => simple(arguments, || strip_tags(&own))?,
        "escape" | "e" if matches!(value, Py::Markup(_)) => return Ok(value.clone()),
        "escape" | "e" | "forceescape" => return Ok(Py::Markup(simple(arguments, || escaped(&own))?.into())),
        "safe" => return Ok(Py::Markup(simple(arguments, || own)?.into())),
        "wordcount" => {
            arguments.none()?;
            let words = own.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).filter(|word| !word.is_empty()).count();
            return Ok(Py::Int(i128::try_from(words).unwrap_or(i128::MAX)));
        }
        "replace" => {
            let [old, new, count] = arguments.bind(["old", "new", "count"], 2)?;
            let (old, new) = (run.str_of(&old.ok_or(Stop::Type)?), run.str_of(&new.ok_or(Stop::Type)?));
            replaced(run, &own, &old, &new, index_or(count.as_ref(), -1)?)?
        }
        "trim" => {
            let [chars] = arguments.bind(["chars"], 0)?;
            match &chars {
                None | Some(Py::None) => own.trim_matches(is_blank).to_owned(),
                Some(chars) => {
                    let chars = text(chars)?;
                    own.trim_matches(|letter| chars.contains(letter)).to_owned()
                }
            }
        }
        "center" => {
            let [width] = arguments.bind(["width"], 0)?;
            let width = width.unwrap_or(Py::Int(80));
            return run.method(&Py::text(own), "center", Arguments::of(vec![width]));
        }
        "format" => {
            let right = match (arguments.plain.is_empty(), arguments.named.is_empty()) {
                (false, false) => return other("positional and keyword arguments cannot be mixed"),
                (_, true) => Py::tuple(arguments.plain),
                (true, false) => Py::dict(arguments.named.into_iter().map(|(name, value)| (Py::text(name.into_owned()), value)).collect()),
            };
            percent(run, &own, &right)?
        }
        "indent" if matches!(value, Py::Undefined) => return value.undefined("a line"),
        "truncate" if value.as_str().is_none() => return untruncated(run, value, arguments),
        "indent" => indent(run, text(value)?, arguments)?,
        "truncate" => truncate(text(value)?, arguments)?,
        "xmlattr" => xml_attributes(run, value, arguments)?,
        _ => return other("the filter is not supported"),
    };
    run.made(made)
}

fn simple(arguments: Arguments<'_>, made: impl FnOnce() -> String) -> Outcome<String> {
    arguments.none()?;
    Ok(made())
}

/// A word begins after a blank or one of `-({[<`.
fn title(own: &str) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(own.len());
    for letter in own.chars() {
        let between = is_blank(letter) || matches!(letter, '-' | '(' | '{' | '[' | '<');
        if begins || between {
            out.extend(letter.to_uppercase());
        } else {
            out.extend(letter.to_lowercase());
        }
        begins = between;
    }
    out
}

fn strip_tags(own: &str) -> String {
    let mut out = String::new();
    let mut rest = own;
    while let Some(at) = rest.find('<') {
        let comment = rest[at..].starts_with("<!--");
        let end = if comment { rest[at..].find("-->").map(|end| end + 3) } else { rest[at..].find('>').map(|end| end + 1) };
        let Some(end) = end else { break };
        out.push_str(&rest[..at]);
        rest = &rest[at + end..];
    }
    out.push_str(rest);
    let words: Vec<&str> = out.split(is_blank).filter(|word| !word.is_empty()).collect();
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&nbsp;", "\u{a0}"), ("&amp;", "&")];
    named.iter().fold(words.join(" "), |text, (name, letter)| text.replace(name, letter))
}

fn indent<'a>(run: &mut Run<'a>, own: &str, arguments: Arguments<'a>) -> Outcome<String> {
    let [width, first, blank] = arguments.bind(["width", "first", "blank"], 0)?;
    let width = width.unwrap_or(Py::Int(4));
    let indent = match width.as_str() {
        Some(text) => text.to_owned(),
        None => " ".repeat(usize::try_from(index(&width)?).unwrap_or(0).min(10_000)),
    };
    let lines = lines(&format!("{own}\n"), false);
    run.spend(lines.len().saturating_mul(indent.len()) / 16)?;
    let blank = blank.is_some_and(|blank| is_true(&blank));
    let all = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at == 0 || (line.is_empty() && !blank) { line.clone() } else { format!("{indent}{line}") });
    let made = all.collect::<Vec<_>>().join("\n");
    Ok(if first.is_some_and(|first| is_true(&first)) { format!("{indent}{made}") } else { made })
}

fn truncate(own: &str, arguments: Arguments<'_>) -> Outcome<String> {
    let [length, kill, end, leeway] = arguments.bind(["length", "killwords", "end", "leeway"], 0)?;
    let end = end.unwrap_or_else(|| Py::text("..."));
    let end = text(&end)?;
    let size = |value: Option<&Py<'_>>, otherwise| Ok::<_, Stop>(usize::try_from(index_or(value, otherwise)?).unwrap_or(0));
    let (length, leeway) = (size(length.as_ref(), 255)?, size(leeway.as_ref(), 5)?);
    let Some(kept) = length.checked_sub(end.chars().count()) else { return other("a text cannot be made shorter than its end") };
    if own.chars().count() <= length + leeway {
        return Ok(own.to_owned());
    }
    let cut: String = own.chars().take(kept).collect();
    let whole_words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    Ok(format!("{}{end}", if kill.is_some_and(|kill| is_true(&kill)) { &cut } else { whole_words }))
}

/// What is no text stays whole where it is short enough, and cannot be cut where it is not.
fn untruncated<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [length, _, _, leeway] = arguments.bind(["length", "killwords", "end", "leeway"], 0)?;
    let most = index_or(length.as_ref(), 255)? + index_or(leeway.as_ref(), 5)?;
    if matches!(value, Py::Flow(_)) {
        return Err(Stop::Type);
    }
    let items = run.iterate(value)?.len();
    if i64::try_from(items).is_ok_and(|items| items <= most) { Ok(value.clone()) } else { Err(Stop::Type) }
}

fn xml_attributes<'a>(run: &Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<String> {
    let [space] = arguments.bind(["autospace"], 0)?;
    let mut parts = Vec::new();
    for (key, value) in pairs(value).ok_or(Stop::Type)? {
        let name = text(&key)?;
        if name.contains([' ', '\t', '\n', '\r', '/', '>', '=']) {
            return other("invalid character in an attribute's name");
        }
        if !matches!(value, Py::None | Py::Undefined) {
            parts.push(format!("{}=\"{}\"", escaped(name), escaped(&run.str_of(&value))));
        }
    }
    let made = parts.join(" ");
    let space = space.is_none_or(|space| is_true(&space)) && !made.is_empty();
    Ok(if space { format!(" {made}") } else { made })
}
