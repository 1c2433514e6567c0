//! What a reader sees of a tenant's tables, and what it can ask for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_model::nearest;

use super::{
    engine::engine_columns,
    fault::TableFault,
    schema::{Column, Schema, Table},
};
use crate::infer::Kind;

const ROWS_MAX: usize = 1_000;

/// A column as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// What is in it.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The JSON pointer of the field within the record, or within the list's element.
    pub path: String,
    /// Some row has no value here.
    pub nullable: bool,
}

/// A table as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableView {
    /// Its name.
    pub name: String,
    /// The connector of the integration.
    pub connector: String,
    /// The integration whose stream it holds.
    pub integration: String,
    /// The stream.
    pub stream: String,
    /// For a child table: the table of its parents, and where in them its lists are.
    pub parent: Option<String>,
    /// For a child table: the JSON pointer of the list within the parent.
    pub path: Option<String>,
    /// Its columns, without the engine's.
    pub columns: Vec<ColumnView>,
}

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// It is this value; without a value, it is absent.
    Is,
    /// It is there and is not this value; without a value, it is there.
    Not,
    /// It comes before this value. For integers, timestamps, dates and texts.
    Below,
    /// It comes after this value. For integers, timestamps, dates and texts.
    Above,
}

/// What rows must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Which column, an engine column included.
    pub column: String,
    /// How to compare.
    pub compare: Compare,
    /// With what; `None` is absence.
    pub value: Option<String>,
}

/// Which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// What they must be like, all of it.
    pub filters: Vec<Filter>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// How many; 100 if it is 0, and never more than 1,000.
    pub rows_max: usize,
    /// Also those that are marked as deleted.
    pub deleted: bool,
}

impl RowQuery {
    /// How many rows are given at most.
    pub(crate) fn limit(&self) -> usize {
        if self.rows_max == 0 { 100 } else { self.rows_max.min(ROWS_MAX) }
    }
}

/// Some rows, and where the next ones are. Big integers and decimals are texts, so that no reader rounds them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// The rows, by column name.
    pub rows: Vec<Map<String, Value>>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// The columns that order a table's rows and tell them apart.
pub(crate) fn keys(table: &Table) -> &'static [&'static str] {
    if table.parent.is_none() { &["_syncline_key"] } else { &["_syncline_root_key", "_syncline_key"] }
}

/// Where a page that ended with this row goes on.
pub(crate) fn cursor_after(row: &Map<String, Value>, table: &Table) -> String {
    let values: Vec<&str> = keys(table).iter().filter_map(|key| row.get(*key)?.as_str()).collect();
    hex::encode(serde_json::json!(values).to_string())
}

/// The keys after which a page begins.
pub(crate) fn keys_of(cursor: &str, table: &Table) -> Result<Vec<String>, TableFault> {
    let keys_wanted = keys(table).len();
    let parsed = hex::decode(cursor).ok().and_then(|text| serde_json::from_slice::<Vec<String>>(&text).ok());
    let after = parsed.filter(|after| after.len() == keys_wanted);
    after.ok_or_else(|| TableFault::BadQuery("the cursor is none of this table".to_owned()))
}

/// The source's column that a filter names, or `None` for an engine column; and what is in it.
pub(crate) fn filtered<'t>(table: &'t Table, filter: &Filter) -> Result<(Option<&'t Column>, Kind), TableFault> {
    let own = table.columns.iter().find(|column| column.name == filter.column && !column.path.is_empty());
    if own.is_none() && !engine_columns(table).contains(&filter.column.as_str()) {
        let names = table.columns.iter().filter(|column| !column.path.is_empty()).map(|column| column.name.as_str());
        let hint = nearest::hint(&filter.column, names);
        return Err(TableFault::NoColumn { table: table.name.clone(), column: filter.column.clone(), hint });
    }
    Ok((own, own.map_or_else(|| engine_kind(&filter.column), |column| column.kind)))
}

/// What is in an engine column.
pub(crate) fn engine_kind(name: &str) -> Kind {
    match name {
        "_syncline_offset" | "_syncline_index" | "_syncline_version" => Kind::Integer,
        "_syncline_overflow" => Kind::Json,
        _ => Kind::Text,
    }
}

/// The table of this name.
pub(crate) fn find<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, TableFault> {
    schema.tables.iter().find(|table| table.name == name).ok_or_else(|| TableFault::NoTable {
        table: name.to_owned(),
        hint: nearest::hint(name, schema.tables.iter().map(|table| table.name.as_str())),
    })
}

/// All tables, sorted by name.
pub(crate) fn views(schema: &Schema) -> Vec<TableView> {
    let mut views: Vec<TableView> = schema.tables.iter().map(|table| view(schema, table)).collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    views
}

/// A table as a reader sees it.
pub(crate) fn view(schema: &Schema, table: &Table) -> TableView {
    let own = table.columns.iter().filter(|column| !column.path.is_empty());
    TableView {
        name: table.name.clone(),
        connector: table.connector.clone(),
        integration: table.integration.clone(),
        stream: table.stream.clone(),
        parent: table.parent.and_then(|parent| schema.tables.get(parent)).map(|parent| parent.name.clone()),
        path: table.parent.map(|_| table.path.clone()),
        columns: own
            .map(|column| ColumnView { name: column.name.clone(), kind: column.kind, path: column.path.clone(), nullable: column.nullable })
            .collect(),
    }
}
