//! The quality for programs and for people.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Quality, mask};
use crate::organize::plan::Plan;

/// Everything, with a masked sample of each stream.
pub fn json(quality: &Quality, plan: &Plan) -> Value {
    let samples: Map<String, Value> = plan.streams.iter().map(|stream| (stream.name.clone(), mask::sample(stream))).collect();
    json!({"tables": quality.tables, "entities": quality.entities, "business": quality.business, "sample": samples})
}

/// Everything in lines.
pub fn text(quality: &Quality) -> String {
    let mut out = String::new();
    for guess in &quality.business {
        let _ = writeln!(out, "looks like {}  {:.0} % ({})", guess.model, guess.confidence * 100.0, guess.evidence.join(", "));
    }
    for entity in &quality.entities {
        let _ = writeln!(
            out,
            "entity {}: {:.0} % complete, at least {:.0} % valid",
            entity.entity,
            entity.completeness * 100.0,
            entity.validity * 100.0
        );
    }
    for table in &quality.tables {
        let newest = table.newest.as_ref().map(|newest| format!(", newest {newest}")).unwrap_or_default();
        let _ = writeln!(out, "table {}: {} rows{newest}", table.table, table.rows);
        for field in &table.fields {
            let _ = write!(
                out,
                "  {:32} complete {:>5.1} %  valid {:>5.1} %  unique {:>5.1} %",
                field.path,
                field.completeness * 100.0,
                field.validity * 100.0,
                field.uniqueness * 100.0
            );
            if let Some(consistency) = field.consistency {
                let _ = write!(out, "  references found {:.1} %", consistency * 100.0);
            }
            if let Some(personal) = field.personal {
                let _ = write!(out, "  personal: {personal:?}");
            }
            out.push('\n');
        }
    }
    out
}
