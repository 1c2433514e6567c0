//! Texts and bytes as Python spells them: prefixes, quotes, escapes, and several one after the other.

use super::{Literal, parse::Parser};

/// One text or several; `None` if there is none, or if texts stand beside bytes.
pub fn strings(parser: &mut Parser<'_>) -> Option<Literal> {
    let mut whole = one(parser)?;
    loop {
        parser.blanks();
        let before = parser.rest;
        let Some(next) = one(parser) else {
            // What is no text is left to whoever asked, who will not know it either if it is a broken one.
            parser.rest = before;
            return Some(whole);
        };
        whole = match (whole, next) {
            (Literal::Str(left), Literal::Str(right)) => Literal::Str(left + &right),
            (Literal::Bytes(left), Literal::Bytes(right)) => Literal::Bytes([left, right].concat()),
            _ => return None,
        };
    }
}

fn one(parser: &mut Parser<'_>) -> Option<Literal> {
    let quote_at = parser.rest.find(['\'', '"']).filter(|at| *at <= 2)?;
    let (raw, bytes) = match parser.rest[..quote_at].to_ascii_lowercase().as_str() {
        "" | "u" => (false, false),
        "r" => (true, false),
        "b" => (false, true),
        "br" | "rb" => (true, true),
        _ => return None,
    };
    let rest = &parser.rest[quote_at..];
    let quote = if rest.starts_with("'''") || rest.starts_with("\"\"\"") { &rest[..3] } else { &rest[..1] };
    let inner = &rest[quote.len()..];
    let end = end_of(inner, quote)?;
    let body = &inner[..end];
    parser.rest = &inner[end + quote.len()..];
    if bytes && !body.is_ascii() {
        return None;
    }
    match (raw, bytes) {
        (true, true) => Some(Literal::Bytes(body.as_bytes().to_vec())),
        (true, false) => Some(Literal::Str(body.to_owned())),
        (false, true) => {
            let units = unescaped(body, true)?;
            // An octal escape may be larger than a byte; Python keeps its low bits.
            #[expect(clippy::cast_possible_truncation, reason = "as Python does")]
            Some(Literal::Bytes(units.into_iter().map(|unit| unit as u8).collect()))
        }
        (false, false) => text_of(&unescaped(body, false)?).map(Literal::Str),
    }
}

/// Where a text ends; one in single quotes ends on its line.
fn end_of(inner: &str, quote: &str) -> Option<usize> {
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()?),
            '\n' if quote.len() == 1 => return None,
            _ if inner[at..].starts_with(quote) => return Some(at),
            _ => {}
        }
    }
    None
}

/// The code points of a text with its escapes resolved.
fn unescaped(body: &str, bytes: bool) -> Option<Vec<u32>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        if letter != '\\' {
            out.push(u32::from(letter));
            continue;
        }
        let escape = rest.chars().next()?;
        rest = &rest[escape.len_utf8()..];
        let simple = match escape {
            '\n' => continue,
            '\\' | '\'' | '"' => u32::from(escape),
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let digits = format!("{escape}{}", &rest[..more]);
                rest = &rest[more..];
                u32::from_str_radix(&digits, 8).ok()?
            }
            'x' => hex(&mut rest, 2)?,
            'u' if !bytes => hex(&mut rest, 4)?,
            'U' if !bytes => hex(&mut rest, 8)?,
            // The names of letters are not known here.
            'N' if !bytes => return None,
            other => {
                out.extend([u32::from('\\'), u32::from(other)]);
                continue;
            }
        };
        out.push(simple);
    }
    Some(out)
}

fn hex(rest: &mut &str, length: usize) -> Option<u32> {
    let digits = rest.get(..length)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    *rest = &rest[length..];
    u32::from_str_radix(digits, 16).ok().filter(|code| *code <= 0x0010_ffff)
}

/// Two halves of a letter become the letter; a half alone is no text outside of Python.
fn text_of(units: &[u32]) -> Option<String> {
    let mut out = String::with_capacity(units.len());
    let mut units = units.iter().copied().peekable();
    while let Some(unit) = units.next() {
        let low = units.peek().copied().filter(|low| (0xdc00..0xe000).contains(low));
        match (unit, low) {
            (0xd800..0xdc00, Some(low)) => {
                units.next();
                out.push(char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?);
            }
            _ => out.push(char::from_u32(unit)?),
        }
    }
    Some(out)
}
