//! YAML as the reference reads it, which is YAML 1.1: `yes` and `off` are truth values, `010` is eight, `1:30` is ninety, `1e3` is a
//! text, `<<` takes the fields of another object along, and of two fields with one name the last one counts.

use std::sync::LazyLock;

use regex::Regex;
use saphyr::{MarkedYaml, ScalarStyle, ScanError, Tag, YamlData, YamlLoader};
use saphyr_parser::Parser;
use serde_json::{Map, Number, Value};

use crate::places::{Places, join};

/// The first document of a text; `None` if there is none.
pub fn load(text: &str, twice_allowed: bool) -> Result<Option<MarkedYaml<'_>>, ScanError> {
    let mut loader = YamlLoader::<MarkedYaml<'_>>::default();
    loader.early_parse(false);
    loader.allow_duplicate_keys(twice_allowed);
    Parser::new_from_str(text).load(&mut loader, true)?;
    match loader.error() {
        Some(error) => Err(error.clone()),
        None => Ok(loader.into_documents().into_iter().next()),
    }
}

/// A document as a value, and where everything in it stands. A mistake comes with its line.
pub fn value(yaml: &MarkedYaml<'_>, path: &str, places: &mut Places) -> Result<Value, (usize, String)> {
    let line = yaml.span.start.line();
    places.stand(path, line);
    Ok(match &yaml.data {
        YamlData::Representation(text, style, tag) => scalar(text, *style, tag.as_deref()),
        YamlData::Sequence(items) => {
            let one = |(index, item): (usize, &MarkedYaml<'_>)| value(item, &format!("{path}[{index}]"), places);
            Value::Array(items.iter().enumerate().map(one).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(pairs) => {
            let (mut object, mut merged) = (Map::new(), Map::new());
            for (name, inner) in pairs {
                let name_line = name.span.start.line();
                if is_merge(name) {
                    merge(value(inner, path, places)?, &mut merged).map_err(|why| (name_line, why))?;
                    continue;
                }
                let name = match value(name, "?", &mut Places::default())? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let here = join(path, &name);
                let made = value(inner, &here, places)?;
                places.stand(&here, name_line);
                if let ("$ref", Some(target)) = (name.as_str(), made.as_str()) {
                    places.refer(path, target);
                } else if let Some(target) = made.as_str().filter(|text| text.starts_with("#/")) {
                    places.refer(&here, target);
                }
                object.insert(name, made);
            }
            if merged.is_empty() {
                return Ok(Value::Object(object));
            }
            merged.extend(object);
            Value::Object(merged)
        }
        YamlData::Tagged(_, inner) => value(inner, path, places)?,
        YamlData::Value(_) | YamlData::Alias(_) | YamlData::BadValue => return Err((line, "an alias leads nowhere".to_owned())),
    })
}

fn is_merge(name: &MarkedYaml<'_>) -> bool {
    matches!(&name.data, YamlData::Representation(text, ScalarStyle::Plain, None) if text == "<<")
}

/// What `<<` stands before: an object, or several of which the first has the last word.
fn merge(value: Value, into: &mut Map<String, Value>) -> Result<(), String> {
    let objects = match value {
        Value::Array(items) => items,
        other => vec![other],
    };
    for object in objects {
        let Value::Object(fields) = object else { return Err("`<<` stands before something that is no object".to_owned()) };
        for (name, field) in fields {
            into.entry(name).or_insert(field);
        }
    }
    Ok(())
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str()) {
        Some("str") => Value::String(text.to_owned()),
        Some(_) => plain(text),
        None if style == ScalarStyle::Plain => plain(text),
        None => Value::String(text.to_owned()),
    }
}

/// What a text without quotes spells.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    let may_be_number = text.starts_with(|sign: char| sign.is_ascii_digit() || matches!(sign, '+' | '-' | '.'));
    let number = if may_be_number { whole(text).or_else(|| fraction(text)) } else { None };
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

static WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?<sign>[-+]?)(?:0b(?<two>[0-1_]+)|0x(?<sixteen>[0-9a-fA-F_]+)|0(?<eight>[0-7_]+)|(?<sixty>[1-9][0-9_]*(?::[0-5]?[0-9])+)|(?<ten>0|[1-9][0-9_]*))$").ok()
});
static FRACTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$").ok());

fn whole(text: &str) -> Option<Number> {
    let found = WHOLE.as_ref()?.captures(text)?;
    let digits = |name: &str| found.name(name).map(|digits| digits.as_str().replace('_', ""));
    let sign = if found["sign"] == *"-" { "-" } else { "" };
    if let Some(ten) = digits("ten") {
        return serde_json::from_str(&format!("{sign}{ten}")).ok();
    }
    let in_base = |name: &str, base: u32| digits(name).and_then(|digits| i128::from_str_radix(&digits, base).ok());
    let sixty = || {
        let parts = digits("sixty")?;
        parts.split(':').try_fold(0_i128, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))
    };
    let number = in_base("two", 2).or_else(|| in_base("sixteen", 16)).or_else(|| in_base("eight", 8)).or_else(sixty)?;
    serde_json::from_str(&format!("{sign}{number}")).ok()
}

fn fraction(text: &str) -> Option<Number> {
    if !FRACTION.as_ref()?.is_match(text) {
        return None;
    }
    // A manifest's number, and no record's: it is a double to the reference.
    let number: f64 = text.replace('_', "").parse().ok()?;
    serde_json::from_str(&format!("{number:?}")).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        value(&load(text, true).unwrap().unwrap(), "", &mut Places::default()).unwrap()
    }

    #[test]
    fn words_without_quotes_are_what_they_are_to_the_reference() {
        let cases = [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("~", json!(null)),
            ("010", json!(8)),
            ("08", json!("08")),
            ("0x1F", json!(31)),
            ("-0b11", json!(-3)),
            ("1_000", json!(1000)),
            ("1:30", json!(90)),
            ("12:30:45", json!(45045)),
            ("1e3", json!("1e3")),
            ("1.5e+3", json!(1500.0)),
            ("1.10", json!(1.1)),
            ("2.0", serde_json::from_str("2.0").unwrap()),
            (".5", json!(0.5)),
            ("1.2.3", json!("1.2.3")),
            ("+1", json!(1)),
            ("12345678901234567890123", serde_json::from_str("12345678901234567890123").unwrap()),
            ("2024-01-01", json!("2024-01-01")),
            ("'yes'", json!("yes")),
            ("!!str 3", json!("3")),
            ("!!int '3'", json!(3)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn fields_of_another_object_are_taken_along_and_the_last_of_two_counts() {
        let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 9, c: 3}\nmade: {<<: [*base, *more], a: 7, d: 1, d: 2}\nnamed: {'<<': 1}\n";
        let made = read(text);
        assert_eq!(made["made"], json!({"a": 7, "b": 2, "c": 3, "d": 2}));
        assert_eq!(made["named"], json!({"<<": 1}));
        assert!(load(text, false).is_err());
    }
}
