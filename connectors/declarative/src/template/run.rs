//! Runs a template: its statements, its names, and how much it may do.

use std::{borrow::Cow, cell::Cell, cell::RefCell, rc::Rc};

use serde_json::Value;

use super::{
    Scope,
    arguments::Arguments,
    filters,
    print::{str_of, write_str},
    program::{Applied, Loop, Macro, Program, Statement, Target},
    value::{Defined, LoopState, Outcome, Py, Stop, Text, other},
};

/// More steps than any honest template takes; sixteen letters that are made count as one.
pub(super) const STEPS_MAX: usize = 1_000_000;
/// Frames, calls and nested values are held on the stack.
pub(super) const DEPTH_MAX: usize = 100;

/// The names of one frame.
type Frame<'a> = Vec<(Cow<'a, str>, Py<'a>)>;

/// A template that runs.
pub struct Run<'a> {
    scope: &'a Scope,
    frames: Vec<Frame<'a>>,
    pub(super) steps: usize,
    depth: usize,
    loops: usize,
    pub(super) nested: usize,
    /// What has been changed by a method, by the place of the JSON value that it was.
    thawed: Vec<(*const Value, Py<'a>)>,
}

impl<'a> Run<'a> {
    /// Fills in a template.
    pub fn render(program: &'a Program, scope: &'a Scope) -> Outcome<String> {
        let mut run = Self { scope, frames: vec![Frame::new()], steps: 0, depth: 0, loops: 0, nested: 0, thawed: Vec::new() };
        let mut out = String::new();
        run.all(&program.body, &mut out)?;
        Ok(out)
    }

