//! A plan as it is kept: plain data with an id of its own. It is never changed; whoever edits one makes the next.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::organize::concepts::{Entity, Field};
use crate::organize::normalize::{self, Stream, path};
use crate::organize::relations::Relation;

/// Entities whose records are compared with each other; of all others each record is a thing of its own.
const RESOLVED: &[&str] = &["customer", "company"];

/// Everything that is proposed for a tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The tables of the streams.
    pub tables: Vec<TablePlan>,
    /// References between them.
    pub relations: Vec<RelationPlan>,
    /// Unified things.
    pub entities: Vec<EntityPlan>,
}

/// A table of a stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePlan {
    /// Its name.
    pub name: String,
    /// The stream its rows come from.
    pub stream: String,
    /// The path of its list or map; empty for the record itself.
    pub path: String,
    /// The table whose rows its rows belong to.
    pub parent: Option<String>,
    /// Rows seen when the plan was made.
    pub rows: u64,
    /// What tells its rows apart.
    pub key: KeyPlan,
    /// Its columns.
    pub columns: Vec<ColumnPlan>,
}

/// What tells the rows of a table apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPlan {
    /// The paths of its columns.
    pub columns: Vec<String>,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
    /// Why.
    pub evidence: String,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnPlan {
    /// Its name.
    pub name: String,
    /// The path of its values in the record.
    pub path: String,
    /// What is in it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What its values mean beyond that, as `email`.
    pub meaning: Option<String>,
    /// Why it has this type.
    pub evidence: String,
}

/// A reference from one table to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationPlan {
    /// The stream that refers.
    pub from: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The stream referred to.
    pub to: String,
    /// Its columns.
    pub to_columns: Vec<String>,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
    /// Why.
    pub evidence: String,
}

/// A unified thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityPlan {
    /// What we recognized: the name it has in the library of concepts.
    pub concept: String,
    /// The name of its table.
    pub name: String,
    /// What feeds it, the most trusted first: a stream by its name, a list in a stream's records as `orders.lines[]`.
    pub streams: Vec<String>,
    /// Whether records that are the same thing become one row.
    pub resolve: bool,
    /// Its columns.
    pub fields: Vec<FieldPlan>,
}

/// A column of a unified thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldPlan {
    /// What we recognized.
    pub concept: String,
    /// The name of its column.
    pub name: String,
    /// Which source's value is taken.
    pub rule: Survival,
    /// The columns that feed it.
    pub sources: Vec<SourcePlan>,
}

/// Which of several values survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Survival {
    /// The newest that is there; of equally new ones, that of the most trusted stream.
    #[default]
    Newest,
    /// That of the most trusted stream that has one.
    Trusted,
    /// The one that most records have.
    Commonest,
    /// The longest.
    Longest,
}

/// A column that feeds a field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePlan {
    /// The stream.
    pub stream: String,
    /// The column's path.
    pub path: String,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
    /// Why; `decided` when a person said so.
    pub evidence: String,
}

/// Whether it is called so. Plans are large, so names are not put together to be compared.
fn is_called<'p>(feed: &str, stream: &str, list: impl FnOnce() -> &'p str) -> bool {
    match feed.strip_prefix(stream) {
        Some("") => list().is_empty(),
        Some(rest) => rest.strip_prefix('.').and_then(|rest| rest.strip_suffix("[]")).is_some_and(|of| of == list()),
        None => false,
    }
}

impl TablePlan {
    /// What it is called among those that feed entities.
    pub fn feed(&self) -> String {
        normalize::feed(&self.stream, &self.path)
    }
}

impl SourcePlan {
    /// Whether its values are in this table of those that feed entities.
    pub fn is_in(&self, feed: &str) -> bool {
        is_called(feed, &self.stream, || path::list(&self.path))
    }

    /// Whether the values of both are in one table.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.stream == other.stream && path::list(&self.path) == path::list(&other.path)
    }
}

impl Document {
    /// What an analysis proposes.
    pub fn of(plan: &Plan) -> Self {
        Self {
            tables: plan.streams.iter().flat_map(|stream| stream.tables.iter().map(move |one| table(stream, one))).collect(),
            relations: plan.relations.iter().map(relation).collect(),
            entities: plan.entities.iter().map(entity).collect(),
        }
    }

