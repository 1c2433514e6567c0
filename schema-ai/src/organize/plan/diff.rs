//! What one plan changes in another, each change with whether somebody must be asked first.

use serde::{Deserialize, Serialize};

use super::document::{ColumnPlan, Document, EntityPlan, RelationPlan, TablePlan};
use crate::organize::normalize::{feed, path};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is, as `entity \`customer\``.
    pub what: String,
    /// What happens to it.
    pub change: String,
    /// It takes something away or gives it another meaning, so a person decides.
    pub breaking: bool,
    /// The streams, and lists in streams' records, that wait until it is decided.
    pub streams: Vec<String>,
}

/// Everything that differs, from `before` to `after`.
pub fn diff(before: &Document, after: &Document) -> Vec<Difference> {
    let mut found = Vec::new();
    tables(before, after, &mut found);
    relations(before, after, &mut found);
    entities(before, after, &mut found);
    found
}

fn say(found: &mut Vec<Difference>, what: String, change: impl Into<String>, breaking: bool, streams: &[String]) {
    found.push(Difference { what, change: change.into(), breaking, streams: if breaking { streams.to_vec() } else { Vec::new() } });
}

fn tables(before: &Document, after: &Document, found: &mut Vec<Difference>) {
    let same = |a: &TablePlan, b: &TablePlan| a.stream == b.stream && a.path == b.path;
    for table in &after.tables {
        let what = format!("table `{}`", table.name);
        let stream = [table.feed()];
        let Some(was) = before.tables.iter().find(|was| same(was, table)) else {
            say(found, what, format!("is new, with {} columns", table.columns.len()), false, &stream);
            continue;
        };
        if was.key.columns != table.key.columns {
            let breaking = !was.key.columns.is_empty();
            say(
                found,
                what,
                format!("key changes from ({}) to ({})", was.key.columns.join(", "), table.key.columns.join(", ")),
                breaking,
                &stream,
            );
        }
        columns(before, was, table, found);
    }
    for gone in before.tables.iter().filter(|was| !after.tables.iter().any(|table| same(was, table))) {
        say(found, format!("table `{}`", gone.name), "is no longer there", true, &[gone.feed()]);
    }
}

fn columns(plan: &Document, before: &TablePlan, after: &TablePlan, found: &mut Vec<Difference>) {
    let stream = [after.feed()];
    for column in &after.columns {
        let what = format!("column `{}` of `{}`", column.name, after.name);
        let Some(was) = before.columns.iter().find(|was| was.path == column.path) else {
            say(found, what, format!("is new: {}", column.kind), false, &stream);
            continue;
        };
        if was.kind != column.kind {
            let breaking = !widens(&was.kind, &column.kind) && matters(plan, before, column);
            say(found, what, format!("type changes from {} to {}", was.kind, column.kind), breaking, &stream);
        }
    }
    for gone in before.columns.iter().filter(|was| !after.columns.iter().any(|column| column.path == was.path)) {
        say(found, format!("column `{}` of `{}`", gone.name, after.name), "is no longer there", matters(plan, before, gone), &stream);
    }
}

/// Whether every value of one type keeps its meaning in the other.
fn widens(from: &str, to: &str) -> bool {
    matches!(
        (from, to),
        ("unknown", _) | ("bigint", "numeric") | ("date", "timestamp" | "timestamptz") | ("timestamp", "timestamptz") | ("uuid", "text")
    )
}

/// Whether a key, a reference or a unified field is made of this column.
fn matters(plan: &Document, table: &TablePlan, column: &ColumnPlan) -> bool {
    let is_key = table.key.columns.contains(&column.path);
    let refers = plan.relations.iter().any(|relation| relation.from == table.stream && relation.columns.contains(&column.path));
    let mut sources = plan.entities.iter().flat_map(|entity| &entity.fields).flat_map(|field| &field.sources);
    is_key || refers || sources.any(|source| source.stream == table.stream && source.path == column.path)
}

