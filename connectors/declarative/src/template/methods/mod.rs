//! Methods of Python's values.

mod containers;
mod split;
mod text;
mod times;

use serde_json::Value;

pub use self::{
    split::lines,
    text::{capitalize, is_blank, replaced},
};
use super::{
    arguments::Arguments,
    compare::equal,
    print::repr_of,
    run::Run,
    value::{Outcome, Pairs, Py, Stop},
};

/// Puts a pair into a dict, in the place of the one that has the same key.
pub fn put<'a>(pairs: &mut Pairs<'a>, key: Py<'a>, value: Py<'a>) {
    match pairs.iter_mut().find(|(known, _)| equal(known, &key)) {
        Some((_, old)) => *old = value,
        None => pairs.push((key, value)),
    }
}

impl<'a> Run<'a> {
    /// `value.name(…)`
    pub fn method(&mut self, value: &Py<'a>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
        self.spend(1)?;
        let value = self.current(value);
        match &value {
            Py::Str(text) | Py::Markup(text) => {
                self.spend(text.as_str().len() / 16)?;
                text::call(self, text, name, arguments)
            }
            Py::Json(Value::Object(_)) | Py::Dict(_) => containers::of_dict(self, &value, name, arguments),
            Py::Json(_) | Py::List(_) | Py::Tuple(_) => containers::of_list(self, &value, name, arguments),
            Py::Time(time) => times::of_time(self, *time, name, arguments),
            Py::Date(date) => times::of_date(*date, name, arguments),
            Py::Delta(micros) => times::of_delta(*micros, arguments),
            Py::Period(duration) => times::of_delta(duration.parts().2, arguments),
            Py::Bytes(bytes) => text::of_bytes(bytes, name, arguments),
            Py::Float(number) => {
                arguments.none()?;
                Ok(Py::Bool(number.fract() == 0.0))
            }
            Py::Int(number) => {
                arguments.none()?;
                Ok(Py::Int(i128::from(128 - number.unsigned_abs().leading_zeros())))
            }
            Py::Loop(state) => match name {
                "cycle" if arguments.plain.is_empty() => Err(Stop::Type),
                "cycle" => Ok(arguments.plain[state.at.get() % arguments.plain.len()].clone()),
                _ => {
                    let before = state.last.replace(Some(arguments.plain.clone()));
                    let same = |before: Vec<Py<'a>>| before.iter().map(repr_of).eq(arguments.plain.iter().map(repr_of));
                    Ok(Py::Bool(!before.is_some_and(same)))
                }
            },
            _ => Err(Stop::Type),
        }
    }
}
