//! `AddFields` and `RemoveFields`: what a manifest changes in a record. A record that is changed is parsed; all others stay bytes.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    problem::Problem,
    request::text,
    template::{Scope, Template},
};

/// One change.
#[derive(Debug, Clone)]
pub enum Transform {
    /// Puts values into fields.
    Add { fields: Vec<(Vec<String>, Added)>, condition: Option<Template> },
    /// Takes fields out.
    Remove { paths: Vec<Vec<String>>, condition: Option<Template> },
}

/// The value of an added field.
#[derive(Debug, Clone)]
pub struct Added {
    template: Template,
    as_text: bool,
}

impl Transform {
    /// Reads the list of a stream.
    pub fn load_all(node: Option<&Value>, path: &str) -> Result<Vec<Self>, Problem> {
        let nodes = node.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        nodes.iter().enumerate().map(|(index, node)| Self::load(node, &format!("{path}[{index}]"))).collect()
    }

    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let condition = text(node, "condition", path)?;
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "AddFields" => {
                let fields = node.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let one = |(index, field): (usize, &Value)| {
                    let here = format!("{path}.fields[{index}]");
                    let template = text(field, "value", &here)?.ok_or_else(|| Problem::manifest(&here, "`value` is missing"))?;
                    let as_text = match field.get("value_type").and_then(Value::as_str) {
                        None => false,
                        Some("string") => true,
                        Some(other) => {
                            return Err(Problem::manifest(&here, format!("the value type `{other}` is not supported, only `string`")));
                        }
                    };
                    Ok((names(field.get("path"), &here)?, Added { template, as_text }))
                };
                Ok(Self::Add { fields: fields.iter().enumerate().map(one).collect::<Result<_, Problem>>()?, condition })
            }
            "RemoveFields" => {
                let paths = node.get("field_pointers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let paths = paths.iter().map(|names| self::names(Some(names), path)).collect::<Result<_, _>>()?;
                Ok(Self::Remove { paths, condition })
            }
            other => {
                let hint = syncline_model::nearest::hint(other, ["AddFields", "RemoveFields"]);
                Err(Problem::manifest(path, format!("unknown transformation `{other}`{hint}")))
            }
        }
    }

    fn apply(&self, record: &mut Value, scope: &mut Scope) -> Result<(), Fault> {
        scope.set("record", Arc::new(record.clone()));
        let (Self::Add { condition, .. } | Self::Remove { condition, .. }) = self;
        if let Some(condition) = condition.as_ref().filter(|condition| **condition != Template::plain(""))
            && !condition.holds(scope)?
        {
            return Ok(());
        }
        match self {
            Self::Add { fields, .. } => {
                for (path, value) in fields {
                    let made = if value.as_text { Value::String(value.template.text(scope)?) } else { value.template.value(scope)? };
                    put(record, path, made);
                    scope.set("record", Arc::new(record.clone()));
                }
            }
            Self::Remove { paths, .. } => paths.iter().for_each(|path| take(record, path)),
        }
        Ok(())
    }
}

/// A record with all changes made; one that is no object stays as it is, and is refused where records are read.
pub fn all(transforms: &[Transform], body: Bytes, scope: &Scope) -> Result<Bytes, Fault> {
    if transforms.is_empty() {
        return Ok(body);
    }
    let Ok(mut record @ Value::Object(_)) = serde_json::from_slice::<Value>(&body) else { return Ok(body) };
    let mut scope = scope.clone();
    for transform in transforms {
        transform.apply(&mut record, &mut scope)?;
    }
    Ok(Bytes::from(record.to_string()))
}

/// A path of names. What would match many fields is refused.
fn names(node: Option<&Value>, path: &str) -> Result<Vec<String>, Problem> {
    let names = node
        .and_then(Value::as_array)
        .filter(|names| !names.is_empty())
        .ok_or_else(|| Problem::manifest(path, "a path of names is missing"))?;
    let one = |name: &Value| {
        let plain = name.as_str().filter(|name| !name.contains('*') && !name.contains("{{"));
        plain.map(str::to_owned).ok_or_else(|| Problem::manifest(path, format!("`{name}` in a path is not supported")))
    };
    names.iter().map(one).collect()
}

fn put(record: &mut Value, path: &[String], value: Value) {
    let Some((last, around)) = path.split_last() else { return };
    let mut at = record;
    for name in around {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(fields) = at else { return };
        at = fields.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(fields) = at {
        fields.insert(last.clone(), value);
    }
}

fn take(record: &mut Value, path: &[String]) {
    let Some((last, around)) = path.split_last() else { return };
    let mut at = record;
    for name in around {
        let Some(next) = at.get_mut(name) else { return };
        at = next;
    }
    if let Value::Object(fields) = at {
        fields.shift_remove(last);
    }
}
