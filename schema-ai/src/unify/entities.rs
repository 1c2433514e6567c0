//! What can be seen of the unified tables: the entities, their rows, and of a row where it comes from and what became of it.

use serde_json::{Map, Value};
use syncline_model::nearest::nearest;

use super::{
    Desk, UnifyFault,
    plans::{self, State},
    source::{self, Tables},
    survive,
};
use crate::{
    infer::Kind,
    organize::plan::document::{Document, EntityPlan},
    tables::{
        TableFault,
        database::{Cell, Found, cells},
        name::quoted,
    },
};

/// What every unified row says of itself, after its id.
const OWN: [(&str, Kind); 3] = [("_syncline_records", Kind::Integer), ("_syncline_as_of", Kind::Text), ("_syncline_lineage", Kind::Json)];
/// Merges and splits that are told of one row.
const TURNS: i64 = 100;

/// A unified table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityView {
    /// Its name.
    pub name: String,
    /// What was recognized.
    pub concept: String,
    /// Records that are the same thing become one row.
    pub resolve: bool,
    /// What feeds it, the most trusted first: tables of streams, and lists in their records as `orders.lines[]`.
    pub streams: Vec<String>,
    /// Its columns, without the engine's.
    pub fields: Vec<FieldView>,
    /// Its rows.
    pub rows: i64,
    /// The records that they stand for.
    pub records: i64,
    /// How far taking existing records over is; nothing once all are.
    pub taking_over: Option<TakingOver>,
}

/// How far existing records were taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakingOver {
    /// Records that were taken.
    pub taken: u64,
    /// Records that its streams' tables have.
    pub known: u64,
}

/// A column of a unified table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// What its sources hold.
    pub kind: Kind,
    /// For a reference: the entity whose `id` it holds.
    pub references: Option<String>,
}

/// A record that a row stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The table of its stream.
    pub stream: String,
    /// The path of the list that it is in.
    pub list: Option<String>,
    /// Its key in the table; in a list, that of the record with its own id or its place behind it.
    pub key: String,
}

/// A merge or a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// When, in RFC 3339.
    pub at: String,
    /// `merge` or `split`.
    pub what: String,
    /// The row that was left over by a merge, or that was split.
    pub thing: String,
    /// The other rows.
    pub others: Value,
    /// Pairs of records, how sure it is that they are the same, and what each field gave.
    pub evidence: Value,
}

/// Rows by column name, and the id after which the next ones come.
pub type UnifiedPage = (Vec<Map<String, Value>>, Option<String>);

/// One row, where it comes from, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    /// The row.
    pub row: Map<String, Value>,
    /// The records that it stands for.
    pub sources: Vec<Source>,
    /// Merges and splits, the newest first.
    pub turns: Vec<Turn>,
}

impl Desk {
    /// The unified tables of the plan that holds.
    pub fn entities(&self) -> Result<Vec<EntityView>, UnifyFault> {
        let Some(kept) = plans::newest(self.db.as_ref(), State::Accepted)? else { return Ok(Vec::new()) };
        kept.plan.entities.iter().map(|entity| self.entity(&kept.plan, entity)).collect()
    }

    fn entity(&self, plan: &Document, entity: &EntityPlan) -> Result<EntityView, UnifyFault> {
        let counted = format!("SELECT count(*), CAST(coalesce(sum(_syncline_records), 0) AS bigint) FROM {}", quoted(&entity.name));
        let counted = self.db.row(&counted, &[])?.unwrap_or(Found(Vec::new()));
        Ok(EntityView {
            name: entity.name.clone(),
            concept: entity.concept.clone(),
            resolve: entity.resolve,
            streams: entity.streams.clone(),
            fields: self.fields(plan, entity)?,
            rows: counted.number(0),
            records: counted.number(1),
            taking_over: self.taking_over(plan, entity)?,
        })
    }

    /// Records are counted only while some of them are still to be taken over.
    fn taking_over(&self, plan: &Document, entity: &EntityPlan) -> Result<Option<TakingOver>, UnifyFault> {
        let asked = "SELECT stream, records, done FROM _syncline_walks WHERE entity = ? ORDER BY stream";
        let mut walks = self.db.rows(asked, cells![&entity.concept])?;
        walks.retain(|walk| entity.streams.contains(&walk.text(0)));
        if walks.iter().all(|walk| walk.number(2) != 0) {
            return Ok(None);
        }
        let mut sum = TakingOver { taken: 0, known: 0 };
        let tables = self.reader.tables()?;
        let places = Tables::new(&tables);
        for walk in walks {
            let feed = walk.text(0);
            let planned = plan.table_of(&feed);
            let table = planned.and_then(|planned| places.of(&planned.stream, &planned.path));
            let known = match table.map(|table| (table, self.reader.count(&table.name))) {
                // Of what is in lists only that is taken which is there.
                Some((table, Ok((live, records)))) => {
                    if table.parent.is_some() {
                        live
                    } else {
                        records
                    }
                }
                Some((_, Err(TableFault::NoTable { .. }))) | None => 0,
                Some((_, Err(fault))) => return Err(fault.into()),
            };
            let taken = if walk.number(2) == 0 { walk.number(1).cast_unsigned().min(known) } else { known };
            sum = TakingOver { taken: sum.taken + taken, known: sum.known + known };
        }
        Ok(Some(sum))
    }

