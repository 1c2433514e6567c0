//! `RemoveFields`.

use serde_json::Value;
use syncline_model::Fault;

use crate::{
    extract::{
        change,
        dpath::{Glob, Part, Step, walk},
        filled::{self, Scope, Template},
    },
    problem::Problem,
};

/// Fields that are taken out.
#[derive(Debug, Clone)]
pub struct Remove {
    paths: Vec<Glob>,
    condition: Option<Template>,
}

impl Remove {
    /// Reads the pointers and the condition of a node.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        Ok(Self { condition: filled::optional(node, "condition", path)?, ..Self::unconditional(node, path)? })
    }

    /// Reads the pointers of a node.
    pub fn unconditional(node: &Value, path: &str) -> Result<Self, Problem> {
        let pointers = node.get("field_pointers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let one = |(index, pointer): (usize, &Value)| {
            let here = format!("{path}.field_pointers[{index}]");
            let parts = filled::names(pointer, &here)?.iter().map(|name| Part::of(name)).collect();
            Glob::new(parts).map_err(|why| Problem::manifest(&here, why))
        };
        let paths = pointers.iter().enumerate().map(one).collect::<Result<_, _>>()?;
        Ok(Self { paths, condition: None })
    }

    /// The names, where they stand at the top of the record and no condition is asked.
    pub fn plain(&self) -> Option<Vec<String>> {
        if self.condition.is_some() {
            return None;
        }
        let name = |path: &Glob| path.plain().filter(|names| names.len() == 1).and_then(|mut names| names.pop());
        self.paths.iter().map(name).collect()
    }

    /// Takes the fields out. Under a condition, as in the reference, the pointers do not matter: every single value anywhere in the
    /// record goes for which the condition holds as `property`.
    pub fn apply(&self, record: &mut Value, scope: &mut Scope) -> Result<(), Fault> {
        let Some(condition) = &self.condition else {
            for path in &self.paths {
                path.remove(record);
            }
            return Ok(());
        };
        for _ in &self.paths {
            for steps in meeting(condition, record, scope)? {
                change::remove_at(record, &steps);
            }
        }
        Ok(())
    }
}

fn meeting(condition: &Template, record: &Value, scope: &mut Scope) -> Result<Vec<Vec<Step>>, Fault> {
    let mut single = Vec::new();
    walk(record, &mut Vec::new(), &mut |steps, value| {
        if !value.is_object() && !value.is_array() {
            single.push((steps.to_vec(), value.clone()));
        }
    });
    let mut found = Vec::new();
    for (steps, value) in single {
        filled::bind(scope, "property", value);
        if condition.holds(scope)? {
            found.push(steps);
        }
    }
    filled::unbind(scope, "property");
    Ok(found)
}
