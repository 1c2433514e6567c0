//! What expressions are worth.

use std::{borrow::Cow, rc::Rc};

use super::{
    arguments::Arguments,
    checks,
    compare::{equal, is_true, order},
    filters,
    program::{Argument, Comparison, Expression},
    run::Run,
    value::{Defined, Outcome, Py, Stop, Text, other},
};

impl<'a> Run<'a> {
    /// Whether an expression is true.
    pub fn truth(&mut self, node: &'a Expression) -> Outcome<bool> {
        let value = self.value(node)?;
        Ok(is_true(&self.current(&value)))
    }

    /// The value of an expression.
    pub fn value(&mut self, node: &'a Expression) -> Outcome<Py<'a>> {
        self.spend(1)?;
        match node {
            Expression::None => Ok(Py::None),
            Expression::Bool(yes) => Ok(Py::Bool(*yes)),
            Expression::Int(number) => Ok(Py::Int(*number)),
            Expression::Float(number) => Ok(Py::Float(*number)),
            Expression::Text(text) => Ok(Py::Str(Text::Seen(text))),
            Expression::Name(name) => Ok(self.name(name)),
            Expression::Attribute(inner, name) => {
                if let Some(value) = self.of_slice(inner, name) {
                    return Ok(value);
                }
                let inner = self.value(inner)?;
                self.attribute(&inner, name)
            }
            Expression::Item(inner, key) => {
                let value = self.value(inner)?;
                let key = self.value(key)?;
                match (self.item(&value, &key)?, key.as_str()) {
                    (Py::Undefined, Some(name)) => Ok(self.of_slice(inner, name).unwrap_or(Py::Undefined)),
                    (found, _) => Ok(found),
                }
            }
            Expression::Slice(parts) => self.sliced(parts),
            Expression::Not(inner) => Ok(Py::Bool(!self.truth(inner)?)),
            Expression::Minus(inner) => {
                let inner = self.value(inner)?;
                Self::minus(&inner)
            }
            Expression::And(left, right) => {
                let value = self.value(left)?;
                if is_true(&self.current(&value)) { self.value(right) } else { Ok(value) }
            }
            Expression::Or(left, right) => {
                let value = self.value(left)?;
                if is_true(&self.current(&value)) { Ok(value) } else { self.value(right) }
            }
            Expression::Reckon(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.reckon(*operator, &left, &right)
            }
            Expression::Join(left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                let parts = [self.settled(&left), self.settled(&right)];
                self.joined(&parts)
            }
            Expression::Compare(left, ops) => self.compared(left, ops),
            Expression::Choice(parts, otherwise) => {
                let [condition, value] = parts.as_ref();
                if self.truth(condition)? {
                    return self.value(value);
                }
                otherwise.as_ref().map_or(Ok(Py::Undefined), |otherwise| self.value(otherwise))
            }
            Expression::Filter(value, filter) => {
                let value = self.value(value)?;
                let arguments = self.arguments(&filter.arguments)?;
                filters::apply(self, &filter.name, &value, arguments)
            }
            Expression::Test(value, name, arguments) => {
                let value = self.value(value)?;
                let arguments = self.arguments(arguments)?;
                checks::holds(self, name, &value, arguments).map(Py::Bool)
            }
            Expression::Call(function, arguments) => self.called(function, arguments),
            Expression::List(items) => items.iter().map(|item| self.value(item)).collect::<Outcome<_>>().map(Py::list),
            Expression::Tuple(items) => items.iter().map(|item| self.value(item)).collect::<Outcome<_>>().map(Py::tuple),
            Expression::Dict(items) => {
                let mut pairs = Vec::new();
                for (key, value) in items {
                    let (key, value) = (self.value(key)?, self.value(value)?);
                    super::compare::hashable(&key)?;
                    super::methods::put(&mut pairs, key, value);
                }
                Ok(Py::dict(pairs))
            }
        }
    }

    /// What a slice has beside its fields.
    fn of_slice(&self, inner: &'a Expression, name: &str) -> Option<Py<'a>> {
        let Expression::Name(known) = inner else { return None };
        let slice = matches!(known.as_ref(), "stream_slice" | "stream_interval" | "stream_partition");
        let hidden = match name {
            "partition" => "stream_slice.partition",
            "cursor_slice" => "stream_slice.cursor_slice",
            "extra_fields" => "stream_slice.extra_fields",
            _ => return None,
        };
        slice.then(|| self.scope().look(hidden).map(|value| Py::seen(value))).flatten()
    }

    fn sliced(&mut self, parts: &'a [Option<Expression>; 4]) -> Outcome<Py<'a>> {
        let mut values = Vec::with_capacity(4);
        for part in parts {
            values.push(part.as_ref().map_or(Ok(Py::None), |part| self.value(part))?);
        }
        self.slice(&values[0], &values[1..])
    }

    fn compared(&mut self, left: &'a Expression, ops: &'a [(Comparison, Expression)]) -> Outcome<Py<'a>> {
        let mut left = self.value(left)?;
        for (op, right) in ops {
            let right = self.value(right)?;
            if !self.compare(*op, &left, &right)? {
                return Ok(Py::Bool(false));
            }
            left = right;
        }
        Ok(Py::Bool(true))
    }

    /// Whether a comparison holds.
    pub fn compare(&mut self, op: Comparison, left: &Py<'a>, right: &Py<'a>) -> Outcome<bool> {
        let (left, right) = (self.current(left), self.current(right));
        Ok(match op {
            Comparison::Equal => equal(&left, &right),
            Comparison::Unequal => !equal(&left, &right),
            Comparison::Less => order(&left, &right)?.is_some_and(std::cmp::Ordering::is_lt),
            Comparison::LessOrEqual => order(&left, &right)?.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Greater => order(&left, &right)?.is_some_and(std::cmp::Ordering::is_gt),
            Comparison::GreaterOrEqual => order(&left, &right)?.is_some_and(std::cmp::Ordering::is_ge),
            Comparison::In => self.contains(&right, &left)?,
            Comparison::NotIn => !self.contains(&right, &left)?,
        })
    }

    /// What a call is told.
    pub fn arguments(&mut self, nodes: &'a [Argument]) -> Outcome<Arguments<'a>> {
        let mut arguments = Arguments::default();
        for node in nodes {
            match node {
                Argument::Plain(value) => arguments.plain.push(self.value(value)?),
                Argument::Named(name, value) => arguments.named.push((Cow::Borrowed(name), self.value(value)?)),
                Argument::Spread(value) => {
                    let value = self.value(value)?;
                    arguments.plain.extend(self.iterate(&value)?);
                }
                Argument::SpreadNamed(value) => {
                    let value = self.value(value)?;
                    for (key, value) in super::compare::pairs(&self.current(&value)).ok_or(Stop::Type)? {
                        let name = key.as_str().ok_or(Stop::Type)?.to_owned();
                        arguments.named.push((Cow::Owned(name), value));
                    }
                }
            }
        }
        Ok(arguments)
    }

    fn called(&mut self, function: &'a Expression, arguments: &'a [Argument]) -> Outcome<Py<'a>> {
        if let Expression::Attribute(inner, name) = function {
            let value = self.value(inner)?;
            if super::access::has_method(&self.current(&value), name) {
                let arguments = self.arguments(arguments)?;
                return self.method(&value, name, arguments);
            }
            let function = self.attribute(&value, name)?;
            let arguments = self.arguments(arguments)?;
            return self.call(&function, arguments);
        }
        let function = self.value(function)?;
        let arguments = self.arguments(arguments)?;
        self.call(&function, arguments)
    }

    /// A macro is called with what `caller()` is in it.
    pub fn call_with(&mut self, call: &'a Expression, caller: Py<'a>) -> Outcome<Py<'a>> {
        let Expression::Call(function, arguments) = call else { return other("only macros can be called so") };
        let Py::Macro(defined) = self.value(function)? else { return Err(Stop::Type) };
        let arguments = self.arguments(arguments)?;
        let defined = Defined { node: defined.node, frames: defined.frames, caller: Some(caller) };
        self.call_macro(&defined, arguments)
    }

    /// Calls a value.
    pub fn call(&mut self, function: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
        match function {
            Py::Undefined => Err(Stop::Undefined("something undefined is called".to_owned())),
            Py::Function(name) => super::functions::call(self, name, arguments),
            Py::Method(method) => {
                let method = Rc::clone(method);
                self.method(&method.0, &method.1, arguments)
            }
            Py::Macro(defined) => {
                let defined = Rc::clone(defined);
                self.call_macro(&defined, arguments)
            }
            _ => Err(Stop::Type),
        }
    }
}
