//! A record that holds a list becomes a record for each element, with what is wanted of its parent.

use serde_json::{Map, Value};
use syncline_model::{Fault, nearest};

use super::{
    change,
    dpath::{Glob, Part},
    filled::{Path, Scope},
};
use crate::problem::Problem;

/// How a record is expanded.
#[derive(Debug, Clone)]
pub struct Expander {
    list: Path,
    keeps_parent: bool,
    emits_parent: bool,
    merges_parent: bool,
    parent_fields: Vec<(Path, Path)>,
}

impl Expander {
    /// Reads a `RecordExpander`.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        if node.get("truncated_list_retriever").is_some_and(|node| !node.is_null()) {
            return Err(Problem::manifest(&format!("{path}.truncated_list_retriever"), "a retriever for truncated lists is not supported"));
        }
        Path::load(node, "truncation_indicator_path", path)?.without_wildcards(&format!("{path}.truncation_indicator_path"))?;
        let flag = |name: &str| node.get(name).and_then(Value::as_bool).unwrap_or_default();
        let emits_parent = match node.get("on_no_records").and_then(Value::as_str).unwrap_or("skip") {
            "skip" => false,
            "emit_parent" => true,
            other => {
                let hint = nearest::hint(other, ["skip", "emit_parent"]);
                return Err(Problem::manifest(&format!("{path}.on_no_records"), format!("unknown choice `{other}`{hint}")));
            }
        };
        let fields = node.get("parent_fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let one = |(index, field): (usize, &Value)| {
            let here = format!("{path}.parent_fields[{index}]");
            Ok((single(field, "parent_path", &here)?, single(field, "record_path", &here)?))
        };
        Ok(Self {
            list: Path::load(node, "expand_records_from_field", path)?,
            keeps_parent: flag("remain_original_record"),
            emits_parent,
            merges_parent: flag("merge_parent"),
            parent_fields: fields.iter().enumerate().map(one).collect::<Result<_, Problem>>()?,
        })
    }

    /// The elements of the list that a record holds. What is no object is passed on as it is.
    pub fn expand(&self, record: &Value, scope: &Scope, found: &mut Vec<Value>) -> Result<(), Fault> {
        let Value::Object(fields) = record else {
            found.push(record.clone());
            return Ok(());
        };
        if self.list.is_empty() {
            found.push(record.clone());
            return Ok(());
        }
        let list = self.list.glob(scope)?;
        let base = if self.merges_parent { Some(without(fields, list.as_ref())) } else { None };
        let before = found.len();
        for item in list.values(record).into_iter().filter_map(Value::as_array).flatten() {
            let item = match item {
                Value::Object(child) => Value::Object(self.with_parent(record, child.clone(), base.as_ref(), scope)?),
                other if self.carries_parent() => {
                    let child = Map::from_iter([("value".to_owned(), other.clone())]);
                    Value::Object(self.with_parent(record, child, base.as_ref(), scope)?)
                }
                other => other.clone(),
            };
            found.push(item);
        }
        if self.emits_parent && found.len() == before {
            found.push(record.clone());
        }
        Ok(())
    }

    fn carries_parent(&self) -> bool {
        self.keeps_parent || self.merges_parent || !self.parent_fields.is_empty()
    }

    /// The child over its parent, then named fields, then the whole parent.
    fn with_parent(
        &self,
        parent: &Value,
        child: Map<String, Value>,
        base: Option<&Map<String, Value>>,
        scope: &Scope,
    ) -> Result<Map<String, Value>, Fault> {
        let mut merged = base.cloned().unwrap_or_default();
        merged.extend(child);
        let mut child = Value::Object(merged);
        for (from, to) in &self.parent_fields {
            let value = from.glob(scope)?.get(parent)?.cloned().unwrap_or_default();
            change::put(&mut child, &names(to.glob(scope)?.as_ref()), value).map_err(|_| {
                Fault::Misconfigured("a field of a parent cannot be put onto a record: something else stands in its way".to_owned())
            })?;
        }
        let Value::Object(mut fields) = child else { return Ok(Map::new()) };
        if self.keeps_parent {
            fields.insert("original_record".to_owned(), parent.clone());
        }
        Ok(fields)
    }
}

fn single(node: &Value, name: &str, here: &str) -> Result<Path, Problem> {
    let path = Path::load(node, name, here)?;
    if path.is_empty() {
        return Err(Problem::manifest(&format!("{here}.{name}"), "the path is empty"));
    }
    path.without_wildcards(&format!("{here}.{name}"))
}

fn names(glob: &Glob) -> Vec<String> {
    glob.parts().iter().map(Part::spelt).collect()
}

/// The parent without the lists that are expanded.
fn without(parent: &Map<String, Value>, list: &Glob) -> Map<String, Value> {
    let mut parent = Value::Object(parent.clone());
    let mut paths = Vec::new();
    list.each_path(&parent, &mut |steps, value| {
        if value.is_array() {
            paths.push(steps.to_vec());
        }
    });
    // From the end of lists to their beginning, and what lies deeper first, so that no place moves before it is taken out.
    paths.reverse();
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in &paths {
        change::cut_out(&mut parent, path);
    }
    if let Value::Object(fields) = parent { fields } else { Map::new() }
}