    fn fields(&self, plan: &Document, entity: &EntityPlan) -> Result<Vec<FieldView>, UnifyFault> {
        let own = entity.fields.iter().zip(survive::kinds(self.db.as_ref(), entity)?);
        let mut fields: Vec<FieldView> = own.map(|(field, kind)| FieldView { name: field.name.clone(), kind, references: None }).collect();
        for reference in source::references(plan, entity) {
            let target = plan.entities.iter().find(|one| one.concept == reference.target).map(|one| one.name.clone());
            fields.push(FieldView { name: reference.column, kind: Kind::Text, references: target });
        }
        Ok(fields)
    }

    fn known(&self, name: &str) -> Result<(Document, EntityPlan), UnifyFault> {
        let plan = plans::newest(self.db.as_ref(), State::Accepted)?.map(|kept| kept.plan).unwrap_or_default();
        let Some(entity) = plan.entities.iter().find(|entity| entity.name == name).cloned() else {
            let hint = nearest(name, plan.entities.iter().map(|entity| entity.name.as_str()));
            let hint = hint.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            return Err(UnifyFault::NoEntity(name.to_owned(), hint));
        };
        Ok((plan, entity))
    }

    /// Rows of a unified table in the order of their ids, and the id after which the next ones come.
    pub fn unified_rows(&self, name: &str, after: Option<&str>, most: usize) -> Result<UnifiedPage, UnifyFault> {
        let (plan, entity) = self.known(name)?;
        let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let mut rows = self.asked(&plan, &entity, "id > ? ORDER BY id LIMIT ?", cells![after.unwrap_or_default(), limit])?;
        let is_more = rows.len() > most;
        rows.truncate(most);
        let last = rows.last().and_then(|row| row.get("id")?.as_str().map(str::to_owned));
        Ok((rows, last.filter(|_| is_more)))
    }

    fn asked(&self, plan: &Document, entity: &EntityPlan, wanted: &str, values: &[Cell]) -> Result<Vec<Map<String, Value>>, UnifyFault> {
        let mut columns = vec![("id".to_owned(), Kind::Text)];
        columns.extend(self.fields(plan, entity)?.into_iter().map(|field| (field.name, field.kind)));
        columns.extend(OWN.iter().map(|(name, kind)| ((*name).to_owned(), *kind)));
        let shown = self.db.dialect().shown;
        let asked: Vec<String> = columns.iter().map(|(name, kind)| shown(*kind, &quoted(name))).collect();
        let sql = format!("SELECT {} FROM {} WHERE {wanted}", asked.join(","), quoted(&entity.name));
        let row = |found: &Found| columns.iter().zip(&found.0).map(|((name, kind), cell)| (name.clone(), value(cell, *kind))).collect();
        Ok(self.db.rows(&sql, values)?.iter().map(row).collect())
    }

    /// One row of a unified table, the records that it stands for, and what became of it.
    pub fn thing(&self, name: &str, id: &str) -> Result<Thing, UnifyFault> {
        let (plan, entity) = self.known(name)?;
        let row = self.asked(&plan, &entity, "id = ?", cells![id])?.into_iter().next();
        let row = row.ok_or_else(|| UnifyFault::NoThing(name.to_owned(), id.to_owned()))?;
        let crosswalk = quoted(&survive::crosswalk(&entity));
        let sql = format!("SELECT stream, record_key FROM {crosswalk} WHERE entity_id = ? ORDER BY stream, record_key");
        let sources = self.db.rows(&sql, cells![id])?;
        // Ids are written whole in the list of the others.
        let sql = "SELECT at, what, thing, others, evidence FROM _syncline_things WHERE entity = ? AND (thing = ? OR others LIKE ?) \
                   ORDER BY id DESC LIMIT ?";
        let turns = self.db.rows(sql, cells![&entity.concept, id, format!("%\"{}\"%", id.replace(['%', '_'], "")), TURNS])?;
        let parsed = |text: String| serde_json::from_str(&text).unwrap_or(Value::Null);
        let turn = |row: &Found| Turn {
            at: row.text(0),
            what: row.text(1),
            thing: row.text(2),
            others: parsed(row.text(3)),
            evidence: parsed(row.text(4)),
        };
        Ok(Thing { row, sources: sources.iter().map(record).collect(), turns: turns.iter().map(turn).collect() })
    }
}

fn record(row: &Found) -> Source {
    let feed = row.text(0);
    Source { stream: source::stream_of(&feed).to_owned(), list: source::list_of(&feed).map(str::to_owned), key: row.text(1) }
}

fn value(cell: &Cell, kind: Kind) -> Value {
    match (cell, kind) {
        (Cell::Nothing | Cell::NoNumber, _) => Value::Null,
        (Cell::Number(number), Kind::Boolean) => Value::Bool(*number != 0),
        (Cell::Number(number), _) => Value::from(*number),
        (Cell::Text(text), Kind::Json) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        (Cell::Text(text), _) => Value::from(text.as_str()),
    }
}