fn relations(before: &Document, after: &Document, found: &mut Vec<Difference>) {
    let same = |a: &RelationPlan, b: &RelationPlan| a.from == b.from && a.columns == b.columns;
    let holder = |relation: &RelationPlan| feed(&relation.from, relation.columns.first().map_or("", |column| path::list(column)));
    for relation in &after.relations {
        let what = format!("reference `{}.{}`", relation.from, relation.columns.join(","));
        let to = format!("{}.{}", relation.to, relation.to_columns.join(","));
        match before.relations.iter().find(|was| same(was, relation)) {
            None => say(found, what, format!("is new, to `{to}`"), false, &[]),
            Some(was) if was.to != relation.to || was.to_columns != relation.to_columns => {
                let change = format!("goes to `{to}` instead of `{}.{}`", was.to, was.to_columns.join(","));
                say(found, what, change, true, &[holder(relation)]);
            }
            Some(_) => {}
        }
    }
    for gone in before.relations.iter().filter(|was| !after.relations.iter().any(|relation| same(was, relation))) {
        let what = format!("reference `{}.{}`", gone.from, gone.columns.join(","));
        say(found, what, "is no longer there", true, &[holder(gone)]);
    }
}

fn entities(before: &Document, after: &Document, found: &mut Vec<Difference>) {
    for entity in &after.entities {
        let what = format!("entity `{}`", entity.name);
        let Some(was) = before.entities.iter().find(|was| was.concept == entity.concept) else {
            say(found, what, format!("is new, from {}", entity.streams.join(", ")), false, &[]);
            continue;
        };
        if was.name != entity.name {
            say(found, what.clone(), format!("was called `{}`", was.name), true, &entity.streams);
        }
        if was.resolve != entity.resolve {
            let change = if entity.resolve { "same things become one row" } else { "each record is a row of its own" };
            say(found, what.clone(), change, true, &entity.streams);
        }
        for stream in entity.streams.iter().filter(|stream| !was.streams.contains(stream)) {
            say(found, what.clone(), format!("is also fed by `{stream}`"), false, &[]);
        }
        for stream in was.streams.iter().filter(|stream| !entity.streams.contains(stream)) {
            say(found, what.clone(), format!("is no longer fed by `{stream}`"), true, std::slice::from_ref(stream));
        }
        fields(was, entity, found);
    }
    for gone in before.entities.iter().filter(|was| !after.entities.iter().any(|entity| entity.concept == was.concept)) {
        say(found, format!("entity `{}`", gone.name), "is no longer there", true, &gone.streams);
    }
}

fn fields(before: &EntityPlan, after: &EntityPlan, found: &mut Vec<Difference>) {
    for field in &after.fields {
        let what = format!("field `{}.{}`", after.name, field.name);
        let Some(was) = before.fields.iter().find(|was| was.concept == field.concept) else {
            say(found, what, "is new", false, &[]);
            continue;
        };
        if was.name != field.name {
            say(found, what.clone(), format!("was called `{}`", was.name), true, &after.streams);
        }
        if was.rule != field.rule {
            say(
                found,
                what.clone(),
                format!("takes the {:?} value instead of the {:?}", field.rule, was.rule).to_lowercase(),
                true,
                &after.streams,
            );
        }
        let has = |of: &super::document::FieldPlan, stream: &str, path: &str| {
            of.sources.iter().any(|one| one.stream == stream && one.path == path)
        };
        for source in field.sources.iter().filter(|source| !has(was, &source.stream, &source.path)) {
            let another = was.sources.iter().any(|known| known.is_beside(source));
            say(
                found,
                what.clone(),
                format!("is also fed by `{}.{}`", source.stream, source.path),
                another,
                &[feed(&source.stream, path::list(&source.path))],
            );
        }
        for source in was.sources.iter().filter(|source| !has(field, &source.stream, &source.path)) {
            say(
                found,
                what.clone(),
                format!("is no longer fed by `{}.{}`", source.stream, source.path),
                true,
                &[feed(&source.stream, path::list(&source.path))],
            );
        }
    }
    for gone in before.fields.iter().filter(|was| !after.fields.iter().any(|field| field.concept == was.concept)) {
        say(found, format!("field `{}.{}`", after.name, gone.name), "is no longer there", true, &after.streams);
    }
}
