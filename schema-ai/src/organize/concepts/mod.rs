//! Unified entities: which streams feed `customer` or `order`, and which of their columns feed which field. A column that
//! means nothing we know is left alone: "none" is an answer.

pub mod assign;
pub mod library;
mod lists;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::HashSet;

use super::keys::{self, Naming};
use super::normalize::{Stream, Table};
use super::relations::Relation;
use super::words;
use crate::organize::Refused;
use library::{Concept, Holds, Library};

/// A unified thing and where it comes from.
#[derive(Debug, Clone)]
pub struct Entity {
    /// Its name.
    pub name: String,
    /// The streams that feed it, and lists in streams' records, as `orders.lines[]`.
    pub streams: Vec<String>,
    /// Columns of the unified table.
    pub fields: Vec<Field>,
    /// Fields that are recognized, but stay in the sources' own tables.
    pub more: Vec<Field>,
}

/// A field of an entity.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The columns that feed it.
    pub sources: Vec<FieldSource>,
}

/// A column that feeds a field.
#[derive(Debug, Clone)]
pub struct FieldSource {
    /// The stream.
    pub stream: String,
    /// The column's path.
    pub path: String,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
}

/// The entities these streams hold, by the concepts we ship.
pub fn find(streams: &[Stream], _relations: &[Relation]) -> Result<Vec<Entity>, Refused> {
    Ok(find_with(streams, &Library::shipped()?))
}

/// The entities these streams hold, by any library.
pub fn find_with(streams: &[Stream], library: &Library) -> Vec<Entity> {
    let names = keys::naming(streams);
    let mut entities: Vec<Entity> = Vec::new();
    let mut holding: Vec<(&Stream, Option<&str>, &Concept)> = Vec::new();
    for (stream, naming) in streams.iter().zip(&names) {
        let Some(table) = stream.root() else { continue };
        let Some((concept, assigned)) = best_concept(stream, table, naming, library) else { continue };
        feed(&mut entities, concept, table, assigned);
        holding.push((stream, naming.provider.as_deref(), concept));
    }
    let held: HashSet<(Option<&str>, &str)> = holding.iter().map(|(_, provider, concept)| (*provider, concept.name.as_str())).collect();
    for (stream, provider, holder) in holding {
        let is_held = |concept: &Concept| held.contains(&(provider, concept.name.as_str()));
        for found in lists::find(stream, holder, provider, library, is_held) {
            feed(&mut entities, found.concept, found.table, found.assigned);
        }
    }
    entities
}

/// Lets a table feed an entity.
fn feed(entities: &mut Vec<Entity>, concept: &Concept, table: &Table, assigned: Vec<assign::Assigned>) {
    let at = entities.iter().position(|entity| entity.name == concept.name).unwrap_or_else(|| {
        entities.push(Entity { name: concept.name.clone(), streams: Vec::new(), fields: Vec::new(), more: Vec::new() });
        entities.len() - 1
    });
    entities[at].streams.push(table.feed());
    for one in assigned {
        let list = if one.core { &mut entities[at].fields } else { &mut entities[at].more };
        add(list, &one.field, FieldSource { stream: table.stream.clone(), path: one.path, confidence: one.confidence });
    }
}

fn add(fields: &mut Vec<Field>, name: &str, source: FieldSource) {
    match fields.iter_mut().find(|field| field.name == name) {
        Some(field) => field.sources.push(source),
        None => fields.push(Field { name: name.to_owned(), sources: vec![source] }),
    }
}

/// The entity a stream is about, by its name first and by its fields where the name says nothing.
fn best_concept<'a>(
    stream: &Stream,
    table: &Table,
    Naming { words: name, provider }: &Naming,
    library: &'a Library,
) -> Option<(&'a Concept, Vec<assign::Assigned>)> {
    let mut best: Option<(f64, &Concept, Vec<assign::Assigned>)> = None;
    for concept in &library.entities {
        let named = named(name, concept);
        let assigned = assign::fields(stream, table, concept, provider.as_ref().or(name.first()).map(String::as_str));
        let hints = concept.hints.iter().filter(|hint| assigned.iter().any(|one| one.field == **hint)).count();
        let by_fields = if concept.hints.is_empty() { 0.0 } else { hints as f64 / concept.hints.len() as f64 };
        // An account without anything that companies have may be a person's.
        let told = if hints == 0 && !concept.hints.is_empty() { 0.25 * named } else { named };
        let score = told + 0.45 * by_fields;
        let enough = named >= 0.7 || (hints >= 3 && by_fields >= 0.6);
        if enough && best.as_ref().is_none_or(|(most, ..)| score > *most) {
            best = Some((score, concept, assigned));
        }
    }
    let (_, concept, assigned) = best?;
    Some(people_or_companies((stream, table), concept, assigned, library))
}

/// Names of companies are no names of people. Where a stream of clients has no others, its records are companies.
fn people_or_companies<'a>(
    (stream, table): (&Stream, &Table),
    concept: &'a Concept,
    mut assigned: Vec<assign::Assigned>,
    library: &'a Library,
) -> (&'a Concept, Vec<assign::Assigned>) {
    let of_people =
        |one: &assign::Assigned| concept.fields.iter().any(|field| field.name == one.field && field.holds == [Holds::PersonName]);
    let companies = |one: &assign::Assigned| {
        let column = table.columns.iter().find(|column| column.path == one.path);
        of_people(one) && column.is_some_and(|column| values::are_companies(keys::stats(&stream.profile, column)))
    };
    if !assigned.iter().any(companies) {
        return (concept, assigned);
    }
    assigned.retain(|one| !companies(one));
    let company = library.entities.iter().find(|other| other.name == "company").filter(|_| !assigned.iter().any(of_people));
    match company.map(|company| (company, assign::fields(stream, table, company, None))) {
        Some((company, found)) if found.iter().any(|one| one.field == "name") => (company, found),
        _ => (concept, assigned),
    }
}

/// Whether a stream is named after an entity. The last word is what it is: `customer_addresses` are addresses.
fn named(name: &[String], concept: &Concept) -> f64 {
    let mut best = 0.0_f64;
    for (rank, word) in concept.words.iter().enumerate() {
        let parts: Vec<String> = words::tokens(word).iter().map(|part| words::singular(part)).collect();
        if name.ends_with(&parts) {
            let alone = if name.len() == parts.len() { 1.0 } else { 0.85 };
            best = best.max(alone + 0.05 * parts.len() as f64 - 0.002 * rank as f64);
        }
    }
    best
}
