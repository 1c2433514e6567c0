//! What a stream's table says of a record, in the fields of the entity that it feeds.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::UnifyFault;
use crate::{
    infer::Kind,
    organize::{
        normalize::path,
        plan::document::{Document, EntityPlan, FieldPlan, SourcePlan},
    },
    tables::{RowQuery, TableReader, TableView, schema::path_of},
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
    /// For each stream that has it: the column's path, and the stream referred to.
    pub by: Vec<(String, String, String)>,
}

/// The name of a record among all of an entity.
pub(super) fn record_id(stream: &str, key: &str) -> String {
    format!("{stream}/{key}")
}

/// The references of an entity to others that the plan knows: those to the key of a stream that feeds one.
pub(super) fn references(plan: &Document, entity: &EntityPlan) -> Vec<Reference> {
    let mut found: Vec<Reference> = Vec::new();
    let feeding: HashSet<&str> = entity.streams.iter().map(String::as_str).collect();
    let (mut roots, mut entities) = (HashMap::new(), HashMap::new());
    for table in plan.tables.iter().filter(|table| table.path.is_empty()) {
        roots.entry(table.stream.as_str()).or_insert(table);
    }
    for (stream, of) in plan.entities.iter().flat_map(|of| of.streams.iter().map(move |stream| (stream, of))) {
        entities.entry(stream.as_str()).or_insert(of);
    }
    for relation in &plan.relations {
        let ([path], true) = (relation.columns.as_slice(), feeding.contains(relation.from.as_str())) else { continue };
        let is_key = roots.get(relation.to.as_str()).is_some_and(|table| table.key.columns == relation.to_columns);
        let (Some(target), true) = (entities.get(relation.to.as_str()), is_key) else { continue };
        if target.concept == entity.concept || path.contains("[]") || path.contains("{}") {
            continue;
        }
        let by = (relation.from.clone(), path.clone(), relation.to.clone());
        let fits = |one: &&mut Reference| one.target == target.concept && !one.by.iter().any(|(stream, ..)| *stream == relation.from);
        if let Some(known) = found.iter_mut().find(fits) {
            known.by.push(by);
            continue;
        }
        let taken = |name: &str| found.iter().any(|one| one.column == name) || entity.fields.iter().any(|field| field.name == name);
        let mut column = format!("{}_id", target.name);
        let mut next = 2;
        while taken(&column) {
            column = format!("{}_id_{next}", target.name);
            next += 1;
        }
        found.push(Reference { column, target: target.concept.clone(), by: vec![by] });
    }
    found
}

/// Records by their keys, and where the next ones begin.
type Portion = (Vec<(String, Option<Body>)>, Option<String>);

/// Reads the records of one stream for one entity.
pub(super) struct Reading<'a> {
    reader: &'a dyn TableReader,
    stream: String,
    columns: Vec<Option<String>>,
    refs: Vec<Option<(String, String)>>,
    moment: Option<usize>,
}

impl<'a> Reading<'a> {
    pub fn new(reader: &'a dyn TableReader, table: &TableView, references: &[Reference], entity: &EntityPlan) -> Self {
        let by_pointer: HashMap<&str, &str> = table.columns.iter().map(|column| (column.path.as_str(), column.name.as_str())).collect();
        let column_of = |path: &str| by_pointer.get(pointer(path).as_str()).map(|name| (*name).to_owned());
        let of = |field: &FieldPlan| {
            let mut sources = field.sources.iter().filter(|source| source.stream == table.name);
            sources.find_map(|source| column_of(&source.path))
        };
        let refs = references.iter().map(|reference| {
            let mut by = reference.by.iter().filter(|(stream, ..)| *stream == table.name);
            by.find_map(|(_, path, to)| Some((column_of(path)?, to.clone())))
        });
        Self {
            reader,
            stream: table.name.clone(),
            columns: entity.fields.iter().map(of).collect(),
            refs: refs.collect(),
            moment: entity.fields.iter().position(|field| field.concept == "updated_at"),
        }
    }

    /// These records; those that are gone without a body.
    pub fn of(&self, keys: &[String]) -> Result<Vec<(String, Option<Body>)>, UnifyFault> {
        let rows = self.reader.of_keys(&self.stream, keys)?;
        let mut found: HashMap<String, Body> = rows.iter().map(|row| (key_of(row), self.body(row))).collect();
        Ok(keys.iter().map(|key| (key.clone(), found.remove(key))).collect())
    }

    /// A page of records with their keys, those that are gone without a body, and where the next one begins.
    pub fn page(&self, cursor: Option<String>, most: usize) -> Result<Portion, UnifyFault> {
        let page = self.reader.rows(&self.stream, &RowQuery { cursor, rows_max: most, deleted: true, ..RowQuery::default() })?;
        let is_gone = |row: &Map<String, Value>| row.get("_syncline_deleted_at").is_some_and(|at| !at.is_null());
        Ok((page.rows.iter().map(|row| (key_of(row), (!is_gone(row)).then(|| self.body(row)))).collect(), page.next))
    }

    fn body(&self, row: &Map<String, Value>) -> Body {
        let value = |name: &String| row.get(name).cloned().unwrap_or(Value::Null);
        let values: Vec<Value> = self.columns.iter().map(|column| column.as_ref().map_or(Value::Null, value)).map(worth).collect();
        let seen = row.get("_syncline_last_seen").and_then(Value::as_str).unwrap_or_default();
        let said = self.moment.and_then(|at| values.get(at)).and_then(Value::as_str);
        let said = said.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|time| time.to_string());
        let at = said.unwrap_or_else(|| seen.to_owned());
        let target = |(column, to): &(String, String)| text(&value(column)).map(|key| record_id(to, &key));
        Body { values, at, refs: self.refs.iter().map(|one| one.as_ref().and_then(target)).collect() }
    }
}

fn key_of(row: &Map<String, Value>) -> String {
    row.get("_syncline_key").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Tables by their names.
pub(super) type Named<'t> = HashMap<&'t str, &'t TableView>;

/// The least kind that holds what a field's sources say.
pub(super) fn kind_of(field: &FieldPlan, tables: &Named<'_>) -> Kind {
    let of = |source: &SourcePlan| {
        let pointer = pointer(&source.path);
        let mut columns = tables.get(source.stream.as_str()).into_iter().flat_map(|table| &table.columns);
        columns.find(|column| column.path == pointer).map_or(Kind::Null, |column| column.kind)
    };
    field.sources.iter().map(of).fold(Kind::Null, Kind::join)
}

/// An empty text says nothing.
fn worth(value: Value) -> Value {
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
