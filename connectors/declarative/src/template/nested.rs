//! Trees of a manifest whose texts are templates, keys included.

use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{Evaluated, Kind, Scope, Template};
use crate::problem::Problem;

/// An `InterpolatedNestedMapping`: every text of a tree compiled.
#[derive(Debug, Clone)]
pub enum Nested {
    /// What is no text, list or mapping.
    Plain(Value),
    /// A text.
    Text(Template),
    /// A list.
    List(Vec<Nested>),
    /// A mapping. What becomes nothing is left out.
    Mapping(Vec<(Template, Nested)>),
}

impl Nested {
    /// Compiles every text of a tree.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let compiled = |text: &str| Template::new(text).map_err(|why| Problem::manifest(path, why));
        Ok(match node {
            Value::String(text) => Self::Text(compiled(text)?),
            Value::Array(items) => Self::List(
                items.iter().enumerate().map(|(index, item)| Self::load(item, &format!("{path}[{index}]"))).collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => {
                let one = |(name, inner): (&String, &Value)| Ok((compiled(name)?, Self::load(inner, &format!("{path}.{name}"))?));
                Self::Mapping(fields.iter().map(one).collect::<Result<_, Problem>>()?)
            }
            plain => Self::Plain(plain.clone()),
        })
    }

    /// The tree with every text filled in.
    pub fn fill(&self, scope: &Scope) -> Result<Value, Fault> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => template.eval_or(scope, None)?.map_or(Value::Null, Evaluated::into_json),
            Self::List(items) => items.iter().map(|item| item.fill(scope)).collect::<Result<_, _>>()?,
            Self::Mapping(fields) => {
                let mut made = Map::new();
                for (name, inner) in fields {
                    let (name, value) = (name.eval_or(scope, None)?, inner.fill(scope)?);
                    let name = json_name(name);
                    if value.is_null() {
                        made.shift_remove(&name);
                    } else {
                        made.insert(name, value);
                    }
                }
                Value::Object(made)
            }
        })
    }
}

/// A value as Python's JSON writes it for a name.
fn json_name(name: Option<Evaluated>) -> String {
    match name {
        None => Value::Null.to_string(),
        Some(name) if matches!(name.kind(), Kind::None | Kind::Bool) => name.json().to_string(),
        Some(name) => name.into_text(),
    }
}
