//! A kept plan as text, as a Mermaid diagram, and as a picture.

mod svg;

use std::fmt::Write as _;

use super::document::{Document, EntityPlan, TablePlan};

pub use svg::svg;

/// The plan for people, with why.
pub fn text(plan: &Document) -> String {
    let mut out = String::new();
    for entity in &plan.entities {
        let _ = writeln!(out, "entity {} from {}", entity.name, entity.streams.join(", "));
        for field in &entity.fields {
            for source in &field.sources {
                let _ = writeln!(
                    out,
                    "  {} <- {}.{}  {:.0} %: {}",
                    field.name,
                    source.stream,
                    source.path,
                    source.confidence * 100.0,
                    source.evidence
                );
            }
        }
    }
    for table in &plan.tables {
        let _ = writeln!(
            out,
            "table {} key ({})  {:.0} %: {}",
            table.name,
            table.key.columns.join(", "),
            table.key.confidence * 100.0,
            table.key.evidence
        );
        for column in &table.columns {
            let _ = writeln!(out, "  {} {}  {}", column.name, column.meaning.as_ref().unwrap_or(&column.kind), column.evidence);
        }
    }
    for relation in &plan.relations {
        let (from, to) = (relation.columns.join(","), relation.to_columns.join(","));
        let _ =
            writeln!(out, "{}.{from} -> {}.{to}  {:.0} %: {}", relation.from, relation.to, relation.confidence * 100.0, relation.evidence);
    }
    out
}

/// The plan as a Mermaid entity-relationship diagram: unified entities, and the tables that feed them.
pub fn mermaid(plan: &Document) -> String {
    let mut out = String::from("erDiagram\n");
    for shown in boxes(plan) {
        let _ = writeln!(out, "    \"{}\" {{", plain(&shown.title));
        for line in &shown.lines {
            let _ = writeln!(out, "        {} {}{}", word(&line.kind), word(&line.name), if line.is_key { " PK" } else { "" });
        }
        out.push_str("    }\n");
    }
    for line in lines(plan) {
        let _ = writeln!(out, "    \"{}\" ||--o{{ \"{}\" : \"{}\"", plain(&line.to), plain(&line.from), plain(&line.label));
    }
    out
}

fn plain(text: &str) -> String {
    text.replace(['"', '\n'], "'")
}

fn word(text: &str) -> String {
    let word: String = text.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_alphabetic()) { word } else { format!("c{word}") }
}

/// A box of the picture.
struct Shown {
    title: String,
    is_entity: bool,
    lines: Vec<Line>,
    more: usize,
}

struct Line {
    name: String,
    kind: String,
    is_key: bool,
}

/// A line between two boxes.
struct Joined {
    from: String,
    to: String,
    label: String,
}

/// Columns that a box shows.
const SHOWN: usize = 14;

fn boxes(plan: &Document) -> Vec<Shown> {
    plan.entities.iter().map(entity).chain(plan.tables.iter().map(table)).collect()
}

fn entity(entity: &EntityPlan) -> Shown {
    let mut lines = vec![Line { name: "id".to_owned(), kind: "uuid".to_owned(), is_key: true }];
    lines.extend(entity.fields.iter().take(SHOWN - 1).map(|field| Line {
        name: field.name.clone(),
        kind: format!("from_{}", field.sources.len()),
        is_key: false,
    }));
    Shown { title: entity.name.clone(), is_entity: true, lines, more: entity.fields.len().saturating_sub(SHOWN - 1) }
}

fn table(table: &TablePlan) -> Shown {
    let line = |column: &super::document::ColumnPlan| Line {
        name: column.name.clone(),
        kind: column.kind.clone(),
        is_key: table.key.columns.contains(&column.path),
    };
    let mut lines: Vec<Line> = table.columns.iter().map(line).collect();
    lines.sort_by_key(|line| !line.is_key);
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    Shown { title: table.name.clone(), is_entity: false, lines, more }
}

fn lines(plan: &Document) -> Vec<Joined> {
    let mut found = Vec::new();
    let root = |stream: &str| plan.root_of(stream).map_or_else(|| stream.to_owned(), |table| table.name.clone());
    for entity in &plan.entities {
        let feeds = entity.streams.iter().map(|feed| plan.table_of(feed).map_or_else(|| feed.clone(), |table| table.name.clone()));
        found.extend(feeds.map(|from| Joined { from, to: entity.name.clone(), label: "feeds".to_owned() }));
    }
    for table in &plan.tables {
        if let Some(parent) = &table.parent {
            found.push(Joined { from: table.name.clone(), to: parent.clone(), label: table.path.clone() });
        }
    }
    for relation in &plan.relations {
        let holder = |stream: &str, path: &str| {
            let mut tables = plan.tables.iter().filter(|table| table.stream == stream);
            tables
                .find(|table| table.columns.iter().any(|column| column.path == path))
                .map_or_else(|| root(stream), |table| table.name.clone())
        };
        let (Some(from), Some(to)) = (relation.columns.first(), relation.to_columns.first()) else { continue };
        found.push(Joined {
            from: holder(&relation.from, from),
            to: holder(&relation.to, to),
            label: format!("{} ({:.0} %)", relation.columns.join(", "), relation.confidence * 100.0),
        });
    }
    found
}
