//! Interpolation: Jinja by minijinja with Python's methods. A template is compiled once; a text without braces stays as it is.

use std::{collections::BTreeMap, sync::{Arc, LazyLock}};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as Jinja};
use serde_json::{Map, Number, Value};
use syncline_model::Fault;

use crate::problem::Problem;

/// More steps than any honest template takes.
const FUEL: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment
});

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    dynamic: bool,
    parameters: Option<Arc<Value>>,
}

#[derive(Clone, Default)]
pub struct Scope(BTreeMap<&'static str, Arc<Value>>);

impl Scope {
    pub fn new() -> Self { Self::default() }
    pub fn at(_: jiff::Timestamp) -> Self { Self::default() }
    pub fn with(mut self, name: &'static str, value: Arc<Value>) -> Self { self.0.insert(name, value); self }
    pub fn set(&mut self, name: &'static str, value: Arc<Value>) { self.0.insert(name, value); }
    pub fn get(&self, name: &str) -> Option<Arc<Value>> { self.0.get(name).cloned() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind { None, Bool, Int, Float, Str, List, Dict }

#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated(Value);

impl From<Value> for Evaluated { fn from(value: Value) -> Self { Self(value) } }

impl Evaluated {
    pub fn text_of(text: &str) -> Self { Self(Value::String(text.to_owned())) }
    pub fn json(&self) -> &Value { &self.0 }
    pub fn into_json(self) -> Value { self.0 }
    pub fn text(&self) -> String { python_str(&self.0) }
    pub fn is_truthy(&self) -> bool {
        match &self.0 {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            Value::Number(number) => !number.as_str().trim_start_matches('-').chars().all(|digit| digit == '0' || digit == '.'),
            Value::Bool(true) => true,
        }
    }
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Value::Null => Kind::None,
            Value::Bool(_) => Kind::Bool,
            Value::Number(number) if number.as_str().contains(['.', 'e', 'E']) => Kind::Float,
            Value::Number(_) => Kind::Int,
            Value::String(_) => Kind::Str,
            Value::Array(_) => Kind::List,
            Value::Object(_) => Kind::Dict,
        }
    }
}

impl Template {
    pub fn new(text: &str) -> Result<Self, String> {
        let dynamic = text.contains("{{") || text.contains("{%");
        if dynamic {
            ENVIRONMENT.template_from_str(text).map_err(|error| format!("the template `{text}` cannot be read: {error}"))?;
        }
        Ok(Self { text: text.to_owned(), dynamic, parameters: None })
    }
    pub fn with_parameters(mut self, parameters: &Arc<Value>) -> Self { self.parameters = Some(Arc::clone(parameters)); self }
    pub fn plain(text: &str) -> Self { Self { text: text.to_owned(), dynamic: false, parameters: None } }
    pub fn is_dynamic(&self) -> bool { self.dynamic }
    pub fn source(&self) -> &str { &self.text }
    pub fn mentions(&self, name: &str) -> bool { self.text.contains(name) }

    fn render(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        if !self.dynamic { return Ok(Some(self.text.clone())); }
        let parameters = self.parameters.iter().map(|value| ("parameters", value));
        let context = Jinja::from_pairs(scope.0.iter().map(|(name, value)| (*name, value)).chain(parameters).map(|(name, value)| (name.to_owned(), jinja(value))));
        match ENVIRONMENT.render_str(&self.text, context) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => Err(Fault::Misconfigured(format!("the template `{}` cannot be filled in: {}", self.text, error.kind()))),
        }
    }
    pub fn eval(&self, scope: &Scope) -> Result<Evaluated, Fault> {
        Ok(Evaluated(self.render(scope)?.map_or(Value::Null, |text| literal(&text))))
    }
    pub fn eval_or(&self, scope: &Scope, default: Option<Evaluated>) -> Result<Evaluated, Fault> {
        Ok(self.render(scope)?.map_or(default.map_or(Value::Null, Evaluated::into_json), |text| literal(&text)).into())
    }
    pub fn value(&self, scope: &Scope) -> Result<Value, Fault> { Ok(self.eval(scope)?.into_json()) }
    pub fn text(&self, scope: &Scope) -> Result<String, Fault> { Ok(self.eval(scope)?.text()) }
    pub fn mapped(&self, scope: &Scope, valid: &[Kind]) -> Result<Option<Evaluated>, Fault> {
        let Some(text) = self.render(scope)? else { return Ok(None) };
        if text.is_empty() && self.dynamic { return Ok(Some(Evaluated(Value::Null)).filter(|_| false)); }
        let made = Evaluated(literal(&text));
        if valid.is_empty() || valid.contains(&made.kind()) { Ok(Some(made)) } else { Ok(Some(Evaluated::text_of(&text))) }
    }
    pub fn holds(&self, scope: &Scope) -> Result<bool, Fault> {
        let text = self.render(scope)?.unwrap_or_default();
        Ok(!matches!(text.as_str(), "" | "False" | "false" | "None" | "{}" | "[]" | "()" | "0" | "0.0" | "set()"))
    }
}

#[derive(Debug, Clone)]
pub enum Nested { Template(Template), List(Vec<Nested>), Object(Vec<(String, Nested)>), Fixed(Value) }

impl Nested {
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> { Self::load_with(node, path, &Arc::new(Value::Object(Map::new()))) }
    pub fn load_with(node: &Value, path: &str, parameters: &Arc<Value>) -> Result<Self, Problem> {
        Ok(match node {
            Value::String(text) => Self::Template(Template::new(text).map_err(|why| Problem::manifest(path, why))?.with_parameters(parameters)),
            Value::Array(items) => Self::List(items.iter().map(|item| Self::load_with(item, path, parameters)).collect::<Result<_, _>>()?),
            Value::Object(fields) => Self::Object(fields.iter().map(|(name, value)| Ok((name.clone(), Self::load_with(value, path, parameters)?))).collect::<Result<_, Problem>>()?),
            other => Self::Fixed(other.clone()),
        })
    }
    pub fn fill(&self, scope: &Scope) -> Result<Value, Fault> {
        Ok(match self {
            Self::Template(template) => template.eval(scope)?.into_json(),
            Self::List(items) => items.iter().map(|item| item.fill(scope)).collect::<Result<_, _>>()?,
            Self::Object(fields) => {
                let mut made = Map::new();
                for (name, inner) in fields {
                    let value = inner.fill(scope)?;
                    if !value.is_null() { made.insert(name.clone(), value); }
                }
                Value::Object(made)
            }
            Self::Fixed(value) => value.clone(),
        })
    }
}

fn jinja(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(yes) => Jinja::from(*yes),
        Value::Number(number) => number.as_str().parse::<i128>().map_or_else(|_| Jinja::from(number.as_str()), Jinja::from),
        Value::String(text) => Jinja::from(text.as_str()),
        Value::Array(items) => items.iter().map(jinja).collect(),
        Value::Object(fields) => Jinja::from_pairs(fields.iter().map(|(name, inner)| (name.clone(), jinja(inner)))),
    }
}

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

pub fn python_str(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
pub fn python_repr(value: &Value) -> String { python_str(value) }
