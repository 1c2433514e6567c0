//! A record as an entity sees it: what it is called, what it refers to, and which tables and columns say so.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    infer::Kind,
    organize::{
        normalize::{feed, path},
        plan::document::{Document, EntityPlan, FieldPlan, SourcePlan},
    },
    tables::{ColumnView, TableView, schema::path_of},
};

/// A record as an entity sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    /// A value for each field of the entity, or null.
    pub values: Vec<Value>,
    /// When it was as it is.
    pub at: String,
    /// The records it refers to, in the order of the entity's references.
    pub refs: Vec<Option<String>>,
}

/// A reference of one entity to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    /// The column that has it.
    pub column: String,
    /// The entity referred to.
    pub target: String,
    /// Where it is said, once for each of what feeds the entity.
    pub by: Vec<Says>,
}

/// How records of one table refer to those of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Says {
    /// The table, as it is called among those that feed entities.
    pub feed: String,
    /// The path of the column; none for the record in whose list it is.
    pub path: Option<String>,
    /// The stream referred to.
    pub to: String,
}

/// The name of a record among all of an entity.
pub(super) fn record_id(stream: &str, key: &str) -> String {
    format!("{stream}/{key}")
}

/// The stream and key of a record by its name.
pub(super) fn apart(id: &str) -> Option<(&str, &str)> {
    // A stream is called as its table; behind that there is a path, if its records are of a list.
    let table = id.find(['/', '.'])?;
    if id[table..].starts_with('/') {
        return Some((&id[..table], &id[table + 1..]));
    }
    let end = path::places(id, "[]/").next()? + 2;
    Some((&id[..end], &id[end + 1..]))
}

/// The stream whose records, or whose records' lists, are called so.
pub(super) fn stream_of(feed: &str) -> &str {
    feed.split_once('.').map_or(feed, |(stream, _)| stream)
}

/// The list that is called so.
pub(super) fn list_of(feed: &str) -> Option<&str> {
    feed.split_once('.')?.1.strip_suffix("[]")
}

/// The references of an entity to others that the plan knows: of a list to the record that it is in, and those to the key of a
/// stream that feeds one.
pub(super) fn references(plan: &Document, entity: &EntityPlan) -> Vec<Reference> {
    let feeding: HashSet<&str> = entity.streams.iter().map(String::as_str).collect();
    let (mut tables, mut entities) = (HashMap::new(), HashMap::new());
    for table in plan.tables.iter().filter(|table| table.path.is_empty()) {
        tables.entry(table.stream.as_str()).or_insert(table);
    }
    for (stream, of) in plan.entities.iter().flat_map(|of| of.streams.iter().map(move |stream| (stream, of))) {
        entities.entry(stream.as_str()).or_insert(of);
    }
    let lists = entity.streams.iter().filter(|feed| list_of(feed).is_some());
    let mut said: Vec<Says> = lists.map(|feed| Says { feed: feed.clone(), path: None, to: stream_of(feed).to_owned() }).collect();
    for relation in &plan.relations {
        let [column] = relation.columns.as_slice() else { continue };
        let is_key = tables.get(relation.to.as_str()).is_some_and(|table| table.key.columns == relation.to_columns);
        let says = Says { feed: feed(&relation.from, path::list(column)), path: Some(column.clone()), to: relation.to.clone() };
        // What is in a record's list and names that record says nothing new.
        let is_new = !said.iter().any(|known| known.path.is_none() && known.feed == says.feed && known.to == says.to);
        if is_key && is_new && feeding.contains(says.feed.as_str()) && !path::is_in_map(column) {
            said.push(says);
        }
    }
    let mut found: Vec<Reference> = Vec::new();
    for says in said {
        let Some(target) = entities.get(says.to.as_str()).filter(|target| target.concept != entity.concept) else { continue };
        let fits = |one: &&mut Reference| one.target == target.concept && !one.by.iter().any(|known| known.feed == says.feed);
        if let Some(known) = found.iter_mut().find(fits) {
            known.by.push(says);
            continue;
        }
        let taken = |name: &str| found.iter().any(|one| one.column == name) || entity.fields.iter().any(|field| field.name == name);
        let mut column = format!("{}_id", target.name);
        let mut next = 2;
        while taken(&column) {
            column = format!("{}_id_{next}", target.name);
            next += 1;
        }
        found.push(Reference { column, target: target.concept.clone(), by: vec![says] });
    }
    found
}

/// The least kind that holds what a field's sources say.
pub(super) fn kind_of(field: &FieldPlan, tables: &Tables<'_>) -> Kind {
    let of = |source: &SourcePlan| {
        let table = tables.of(&source.stream, path::list(&source.path));
        table.and_then(|table| column_of(table, &source.path)).map_or(Kind::Null, |column| column.kind)
    };
    field.sources.iter().map(of).fold(Kind::Null, Kind::join)
}

/// The column of a table for a path of the plan.
pub(super) fn column_of<'t>(table: &'t TableView, path: &str) -> Option<&'t ColumnView> {
    let pointer = pointer(path::cut(path).last()?);
    table.columns.iter().find(|column| column.path == pointer)
}

/// An empty text says nothing.
pub(super) fn worth(value: Value) -> Value {
    if value.as_str().is_some_and(|text| text.trim().is_empty()) { Value::Null } else { value }
}

/// A scalar as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) | Value::Array(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn pointer(path: &str) -> String {
    path::keys(path).iter().fold(String::new(), |whole, key| path_of(&whole, key))
}

/// The tables of a tenant, to be found by their streams and by the paths of lists.
pub(super) struct Tables<'t> {
    roots: HashMap<&'t str, &'t TableView>,
    lists: HashMap<(&'t str, &'t str), &'t TableView>,
}

impl<'t> Tables<'t> {
    pub fn new(tables: &'t [TableView]) -> Self {
        let mut found = Self { roots: HashMap::new(), lists: HashMap::new() };
        for table in tables {
            match (&table.parent, &table.path) {
                (Some(parent), Some(path)) => drop(found.lists.insert((parent, path), table)),
                _ => drop(found.roots.insert(&table.name, table)),
            }
        }
        found
    }

    /// The table of a list in the records of a stream; that of the stream where no list is named.
    pub fn of(&self, stream: &str, list: &str) -> Option<&'t TableView> {
        let root = *self.roots.get(stream)?;
        if list.is_empty() {
            return Some(root);
        }
        path::cut(list).iter().try_fold(root, |table, part| self.lists.get(&(table.name.as_str(), pointer(part).as_str())).copied())
    }
}
