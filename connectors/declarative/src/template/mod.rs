//! Interpolation as the reference does it: Jinja, read by minijinja, with Python's values, methods and operators; what comes out is read
//! as a literal of Python. A template is compiled once.

mod access;
mod arguments;
mod checks;
mod compare;
mod compile;
mod evaluated;
mod expressions;
mod filters;
mod format;
mod functions;
mod literal;
mod looks;
mod methods;
mod names;
mod nested;
mod print;
mod program;
mod python;
mod reckon;
mod run;
mod scope;
mod value;
mod walk;

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde_json::Value;
use syncline_model::{Fault, nearest};

pub use self::{
    evaluated::{Evaluated, Kind, is_truthy},
    filters::quote_plus,
    nested::Nested,
    python::{float as python_float, python_str},
    scope::Scope,
};
use self::{program::Program, run::Run, value::Stop};

/// Names that a template may find somewhere; each place has only some of them.
const KNOWN: [&str; 22] = [
    "config",
    "parameters",
    "record",
    "response",
    "headers",
    "stream_slice",
    "stream_partition",
    "stream_interval",
    "next_page_token",
    "last_record",
    "last_page_size",
    "components_values",
    "stream_template_config",
    "download_target",
    "creation_response",
    "polling_response",
    "raw_schema",
    "property",
    "session_token",
    "status_code",
    "parent_record",
    "stream_state",
];
/// The reference refuses every text with this word in it, a template or not.
const REFUSED: &str = "stream_state";

/// A text of a manifest, compiled once; cheap to clone.
#[derive(Clone)]
pub struct Template(Arc<Compiled>);

struct Compiled {
    text: Box<str>,
    /// Whether it is ever interpolated.
    plain: bool,
    /// `None` for a text without anything to fill in.
    program: Option<Program>,
    /// What a text without anything to fill in becomes.
    fixed: Option<Evaluated>,
    /// The reference refuses it whenever it is asked.
    refused: bool,
}

/// What came out of a template.
enum Rendered {
    /// A text.
    Text(String),
    /// Nothing: it looked into something that is not there.
    Undefined(String),
}

impl Template {
    /// Reads a template.
    pub fn new(text: &str) -> Result<Self, String> {
        let refused = text.contains(REFUSED);
        let dynamic = ["{{", "{%", "{#"].iter().any(|open| text.contains(open));
        if dynamic {
            let program = compile::compile(text).map_err(|why| format!("the template `{text}` cannot be read: {why}"))?;
            return Ok(Self(Arc::new(Compiled { text: text.into(), plain: false, program: Some(program), fixed: None, refused })));
        }
        let fixed = Some(literal::evaluate(unrendered(text)));
        Ok(Self(Arc::new(Compiled { text: text.into(), plain: false, program: None, fixed, refused })))
    }

    /// A text that is no template, whatever stands in it.
    pub fn plain(text: &str) -> Self {
        let fixed = Some(Evaluated::from(Value::String(text.to_owned())));
        Self(Arc::new(Compiled { text: text.into(), plain: true, program: None, fixed, refused: false }))
    }

    /// What it becomes depends on what it may look at.
    pub fn is_dynamic(&self) -> bool {
        self.0.program.is_some()
    }

    /// The text as the manifest spells it.
    pub fn source(&self) -> &str {
        &self.0.text
    }

    /// Which fields of the object `name` it looks at; `None` where that cannot be told without asking it.
    pub fn fields(&self, name: &str) -> Option<BTreeSet<Box<str>>> {
        let fixed = BTreeSet::new();
        self.0.program.as_ref().map_or(Some(fixed), |program| looks::fields(&program.body, name))
    }

    /// The way to the value within the object `name` that this prints, where it does nothing else.
    pub fn path(&self, name: &str) -> Option<Vec<Box<str>>> {
        looks::path(&self.0.program.as_ref()?.body, name)
    }

    /// Whether a text that is printed stays the text that it is, and spells no value of Python.
    pub fn stays(text: &str) -> bool {
        literal::literal(text).is_none()
    }

    /// Whether no text that begins with this byte spells a value of Python.
    #[inline]
    pub fn none_begins(first: u8) -> bool {
        literal::none_begins(first)
    }

    /// What can be said against it before it is asked: names that no place knows. Asking it is a fault then, as in the reference.
    pub fn problem(&self) -> Option<String> {
        if self.0.refused {
            return Some(format!("`{REFUSED}` is no longer known: use `stream_interval`"));
        }
        let names = &self.0.program.as_ref()?.names;
        let unknown = names.iter().find(|name| !KNOWN.contains(&name.as_ref()) && functions::named(name).is_none())?;
        let known = KNOWN.iter().chain(&functions::NAMES).copied();
        Some(format!("the template `{}` names the unknown variable `{unknown}`{}", self.0.text, nearest::hint(unknown, known)))
    }

