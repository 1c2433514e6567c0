//! Interpolation: Jinja by minijinja with Python's methods. A template is compiled once; a text without braces stays as it is.

use std::sync::LazyLock;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as Jinja};
use serde_json::{Map, Number, Value};
use syncline_model::Fault;

/// More steps than any honest template takes.
const FUEL: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment
});

/// A text of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    dynamic: bool,
}

/// What a template may look at, by name.
pub type Scope = Map<String, Value>;

impl Template {
    /// Checks that a text is a template.
    pub fn new(text: &str) -> Result<Self, String> {
        let dynamic = text.contains("{{") || text.contains("{%");
        if dynamic {
            ENVIRONMENT.template_from_str(text).map_err(|error| format!("the template `{text}` cannot be read: {error}"))?;
        }
        Ok(Self { text: text.to_owned(), dynamic })
    }

    /// A text that is no template, whatever stands in it.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), dynamic: false }
    }

    /// What it becomes depends on what it may look at.
    pub fn is_dynamic(&self) -> bool {
        self.dynamic
    }

    /// The text it becomes; `None` where it looks into something that is not there.
    pub fn text(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        if !self.dynamic {
            return Ok(Some(self.text.clone()));
        }
        let context = Jinja::from_pairs(scope.iter().map(|(name, value)| (name.clone(), jinja(value))));
        let rendered = ENVIRONMENT.render_str(&self.text, context);
        match rendered {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => Err(Fault::Misconfigured(format!("the template `{}` cannot be filled in: {}", self.text, error.kind()))),
        }
    }

    /// The value that its text spells in Python: a number, a text, nothing.
    pub fn value(&self, scope: &Scope) -> Result<Value, Fault> {
        Ok(self.text(scope)?.map_or(Value::Null, |text| literal(&text)))
    }

    /// Whether its text says yes.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Fault> {
        let text = self.text(scope)?.unwrap_or_default();
        Ok(!matches!(text.as_str(), "" | "False" | "false" | "None" | "{}" | "[]" | "()" | "0" | "0.0" | "set()"))
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

/// A value as Python prints it with `str()`.
pub fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
