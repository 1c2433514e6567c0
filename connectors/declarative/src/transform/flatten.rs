//! Objects within a record made part of it.

use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    extract::filled::{self, Path, Scope, Template},
    problem::Problem,
};

/// Everything that holds no fields as a field of the record, under its own name, or with its parent's before it where that name is
/// taken or a list was passed on the way. The order is that of a stack, and so is what counts as taken.
pub fn all(record: Map<String, Value>, lists: bool) -> Map<String, Value> {
    let mut flat = Map::new();
    let mut below_list = false;
    let mut stack = vec![(Value::Object(record), "_".to_owned())];
    while let Some((value, name)) = stack.pop() {
        match value {
            Value::Object(fields) => {
                for (inner, value) in fields {
                    let taken = below_list || flat.contains_key(&inner);
                    let inner = if taken { format!("{name}.{inner}") } else { inner };
                    stack.push((value, inner));
                }
            }
            Value::Array(items) if lists => {
                below_list |= !items.is_empty();
                stack.extend(items.into_iter().enumerate().map(|(place, item)| (item, format!("{name}.{place}"))));
            }
            other => {
                flat.insert(name, other);
            }
        }
    }
    flat
}

/// The object at a path put into the record.
#[derive(Debug, Clone)]
pub struct At {
    path: Path,
    deletes_origin: bool,
    replaces_record: bool,
    prefix: Option<Template>,
    suffix: Option<Template>,
}

impl At {
    /// Reads a `DpathFlattenFields`.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let flag = |name: &str| node.get(name).and_then(Value::as_bool).unwrap_or_default();
        let keys = node.get("key_transformation").unwrap_or(&Value::Null);
        let here = format!("{path}.key_transformation");
        Ok(Self {
            path: Path::load(node, "field_path", path)?,
            deletes_origin: flag("delete_origin_value"),
            replaces_record: flag("replace_record"),
            prefix: filled::optional(keys, "prefix", &here)?,
            suffix: filled::optional(keys, "suffix", &here)?,
        })
    }

    /// Flattens one object. Where one of its names is taken already, nothing happens.
    pub fn apply(&self, record: &mut Value, scope: &Scope) -> Result<(), Fault> {
        let glob = self.path.glob(scope)?;
        let found = if glob.has_star() { glob.values(record).first().copied() } else { glob.get(record)? };
        let Some(Value::Object(found)) = found else { return Ok(()) };
        let found = self.renamed(found, scope)?;
        if self.replaces_record && !found.is_empty() {
            *record = Value::Object(found);
            return Ok(());
        }
        let Value::Object(fields) = &*record else { return Ok(()) };
        if found.keys().any(|name| fields.contains_key(name)) {
            return Ok(());
        }
        if self.deletes_origin {
            glob.remove(record);
        }
        if let Value::Object(fields) = record {
            fields.extend(found);
        }
        Ok(())
    }

    fn renamed(&self, found: &Map<String, Value>, scope: &Scope) -> Result<Map<String, Value>, Fault> {
        let one = |template: &Option<Template>| template.as_ref().map_or(Ok(String::new()), |template| affix(template, scope));
        let (prefix, suffix) = (one(&self.prefix)?, one(&self.suffix)?);
        Ok(found.iter().map(|(name, value)| (format!("{prefix}{name}{suffix}"), value.clone())).collect())
    }
}

/// What becomes nothing in Python is left away.
fn affix(template: &Template, scope: &Scope) -> Result<String, Fault> {
    let made = template.eval(scope)?;
    Ok(if made.is_truthy() { made.into_text() } else { String::new() })
}
