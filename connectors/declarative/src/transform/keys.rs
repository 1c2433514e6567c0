//! What becomes of the names of fields.

use any_ascii::any_ascii;
use serde_json::{Map, Value};

/// Small letters only. Fields within fields keep their names.
pub fn lower(record: Map<String, Value>) -> Map<String, Value> {
    record.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()
}

/// Words of small letters joined by `_`, also within objects, but not within lists.
pub fn snake(record: Map<String, Value>) -> Map<String, Value> {
    renamed(record, &snake_name)
}

/// One text in place of another, also within objects, but not within lists.
pub fn replace(record: Map<String, Value>, old: &str, new: &str) -> Map<String, Value> {
    renamed(record, &|name| name.replace(old, new))
}

fn renamed(fields: Map<String, Value>, rename: &dyn Fn(&str) -> String) -> Map<String, Value> {
    let value = |value: Value| match value {
        Value::Object(inner) => Value::Object(renamed(inner, rename)),
        other => other,
    };
    fields.into_iter().map(|(name, inner)| (rename(&name), value(inner))).collect()
}

/// What a sign of a name belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Other,
}

fn kind(sign: char) -> Kind {
    match sign {
        'A'..='Z' => Kind::Upper,
        'a'..='z' => Kind::Lower,
        '0'..='9' => Kind::Digit,
        _ => Kind::Other,
    }
}

/// A name in words: capitals begin one, digits are one, and what is neither letter nor digit is an empty one, of which only those at
/// both ends are kept. A name that begins with a digit begins with an empty word too.
fn snake_name(name: &str) -> String {
    let mut words = words(&any_ascii(name));
    if words.len() >= 3 {
        let last = words.len() - 1;
        let mut place = 0;
        words.retain(|word| {
            place += 1;
            !word.is_empty() || place == 1 || place == last + 1
        });
    }
    if words.first().is_some_and(|word| word.starts_with(|sign: char| sign.is_ascii_digit())) {
        words.insert(0, String::new());
    }
    words.join("_")
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for sign in name.chars() {
        let now = kind(sign);
        let goes_on = before == Some(now) || (before == Some(Kind::Upper) && now == Kind::Lower);
        if !goes_on {
            words.push(String::new());
        }
        if now != Kind::Other
            && let Some(word) = words.last_mut()
        {
            word.push(sign.to_ascii_lowercase());
        }
        before = Some(now);
    }
    words
}
