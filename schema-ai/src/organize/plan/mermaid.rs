//! The plan as a Mermaid entity-relationship diagram.

use std::fmt::Write as _;

use super::Plan;
use crate::organize::normalize::Table;

/// The whole plan as a diagram.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::from("erDiagram\n");
    for table in plan.streams.iter().flat_map(|stream| &stream.tables) {
        draw(&mut out, table);
    }
    for table in plan.streams.iter().flat_map(|stream| &stream.tables) {
        if let Some(parent) = &table.parent {
            let _ = writeln!(out, "    {} ||--o{{ {} : \"{}\"", quoted(parent), quoted(&table.name), table.path.replace('"', "'"));
        }
    }
    for relation in &plan.relations {
        let from = owner(plan, &relation.from_stream, &relation.from[0]);
        let to = owner(plan, &relation.to_stream, &relation.to[0]);
        let label = format!("{} ({:.0} %)", relation.from.join(", "), relation.confidence * 100.0).replace('"', "'");
        let _ = writeln!(out, "    {} ||--o{{ {} : \"{label}\"", quoted(&to), quoted(&from));
    }
    out
}

fn draw(out: &mut String, table: &Table) {
    let _ = writeln!(out, "    {} {{", quoted(&table.name));
    for column in &table.columns {
        let kind = format!("{:?}", column.typed.kind).to_lowercase();
        let key = if table.primary_key.contains(&column.path) { " PK" } else { "" };
        let name: String = column.name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect();
        let name = if name.starts_with(|c: char| c.is_alphabetic()) { name } else { format!("c{name}") };
        let _ = writeln!(out, "        {kind} {name}{key}");
    }
    let _ = writeln!(out, "    }}");
}

fn owner(plan: &Plan, stream: &str, path: &str) -> String {
    let tables = plan.streams.iter().filter(|one| one.name == stream).flat_map(|one| &one.tables);
    let found = tables.into_iter().find(|table| table.columns.iter().any(|column| column.path == path));
    found.map_or_else(|| stream.to_owned(), |table| table.name.clone())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "'"))
}
