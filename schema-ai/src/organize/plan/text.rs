//! The plan for people.

use std::fmt::Write as _;

use super::Plan;
use crate::organize::normalize::{Stream, Table};

/// The whole plan.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    for stream in &plan.streams {
        let profile = &stream.profile;
        let _ = writeln!(out, "stream {}: {} records, {} paths", stream.name, profile.records, profile.paths() - 1);
        if profile.malformed > 0 {
            let _ = writeln!(out, "  {} records could not be read", profile.malformed);
        }
        if profile.folded > 0 {
            let _ = writeln!(out, "  {} values of paths beyond the limit were counted together", profile.folded);
        }
        for table in &stream.tables {
            write_table(&mut out, stream, table);
        }
    }
    for relation in &plan.relations {
        let why = &relation.evidence;
        let _ = writeln!(
            out,
            "{}.{} -> {}.{}  {:.0} % (contained {:.2}, name {:.2}, specific {:.2}, shape {:.2}, coverage {:.2})",
            relation.from_stream,
            relation.from.join(","),
            relation.to_stream,
            relation.to.join(","),
            relation.confidence * 100.0,
            why.contained,
            why.name,
            why.specific,
            why.shape,
            why.coverage
        );
    }
    for entity in &plan.entities {
        let _ = writeln!(out, "entity {} from {}", entity.name, entity.streams.join(", "));
        for field in &entity.fields {
            let sources: Vec<String> = field
                .sources
                .iter()
                .map(|source| format!("{}.{} {:.0} %", source.stream, source.path, source.confidence * 100.0))
                .collect();
            let _ = writeln!(out, "  {}: {}", field.name, sources.join(", "));
        }
    }
    out
}

fn write_table(out: &mut String, stream: &Stream, table: &Table) {
    let key = if table.primary_key.is_empty() { "none".to_owned() } else { table.primary_key.join(", ") };
    let _ = writeln!(out, "  table {} ({} rows) key {key} {:.0} %", table.name, table.rows, table.key_confidence * 100.0);
    for column in &table.columns {
        let stats = &stream.profile.node(column.node).stats;
        let kind = format!("{:?}", column.typed.kind).to_lowercase();
        let meaning = column.typed.logical.map(|logical| format!(" {logical:?}").to_lowercase()).unwrap_or_default();
        let misfits = if column.typed.misfits > 0 { format!(", {} overflow", column.typed.misfits) } else { String::new() };
        let _ = writeln!(
            out,
            "    {} {kind}{meaning} <- {} ({} filled, {} different{misfits})",
            column.name,
            column.path,
            stats.scalars(),
            stats.sketch.distinct()
        );
    }
}
