//! Which records are kept.

use std::sync::Arc;

use serde_json::Value;
use syncline_model::Fault;

use super::filled::{self, Scope, Template};
use crate::problem::Problem;

/// A condition on records.
#[derive(Debug, Clone)]
pub struct RecordFilter {
    /// An empty condition holds for no record.
    condition: Option<Template>,
    parameters: Option<Arc<Value>>,
}

impl RecordFilter {
    /// Reads a `RecordFilter`.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        if node.get("type").and_then(Value::as_str).is_some_and(|kind| kind == "CustomRecordFilter") {
            let class = node.get("class_name").and_then(Value::as_str).unwrap_or_default();
            return Err(Problem::manifest(path, format!("the filter `{class}` is custom Python, which is not run here")));
        }
        Ok(Self { condition: filled::optional(node, "condition", path)?, parameters: filled::parameters(node) })
    }

    /// Whether there is a condition at all: where the cursor filters too, one that is empty is passed over.
    pub fn is_empty(&self) -> bool {
        self.condition.is_none()
    }

    /// Whether a record is kept. Templates see it as `record`.
    pub fn keeps(&self, record: &mut Value, scope: &mut Scope) -> Result<bool, Fault> {
        let Some(condition) = &self.condition else { return Ok(false) };
        if let Some(parameters) = &self.parameters {
            scope.set("parameters", parameters.clone());
        }
        filled::lend(scope, "record", record);
        let holds = condition.holds(scope);
        filled::take_back(scope, "record", record);
        holds
    }
}
