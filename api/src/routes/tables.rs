//! A tenant's tables: what there is, and pages of rows.

use std::sync::Arc;

use actix_web::web;
use schema_ai::tables::{AnyHome, Compare, Filter, RowQuery, TableFault, TableReader, TableView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::TenantId;
use utoipa::{IntoParams, ToSchema};

use super::common::Listing;
use crate::{
    faults::ours,
    gate::{Allowed, OneTenant, Viewer},
    http::{answer::Answer, input::Query},
    problem::{Code, Problem},
};

const CHANGES_MOST: usize = 500;

/// A column.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnShown {
    /// Its name.
    name: String,
    /// What is in it.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: schema_ai::infer::Kind,
    /// The JSON pointer of the field within the record, or within the list's element.
    path: String,
    /// Some row has no value here.
    nullable: bool,
}

/// A table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableShown {
    /// Its name.
    name: String,
    /// The connector of the integration.
    connector: String,
    /// The integration whose stream it holds.
    integration: String,
    /// The stream.
    stream: String,
    /// For a child table: the table of its parents.
    parent: Option<String>,
    /// For a child table: the JSON pointer of the list within the parent.
    path: Option<String>,
    /// Its columns, without the engine's.
    columns: Vec<ColumnShown>,
}

/// A table with the number of its rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableCounted {
    /// The table.
    table: TableShown,
    /// Rows that are not deleted.
    rows: u64,
    /// Rows that are marked as deleted.
    rows_deleted: u64,
}

/// Rows by column name. Big integers and decimals are texts, so that no reader rounds them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows {
    /// The rows.
    #[schema(value_type = Vec<Object>)]
    pub(super) items: Vec<serde_json::Map<String, Value>>,
    /// Send it as `after` to get the next page; `null` on the last.
    pub(super) next: Option<String>,
}

/// A change of the tables' schema.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchemaChange {
    /// When.
    at: String,
    /// What.
    change: String,
}

/// How a column is compared.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Compare)]
#[expect(dead_code, reason = "describes the type of another crate in the document")]
pub(crate) enum CompareDoc {
    /// It is this value; without a value, it is absent.
    Is,
    /// It is not this value; without a value, it is there.
    Not,
    /// It comes before this value.
    Below,
    /// It comes after this value.
    Above,
}

/// Which rows are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RowsWanted {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows at most: 1 to 1000, 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Rows that are marked as deleted are shown too.
    deleted: Option<bool>,
    /// Only rows of which this column …
    column: Option<String>,
    /// … is like this: `is` if absent.
    #[param(value_type = Option<CompareDoc>)]
    compare: Option<Compare>,
    /// … compared with this; absence, if absent.
    value: Option<String>,
}

/// List a tenant's tables with their columns.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tables", responses((status = 200, body = Listing<TableShown>)))]
pub(crate) async fn list_tables(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let items = read(&asked, |tables| tables.map_or_else(|| Ok(Vec::new()), |tables| tables.tables())).await?;
    Answer::ok(&Listing { items: items.into_iter().map(TableShown::from).collect(), next: None })
}

/// Show one table with the number of its rows.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tables/{table}", responses((status = 200, body = TableCounted)))]
pub(crate) async fn get_table(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let name: String = asked.path("table")?;
    let found = read(&asked, move |tables| {
        let tables = there(tables, &name)?;
        Ok((tables.table(&name)?, tables.count(&name)?))
    });
    let (table, (rows, all)) = found.await?;
    Answer::ok(&TableCounted { table: table.into(), rows, rows_deleted: all.saturating_sub(rows) })
}

/// Read rows of a table, in the order of their keys.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tables/{table}/rows", params(RowsWanted), responses((status = 200, body = Rows)))]
pub(crate) async fn list_rows(asked: Allowed<Viewer, OneTenant, Query<RowsWanted>>) -> Result<Answer, Problem> {
    let name: String = asked.path("table")?;
    let RowsWanted { after, limit, deleted, column, compare, value } = &asked.input.0;
    if column.is_none() && (compare.is_some() || value.is_some()) {
        return Err(Problem::because(Code::Malformed, "`compare` and `value` need a `column`"));
    }
    let filter = column.clone().map(|column| Filter { column, compare: compare.unwrap_or(Compare::Is), value: value.clone() });
    let query = RowQuery {
        filters: filter.into_iter().collect(),
        cursor: after.clone().filter(|mark| !mark.is_empty()),
        rows_max: limit.unwrap_or(100),
        deleted: deleted.unwrap_or(false),
    };
    let page = read(&asked, move |tables| there(tables, &name)?.rows(&name, &query)).await?;
    Answer::ok(&Rows { items: page.rows, next: page.next })
}

/// List what was changed in the tables' schema, the newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/table-changes", responses((status = 200, body = Listing<SchemaChange>)))]
pub(crate) async fn list_table_changes(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let changes = read(&asked, |tables| tables.map_or_else(|| Ok(Vec::new()), |tables| tables.changes(CHANGES_MOST))).await?;
    Answer::ok(&Listing { items: changes.into_iter().map(|(at, change)| SchemaChange { at, change }).collect(), next: None })
}

fn there(tables: Option<Box<dyn TableReader>>, name: &str) -> Result<Box<dyn TableReader>, TableFault> {
    tables.ok_or_else(|| TableFault::NoTable { table: name.to_owned(), hint: String::new() })
}

// Whoever reads tables waits for a disk or a database.
async fn read<I, T: Send + 'static>(
    asked: &Allowed<Viewer, OneTenant, I>,
    question: impl FnOnce(Option<Box<dyn TableReader>>) -> Result<T, TableFault> + Send + 'static,
) -> Result<T, Problem> {
    let (home, tenant): (AnyHome, TenantId) = (Arc::clone(&asked.tools.home), asked.reach.tenant.id.clone());
    let answered = web::block(move || question(home.reader(&tenant)?)).await;
    answered.map_err(|_| Problem::new(Code::Internal))?.map_err(Problem::from)
}

impl From<TableFault> for Problem {
    fn from(fault: TableFault) -> Self {
        let text = fault.to_string();
        match fault {
            TableFault::NoTable { .. } => Self::because(Code::NotFound, text),
            TableFault::NoColumn { .. } => Self::because(Code::UnknownField, text),
            TableFault::BadQuery(_) => Self::because(Code::BadCursor, text),
            TableFault::Unavailable { .. } => ours(Code::Unavailable, &text),
            TableFault::ForeignTenant { .. } | TableFault::Newer { .. } => ours(Code::Internal, &text),
        }
    }
}

impl From<TableView> for TableShown {
    fn from(view: TableView) -> Self {
        let TableView { name, connector, integration, stream, parent, path, columns } = view;
        let columns = columns.into_iter().map(|column| ColumnShown {
            name: column.name,
            kind: column.kind,
            path: column.path,
            nullable: column.nullable,
        });
        Self { name, connector, integration, stream, parent, path, columns: columns.collect() }
    }
}
