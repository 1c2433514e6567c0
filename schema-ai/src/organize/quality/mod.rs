//! What the data is worth: how complete, valid, unique, fresh and consistent each field and entity is, what is personal, what
//! kind of business it looks like, and a masked sample for people. Read from profiles; no record is kept.

pub mod business;
pub mod mask;
pub mod personal;
pub mod report;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::keys;
use super::normalize::{Column, Stream, Table, Type};
use super::plan::Plan;
use super::profile::{Format, Stats};
use personal::Personal;

/// The quality of a tenant's data.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    /// Each table, child tables too.
    pub tables: Vec<TableQuality>,
    /// Each unified entity.
    pub entities: Vec<EntityQuality>,
    /// What kind of business this looks like, the likeliest first.
    pub business: Vec<business::Guess>,
}

/// The quality of a table.
#[derive(Debug, Clone, Serialize)]
pub struct TableQuality {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Records of its stream that could not be read.
    pub malformed: u64,
    /// The latest time any of its columns holds.
    pub newest: Option<String>,
    /// Its columns.
    pub fields: Vec<FieldQuality>,
}

/// The quality of a column; shares are from 0 to 1.
#[derive(Debug, Clone, Serialize)]
pub struct FieldQuality {
    /// The path of its values.
    pub path: String,
    /// Rows that have a value.
    pub completeness: f64,
    /// Values that are what most of them are: of one kind and one format.
    pub validity: f64,
    /// Different values among all.
    pub uniqueness: f64,
    /// References that find what they refer to; nothing where it refers to nothing.
    pub consistency: Option<f64>,
    /// The latest time it holds, where it holds times.
    pub newest: Option<String>,
    /// What is personal about it.
    pub personal: Option<Personal>,
}

/// The quality of a unified entity.
#[derive(Debug, Clone, Serialize)]
pub struct EntityQuality {
    /// The entity.
    pub entity: String,
    /// Its fields: how many of the rows of the streams that feed the entity have each.
    pub fields: Vec<(String, f64)>,
    /// Over all fields.
    pub completeness: f64,
    /// The worst validity of any column that feeds it.
    pub validity: f64,
}

impl Quality {
    /// Of everything in a plan.
    pub fn of(plan: &Plan) -> Self {
        let tables: Vec<TableQuality> =
            plan.streams.iter().flat_map(|stream| stream.tables.iter().map(|table| table_quality(plan, stream, table))).collect();
        let entities = plan.entities.iter().map(|entity| entity_quality(plan, entity)).collect();
        Self { tables, entities, business: business::guess(plan) }
    }
}

fn table_quality(plan: &Plan, stream: &Stream, table: &Table) -> TableQuality {
    let columns = table.columns.iter().filter(|column| !column.is_overflow);
    let fields: Vec<FieldQuality> = columns.map(|column| field_quality(plan, stream, table, column)).collect();
    let newest = fields.iter().filter_map(|field| field.newest.clone()).max();
    TableQuality { table: table.name.clone(), rows: table.rows, malformed: stream.profile.malformed, newest, fields }
}

fn field_quality(plan: &Plan, stream: &Stream, table: &Table, column: &Column) -> FieldQuality {
    let stats = keys::stats(&stream.profile, column);
    let present = filled(stats) as f64;
    let refers = plan.relations.iter().find(|relation| relation.from_stream == stream.name && relation.from == [column.path.clone()]);
    FieldQuality {
        path: column.path.clone(),
        completeness: share(present, table.rows as f64),
        validity: validity(stats, column),
        uniqueness: share(stats.sketch.distinct() as f64, present),
        consistency: refers.map(|relation| rounded(relation.evidence.contained)),
        newest: stats.newest().map(str::to_owned),
        personal: personal::of(column, stats),
    }
}

/// Values that are there: neither null nor the empty text.
fn filled(stats: &Stats) -> u64 {
    stats.filled().saturating_sub(stats.format(Format::Empty))
}

/// The share of values that are like most: the commonest kind, and for texts of a special format, that format.
fn validity(stats: &Stats, column: &Column) -> f64 {
    let present = filled(stats);
    let numbers = stats.integers + stats.decimals;
    let commonest = [stats.bools, numbers, stats.texts, stats.objects, stats.lists].into_iter().max().unwrap_or(0);
    let texts = stats.texts.saturating_sub(stats.format(Format::Empty));
    let special = SPECIAL.iter().map(|formats| formats.iter().map(|format| stats.format(*format)).sum::<u64>()).max().unwrap_or(0);
    let expected = column.typed.kind != Type::Text || special * 10 >= texts * 7;
    let alike = if commonest == stats.texts && expected && special * 2 > texts { special } else { commonest.min(present) };
    share(alike as f64, present as f64)
}

/// Formats of which the rest of a column may be expected; those in one list are one.
const SPECIAL: &[&[Format]] = &[
    &[Format::Email],
    &[Format::Url],
    &[Format::Uuid],
    &[Format::Date, Format::Instant, Format::LocalTime],
    &[Format::Phone],
    &[Format::Integer, Format::Decimal, Format::Digits],
    &[Format::Bool],
];

fn entity_quality(plan: &Plan, entity: &super::concepts::Entity) -> EntityQuality {
    let tables = plan.streams.iter().flat_map(|stream| stream.tables.iter().map(move |table| (stream, table)));
    let tables: Vec<(&Stream, &Table)> = tables.filter(|(_, table)| entity.streams.contains(&table.feed())).collect();
    let rows: u64 = tables.iter().map(|(_, table)| table.rows).sum();
    let mut valid = 1.0_f64;
    let mut fields = Vec::new();
    for field in &entity.fields {
        let mut have = 0;
        for source in &field.sources {
            let of_stream = tables.iter().filter(|(stream, _)| stream.name == source.stream);
            let mut columns = of_stream.flat_map(|(stream, table)| table.columns.iter().map(move |column| (stream, column)));
            let Some((stream, column)) = columns.find(|(_, column)| column.path == source.path) else { continue };
            let stats = keys::stats(&stream.profile, column);
            have += filled(stats);
            valid = valid.min(validity(stats, column));
        }
        fields.push((field.name.clone(), share(have as f64, rows as f64)));
    }
    let completeness = share(fields.iter().map(|(_, share)| share).sum(), fields.len() as f64);
    EntityQuality { entity: entity.name.clone(), fields, completeness, validity: valid }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { rounded((part / whole).min(1.0)) } else { 0.0 }
}

fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}