    /// What it becomes, as `InterpolatedString.eval`.
    pub fn eval(&self, scope: &Scope) -> Result<Evaluated, Fault> {
        match self.rendered(scope)? {
            Ok(fixed) => Ok(fixed.clone()),
            Err(Rendered::Text(text)) => Ok(literal::evaluate(text)),
            Err(Rendered::Undefined(why)) => Err(self.fault(&why)),
        }
    }

    /// What it becomes, or something else where it becomes an empty text or looks into something that is not there, as
    /// `JinjaInterpolation.eval` with a default.
    pub fn eval_or(&self, scope: &Scope, default: Option<Evaluated>) -> Result<Option<Evaluated>, Fault> {
        Ok(match self.rendered(scope)? {
            Ok(fixed) if fixed.json().as_str() == Some("") && !self.0.plain => default,
            Ok(fixed) => Some(fixed.clone()),
            Err(Rendered::Text(text)) if !text.is_empty() => Some(literal::evaluate(text)),
            Err(_) => default,
        })
    }

    /// What Python's `str()` prints for what it becomes.
    pub fn text(&self, scope: &Scope) -> Result<String, Fault> {
        self.eval(scope).map(Evaluated::into_text)
    }

    /// What it becomes in a mapping: nothing where it is empty or looks into something that is not there, and its text where it
    /// becomes a value of another kind than those that are wanted. Of no kinds at all, every kind is wanted.
    pub fn mapped(&self, scope: &Scope, valid: &[Kind]) -> Result<Option<Evaluated>, Fault> {
        let text = match self.rendered(scope)? {
            Ok(_) if self.0.plain => self.0.text.to_string(),
            Ok(_) => unrendered(&self.0.text),
            Err(Rendered::Text(text)) => text,
            Err(Rendered::Undefined(_)) => return Ok(None),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if self.0.plain {
            return Ok(Some(Evaluated::from(Value::String(text))));
        }
        let value = literal::literal(&text).map(literal::Literal::evaluated);
        let wanted = |value: &Evaluated| if valid.is_empty() { value.kind() != Kind::Complex } else { is_of(value.kind(), valid) };
        Ok(Some(value.filter(wanted).unwrap_or_else(|| Evaluated::from(Value::String(text)))))
    }

    /// The JSON value that it becomes.
    pub fn value(&self, scope: &Scope) -> Result<Value, Fault> {
        self.eval(scope).map(Evaluated::into_json)
    }

    /// Whether it says yes, as `InterpolatedBoolean`.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Fault> {
        Ok(self.eval_or(scope, None)?.is_some_and(|value| !says_no(&value)))
    }

    /// What it becomes where nothing is to be filled in, or the text that came out.
    fn rendered(&self, scope: &Scope) -> Result<Result<&Evaluated, Rendered>, Fault> {
        if self.0.refused {
            let why = "`stream_state` is no longer supported for interpolation; `stream_interval` takes its place";
            return Err(Fault::Misconfigured(why.to_owned()));
        }
        if let Some(fixed) = &self.0.fixed {
            return Ok(Ok(fixed));
        }
        let Some(program) = &self.0.program else { return Ok(Err(Rendered::Text(String::new()))) };
        if let Some(unknown) = program.names.iter().find(|name| !scope.knows(name) && functions::named(name).is_none()) {
            let known = scope.names().map(|(name, _)| name).chain(functions::NAMES);
            return Err(self.fault(&format!("the variable `{unknown}` is not known here{}", nearest::hint(unknown, known))));
        }
        Ok(Err(match Run::render(program, scope) {
            Ok(text) => Rendered::Text(text),
            Err(Stop::Type) => Rendered::Text(self.0.text.to_string()),
            Err(Stop::Undefined(why)) => Rendered::Undefined(why),
            Err(Stop::Other(why)) => return Err(self.fault(&why)),
        }))
    }

    fn fault(&self, why: &str) -> Fault {
        Fault::Misconfigured(format!("the template `{}` cannot be filled in: {why}", self.0.text))
    }
}

/// A text as Jinja gives it back: with its line ends made one kind, and without the last.
fn unrendered(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
}

/// `True` is an `int` to Python, too.
fn is_of(kind: Kind, valid: &[Kind]) -> bool {
    valid.contains(&kind) || (kind == Kind::Bool && valid.contains(&Kind::Int))
}

/// The values that `InterpolatedBoolean` takes for a no.
fn says_no(value: &Evaluated) -> bool {
    match value.kind() {
        Kind::Str => matches!(value.json().as_str(), Some("False" | "false" | "{}" | "[]" | "()" | "" | "0" | "0.0")),
        Kind::Bytes | Kind::Ellipsis | Kind::Complex => false,
        _ => !value.is_truthy(),
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text && self.0.plain == other.0.plain
    }
}

impl Eq for Template {}

impl fmt::Debug for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Template({:?})", self.0.text)
    }
}

#[cfg(test)]
mod tests;
