//! Going through values, and putting them into each other without end nor depth.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use serde_json::Value;

use super::{
    compare::is_true,
    run::{DEPTH_MAX, Run},
    value::{Flow, Outcome, Py, Stop, Text, other},
};

/// A value is put into another so often.
const NESTINGS_MAX: usize = 1500;

impl<'a> Run<'a> {
    /// All items of something that can be gone through.
    pub fn iterate(&mut self, value: &Py<'a>) -> Outcome<Vec<Py<'a>>> {
        let items: Vec<Py<'a>> = match self.current(value) {
            Py::Undefined => Vec::new(),
            Py::Str(Text::Seen(text)) | Py::Markup(Text::Seen(text)) => {
                text.char_indices().map(|(at, letter)| Py::Str(Text::Seen(&text[at..at + letter.len_utf8()]))).collect()
            }
            Py::Str(text) | Py::Markup(text) => text.as_str().chars().map(|letter| Py::text(letter.to_string())).collect(),
            Py::Bytes(bytes) => bytes.iter().map(|byte| Py::Int(i128::from(*byte))).collect(),
            Py::Json(Value::Array(items)) => items.iter().map(Py::seen).collect(),
            Py::Json(Value::Object(fields)) => fields.keys().map(|name| Py::Str(Text::Seen(name))).collect(),
            Py::List(items) => items.borrow().clone(),
            Py::Tuple(items) | Py::View(_, items) => items.to_vec(),
            Py::Dict(pairs) => pairs.borrow().iter().map(|(key, _)| key.clone()).collect(),
            Py::Flow(flow) => {
                let items = flow.items.borrow_mut().drain(..).collect();
                if let Some(stop) = &flow.end {
                    return Err(stop.clone());
                }
                items
            }
            _ => return Err(Stop::Type),
        };
        self.spend(items.len())?;
        Ok(items)
    }

    /// The first item, without asking for the others.
    pub fn first(&mut self, value: &Py<'a>) -> Outcome<Py<'a>> {
        if let Py::Flow(flow) = value {
            let item = flow.items.borrow_mut().pop_front();
            return match (item, &flow.end) {
                (Some(item), _) => Ok(item),
                (None, Some(stop)) => Err(stop.clone()),
                (None, None) => Ok(Py::Undefined),
            };
        }
        Ok(self.iterate(value)?.into_iter().next().unwrap_or(Py::Undefined))
    }

    /// What a filter makes of each item, until one of them cannot be made.
    pub fn flow(&mut self, value: &Py<'a>, mut made: impl FnMut(&mut Self, &Py<'a>) -> Outcome<Option<Py<'a>>>) -> Py<'a> {
        let mut items = VecDeque::new();
        let mut end = None;
        let given = if is_true(&self.current(value)) { self.iterate(value) } else { Ok(Vec::new()) };
        match given {
            Err(stop) => end = Some(stop),
            Ok(given) => {
                for item in given {
                    match made(self, &item) {
                        Ok(item) => items.extend(item),
                        Err(stop) => {
                            end = Some(stop);
                            break;
                        }
                    }
                }
            }
        }
        Py::Flow(Rc::new(Flow { items: RefCell::new(items), end }))
    }

    /// A value is put into another: it must not hold the other one, and not be nested deeper than we can go down.
    pub fn nest(&mut self, around: *const (), value: &Py<'a>) -> Outcome<()> {
        if !matches!(value, Py::List(_) | Py::Tuple(_) | Py::View(..) | Py::Dict(_) | Py::Namespace(_) | Py::Flow(_) | Py::Method(_)) {
            return Ok(());
        }
        self.nested += 1;
        if self.nested > NESTINGS_MAX {
            return other("values are put into each other too often");
        }
        self.bounded(around, value, DEPTH_MAX)
    }

    /// Items are put behind each other so often: whoever goes through the result meets all that they hold each time.
    pub fn repeat(&mut self, items: &[Py<'a>], times: usize) -> Outcome<()> {
        let before = self.steps;
        items.iter().try_for_each(|item| self.bounded(std::ptr::null(), item, DEPTH_MAX))?;
        self.spend((self.steps - before).saturating_mul(times))
    }

    fn bounded(&mut self, around: *const (), value: &Py<'a>, left: usize) -> Outcome<()> {
        self.spend(1)?;
        let Some(left) = left.checked_sub(1) else { return other("a value is nested too deep") };
        let mut all = |items: &[Py<'a>]| items.iter().try_for_each(|item| self.bounded(around, item, left));
        match value {
            Py::List(items) if Rc::as_ptr(items).cast() == around => other("a list holds itself"),
            Py::Dict(pairs) | Py::Namespace(pairs) if Rc::as_ptr(pairs).cast() == around => other("a dict holds itself"),
            Py::List(items) => all(&items.borrow()),
            Py::Tuple(items) | Py::View(_, items) => all(items),
            Py::Dict(pairs) | Py::Namespace(pairs) => pairs.borrow().iter().try_for_each(|(_, item)| all(std::slice::from_ref(item))),
            Py::Flow(flow) => flow.items.borrow().iter().try_for_each(|item| all(std::slice::from_ref(item))),
            Py::Method(method) => all(std::slice::from_ref(&method.0)),
            _ => Ok(()),
        }
    }
}
