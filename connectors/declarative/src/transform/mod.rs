//! Transformations: what a manifest changes in a record. A record that is changed is parsed; all others stay bytes.

mod add;
mod flatten;
mod keys;
mod known;
mod remove;
mod splice;
mod splicer;

use std::sync::Arc;

use serde_json::{Map, Value};
use syncline_model::{Fault, nearest};

pub use self::{add::Add, remove::Remove, splice::Splice, splicer::Splicer};
use crate::{
    extract::filled::{self, Scope, Template},
    problem::Problem,
};

const KINDS: [&str; 7] =
    ["AddFields", "RemoveFields", "DpathFlattenFields", "FlattenFields", "KeysToLower", "KeysToSnakeCase", "KeysReplace"];

/// One change.
#[derive(Debug, Clone)]
pub struct Transform {
    change: Change,
    parameters: Option<Arc<Value>>,
}

#[derive(Debug, Clone)]
enum Change {
    /// Puts values into fields.
    Add(Add),
    /// Takes fields out.
    Remove(Remove),
    /// Puts the fields of one object into the record.
    FlattenAt(flatten::At),
    /// Puts the fields of all objects, and of lists too if told so, into the record.
    Flatten { lists: bool },
    /// Names in small letters.
    Lower,
    /// Names in words of small letters.
    Snake,
    /// Names with a text replaced.
    Replace { old: Template, new: Template },
}

impl Transform {
    /// Reads the list of a stream.
    pub fn load_all(node: Option<&Value>, path: &str) -> Result<Vec<Self>, Problem> {
        let nodes = node.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        nodes.iter().enumerate().map(|(index, node)| Self::load(node, &format!("{path}[{index}]"))).collect()
    }

    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        Ok(Self { change: Change::load(node, path)?, parameters: filled::parameters(node) })
    }

    fn apply(&self, record: &mut Value, scope: &mut Scope) -> Result<(), Fault> {
        if let Some(parameters) = &self.parameters {
            scope.set("parameters", parameters.clone());
        }
        self.change.apply(record, scope)
    }
}

impl Change {
    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "AddFields" => Add::load(node, path).map(Self::Add),
            "RemoveFields" => Remove::load(node, path).map(Self::Remove),
            "DpathFlattenFields" => flatten::At::load(node, path).map(Self::FlattenAt),
            "FlattenFields" => Ok(Self::Flatten { lists: node.get("flatten_lists").and_then(Value::as_bool).unwrap_or(true) }),
            "KeysToLower" => Ok(Self::Lower),
            "KeysToSnakeCase" => Ok(Self::Snake),
            "KeysReplace" => Ok(Self::Replace { old: filled::required(node, "old", path)?, new: filled::required(node, "new", path)? }),
            "CustomTransformation" => {
                let class = node.get("class_name").and_then(Value::as_str).unwrap_or_default();
                Err(Problem::manifest(path, format!("the transformation `{class}` is custom Python, which is not run here")))
            }
            other => Err(Problem::manifest(path, format!("unknown transformation `{other}`{}", nearest::hint(other, KINDS)))),
        }
    }

    fn apply(&self, record: &mut Value, scope: &mut Scope) -> Result<(), Fault> {
        match self {
            Self::Add(add) => add.apply(record, "record", scope)?,
            Self::Remove(remove) => remove.apply(record, scope)?,
            Self::FlattenAt(flatten) => flatten.apply(record, scope)?,
            Self::Flatten { lists } => change(record, |fields| flatten::all(fields, *lists)),
            Self::Lower => change(record, keys::lower),
            Self::Snake => change(record, keys::snake),
            Self::Replace { old, new } => {
                filled::lend(scope, "record", record);
                let texts = old.text(scope).and_then(|old| Ok((old, new.text(scope)?)));
                filled::take_back(scope, "record", record);
                let (old, new) = texts?;
                change(record, |fields| keys::replace(fields, &old, &new));
            }
        }
        Ok(())
    }
}

fn change(record: &mut Value, into: impl FnOnce(Map<String, Value>) -> Map<String, Value>) {
    if let Value::Object(fields) = record {
        *fields = into(std::mem::take(fields));
    }
}

/// A record with all changes made, one after the other. Templates see it as it is by then as `record`.
pub fn apply_all(transforms: &[Transform], mut record: Value, scope: &mut Scope) -> Result<Value, Fault> {
    if transforms.is_empty() {
        return Ok(record);
    }
    if !record.is_object() {
        return Err(Fault::BadRecord("a record that is no object cannot be changed".to_owned()));
    }
    for transform in transforms {
        transform.apply(&mut record, scope)?;
    }
    Ok(record)
}

#[cfg(test)]
mod tests;
