//! `AddFields`.

use serde_json::Value;
use syncline_model::{Fault, nearest};

use crate::{
    extract::{
        change,
        filled::{self, Kind, Scope, Template},
    },
    problem::Problem,
};

/// Fields that are put in.
#[derive(Debug, Clone)]
pub struct Add {
    fields: Vec<Field>,
    condition: Option<Template>,
}

/// A field at the top of the record.
pub struct Plain<'a> {
    /// Its name.
    pub name: &'a str,
    /// What becomes its value.
    pub value: &'a Template,
    /// Which kinds of values it may have.
    pub wanted: &'a [Kind],
}

#[derive(Debug, Clone)]
struct Field {
    path: Vec<String>,
    /// The same for templates to look at.
    spelt: Value,
    value: Template,
    wanted: Vec<Kind>,
}

impl Add {
    /// Reads the fields of a node.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let fields = node.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let fields = fields.iter().enumerate().map(|(index, field)| Field::load(field, &format!("{path}.fields[{index}]")));
        Ok(Self { fields: fields.collect::<Result<_, _>>()?, condition: filled::optional(node, "condition", path)? })
    }

    /// The fields, where they stand at the top of the record and no condition is asked.
    pub fn plain(&self) -> Option<Vec<Plain<'_>>> {
        let fields = self.fields.iter().map(|field| match (field.path.as_slice(), &self.condition) {
            ([name], None) => Some(Plain { name, value: &field.value, wanted: &field.wanted }),
            _ => None,
        });
        fields.collect()
    }

    /// Puts the fields in, each under the condition, which may look at its `value` and `path`. A field sees those before it.
    pub fn apply(&self, record: &mut Value, name: &'static str, scope: &mut Scope) -> Result<(), Fault> {
        for field in &self.fields {
            filled::lend(scope, name, record);
            let made = self.make(field, scope);
            filled::take_back(scope, name, record);
            if let Some(value) = made? {
                change::put(record, &field.path, value)?;
            }
        }
        Ok(())
    }

    fn make(&self, field: &Field, scope: &mut Scope) -> Result<Option<Value>, Fault> {
        let value = filled::value(&field.value, scope, &field.wanted)?;
        let Some(condition) = &self.condition else { return Ok(Some(value)) };
        filled::bind(scope, "value", value.clone());
        filled::bind(scope, "path", field.spelt.clone());
        let holds = condition.holds(scope);
        filled::unbind(scope, "value");
        filled::unbind(scope, "path");
        Ok(holds?.then_some(value))
    }
}

impl Field {
    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let names = filled::names(node.get("path").unwrap_or(&Value::Null), &format!("{path}.path"))?;
        if names.is_empty() {
            return Err(Problem::manifest(&format!("{path}.path"), "a path of names is missing"));
        }
        let wanted = match node.get("value_type").and_then(Value::as_str) {
            None => Vec::new(),
            Some("string") => vec![Kind::Str],
            // To Python, yes and no are whole numbers too.
            Some("integer") => vec![Kind::Int, Kind::Bool],
            Some("number") => vec![Kind::Float],
            Some("boolean") => vec![Kind::Bool],
            Some(other) => {
                let hint = nearest::hint(other, ["string", "integer", "number", "boolean"]);
                return Err(Problem::manifest(&format!("{path}.value_type"), format!("unknown type `{other}`{hint}")));
            }
        };
        let value = node.get("value").ok_or_else(|| Problem::manifest(path, "`value` is missing"))?;
        let value = filled::template(value, &format!("{path}.value"))?;
        Ok(Self { spelt: names.iter().map(String::as_str).collect(), path: names, value, wanted })
    }
}
