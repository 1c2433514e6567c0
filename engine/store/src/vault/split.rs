//! Parts settings into what may be shown and what must be sealed, and puts them together again.
//! A secret leaves its object without a trace; in a list it leaves a `null`, so that its neighbours keep their numbers.

use serde_json::{Map, Value};
use syncline_model::{Secret, Settings};

use super::path::{Field, SecretPath, Step};

/// Settings that cannot be parted or put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// Settings are always an object.
    #[error("settings must be a JSON object")]
    NotAnObject,
    /// A sealed field belongs into a list that is not there, or too short, or into something that has no members.
    #[error("the sealed field `{0}` has no place in the settings")]
    NoPlace(Field),
    /// A sealed field is not JSON.
    #[error("the sealed field `{0}` is unreadable")]
    Unreadable(Field),
}

/// Settings, parted.
#[derive(Debug, Clone)]
pub struct Split {
    /// What may be shown.
    pub public: Value,
    /// What must be sealed: each a JSON text, so that any value may be secret and numbers stay as written.
    pub secrets: Vec<(Field, Secret)>,
    /// Secret places that were explicitly `null`: whatever was sealed there is to be forgotten.
    pub cleared: Vec<Field>,
}

/// Parts settings by the places that are secret.
pub fn split(settings: Value, secret: &[SecretPath]) -> Result<Split, BadSettings> {
    if !settings.is_object() {
        return Err(BadSettings::NotAnObject);
    }
    let mut parted = Split { public: settings, secrets: Vec::new(), cleared: Vec::new() };
    let mut public = std::mem::take(&mut parted.public);
    for path in secret {
        take(&mut public, &path.0, &mut Vec::new(), &mut parted);
    }
    parted.public = public;
    Ok(parted)
}

/// The places at which settings say something else than the public ones did.
pub(crate) fn given_anew(old: &Value, new: &Value, at: &mut Vec<String>, into: &mut Vec<SecretPath>) {
    match (old, new) {
        (old, new) if old == new => {}
        (old, Value::Object(fields)) => {
            for (name, value) in fields {
                at.push(name.clone());
                given_anew(old.get(name).unwrap_or(&Value::Null), value, at, into);
                at.pop();
            }
        }
        _ => into.push(SecretPath::at(at)),
    }
}

fn take(value: &mut Value, path: &[Step], at: &mut Vec<String>, into: &mut Split) {
    let Some((step, rest)) = path.split_first() else { return };
    for name in names(value, step) {
        at.push(name.clone());
        if rest.is_empty() {
            take_here(value, &name, at, into);
        } else if let Some(inner) = member(value, &name) {
            take(inner, rest, at, into);
        }
        at.pop();
    }
}

fn take_here(parent: &mut Value, name: &str, at: &[String], into: &mut Split) {
    let taken = match parent {
        Value::Object(members) => members.shift_remove(name),
        Value::Array(_) => member(parent, name).map(Value::take),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    match taken {
        None => {}
        Some(Value::Null) => into.cleared.push(Field::of(at)),
        Some(value) => {
            into.secrets.push((Field::of(at), Secret::new(value.to_string())));
            // The custody of `Settings` wipes the text when it goes.
            drop(Settings::new(value));
        }
    }
}

fn names(value: &Value, step: &Step) -> Vec<String> {
    match (step, value) {
        (Step::Named(name), _) => vec![name.clone()],
        (Step::Each, Value::Array(items)) => (0..items.len()).map(|number| number.to_string()).collect(),
        (Step::Each, Value::Object(members)) => members.keys().cloned().collect(),
        (Step::Each, _) => Vec::new(),
    }
}

fn member<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(members) => members.get_mut(name),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Puts sealed fields back to their places. Missing objects on the way are made; missing list items are not.
pub fn join(public: Value, secrets: Vec<(Field, Secret)>) -> Result<Settings, BadSettings> {
    if !public.is_object() {
        return Err(BadSettings::NotAnObject);
    }
    let mut whole = public;
    let mut secrets = secrets;
    // Where one sealed field lies within another, the outer one comes first; a pointer sorts before those that it begins.
    secrets.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (field, secret) in secrets {
        let Ok(value) = serde_json::from_str(secret.expose()) else { return Err(BadSettings::Unreadable(field)) };
        put(&mut whole, &field, value)?;
    }
    Ok(Settings::new(whole))
}

fn put(whole: &mut Value, field: &Field, value: Value) -> Result<(), BadSettings> {
    let no_place = || BadSettings::NoPlace(field.clone());
    let mut at = whole;
    for step in field.steps() {
        at = match at {
            Value::Object(members) => members.entry(step).or_insert_with(|| Value::Object(Map::new())),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|number| items.get_mut(number)).ok_or_else(no_place)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(no_place()),
        };
    }
    *at = value;
    Ok(())
}

/// An omitted secret keeps what was sealed, if its surroundings in the new settings are still what they were where it matters:
/// the item of a list must be unchanged, because a number alone could hand a secret to another item.
pub(crate) fn keeps(old: &Value, new: &Value, field: &Field) -> bool {
    let steps = field.steps();
    let Some((_, parents)) = steps.split_last() else { return false };
    let (mut old, mut new) = (old, new);
    for step in parents {
        if old.is_array() || new.is_array() {
            return old == new;
        }
        match (old.get(step), new.get(step)) {
            (Some(was), Some(is)) => (old, new) = (was, is),
            (None, None) => return true,
            (None, Some(_)) | (Some(_), None) => return false,
        }
    }
    if old.is_array() || new.is_array() { old == new } else { new.is_object() }
}
