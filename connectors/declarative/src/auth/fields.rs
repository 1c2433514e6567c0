//! A mapping of a manifest whose names and texts are templates, as `InterpolatedMapping`.

use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    node::Node,
    problem::Problem,
    template::{Evaluated, Kind, Scope, Template, python_str},
};

/// Names and what they become.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(Template, Field)>);

#[derive(Debug, Clone)]
enum Field {
    Text(Template),
    Fixed(Value),
}

impl Fields {
    /// Reads a mapping; without one there is nothing in it.
    pub fn load(node: &Node<'_>, field: &str) -> Result<Self, Problem> {
        let Some(fields) = node.get(field) else { return Ok(Self::default()) };
        let Value::Object(fields) = fields else {
            return Err(Problem::manifest(&node.below(field), format!("`{field}` must be an object")));
        };
        let here = Node { value: node.value, path: node.below(field) };
        let one = |(name, value): (&String, &Value)| {
            let value = match value {
                Value::String(text) => Field::Text(here.template(text, name)?),
                other => Field::Fixed(other.clone()),
            };
            Ok((here.template(name, name)?, value))
        };
        fields.iter().map(one).collect::<Result<_, Problem>>().map(Self)
    }

    /// What it becomes. What becomes nothing stays in as null.
    pub fn fill(&self, scope: &Scope) -> Result<Map<String, Value>, Fault> {
        let mut made = Map::new();
        for (name, field) in &self.0 {
            let name = name.mapped(scope, &[Kind::Str])?.map_or_else(|| "None".to_owned(), Evaluated::into_text);
            let value = match field {
                Field::Fixed(value) => value.clone(),
                Field::Text(template) => template.mapped(scope, &[])?.map_or(Value::Null, Evaluated::into_json),
            };
            made.insert(name, value);
        }
        Ok(made)
    }
}

/// Pairs of a form or a query as Python's `requests` writes them: null is left out, a list repeats its name.
pub fn pairs(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for (name, value) in fields {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                made.extend(items.iter().filter(|item| !item.is_null()).map(|item| (name.clone(), python_str(item))));
            }
            // Python walks over the names of a mapping.
            Value::Object(inner) => made.extend(inner.keys().map(|key| (name.clone(), key.clone()))),
            other => made.push((name.clone(), python_str(other))),
        }
    }
    made
}
