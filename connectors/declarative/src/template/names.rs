//! Which names a template looks up from outside, by Jinja's rules: a name that only some branch sets counts as one.

use std::collections::BTreeSet;

use super::program::{Applied, Argument, Expression, Macro, Statement, Target};

type Names = BTreeSet<Box<str>>;

/// The names that are looked up.
pub fn looked_up(body: &[Statement]) -> Vec<Box<str>> {
    let mut missing = Names::new();
    let known = Names::from(["self".into()]);
    Frame { outer: &known, own: Names::new(), stored: Names::new(), missing: &mut missing }.run(body);
    missing.into_iter().collect()
}

struct Frame<'a> {
    outer: &'a Names,
    own: Names,
    stored: Names,
    missing: &'a mut Names,
}

impl Frame<'_> {
    fn run(mut self, body: &[Statement]) {
        body.iter().for_each(|statement| self.statement(statement));
        let outer: Names = self.outer.union(&self.own).cloned().collect();
        body.iter().for_each(|statement| inner(statement, &outer, self.missing));
    }

    fn load(&mut self, name: &str) {
        if !self.own.contains(name) && !self.outer.contains(name) {
            self.missing.insert(name.into());
            self.own.insert(name.into());
        }
    }

    fn store(&mut self, target: &Target) {
        match target {
            Target::Name(name) => {
                self.own.insert(name.clone());
                self.stored.insert(name.clone());
            }
            Target::Attribute(name, _) => self.load(name),
            Target::Many(targets) => targets.iter().for_each(|target| self.store(target)),
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Text(_) | Statement::Block(_) => {}
            Statement::Print(value) | Statement::Call(value, _) => self.expression(value),
            Statement::For(looped) => self.expression(&looped.over),
            Statement::If(condition, yes, no) => {
                self.expression(condition);
                self.branches(&[yes, no]);
            }
            Statement::Set(target, value) => {
                self.expression(value);
                self.store(target);
            }
            Statement::Capture(target, filters, _) => {
                self.filters(filters);
                self.store(target);
            }
            Statement::Filtered(filters, _) => self.filters(filters),
            Statement::With(values, _) => values.iter().for_each(|(_, value)| self.expression(value)),
            Statement::Macro(node) => self.store(&Target::Name(node.name.clone())),
        }
    }

    fn branches(&mut self, bodies: &[&Vec<Statement>]) {
        let (own, stored) = (self.own.clone(), self.stored.clone());
        let (mut all_own, mut all_stored) = (own.clone(), stored.clone());
        for body in bodies {
            (self.own, self.stored) = (own.clone(), stored.clone());
            body.iter().for_each(|statement| self.statement(statement));
            all_own.extend(std::mem::take(&mut self.own));
            all_stored.extend(std::mem::take(&mut self.stored));
        }
        for name in all_stored.difference(&stored).filter(|name| !self.outer.contains(*name)) {
            self.missing.insert(name.clone());
        }
        (self.own, self.stored) = (all_own, all_stored);
    }

    fn filters(&mut self, filters: &[Applied]) {
        filters.iter().for_each(|filter| self.arguments(&filter.arguments));
    }

    fn arguments(&mut self, arguments: &[Argument]) {
        for argument in arguments {
            match argument {
                Argument::Plain(value) | Argument::Named(_, value) | Argument::Spread(value) | Argument::SpreadNamed(value) => {
                    self.expression(value);
                }
            }
        }
    }

    fn expression(&mut self, node: &Expression) {
        match node {
            Expression::None | Expression::Bool(_) | Expression::Int(_) | Expression::Float(_) | Expression::Text(_) => {}
            Expression::Name(name) => self.load(name),
            Expression::Attribute(inner, _) | Expression::Not(inner) | Expression::Minus(inner) => self.expression(inner),
            Expression::Item(left, right)
            | Expression::And(left, right)
            | Expression::Or(left, right)
            | Expression::Join(left, right)
            | Expression::Reckon(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Expression::Slice(parts) => parts.iter().flatten().for_each(|part| self.expression(part)),
            Expression::Compare(left, ops) => {
                self.expression(left);
                ops.iter().for_each(|(_, right)| self.expression(right));
            }
            Expression::Choice(parts, otherwise) => {
                parts.iter().for_each(|part| self.expression(part));
                otherwise.iter().for_each(|part| self.expression(part));
            }
            Expression::Filter(value, filter) => {
                self.expression(value);
                self.arguments(&filter.arguments);
            }
            Expression::Test(value, _, arguments) | Expression::Call(value, arguments) => {
                self.expression(value);
                self.arguments(arguments);
            }
            Expression::List(items) | Expression::Tuple(items) => items.iter().for_each(|item| self.expression(item)),
            Expression::Dict(items) => items.iter().for_each(|(key, value)| {
                self.expression(key);
                self.expression(value);
            }),
        }
    }
}

/// The frames inside a statement, which see all names of the one around them.
fn inner(statement: &Statement, outer: &Names, missing: &mut Names) {
    match statement {
        Statement::Text(_) | Statement::Print(_) | Statement::Set(..) => {}
        Statement::For(looped) => {
            let mut frame = Frame { outer, own: Names::from(["loop".into()]), stored: Names::new(), missing };
            frame.store(&looped.target);
            looped.condition.iter().for_each(|condition| frame.expression(condition));
            frame.run(&looped.body);
            Frame { outer, own: Names::new(), stored: Names::new(), missing }.run(&looped.otherwise);
        }
        Statement::If(_, yes, no) => yes.iter().chain(no).for_each(|statement| inner(statement, outer, missing)),
        Statement::Capture(_, _, body) | Statement::Filtered(_, body) => {
            Frame { outer, own: Names::new(), stored: Names::new(), missing }.run(body);
        }
        Statement::Block(body) => {
            Frame { outer: &Names::new(), own: Names::from(["self".into()]), stored: Names::new(), missing }.run(body);
        }
        Statement::With(values, body) => {
            let mut frame = Frame { outer, own: Names::new(), stored: Names::new(), missing };
            values.iter().for_each(|(target, _)| frame.store(target));
            frame.run(body);
        }
        Statement::Macro(node) | Statement::Call(_, node) => of_macro(node, outer, missing),
    }
}

fn of_macro(node: &Macro, outer: &Names, missing: &mut Names) {
    let mut own: Names = node.parameters.iter().cloned().collect();
    own.extend(["caller", "kwargs", "varargs"].map(Box::from));
    let mut frame = Frame { outer, own, stored: Names::new(), missing };
    node.defaults.iter().for_each(|value| frame.expression(value));
    frame.run(&node.body);
}
