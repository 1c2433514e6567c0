//! Which fields of an object a template looks at, where that can be told without running it: then only those are parsed.

use std::collections::BTreeSet;

use super::{
    access::hides_field,
    program::{Applied, Argument, Expression, Statement},
};

/// The fields of the object `name` that these statements look at; `None` where they may look at all of it.
pub fn fields(body: &[Statement], name: &str) -> Option<BTreeSet<Box<str>>> {
    let mut look = Look { name, fields: BTreeSet::new() };
    look.statements(body).then_some(look.fields)
}

/// Each step says whether it is still known what is looked at.
struct Look<'a> {
    name: &'a str,
    fields: BTreeSet<Box<str>>,
}

impl Look<'_> {
    fn statements(&mut self, body: &[Statement]) -> bool {
        body.iter().all(|statement| match statement {
            Statement::Text(_) => true,
            Statement::Print(value) => self.value(value),
            Statement::If(condition, yes, no) => self.value(condition) && self.statements(yes) && self.statements(no),
            // These give names to values, and a value with another name is followed no further.
            Statement::For(_)
            | Statement::Set(..)
            | Statement::Capture(..)
            | Statement::Filtered(..)
            | Statement::With(..)
            | Statement::Macro(_)
            | Statement::Call(..)
            | Statement::Block(_) => false,
        })
    }

    fn is_it(&self, value: &Expression) -> bool {
        matches!(value, Expression::Name(name) if name.as_ref() == self.name)
    }

    fn field(&mut self, name: &str) -> bool {
        if !self.fields.contains(name) {
            self.fields.insert(name.into());
        }
        true
    }

    fn value(&mut self, node: &Expression) -> bool {
        match node {
            Expression::None | Expression::Bool(_) | Expression::Int(_) | Expression::Float(_) | Expression::Text(_) => true,
            Expression::Name(name) => name.as_ref() != self.name,
            Expression::Attribute(inner, name) if self.is_it(inner) => !hides_field(name) && self.field(name),
            Expression::Attribute(inner, _) | Expression::Not(inner) | Expression::Minus(inner) => self.value(inner),
            Expression::Item(inner, key) if self.is_it(inner) => matches!(key.as_ref(), Expression::Text(name) if self.field(name)),
            Expression::Item(left, right)
            | Expression::And(left, right)
            | Expression::Or(left, right)
            | Expression::Join(left, right)
            | Expression::Reckon(_, left, right) => self.value(left) && self.value(right),
            Expression::Slice(parts) => parts.iter().flatten().all(|part| self.value(part)),
            Expression::Compare(left, others) => self.value(left) && others.iter().all(|(_, right)| self.value(right)),
            Expression::Choice(parts, otherwise) => {
                parts.iter().all(|part| self.value(part)) && otherwise.iter().all(|part| self.value(part))
            }
            Expression::Filter(value, Applied { arguments, .. }) | Expression::Test(value, _, arguments) => {
                self.value(value) && self.arguments(arguments)
            }
            Expression::Call(function, arguments) => self.call(function, arguments),
            Expression::List(items) | Expression::Tuple(items) => items.iter().all(|item| self.value(item)),
            Expression::Dict(pairs) => pairs.iter().all(|(key, value)| self.value(key) && self.value(value)),
        }
    }

    /// `record.get('name')` looks at one field as `record['name']` does.
    fn call(&mut self, function: &Expression, arguments: &[Argument]) -> bool {
        if let (Expression::Attribute(inner, method), [Argument::Plain(Expression::Text(name)), rest @ ..]) = (function, arguments)
            && method.as_ref() == "get"
            && self.is_it(inner)
        {
            return self.field(name) && self.arguments(rest);
        }
        self.value(function) && self.arguments(arguments)
    }

    fn arguments(&mut self, arguments: &[Argument]) -> bool {
        arguments.iter().all(|argument| match argument {
            Argument::Plain(value) | Argument::Named(_, value) | Argument::Spread(value) | Argument::SpreadNamed(value) => {
                self.value(value)
            }
        })
    }
}

/// The way to the value within the object `name` that these statements print, if that is all they do.
pub fn path(body: &[Statement], name: &str) -> Option<Vec<Box<str>>> {
    let [Statement::Print(value)] = body else { return None };
    let mut path = Vec::new();
    let mut at = value;
    loop {
        let (inner, step) = match at {
            Expression::Name(found) => {
                path.reverse();
                return (found.as_ref() == name && !path.is_empty()).then_some(path);
            }
            Expression::Attribute(inner, step) if !hides_field(step) => (inner, step),
            Expression::Item(inner, key) => match key.as_ref() {
                Expression::Text(step) => (inner, step),
                _ => return None,
            },
            _ => return None,
        };
        path.push(step.clone());
        at = inner;
    }
}
