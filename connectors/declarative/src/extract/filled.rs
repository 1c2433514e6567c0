//! Paths and texts of a manifest with their templates filled in, and records lent to a scope while that is done.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use serde_json::Value;
use syncline_model::Fault;

use super::dpath::{Glob, Part};
use crate::problem::Problem;
use crate::template::{Evaluated, python_str};
pub use crate::template::{Kind, Scope, Template};

/// A path as a manifest spells it.
#[derive(Debug, Clone)]
pub struct Path {
    templates: Vec<Template>,
    /// The path, where no template has to be asked.
    fixed: Option<Glob>,
    parameters: Option<Arc<Value>>,
}

impl Path {
    /// Reads the list of this name; one that is missing is the empty path.
    pub fn load(node: &Value, name: &str, path: &str) -> Result<Self, Problem> {
        let here = format!("{path}.{name}");
        let templates = match node.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(parts)) => parts.iter().map(|part| template(part, &here)).collect::<Result<_, _>>()?,
            Some(other) => return Err(Problem::manifest(&here, format!("`{other}` is no list of names"))),
        };
        Self::of(templates, parameters(node), &here)
    }

    fn of(templates: Vec<Template>, parameters: Option<Arc<Value>>, here: &str) -> Result<Self, Problem> {
        if templates.iter().any(Template::is_dynamic) {
            return Ok(Self { templates, fixed: None, parameters });
        }
        let parts = templates.iter().map(|template| part(template, &Scope::new())).collect::<Result<_, _>>();
        let glob = parts.map_err(|fault: Fault| fault.to_string()).and_then(Glob::new).map_err(|why| Problem::manifest(here, why))?;
        Ok(Self { templates, fixed: Some(glob), parameters })
    }

    /// Whether it has no steps.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The path with its templates filled in.
    pub fn glob(&self, scope: &Scope) -> Result<Cow<'_, Glob>, Fault> {
        if let Some(fixed) = &self.fixed {
            return Ok(Cow::Borrowed(fixed));
        }
        let own;
        let scope = match &self.parameters {
            Some(parameters) => {
                own = scope.clone().with("parameters", parameters.clone());
                &own
            }
            None => scope,
        };
        let parts = self.templates.iter().map(|template| part(template, scope)).collect::<Result<_, _>>()?;
        Glob::new(parts).map(Cow::Owned).map_err(Fault::Misconfigured)
    }

    /// The names, if it has only such.
    pub fn plain(&self) -> Option<Vec<String>> {
        self.fixed.as_ref()?.plain()
    }

    /// Refuses wildcards where one field must be meant.
    pub fn without_wildcards(self, here: &str) -> Result<Self, Problem> {
        if self.fixed.as_ref().is_some_and(Glob::has_wildcards) {
            return Err(Problem::manifest(here, "wildcards are not supported here: the path must lead to one field"));
        }
        Ok(self)
    }
}

/// The parameters of a component, which its templates see instead of those of what it stands in.
pub fn parameters(node: &Value) -> Option<Arc<Value>> {
    node.get("$parameters").filter(|parameters| parameters.is_object()).map(|parameters| Arc::new(parameters.clone()))
}

/// A text of a manifest, however YAML read it.
fn spelt(node: &Value, here: &str) -> Result<String, Problem> {
    match node {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(python_str(node)),
        other => Err(Problem::manifest(here, format!("`{other}` is no text"))),
    }
}

/// A template.
pub fn template(node: &Value, here: &str) -> Result<Template, Problem> {
    Template::new(&spelt(node, here)?).map_err(|why| Problem::manifest(here, why))
}

/// The template in a field, unless that is missing or empty.
pub fn optional(node: &Value, name: &str, path: &str) -> Result<Option<Template>, Problem> {
    match node.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(text) => template(text, &format!("{path}.{name}")).map(Some),
    }
}

/// The template in a field that must be there.
pub fn required(node: &Value, name: &str, path: &str) -> Result<Template, Problem> {
    let text = node.get(name).ok_or_else(|| Problem::manifest(path, format!("`{name}` is missing")))?;
    template(text, &format!("{path}.{name}"))
}

/// A list of names that are no templates.
pub fn names(node: &Value, here: &str) -> Result<Vec<String>, Problem> {
    let names = node.as_array().ok_or_else(|| Problem::manifest(here, "a path of names is missing"))?;
    names.iter().map(|name| spelt(name, here)).collect()
}

/// What a text becomes; its own text where it becomes a value of another kind than those wanted.
pub fn value(template: &Template, scope: &Scope, wanted: &[Kind]) -> Result<Value, Fault> {
    let of_a_kind = if wanted.is_empty() { None } else { template.mapped(scope, wanted)? };
    of_a_kind.map_or_else(|| template.eval(scope), Ok).map(Evaluated::into_json)
}

static NOTHING: LazyLock<Arc<Value>> = LazyLock::new(Arc::default);

/// Shows a record to templates without copying it; it must be taken back.
pub fn lend(scope: &mut Scope, name: &'static str, record: &mut Value) {
    scope.set(name, Arc::new(record.take()));
}

/// Takes back what was lent.
pub fn take_back(scope: &mut Scope, name: &'static str, record: &mut Value) {
    let Some(lent) = scope.get(name) else { return };
    unbind(scope, name);
    *record = Arc::unwrap_or_clone(lent);
}

/// Shows a value to templates.
pub fn bind(scope: &mut Scope, name: &'static str, value: Value) {
    scope.set(name, Arc::new(value));
}

/// Shows it no longer.
pub fn unbind(scope: &mut Scope, name: &'static str) {
    scope.set(name, NOTHING.clone());
}

fn part(template: &Template, scope: &Scope) -> Result<Part, Fault> {
    Ok(match template.eval(scope)?.into_json() {
        Value::String(text) => Part::of(&text),
        Value::Number(number) => number.as_i64().map_or(Part::Nothing, Part::Place),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Part::Nothing,
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A scope that holds settings.
    pub fn scope(config: &Value) -> Scope {
        Scope::new().with("config", Arc::new(config.clone()))
    }
}
