//! Values with what is personal taken out, in a shape that still says what they are.

use serde_json::{Map, Value, json};

use super::personal::{self, Personal};
use crate::organize::keys;
use crate::organize::normalize::Stream;

/// Values of each column that are shown.
const SHOWN: usize = 3;
/// Characters of a value that are shown.
const CHARS: usize = 40;

/// A few values of each column of a stream's record, masked where they are personal.
pub fn sample(stream: &Stream) -> Value {
    let mut columns = Map::new();
    for column in stream.root().into_iter().flat_map(|table| &table.columns).filter(|column| !column.is_overflow) {
        let stats = keys::stats(&stream.profile, column);
        let tag = personal::of(column, stats);
        let shown: Vec<Value> = stats.sketch.texts().take(SHOWN).map(|(text, _)| json!(value(text, tag))).collect();
        columns.insert(column.path.clone(), Value::Array(shown));
    }
    Value::Object(columns)
}

/// One value as it may be shown.
pub fn value(text: &str, tag: Option<Personal>) -> String {
    let cut: String = text.chars().take(CHARS).collect();
    if tag.is_some_and(|tag| tag != Personal::Mentions) {
        return shape(&cut);
    }
    let words: Vec<String> = cut.split(' ').map(|word| if is_telling(word) { shape(word) } else { word.to_owned() }).collect();
    words.join(" ")
}

/// Letters become `x`, digits `9`; what is between them stays.
pub fn shape(text: &str) -> String {
    let masked = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    text.chars().map(masked).collect()
}

/// Addresses anywhere, and long numbers, tell who somebody is wherever they stand.
fn is_telling(word: &str) -> bool {
    personal::mentions_somebody(word) || word.chars().filter(char::is_ascii_digit).count() >= 7
}
