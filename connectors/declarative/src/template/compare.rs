//! Which values are equal, which is less, and what is in what, as in Python.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    run::Run,
    value::{Outcome, Py, Stop},
};

/// Whether Python takes a value for true.
pub fn is_true(value: &Py<'_>) -> bool {
    match value {
        Py::Undefined | Py::None => false,
        Py::Bool(yes) => *yes,
        Py::Int(number) => *number != 0,
        Py::Float(number) => *number != 0.0,
        Py::Str(text) | Py::Markup(text) => !text.as_str().is_empty(),
        Py::Bytes(bytes) => !bytes.is_empty(),
        Py::Json(json) => super::is_truthy(json),
        Py::List(items) => !items.borrow().is_empty(),
        Py::Tuple(items) | Py::View(_, items) => !items.is_empty(),
        Py::Dict(pairs) => !pairs.borrow().is_empty(),
        Py::Delta(micros) => *micros != 0,
        Py::Long(_)
        | Py::Flow(_)
        | Py::Time(_)
        | Py::Date(_)
        | Py::Period(_)
        | Py::Function(_)
        | Py::Method(_)
        | Py::Macro(_)
        | Py::Namespace(_)
        | Py::Loop(_)
        | Py::Template => true,
    }
}

/// `==`
pub fn equal(left: &Py<'_>, right: &Py<'_>) -> bool {
    match (left, right) {
        (Py::Undefined, Py::Undefined) | (Py::None, Py::None) => true,
        (Py::Json(left), Py::Json(right)) if std::ptr::eq(*left, *right) => true,
        (Py::Bytes(left), Py::Bytes(right)) => left == right,
        (Py::Time(left), Py::Time(right)) => left.offset().is_some() == right.offset().is_some() && left == right,
        (Py::Date(left), Py::Date(right)) => left == right,
        (Py::Delta(left), Py::Delta(right)) => left == right,
        (Py::Period(left), Py::Period(right)) => left == right,
        (Py::Long(left), Py::Long(right)) | (Py::Function(left), Py::Function(right)) => left == right,
        _ => {
            if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
                return left == right;
            }
            if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
                return left == right;
            }
            if let (Some(left), Some(right)) = (left.as_float(), right.as_float()) {
                #[expect(clippy::float_cmp, reason = "as Python does")]
                return left == right;
            }
            containers_equal(left, right)
        }
    }
}

fn containers_equal(left: &Py<'_>, right: &Py<'_>) -> bool {
    if let (Some(left), Some(right)) = (items(left), items(right)) {
        return left.len() == right.len() && left.iter().zip(&right).all(|(left, right)| equal(left, right));
    }
    if let (Py::Tuple(left), Py::Tuple(right)) = (left, right) {
        return left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| equal(left, right));
    }
    let (Some(left), Some(right)) = (pairs(left), pairs(right)) else { return false };
    left.len() == right.len() && left.iter().all(|(key, value)| right.iter().any(|(known, other)| equal(key, known) && equal(value, other)))
}

/// The items of a list.
pub fn items<'a>(value: &Py<'a>) -> Option<Vec<Py<'a>>> {
    match value {
        Py::List(items) => Some(items.borrow().clone()),
        Py::Json(Value::Array(items)) => Some(items.iter().map(Py::seen).collect()),
        _ => None,
    }
}

/// The pairs of a dict.
pub fn pairs<'a>(value: &Py<'a>) -> Option<Vec<(Py<'a>, Py<'a>)>> {
    match value {
        Py::Dict(pairs) => Some(pairs.borrow().clone()),
        Py::Json(Value::Object(fields)) => {
            Some(fields.iter().map(|(name, value)| (Py::Str(super::value::Text::Seen(name)), Py::seen(value))).collect())
        }
        _ => None,
    }
}

/// `<` and its like; `None` for a NaN.
pub fn order(left: &Py<'_>, right: &Py<'_>) -> Outcome<Option<Ordering>> {
    if matches!(left, Py::Undefined) || matches!(right, Py::Undefined) {
        return Err(Stop::Undefined("something undefined is compared".to_owned()));
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(Some(left.cmp(right)));
    }
    if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (left.as_float(), right.as_float()) {
        return Ok(left.partial_cmp(&right));
    }
    match (left, right) {
        (Py::Time(left), Py::Time(right)) if left.offset().is_some() == right.offset().is_some() => Ok(Some(left.cmp(right))),
        (Py::Date(left), Py::Date(right)) => Ok(Some(left.cmp(right))),
        (Py::Delta(left), Py::Delta(right)) => Ok(Some(left.cmp(right))),
        (Py::Bytes(left), Py::Bytes(right)) => Ok(Some(left.cmp(right))),
        (Py::Tuple(left), Py::Tuple(right)) => sequences(left, right),
        _ => {
            let (Some(left), Some(right)) = (items(left), items(right)) else { return Err(Stop::Type) };
            sequences(&left, &right)
        }
    }
}

fn sequences(left: &[Py<'_>], right: &[Py<'_>]) -> Outcome<Option<Ordering>> {
    for (left, right) in left.iter().zip(right) {
        if !equal(left, right) {
            return order(left, right);
        }
    }
    Ok(Some(left.len().cmp(&right.len())))
}

/// A dict's key must not be a list or a dict.
pub fn hashable(value: &Py<'_>) -> Outcome<()> {
    match value {
        Py::Json(_) | Py::List(_) | Py::Dict(_) => Err(Stop::Type),
        Py::Tuple(items) => items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}

impl<'a> Run<'a> {
    /// `left in right`
    pub fn contains(&mut self, right: &Py<'a>, left: &Py<'a>) -> Outcome<bool> {
        let right = self.current(right);
        match &right {
            Py::Str(text) | Py::Markup(text) => {
                self.spend(text.as_str().len() / 16)?;
                left.as_str().map(|part| text.as_str().contains(part)).ok_or(Stop::Type)
            }
            Py::Json(Value::Object(fields)) => {
                hashable(left)?;
                Ok(left.as_str().is_some_and(|name| fields.contains_key(name)))
            }
            Py::Dict(known) => {
                hashable(left)?;
                self.spend(known.borrow().len())?;
                Ok(known.borrow().iter().any(|(key, _)| equal(key, left)))
            }
            Py::Bytes(_) | Py::Namespace(_) => Err(Stop::Type),
            other => Ok(self.iterate(other)?.iter().any(|item| equal(item, left))),
        }
    }
}