    /// The entity that this stream, or this list in a stream's records, feeds.
    pub fn entity_of(&self, feed: &str) -> Option<&EntityPlan> {
        self.entities.iter().find(|entity| entity.streams.iter().any(|one| one == feed))
    }

    /// The table that is called so among those that feed entities.
    pub fn table_of(&self, feed: &str) -> Option<&TablePlan> {
        self.tables.iter().find(|table| is_called(feed, &table.stream, || &table.path))
    }

    /// The record's own table of a stream.
    pub fn root_of(&self, stream: &str) -> Option<&TablePlan> {
        self.tables.iter().find(|table| table.stream == stream && table.path.is_empty())
    }
}

fn table(stream: &Stream, table: &normalize::Table) -> TablePlan {
    TablePlan {
        name: table.name.clone(),
        stream: table.stream.clone(),
        path: table.path.clone(),
        parent: table.parent.clone(),
        rows: table.rows,
        key: KeyPlan {
            columns: table.primary_key.clone(),
            confidence: super::json::rounded(table.key_confidence),
            evidence: key_evidence(stream, table),
        },
        columns: table.columns.iter().map(|one| column(stream, one)).collect(),
    }
}

fn key_evidence(stream: &Stream, table: &normalize::Table) -> String {
    let [key] = table.primary_key.as_slice() else {
        return if table.primary_key.is_empty() { "nothing tells its rows apart" } else { "only together they never repeat" }.to_owned();
    };
    let found = table.columns.iter().find(|column| column.path == *key);
    let distinct = found.map_or(0, |column| stream.profile.node(column.node).stats.sketch.distinct());
    format!("about {distinct} different values in {} rows", table.rows)
}

fn column(stream: &Stream, column: &normalize::Column) -> ColumnPlan {
    let stats = &stream.profile.node(column.node).stats;
    let word = |value: serde_json::Result<serde_json::Value>| value.ok().and_then(|value| value.as_str().map(str::to_owned));
    let mut evidence = format!("{} values, about {} different", stats.scalars(), stats.sketch.distinct());
    if column.typed.misfits > 0 {
        evidence = format!("{evidence}; {} do not fit", column.typed.misfits);
    }
    ColumnPlan {
        name: column.name.clone(),
        path: column.path.clone(),
        kind: word(serde_json::to_value(column.typed.kind)).unwrap_or_default(),
        meaning: column.typed.logical.and_then(|logical| word(serde_json::to_value(logical))),
        evidence,
    }
}

fn relation(relation: &Relation) -> RelationPlan {
    let why = &relation.evidence;
    let percent = |part: f64| (part * 100.0).round();
    RelationPlan {
        from: relation.from_stream.clone(),
        columns: relation.from.clone(),
        to: relation.to_stream.clone(),
        to_columns: relation.to.clone(),
        confidence: super::json::rounded(relation.confidence),
        evidence: format!(
            "{} % of its values are there, {} % of those there are used, name fits {} %, {} values compared",
            percent(why.contained),
            percent(why.coverage),
            percent(why.name),
            why.compared
        ),
    }
}

fn entity(entity: &Entity) -> EntityPlan {
    EntityPlan {
        concept: entity.name.clone(),
        name: entity.name.clone(),
        streams: entity.streams.clone(),
        resolve: RESOLVED.contains(&entity.name.as_str()),
        fields: entity.fields.iter().chain(&entity.more).map(field).collect(),
    }
}

fn field(field: &Field) -> FieldPlan {
    let source = |source: &crate::organize::concepts::FieldSource| SourcePlan {
        stream: source.stream.clone(),
        path: source.path.clone(),
        confidence: super::json::rounded(source.confidence),
        evidence: format!("`{}` is named and filled like `{}`", source.path, field.name),
    };
    FieldPlan {
        concept: field.name.clone(),
        name: field.name.clone(),
        rule: Survival::default(),
        sources: field.sources.iter().map(source).collect(),
    }
}
