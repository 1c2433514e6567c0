//! `'{}'.format(x)`

use super::{
    super::{
        arguments::Arguments,
        print::repr_of,
        run::Run,
        value::{Outcome, Py, Stop, Text, other},
    },
    number::{Spec, WIDTH_MAX},
};
use crate::dates::{strftime, strftime_date};

/// Fills values into a text.
pub fn format_text<'a>(run: &mut Run<'a>, format: &str, given: &Arguments<'a>) -> Outcome<String> {
    filled(run, format, given, &mut Places::default(), 2)
}

/// The places of values are either all counted or all named.
#[derive(Default)]
struct Places {
    counted: usize,
    named: bool,
}

fn filled<'a>(run: &mut Run<'a>, format: &str, given: &Arguments<'a>, next: &mut Places, depth: u8) -> Outcome<String> {
    if depth == 0 {
        return other("max string recursion exceeded");
    }
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return other("single '}' in a format");
        }
        let end = end_of(rest).ok_or_else(|| Stop::Other("expected '}' in a format".to_owned()))?;
        let field = &rest[..end];
        rest = &rest[end + 1..];
        let (head, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = head.split_once('!').map_or((head, None), |(name, conversion)| (name, Some(conversion)));
        let value = looked_up(run, name, given, next)?;
        let value = match conversion {
            None => value,
            Some("s") => Py::text(run.str_of(&value)),
            Some("r" | "a") => Py::text(repr_of(&run.settled(&value))),
            Some(_) => return other("unknown conversion in a format"),
        };
        let spec = if spec.contains('{') { filled(run, spec, given, next, depth - 1)? } else { spec.to_owned() };
        out.push_str(&formatted(run, &value, &spec)?);
        run.spend(1 + out.len() / 64)?;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the field ends that begins here.
fn end_of(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn looked_up<'a>(run: &mut Run<'a>, name: &str, given: &Arguments<'a>, next: &mut Places) -> Outcome<Py<'a>> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut rest) = name.split_at(end);
    let by_place =
        |at: usize| given.plain.get(at).cloned().ok_or_else(|| Stop::Other("a format names more values than there are".to_owned()));
    let mut value = if first.is_empty() {
        next.counted += 1;
        by_place(next.counted - 1)?
    } else if let Ok(at) = first.parse() {
        next.named = true;
        by_place(at)?
    } else {
        let known = given.named.iter().find(|(known, _)| known == first).map(|(_, value)| value.clone());
        known.ok_or_else(|| Stop::Other("a format names a value that is not there".to_owned()))?
    };
    if next.named && next.counted > 0 {
        return other("a format both counts its places and names them");
    }
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((key, after)) => (key.parse().map_or_else(|_| Py::text(key), Py::Int), after),
            None => {
                let rest = rest.trim_start_matches('.');
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                (Py::Str(Text::from(rest[..end].to_owned())), &rest[end..])
            }
        };
        value = run.item(&value, &key)?;
        rest = after;
    }
    Ok(value)
}

fn formatted<'a>(run: &Run<'a>, value: &Py<'a>, text: &str) -> Outcome<String> {
    if text.is_empty() {
        return Ok(run.str_of(value));
    }
    match value {
        Py::Time(time) => return Ok(strftime(*time, text)),
        Py::Date(date) => return Ok(strftime_date(*date, text)),
        _ => {}
    }
    let spec = spec(text).ok_or_else(|| Stop::Other("invalid format specifier".to_owned()))?;
    let wrong = || Stop::Other("unknown format code".to_owned());
    let as_float = matches!(spec.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'));
    match value {
        Py::Str(text) | Py::Markup(text) if matches!(spec.kind, None | Some('s')) => {
            let most = spec.precision.unwrap_or(usize::MAX);
            Ok(spec.placed(&text.as_str().chars().take(most).collect::<String>(), '<'))
        }
        Py::Bool(yes) if spec.kind.is_none() => Ok(spec.placed(if *yes { "True" } else { "False" }, '<')),
        Py::Int(_) | Py::Bool(_) if !as_float => value.as_int().and_then(|number| spec.whole(number)).ok_or_else(wrong),
        Py::Int(_) | Py::Bool(_) | Py::Float(_) => value.as_float().and_then(|number| spec.broken(number)).ok_or_else(wrong),
        Py::Str(_) | Py::Markup(_) => Err(wrong()),
        // Everything else takes no specifier at all.
        _ => Err(Stop::Type),
    }
}

/// `[[fill]align][sign][z][#][0][width][,][.precision][type]`
fn spec(text: &str) -> Option<Spec> {
    let mut spec = Spec::default();
    let mut letters = text.chars().peekable();
    let is_align = |letter: char| matches!(letter, '<' | '>' | '^' | '=');
    let mut ahead = text.chars();
    match (ahead.next(), ahead.next()) {
        (Some(fill), Some(align)) if is_align(align) => {
            (spec.fill, spec.align) = (fill, Some(align));
            letters.nth(1);
        }
        (Some(align), _) if is_align(align) => {
            spec.align = Some(align);
            letters.next();
        }
        _ => {}
    }
    spec.sign = letters.next_if(|letter| matches!(letter, '+' | '-' | ' '));
    letters.next_if_eq(&'z');
    spec.alternate = letters.next_if_eq(&'#').is_some();
    if letters.next_if_eq(&'0').is_some() && spec.align.is_none() {
        (spec.fill, spec.align) = ('0', Some('='));
    }
    let number = |letters: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut digits = String::new();
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok().map(|size: usize| size.min(WIDTH_MAX))
    };
    spec.width = number(&mut letters).unwrap_or(0);
    spec.group = letters.next_if(|letter| matches!(letter, ',' | '_'));
    if letters.next_if_eq(&'.').is_some() {
        spec.precision = Some(number(&mut letters)?);
    }
    spec.kind = letters.next();
    letters.next().is_none().then_some(spec)
}
