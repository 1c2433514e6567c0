//! Changes at a place within a document, as Python's `dpath` makes them.

use serde_json::{Map, Value};
use syncline_model::Fault;

use super::dpath::Step;

/// What stands around the last step of a path.
fn around<'a, 'p>(root: &'a mut Value, path: &'p [Step]) -> Option<(&'a mut Value, &'p Step)> {
    let (last, around) = path.split_last()?;
    let mut at = root;
    for step in around {
        at = match (at, step) {
            (Value::Object(fields), Step::Name(name)) => fields.get_mut(name),
            (Value::Array(items), Step::Place(place, _)) => items.get_mut(*place),
            _ => None,
        }?;
    }
    Some((at, last))
}

/// Takes out one value, and closes the gap in a list.
pub fn cut_out(root: &mut Value, path: &[Step]) {
    match around(root, path) {
        Some((Value::Object(fields), Step::Name(name))) => drop(fields.shift_remove(name)),
        Some((Value::Array(items), Step::Place(place, _))) if *place < items.len() => drop(items.remove(*place)),
        _ => {}
    }
}

/// Takes out one value. Of a list only the last element can go; others become `null`, so that the rest keep their places.
pub fn remove_at(root: &mut Value, path: &[Step]) -> bool {
    match around(root, path) {
        Some((Value::Object(fields), Step::Name(name))) => fields.shift_remove(name).is_some(),
        Some((Value::Array(items), Step::Place(place, _))) if place + 1 == items.len() => items.pop().is_some(),
        Some((Value::Array(items), Step::Place(place, _))) => items.get_mut(*place).map(|item| *item = Value::Null).is_some(),
        _ => false,
    }
}

/// Puts a value at a path of names, and makes what is missing on the way to it: a list where the next step is a number, otherwise an
/// object. Nothing can be put into a text, a number or `null`.
pub fn put(root: &mut Value, path: &[String], value: Value) -> Result<(), Fault> {
    let Some((last, around)) = path.split_last() else { return Ok(()) };
    let refused = || Fault::BadRecord(format!("no value can be put at `{}`: something else stands in its way", path.join("/")));
    let mut at = root;
    for (index, name) in around.iter().enumerate() {
        let made =
            || if path.get(index + 1).is_some_and(|next| is_decimal(next)) { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        at = match at {
            Value::Object(fields) => fields.entry(name.as_str()).or_insert_with(made),
            Value::Array(items) => {
                let place = settable(name).ok_or_else(refused)?;
                if place >= items.len() {
                    items.resize(place + 1, Value::Null);
                    items[place] = made();
                }
                &mut items[place]
            }
            _ => return Err(refused()),
        };
    }
    match at {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) => {
            let place = settable(last).ok_or_else(refused)?;
            if place >= items.len() {
                items.resize(place + 1, Value::Null);
            }
            items[place] = value;
        }
        _ => return Err(refused()),
    }
    Ok(())
}

/// More than anybody means by a place in a list.
const PLACE_MAX: usize = 100_000;

fn settable(name: &str) -> Option<usize> {
    name.parse().ok().filter(|place| is_decimal(name) && *place <= PLACE_MAX)
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
