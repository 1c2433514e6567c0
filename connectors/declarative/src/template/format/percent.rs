//! `'%s' % x`

use super::{
    super::{
        print::repr_of,
        run::Run,
        value::{Outcome, Py, Stop, Text, other},
    },
    number::{Spec, WIDTH_MAX},
};

/// Fills values into a text.
pub fn percent<'a>(run: &mut Run<'a>, format: &str, right: &Py<'a>) -> Outcome<String> {
    let mut given = match right {
        Py::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mapping = matches!(right, Py::Dict(_) | Py::Json(_) | Py::List(_) | Py::Undefined);
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut value = None;
        if let Some(named) = rest.strip_prefix('(') {
            let (name, after) = named.split_once(')').ok_or_else(|| Stop::Other("incomplete format key".to_owned()))?;
            if !mapping {
                return Err(Stop::Type);
            }
            let key = Py::Str(Text::from(name.to_owned()));
            value = match run.item(right, &key)? {
                Py::Undefined => return other("a format names a key that is not there"),
                found => Some(found),
            };
            rest = after;
        }
        let (spec, after) = spec(rest, &mut given)?;
        rest = after;
        if spec.kind == Some('%') {
            out.push('%');
            continue;
        }
        let Some(value) = value.or_else(|| given.next()) else { return Err(Stop::Type) };
        out.push_str(&filled(run, &spec, &value)?);
        run.spend(spec.width / 16 + spec.precision.unwrap_or(0) / 16)?;
    }
    out.push_str(rest);
    if given.next().is_some() && !mapping { Err(Stop::Type) } else { Ok(out) }
}

fn spec<'f, 'a>(format: &'f str, given: &mut impl Iterator<Item = Py<'a>>) -> Outcome<(Spec, &'f str)> {
    let mut spec = Spec::default();
    let flags = format.len() - format.trim_start_matches(['#', '0', '-', ' ', '+']).len();
    for flag in format[..flags].chars() {
        match flag {
            '#' => spec.alternate = true,
            '-' => spec.align = Some('<'),
            '0' if spec.align.is_none() => (spec.fill, spec.align) = ('0', Some('=')),
            '0' => {}
            sign => spec.sign = Some(if spec.sign == Some('+') { '+' } else { sign }),
        }
    }
    if spec.align == Some('<') {
        spec.fill = ' ';
    }
    let (width, rest) = size(&format[flags..], given)?;
    spec.width = width.unwrap_or(0);
    let mut rest = rest;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = size(after, given)?;
        spec.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    let rest = rest.trim_start_matches(['h', 'l', 'L']);
    spec.kind = rest.chars().next();
    let kind = spec.kind.ok_or_else(|| Stop::Other("incomplete format".to_owned()))?;
    Ok((spec, &rest[kind.len_utf8()..]))
}

fn size<'f, 'a>(format: &'f str, given: &mut impl Iterator<Item = Py<'a>>) -> Outcome<(Option<usize>, &'f str)> {
    if let Some(rest) = format.strip_prefix('*') {
        let size = given.next().and_then(|value| value.as_int()).ok_or(Stop::Type)?;
        return Ok((Some(usize::try_from(size).unwrap_or(0).min(WIDTH_MAX)), rest));
    }
    let digits = format.len() - format.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let size = format[..digits].parse().ok().map(|size: usize| size.min(WIDTH_MAX));
    Ok((size, &format[digits..]))
}

fn filled<'a>(run: &Run<'a>, spec: &Spec, value: &Py<'a>) -> Outcome<String> {
    let kind = spec.kind.unwrap_or('s');
    match kind {
        's' | 'r' | 'a' => {
            let text = if kind == 's' { run.str_of(value) } else { repr_of(&run.settled(value)) };
            let text = spec.precision.map_or(text.clone(), |most| text.chars().take(most).collect());
            let place = Spec { fill: ' ', align: spec.align.filter(|align| *align == '<'), ..spec.clone() };
            Ok(place.placed(&text, '>'))
        }
        _ if matches!(value, Py::Undefined) => Err(Stop::Undefined("something undefined is formatted".to_owned())),
        'd' | 'i' | 'u' => {
            let number = match value {
                #[expect(clippy::cast_possible_truncation, reason = "as Python does")]
                Py::Float(number) if number.is_finite() => number.trunc() as i128,
                value => value.as_int().ok_or(Stop::Type)?,
            };
            spec.whole(number).ok_or(Stop::Type)
        }
        'x' | 'X' | 'o' => spec.whole(value.as_int().ok_or(Stop::Type)?).ok_or(Stop::Type),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => spec.broken(value.as_float().ok_or(Stop::Type)?).ok_or(Stop::Type),
        'c' => {
            let text = match value.as_str() {
                Some(text) if text.chars().count() == 1 => text.to_owned(),
                Some(_) => return Err(Stop::Type),
                None => {
                    let letter = value.as_int().and_then(|code| char::from_u32(u32::try_from(code).ok()?));
                    letter.ok_or(Stop::Type)?.to_string()
                }
            };
            Ok(spec.placed(&text, '>'))
        }
        _ => other("unsupported format character"),
    }
}
