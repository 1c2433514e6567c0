//! What functions, filters and methods are told.

use std::borrow::Cow;

use super::value::{Outcome, Py, Stop};

/// What a call is told.
#[derive(Debug, Default)]
pub struct Arguments<'a> {
    /// By their places.
    pub plain: Vec<Py<'a>>,
    /// By their names.
    pub named: Vec<(Cow<'a, str>, Py<'a>)>,
}

impl<'a> Arguments<'a> {
    /// Only by their places.
    pub fn of(plain: Vec<Py<'a>>) -> Self {
        Self { plain, named: Vec::new() }
    }

    /// One for each of the names; the first ones are required. Python's `TypeError` if there are too many, too few or others.
    pub fn bind<const N: usize>(self, names: [&str; N], required: usize) -> Outcome<[Option<Py<'a>>; N]> {
        let mut bound = [const { None }; N];
        if self.plain.len() > N {
            return Err(Stop::Type);
        }
        for (slot, value) in bound.iter_mut().zip(self.plain) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            let place = names.iter().position(|known| *known == name).ok_or(Stop::Type)?;
            if bound[place].replace(value).is_some() {
                return Err(Stop::Type);
            }
        }
        if bound[..required].iter().any(Option::is_none) { Err(Stop::Type) } else { Ok(bound) }
    }

    /// Exactly one.
    pub fn one(self) -> Outcome<Py<'a>> {
        let [value] = self.bind([""], 1)?;
        value.ok_or(Stop::Type)
    }

    /// None at all.
    pub fn none(self) -> Outcome<()> {
        self.bind([], 0).map(|[]: [Option<Py<'a>>; 0]| ())
    }

    /// At most one, without a name.
    pub fn maybe(self) -> Outcome<Option<Py<'a>>> {
        let [value] = self.bind([""], 0)?;
        Ok(value)
    }
}

/// A text.
pub fn text<'v>(value: &'v Py<'_>) -> Outcome<&'v str> {
    value.as_str().ok_or(Stop::Type)
}

/// A whole number that counts or points.
pub fn index(value: &Py<'_>) -> Outcome<i64> {
    value.as_int().ok_or(Stop::Type)?.try_into().map_err(|_| Stop::Other("a number is too large".to_owned()))
}

/// A whole number, or what is there where there is none.
pub fn index_or(value: Option<&Py<'_>>, otherwise: i64) -> Outcome<i64> {
    match value {
        None | Some(Py::None) => Ok(otherwise),
        Some(value) => index(value),
    }
}
