//! A tenant's unified tables: what there is, pages of rows, and of one row where it comes from.

use std::sync::Arc;

use actix_web::web;
use schema_ai::unify::{Desk, EntityView, FieldView, TakingOver, Thing, UnifyFault};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{common::Listing, plans::at_desk, tables::Rows};
use crate::{
    gate::{Allowed, OneTenant, Viewer},
    http::{answer::Answer, input::Query},
    problem::{Code, Problem},
};

const ROWS_MAX: usize = 1_000;

/// A column of a unified table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldShown {
    /// Its name.
    name: String,
    /// What its sources hold.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: schema_ai::infer::Kind,
    /// For a reference: the entity whose `id` it holds.
    references: Option<String>,
}

/// A unified table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityShown {
    /// Its name.
    name: String,
    /// What was recognized.
    concept: String,
    /// Records that are the same thing become one row.
    resolve: bool,
    /// What feeds it, the most trusted first: tables of streams, and lists in their records as `orders.lines[]`.
    streams: Vec<String>,
    /// Its columns, without the engine's.
    columns: Vec<FieldShown>,
    /// Its rows.
    rows: i64,
    /// The records that they stand for.
    records: i64,
    /// How far taking existing records over is; `null` once all are.
    taking_over: Option<TakingOverShown>,
}

/// How far existing records were taken over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakingOverShown {
    /// Records that were taken.
    taken: u64,
    /// Records that the tables of its streams have.
    known: u64,
}

/// A record that a row stands for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceShown {
    /// The table of its stream.
    stream: String,
    /// The path of the list that it is in; `null` for a record of the stream itself.
    list: Option<String>,
    /// Its key in the table; in a list, that of the record with its own id or its place behind it.
    key: String,
}

/// A merge or a split.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TurnShown {
    /// When.
    at: String,
    /// `merge` or `split`.
    what: String,
    /// The row that was left over by a merge, or that was split.
    thing: String,
    /// The other rows.
    #[schema(value_type = Vec<String>)]
    others: Value,
    /// Pairs of records, how sure it is that they are the same, and what each field gave.
    #[schema(value_type = Vec<Object>)]
    evidence: Value,
}

/// One row of a unified table, where it comes from, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThingShown {
    /// The row. Its `_syncline_lineage` says of each column which record's value it has.
    #[schema(value_type = Object)]
    row: serde_json::Map<String, Value>,
    /// The records that it stands for.
    sources: Vec<SourceShown>,
    /// Merges and splits, the newest first.
    turns: Vec<TurnShown>,
}

/// Which rows are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnifiedWanted {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows at most: 1 to 1000, 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// List a tenant's unified tables with their columns.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/entities", responses((status = 200, body = Listing<EntityShown>)))]
pub(crate) async fn list_entities(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let (home, tenant) = (Arc::clone(&asked.tools.home), asked.reach.tenant.id.clone());
    let found = web::block(move || match Desk::open(home.as_ref(), &tenant) {
        // Before the first events there is nothing to be unified.
        Err(UnifyFault::NoTables) => Ok(Vec::new()),
        opened => opened?.entities(),
    });
    let items = found.await.map_err(|_| Problem::new(Code::Internal))??;
    Answer::ok(&Listing { items: items.into_iter().map(EntityShown::from).collect(), next: None })
}

/// Read rows of a unified table, in the order of their ids.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/entities/{entity}/rows", params(UnifiedWanted), responses((status = 200, body = Rows)))]
pub(crate) async fn list_entity_rows(asked: Allowed<Viewer, OneTenant, Query<UnifiedWanted>>) -> Result<Answer, Problem> {
    let name: String = asked.path("entity")?;
    let UnifiedWanted { after, limit } = &asked.input.0;
    let (after, limit) = (after.clone(), limit.unwrap_or(100).clamp(1, ROWS_MAX));
    let (items, next) = at_desk(&asked, move |desk| desk.unified_rows(&name, after.as_deref(), limit)).await?;
    Answer::ok(&Rows { items, next })
}

/// Show one row of a unified table, the records that it stands for, and what became of it.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/entities/{entity}/rows/{row}", responses((status = 200, body = ThingShown)))]
pub(crate) async fn get_entity_row(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let (name, id): (String, String) = (asked.path("entity")?, asked.path("row")?);
    let thing = at_desk(&asked, move |desk| desk.thing(&name, &id)).await?;
    Answer::ok(&ThingShown::from(thing))
}

impl From<EntityView> for EntityShown {
    fn from(view: EntityView) -> Self {
        let EntityView { name, concept, resolve, streams, fields, rows, records, taking_over } = view;
        let taking_over = taking_over.map(|TakingOver { taken, known }| TakingOverShown { taken, known });
        let column = |FieldView { name, kind, references }| FieldShown { name, kind, references };
        Self { name, concept, resolve, streams, columns: fields.into_iter().map(column).collect(), rows, records, taking_over }
    }
}

impl From<Thing> for ThingShown {
    fn from(thing: Thing) -> Self {
        let sources = thing.sources.into_iter().map(|one| SourceShown { stream: one.stream, list: one.list, key: one.key });
        let turn = |one: schema_ai::unify::Turn| TurnShown {
            at: one.at,
            what: one.what,
            thing: one.thing,
            others: one.others,
            evidence: one.evidence,
        };
        Self { row: thing.row, sources: sources.collect(), turns: thing.turns.into_iter().map(turn).collect() }
    }
}
