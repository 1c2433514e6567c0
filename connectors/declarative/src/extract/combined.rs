//! Records that several extractors find.

use serde_json::Value;
use syncline_model::Fault;

use super::{Extracted, Extractor, filled::Scope};
use crate::{problem::Problem, template::is_truthy};

/// Several extractors.
#[derive(Debug, Clone)]
pub struct Combined {
    extractors: Vec<Extractor>,
    /// Only the first that finds something counts.
    first_match: bool,
    skips_empty: bool,
}

impl Combined {
    /// Reads the extractors.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let nodes = node.get("extractors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if nodes.is_empty() {
            return Err(Problem::manifest(path, "`CombinedExtractor` needs at least one of `extractors`"));
        }
        let load = |(index, node): (usize, &Value)| Extractor::load(node, &format!("{path}.extractors[{index}]"));
        let first_match = match node.get("mode").and_then(Value::as_str).unwrap_or("union") {
            "union" => false,
            "first_match" => true,
            other => {
                let hint = syncline_model::nearest::hint(other, ["union", "first_match"]);
                return Err(Problem::manifest(&format!("{path}.mode"), format!("unknown mode `{other}`{hint}")));
            }
        };
        let skips_empty = node.get("skip_empty_records").and_then(Value::as_bool).unwrap_or_default();
        Ok(Self { extractors: nodes.iter().enumerate().map(load).collect::<Result<_, _>>()?, first_match, skips_empty })
    }

    /// Whether the records of all of them are put together: then an offset cannot be counted by them.
    pub fn is_union(&self) -> bool {
        let within = self.extractors.iter().any(|extractor| matches!(extractor, Extractor::Combined(combined) if combined.is_union()));
        !self.first_match || within
    }

    /// The records of a page. Of those that were dropped only the winner's count when the first match is taken.
    pub fn extract(&self, documents: &[Value], scope: &Scope, found: &mut Extracted) -> Result<(), Fault> {
        for extractor in &self.extractors {
            let mut one = Extracted::default();
            extractor.extract_into(documents, scope, &mut one)?;
            if self.skips_empty {
                let all = one.records.len();
                one.records.retain(is_truthy);
                one.dropped += all - one.records.len();
            }
            let wins = !one.records.is_empty();
            if wins || !self.first_match {
                found.records.extend(one.records);
                found.dropped += one.dropped;
            }
            if wins && self.first_match {
                break;
            }
        }
        Ok(())
    }
}
