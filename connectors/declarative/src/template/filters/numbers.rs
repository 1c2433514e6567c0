//! Filters that give numbers.

use super::super::{
    arguments::{Arguments, index, index_or, text},
    compare::is_true,
    format::fixed,
    program::Operator,
    run::Run,
    value::{Outcome, Py, Stop, other},
};

/// Applies one of them.
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    match name {
        "abs" => {
            arguments.none()?;
            match value {
                Py::Float(number) => Ok(Py::Float(number.abs())),
                Py::Delta(micros) => Ok(Py::Delta(micros.abs())),
                value => value.as_int().and_then(i128::checked_abs).map(Py::Int).ok_or(Stop::Type),
            }
        }
        "int" => {
            let [otherwise, base] = arguments.bind(["default", "base"], 0)?;
            let base = index_or(base.as_ref(), 10)?;
            defined(value)?;
            Ok(to_int(value, base)?.unwrap_or_else(|| otherwise.unwrap_or(Py::Int(0))))
        }
        "float" => {
            let [otherwise] = arguments.bind(["default"], 0)?;
            defined(value)?;
            Ok(to_float(value).map_or_else(|| otherwise.unwrap_or(Py::Float(0.0)), Py::Float))
        }
        "round" => round(value, arguments),
        "sum" => sum(run, value, arguments),
        _ => {
            let [binary] = arguments.bind(["binary"], 0)?;
            defined(value)?;
            let wrong = if value.as_str().is_some() { Stop::Other("a size is no number".to_owned()) } else { Stop::Type };
            let size = to_float(value).ok_or(wrong)?;
            run.made(file_size(size, binary.is_some_and(|binary| is_true(&binary))))
        }
    }
}

fn defined(value: &Py<'_>) -> Outcome<()> {
    if matches!(value, Py::Undefined) { Err(Stop::Undefined("something undefined is made a number".to_owned())) } else { Ok(()) }
}

/// Without blanks around and with single underscores between digits only.
fn digits(text: &str) -> Option<String> {
    let text = text.trim_matches(super::super::methods::is_blank);
    let bytes = text.as_bytes();
    let known = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let placed = text.match_indices('_').all(|(at, _)| known(at.checked_sub(1)) && known(Some(at + 1)));
    (placed && text.is_ascii()).then(|| text.replace('_', ""))
}

/// `int(value)`, or `int(float(value))`; `None` where both fail.
fn to_int<'a>(value: &Py<'a>, base: i64) -> Outcome<Option<Py<'a>>> {
    if let Py::Long(_) = value {
        return Ok(Some(value.clone()));
    }
    if let Some(number) = value.as_int() {
        return Ok(Some(Py::Int(number)));
    }
    if let Some(own) = value.as_str()
        && let Some(number) = digits(own).and_then(|digits| in_base(&digits, base))
    {
        return Ok(Some(Py::Int(number)));
    }
    match to_float(value) {
        Some(number) if number.is_infinite() && matches!(value, Py::Float(_)) => other("cannot convert a float to an integer"),
        #[expect(clippy::cast_possible_truncation, reason = "as Python does")]
        Some(number) if number.is_finite() => Ok(Some(Py::Int(number.trunc() as i128))),
        _ => Ok(None),
    }
}

fn in_base(digits: &str, base: i64) -> Option<i128> {
    let (negative, size) = match digits.as_bytes().first()? {
        b'-' => (true, &digits[1..]),
        b'+' => (false, &digits[1..]),
        _ => (false, digits),
    };
    if size.starts_with(['+', '-']) {
        return None;
    }
    let prefixed = |prefix: &str| size.get(..2).filter(|head| head.eq_ignore_ascii_case(prefix)).map(|_| &size[2..]);
    let (size, base) = match base {
        16 => (prefixed("0x").unwrap_or(size), 16),
        8 => (prefixed("0o").unwrap_or(size), 8),
        2 => (prefixed("0b").unwrap_or(size), 2),
        0 => {
            let known = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, base)| Some((prefixed(prefix)?, base)));
            known.unwrap_or((size, 10))
        }
        base => (size, u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?),
    };
    let number = i128::from_str_radix(size, base).ok()?;
    Some(if negative { -number } else { number })
}

/// Python's `float()`.
fn to_float(value: &Py<'_>) -> Option<f64> {
    let Some(own) = value.as_str() else { return value.as_float() };
    let digits = digits(own)?;
    let unsigned = digits.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let known = unsigned.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.')
        || matches!(unsigned.as_str(), "inf" | "infinity" | "nan");
    known.then(|| digits.parse().ok()).flatten()
}

fn round<'a>(value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [precision, method] = arguments.bind(["precision", "method"], 0)?;
    let precision = index_or(precision.as_ref(), 0)?.clamp(-300, 300);
    let method = method.unwrap_or_else(|| Py::text("common"));
    let method = text(&method)?;
    if !matches!(method, "common" | "ceil" | "floor") {
        return other("method must be common, ceil or floor");
    }
    if method == "common" {
        return match value {
            Py::Float(number) => Ok(Py::Float(rounded(*number, precision))),
            value => Ok(Py::Int(rounded_whole(value.as_int().ok_or(Stop::Type)?, precision))),
        };
    }
    let number = value.as_float().ok_or(Stop::Type)?;
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let factor = 10_f64.powi(precision as i32);
    let scaled = number * factor;
    Ok(Py::Float(if method == "ceil" { scaled.ceil() } else { scaled.floor() } / factor))
}

/// Halves go to the even neighbour, of the number that the double really is.
fn rounded(number: f64, precision: i64) -> f64 {
    if let Ok(places) = usize::try_from(precision) {
        return fixed(number, places).parse().unwrap_or(number);
    }
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let factor = 10_f64.powi(-precision as i32);
    (number / factor).round_ties_even() * factor
}

fn rounded_whole(number: i128, precision: i64) -> i128 {
    let Some(factor) = u32::try_from(-precision).ok().filter(|places| *places > 0).and_then(|places| 10_i128.checked_pow(places)) else {
        return if precision < 0 { 0 } else { number };
    };
    let (down, rest) = (number.div_euclid(factor), number.rem_euclid(factor));
    let up = rest * 2 > factor || (rest * 2 == factor && down % 2 != 0);
    (down + i128::from(up)) * factor
}

fn sum<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [attribute, start] = arguments.bind(["attribute", "start"], 0)?;
    let mut all = start.unwrap_or(Py::Int(0));
    if all.as_str().is_some() {
        return Err(Stop::Type);
    }
    for item in run.iterate(value)? {
        let item = super::lists::attribute_of(run, &item, attribute.as_ref())?;
        all = run.reckon(Operator::Add, &all, &item)?;
    }
    Ok(all)
}

fn file_size(size: f64, binary: bool) -> String {
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    #[expect(clippy::float_cmp, reason = "as the reference does")]
    if size == 1.0 {
        return "1 Byte".to_owned();
    }
    if size < base {
        return format!("{:.0} Bytes", size.trunc());
    }
    let names =
        if binary { ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] } else { ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] };
    let mut unit = base;
    for name in names {
        unit *= base;
        if size < unit || name.starts_with('Y') {
            return format!("{} {name}", fixed(base * size / unit, 1));
        }
    }
    String::new()
}

/// A whole number that counts something.
pub fn count(value: Option<&Py<'_>>) -> Outcome<usize> {
    let count = index(value.ok_or(Stop::Type)?)?;
    usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| Stop::Other("a count must be greater than 0".to_owned()))
}
