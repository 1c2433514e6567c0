//! What the reference reads and writes, from `tests/reference/dates.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;

use super::*;

fn table() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/dates.json")).unwrap()
}

/// A time as Python's `str()` prints it.
fn printed(time: Option<Time>) -> String {
    let Some(time) = time else { return "None".to_owned() };
    let fraction = if time.clock().3 == 0 { "" } else { ".%f" };
    let offset = time.offset().map(|offset| offset_text(offset, ":")).unwrap_or_default();
    let year = time.date().parts().0;
    strftime(time, &format!("{year:04}-%m-%d %H:%M:%S{fraction}")) + &offset
}

fn differences(found: &[String]) {
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_format_writes_what_the_reference_writes() {
    let table = table();
    let mut wrong = Vec::new();
    for (form, texts) in table["written"].as_object().unwrap() {
        for (at, expected) in table["instants"].as_array().unwrap().iter().zip(texts.as_array().unwrap()) {
            let made = format(isoparse(at.as_str().unwrap()).unwrap(), form);
            if Some(made.as_str()) != expected.as_str() {
                wrong.push(format!("{form:?} at {at}: {made:?}, not {expected}"));
            }
        }
    }
    differences(&wrong);
}

#[test]
fn every_format_reads_what_the_reference_reads() {
    let table = table();
    let mut wrong = Vec::new();
    for (form, known) in table["read"].as_object().unwrap() {
        for text in table["texts"].as_array().unwrap() {
            let text = text.as_str().unwrap();
            let (made, expected) = (printed(parse(text, form)), known.get(text).and_then(Value::as_str).unwrap_or("None"));
            if made != expected {
                wrong.push(format!("{text:?} in {form:?}: {made}, not {expected}"));
            }
        }
    }
    differences(&wrong);
}

#[test]
fn iso_8601_is_read_as_the_reference_reads_it() {
    let table = table();
    let mut wrong = Vec::new();
    for (text, expected) in table["iso"].as_object().unwrap() {
        let made = printed(isoparse(text).map(Time::taken_as_utc).and_then(Time::in_utc));
        if made != expected.as_str().unwrap_or("None") {
            wrong.push(format!("{text:?}: {made}, not {expected}"));
        }
    }
    differences(&wrong);
}

#[test]
fn durations_reckon_as_the_references() {
    let table = table();
    let mut instants: Vec<String> = table["instants"].as_array().unwrap().iter().map(|at| at.as_str().unwrap().to_owned()).collect();
    instants.extend(["2024-01-31T00:00:00+00:00".to_owned(), "2024-03-31T10:00:00+00:00".to_owned()]);
    let mut wrong = Vec::new();
    for (text, expected) in table["durations"].as_object().unwrap() {
        let Some(duration) = Duration::parse(text) else {
            if !expected.is_null() {
                wrong.push(format!("{text:?} is refused"));
            }
            continue;
        };
        let Some(expected) = expected.as_array() else {
            wrong.push(format!("{text:?} is taken"));
            continue;
        };
        for (at, expected) in instants.iter().zip(expected) {
            let time = isoparse(at).unwrap();
            let made = [printed(duration.after(time)), printed(duration.before(time))];
            if made[0] != expected[0] || made[1] != expected[1] {
                wrong.push(format!("{text:?} at {at}: {made:?}, not {expected}"));
            }
        }
    }
    differences(&wrong);
}
