//! Paths of a manifest with their templates filled in.

use serde_json::Value;
use syncline_model::Fault;

use super::dpath::{Glob, Part};
use crate::problem::Problem;
pub use crate::template::{Scope, Template};

/// A path as a manifest spells it.
#[derive(Debug, Clone)]
pub struct Path {
    templates: Vec<Template>,
    /// The path, where no template has to be asked.
    fixed: Option<Glob>,
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
        Self::of(templates, &here)
    }

    fn of(templates: Vec<Template>, here: &str) -> Result<Self, Problem> {
        if templates.iter().any(Template::is_dynamic) {
            return Ok(Self { templates, fixed: None });
        }
        let parts = templates.iter().map(|template| part(template, &Scope::new())).collect::<Result<_, _>>();
        let glob = parts.map_err(|fault: Fault| fault.to_string()).and_then(Glob::new).map_err(|why| Problem::manifest(here, why))?;
        Ok(Self { templates, fixed: Some(glob) })
    }

    /// Whether it has no steps.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The path with its templates filled in.
    pub fn glob(&self, scope: &Scope) -> Result<Glob, Fault> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        let parts = self.templates.iter().map(|template| part(template, scope)).collect::<Result<_, _>>()?;
        Glob::new(parts).map_err(Fault::Misconfigured)
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

fn template(node: &Value, here: &str) -> Result<Template, Problem> {
    let text = match node {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => return Err(Problem::manifest(here, format!("`{other}` in a path is no name"))),
    };
    Template::new(&text).map_err(|why| Problem::manifest(here, why))
}

fn part(template: &Template, scope: &Scope) -> Result<Part, Fault> {
    Ok(match template.value(scope)? {
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
        Scope::new().with("config", std::sync::Arc::new(config.clone()))
    }
}
