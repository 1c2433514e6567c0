//! Interpolation: Jinja by minijinja with Python's methods. A template is compiled once; a text without braces stays as it is.

mod evaluated;
mod nested;
mod python;
mod scope;

use std::sync::{Arc, LazyLock};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as Jinja};
use serde_json::{Number, Value};
use syncline_model::Fault;

#[allow(unused_imports, reason = "the components take them over one after the other")]
pub use self::{
    evaluated::{Evaluated, Kind, is_truthy},
    nested::Nested,
    python::{float as python_float, python_repr, python_str},
    scope::Scope,
};

/// More steps than any honest template takes.
const FUEL: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment
});

/// A text of a manifest, compiled once; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: Arc<str>,
    /// Whether it is ever interpolated.
    plain: bool,
    dynamic: bool,
}

impl Template {
    /// Checks that a text is a template.
    pub fn new(text: &str) -> Result<Self, String> {
        let dynamic = text.contains("{{") || text.contains("{%");
        if dynamic {
            ENVIRONMENT.template_from_str(text).map_err(|error| format!("the template `{text}` cannot be read: {error}"))?;
        }
        Ok(Self { text: text.into(), plain: false, dynamic })
    }

    /// A text that is no template, whatever stands in it.
    pub fn plain(text: &str) -> Self {
        Self { text: text.into(), plain: true, dynamic: false }
    }

    /// What it becomes depends on what it may look at.
    pub fn is_dynamic(&self) -> bool {
        self.dynamic
    }

    /// The text as the manifest spells it.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// What it becomes, as `InterpolatedString.eval`.
    pub fn eval(&self, scope: &Scope) -> Result<Evaluated, Fault> {
        Ok(self.eval_or(scope, None)?.unwrap_or_else(|| Evaluated::from(Value::String(String::new()))))
    }

    /// What it becomes, or something else where it becomes nothing, as `JinjaInterpolation.eval` with a default.
    pub fn eval_or(&self, scope: &Scope, default: Option<Evaluated>) -> Result<Option<Evaluated>, Fault> {
        if self.plain {
            return Ok(Some(Evaluated::from(Value::String(self.text.to_string()))));
        }
        Ok(self.rendered(scope)?.map_or(default, |text| Some(Evaluated::from(literal(&text)))))
    }

    /// What Python's `str()` prints for what it becomes.
    pub fn text(&self, scope: &Scope) -> Result<String, Fault> {
        self.eval(scope).map(Evaluated::into_text)
    }

    /// What it becomes in a mapping: nothing where it is empty or looks into something that is not there, and its text where it
    /// becomes a value of another kind than those that are wanted. Of no kinds at all, every kind is wanted.
    pub fn mapped(&self, scope: &Scope, valid: &[Kind]) -> Result<Option<Evaluated>, Fault> {
        let Some(text) = self.rendered(scope)? else { return Ok(None) };
        let value = Evaluated::from(literal(&text));
        let wanted = valid.is_empty() || valid.contains(&value.kind());
        Ok(Some(if wanted { value } else { Evaluated::from(Value::String(text)) }))
    }

    /// The JSON value that it becomes.
    pub fn value(&self, scope: &Scope) -> Result<Value, Fault> {
        Ok(self.eval_or(scope, None)?.map_or(Value::Null, Evaluated::into_json))
    }

    /// Whether it says yes, as `InterpolatedBoolean`.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Fault> {
        let text = self.rendered(scope)?.unwrap_or_default();
        Ok(!matches!(text.as_str(), "" | "False" | "false" | "None" | "{}" | "[]" | "()" | "0" | "0.0" | "set()"))
    }

    /// The text it becomes; `None` where it looks into something that is not there.
    fn rendered(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        if !self.dynamic {
            return Ok(Some(self.text.to_string()));
        }
        let aliases = ["stream_interval", "stream_partition"].into_iter().filter_map(|name| Some((name, scope.look(name)?)));
        let context = Jinja::from_pairs(scope.names().chain(aliases).map(|(name, value)| (name, jinja(value))));
        let rendered = ENVIRONMENT.render_str(&self.text, context);
        match rendered {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => Err(Fault::Misconfigured(format!("the template `{}` cannot be filled in: {}", self.text, error.kind()))),
        }
    }
}

/// A JSON value for minijinja. Integers stay integers; a number with more digits than a double holds becomes its text.
fn jinja(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(yes) => Jinja::from(*yes),
        Value::Number(number) => number_of(number),
        Value::String(text) => Jinja::from(text.as_str()),
        Value::Array(items) => items.iter().map(jinja).collect(),
        Value::Object(fields) => Jinja::from_pairs(fields.iter().map(|(name, inner)| (name.clone(), jinja(inner)))),
    }
}

/// A number that is no whole one is handed over as its text: templates of this slice print numbers and do not reckon with them.
fn number_of(number: &Number) -> Jinja {
    number.as_str().parse::<i128>().map_or_else(|_| Jinja::from(number.as_str()), Jinja::from)
}

/// A rendered text as Python's `ast.literal_eval` reads it, as far as texts of manifests need it: whole numbers, quoted texts,
/// `True`, `False`, `None`. Everything else stays the text it is.
pub fn literal(text: &str) -> Value {
    let trimmed = text.trim();
    match trimmed {
        "True" => return Value::Bool(true),
        "False" => return Value::Bool(false),
        "None" => return Value::Null,
        _ => {}
    }
    let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    if whole && let Ok(number) = serde_json::from_str::<Number>(trimmed) {
        return Value::Number(number);
    }
    for quote in ['\'', '"'] {
        if let Some(inner) = trimmed.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            && !inner.contains(quote)
            && !inner.contains('\\')
        {
            return Value::String(inner.to_owned());
        }
    }
    Value::String(text.to_owned())
}