    /// What the template looks at.
    pub fn scope(&self) -> &'a Scope {
        self.scope
    }

    /// Counts what has been done, and ends what never would.
    pub fn spend(&mut self, steps: usize) -> Outcome<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > STEPS_MAX { other("it does not come to an end") } else { Ok(()) }
    }

    /// A text that was made.
    pub fn made(&mut self, text: String) -> Outcome<Py<'a>> {
        self.spend(text.len() / 16)?;
        Ok(Py::Str(Text::from(text)))
    }

    /// Does something one level deeper.
    pub fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= DEPTH_MAX {
            return other("it calls itself too often");
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        done
    }

    /// A value as it is by now: what a method has changed is no longer the JSON that it was.
    pub fn current(&self, value: &Py<'a>) -> Py<'a> {
        match value {
            Py::Json(json) if !self.thawed.is_empty() => {
                let known = self.thawed.iter().find(|(place, _)| std::ptr::eq(*place, *json));
                known.map_or_else(|| value.clone(), |(_, changed)| changed.clone())
            }
            other => other.clone(),
        }
    }

    /// A list or dict that can be changed.
    pub fn thaw(&mut self, value: &Py<'a>) -> Py<'a> {
        let value = self.current(value);
        let Py::Json(json) = value else { return value };
        let changed = match (super::compare::items(&value), super::compare::pairs(&value)) {
            (Some(items), _) => Py::list(items),
            (None, Some(pairs)) => Py::dict(pairs),
            (None, None) => return value,
        };
        self.thawed.push((json, changed.clone()));
        changed
    }

    /// The value of a name.
    pub fn name(&self, name: &'a str) -> Py<'a> {
        for frame in self.frames.iter().rev() {
            if let Some((_, value)) = frame.iter().rev().find(|(known, _)| known == name) {
                return value.clone();
            }
        }
        if let Some(value) = self.scope.look(name) {
            return Py::seen(value);
        }
        match name {
            "self" => Py::Template,
            "config" => Py::None,
            "parameters" => Py::dict(Vec::new()),
            _ => super::functions::named(name).map_or(Py::Undefined, Py::Function),
        }
    }

    fn put(&mut self, name: impl Into<Cow<'a, str>>, value: Py<'a>) {
        let name = name.into();
        let Some(frame) = self.frames.last_mut() else { return };
        match frame.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => frame.push((name, value)),
        }
    }

    fn set(&mut self, target: &'a Target, value: Py<'a>) -> Outcome<()> {
        match target {
            Target::Name(name) => {
                self.nest(std::ptr::null(), &value)?;
                self.put(name.as_ref(), value);
            }
            Target::Attribute(name, attribute) => {
                let Py::Namespace(pairs) = self.name(name) else { return other("cannot assign attribute on non-namespace object") };
                self.nest(Rc::as_ptr(&pairs).cast(), &value)?;
                super::methods::put(&mut pairs.borrow_mut(), Py::Str(Text::Seen(attribute)), value);
            }
            Target::Many(targets) => {
                let items = self.iterate(&value)?;
                if items.len() != targets.len() {
                    return other("there are more or fewer values than names");
                }
                for (target, item) in targets.iter().zip(items) {
                    self.set(target, item)?;
                }
            }
        }
        Ok(())
    }

    fn all(&mut self, body: &'a [Statement], out: &mut String) -> Outcome<()> {
        for statement in body {
            self.statement(statement, out)?;
        }
        Ok(())
    }

    fn print(&mut self, out: &mut String, value: &Py<'a>) -> Outcome<()> {
        let before = out.len();
        write_str(out, &self.settled(value));
        self.spend((out.len() - before) / 16)
    }

    /// A value in which everything that was changed has been put in its place; only needed where something was.
    pub fn settled(&self, value: &Py<'a>) -> Py<'a> {
        if self.thawed.is_empty() {
            return value.clone();
        }
        match self.current(value) {
            json @ Py::Json(_) => match (super::compare::items(&json), super::compare::pairs(&json)) {
                (Some(items), _) => Py::list(items.iter().map(|item| self.settled(item)).collect()),
                (None, Some(pairs)) => Py::dict(pairs.into_iter().map(|(key, item)| (key, self.settled(&item))).collect()),
                (None, None) => json,
            },
            other => other,
        }
    }

    fn statement(&mut self, statement: &'a Statement, out: &mut String) -> Outcome<()> {
        self.spend(1)?;
        match statement {
            Statement::Text(text) => {
                out.push_str(text);
                self.spend(text.len() / 16)?;
            }
            Statement::Print(value) => {
                let value = self.value(value)?;
                self.print(out, &value)?;
            }
            Statement::For(looped) => return self.looped(looped, out),
            Statement::If(condition, yes, no) => {
                let holds = self.truth(condition)?;
                return self.all(if holds { yes } else { no }, out);
            }
            Statement::Set(target, value) => {
                let value = self.value(value)?;
                self.set(target, value)?;
            }
            Statement::Capture(target, filters, body) => {
                let text = self.captured(body)?;
                let value = self.filtered(filters, text)?;
                self.set(target, value)?;
            }
            Statement::Filtered(filters, body) => {
                let text = self.captured(body)?;
                let value = self.filtered(filters, text)?;
                self.print(out, &value)?;
            }
            Statement::With(values, body) => {
                let values = values.iter().map(|(target, value)| Ok((target, self.value(value)?))).collect::<Outcome<Vec<_>>>()?;
                return self.framed(|run| {
                    values.into_iter().try_for_each(|(target, value)| run.set(target, value))?;
                    run.all(body, out)
                });
            }
            Statement::Macro(node) => {
                let frames = self.frames.len();
                self.put(node.name.as_ref(), Py::Macro(Rc::new(Defined { node, frames, caller: None })));
            }
            Statement::Call(call, node) => {
                let frames = self.frames.len();
                let caller = Py::Macro(Rc::new(Defined { node, frames, caller: None }));
                let value = self.call_with(call, caller)?;
                self.print(out, &value)?;
            }
            Statement::Block(body) => {
                let frames = std::mem::replace(&mut self.frames, vec![Frame::new()]);
                let done = self.all(body, out);
                self.frames = frames;
                return done;
            }
        }
        Ok(())
    }

    /// Does something in a frame of its own.
    fn framed<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.frames.push(Frame::new());
        let done = self.deeper(work);
        self.frames.pop();
        done
    }

    fn captured(&mut self, body: &'a [Statement]) -> Outcome<Py<'a>> {
        let mut inner = String::new();
        self.framed(|run| run.all(body, &mut inner))?;
        self.made(inner)
    }

    fn filtered(&mut self, filters: &'a [Applied], value: Py<'a>) -> Outcome<Py<'a>> {
        filters.iter().try_fold(value, |value, filter| {
            let arguments = self.arguments(&filter.arguments)?;
            filters::apply(self, &filter.name, &value, arguments)
        })
    }

    fn looped(&mut self, node: &'a Loop, out: &mut String) -> Outcome<()> {
        let over = self.value(&node.over)?;
        let mut items = self.iterate(&over)?;
        if let Some(condition) = &node.condition {
            let mut kept = Vec::new();
            for item in items {
                let keep = self.framed(|run| {
                    run.set(&node.target, item.clone())?;
                    run.truth(condition)
                })?;
                if keep {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            return self.framed(|run| run.all(&node.otherwise, out));
        }
        let state = Rc::new(LoopState { items: items.clone(), at: Cell::new(0), depth: self.loops, last: RefCell::new(None) });
        self.loops += 1;
        for (at, item) in items.into_iter().enumerate() {
            state.at.set(at);
            self.spend(1)?;
            self.framed(|run| {
                run.put("loop", Py::Loop(Rc::clone(&state)));
                run.set(&node.target, item)?;
                run.all(&node.body, out)
            })?;
        }
        self.loops -= 1;
        Ok(())
    }

    /// What a macro prints.
    pub fn call_macro(&mut self, defined: &Defined<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
        let Arguments { plain: given, named } = arguments;
        let node: &'a Macro = defined.node;
        if given.len() > node.parameters.len() {
            return Err(Stop::Type);
        }
        let later = self.frames.split_off(defined.frames.min(self.frames.len()));
        let mut out = String::new();
        let done = self.framed(|run| {
            let required = node.parameters.len() - node.defaults.len();
            let mut given = given.into_iter();
            for (index, name) in node.parameters.iter().enumerate() {
                let by_name = named.iter().find(|(known, _)| *known == **name).map(|(_, value)| value.clone());
                let value = match (given.next().or(by_name), index.checked_sub(required)) {
                    (Some(value), _) => value,
                    (None, Some(place)) => run.value(&node.defaults[place])?,
                    (None, None) => Py::Undefined,
                };
                run.put(name.as_ref(), value);
            }
            run.put("caller", defined.caller.clone().unwrap_or(Py::Undefined));
            run.all(&node.body, &mut out)
        });
        self.frames.extend(later);
        done?;
        self.made(out)
    }

    /// What `str()` prints.
    pub fn str_of(&self, value: &Py<'a>) -> String {
        str_of(&self.settled(value))
    }
}
