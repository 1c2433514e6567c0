//! What a person may change in a plan, and how what was decided once is kept in the plans that follow.

use serde::{Deserialize, Serialize};
use syncline_model::nearest;

use super::document::{Document, EntityPlan, FieldPlan, SourcePlan, Survival};
use crate::organize::normalize::{feed, path as paths};

/// The confidence of what a person said.
const DECIDED: f64 = 1.0;

/// One change by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Calls an entity by another name.
    RenameEntity {
        /// Which.
        entity: String,
        /// The new name.
        name: String,
    },
    /// Calls a field of an entity by another name.
    RenameField {
        /// Of which entity.
        entity: String,
        /// Which.
        field: String,
        /// The new name.
        name: String,
    },
    /// Takes a column away from a field.
    DropMapping {
        /// Of which entity.
        entity: String,
        /// Of which field.
        field: String,
        /// The stream.
        stream: String,
        /// The column's path.
        path: String,
    },
    /// Lets a column feed a field, whatever was recognized.
    ForceMapping {
        /// Of which entity.
        entity: String,
        /// Which field; it is made if there is none.
        field: String,
        /// The stream.
        stream: String,
        /// The column's path.
        path: String,
    },
    /// Says what tells the rows of a table apart.
    ChooseKey {
        /// Which table.
        table: String,
        /// The paths of its columns.
        columns: Vec<String>,
    },
    /// Says which source's value a field takes.
    ChooseRule {
        /// Of which entity.
        entity: String,
        /// Which field.
        field: String,
        /// The rule.
        rule: Survival,
    },
    /// Says which streams are trusted more than others, the most trusted first.
    ChooseTrust {
        /// Of which entity.
        entity: String,
        /// Its streams.
        streams: Vec<String>,
    },
    /// Says whether records that are the same thing become one row.
    ChooseResolve {
        /// Of which entity.
        entity: String,
        /// Whether.
        resolve: bool,
    },
}

/// Why an edit cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadEdit(pub String);

impl Document {
    /// The plan after these edits, in their order. All of them, or none.
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, BadEdit> {
        let mut edited = self.clone();
        for edit in edits {
            edited.edit(edit)?;
        }
        Ok(edited)
    }

    fn edit(&mut self, edit: &Edit) -> Result<(), BadEdit> {
        match edit {
            Edit::RenameEntity { entity, name } => {
                checked(name)?;
                free(name, self.entities.iter().map(|one| one.name.as_str()).chain(self.tables.iter().map(|one| one.name.as_str())))?;
                self.entity(entity)?.name.clone_from(name);
            }
            Edit::RenameField { entity, field, name } => {
                checked(name)?;
                let of = self.entity(entity)?;
                free(name, of.fields.iter().map(|one| one.name.as_str()))?;
                field_of(of, field)?.name.clone_from(name);
            }
            Edit::DropMapping { entity, field, stream, path } => {
                let of = self.entity(entity)?;
                let field = field_of(of, field)?;
                let before = field.sources.len();
                field.sources.retain(|source| !(source.stream == *stream && source.path == *path));
                if field.sources.len() == before {
                    return Err(BadEdit(format!("`{stream}.{path}` does not feed `{}`", field.name)));
                }
            }
            Edit::ForceMapping { entity, field, stream, path } => self.force(entity, field, stream, path)?,
            Edit::ChooseKey { table, columns } => self.choose_key(table, columns)?,
            Edit::ChooseRule { entity, field, rule } => field_of(self.entity(entity)?, field)?.rule = *rule,
            Edit::ChooseTrust { entity, streams } => {
                let of = self.entity(entity)?;
                let (mut asked, mut known) = (streams.clone(), of.streams.clone());
                asked.sort();
                known.sort();
                if asked != known {
                    return Err(BadEdit(format!("`{entity}` is fed by {}; name each of them once", of.streams.join(", "))));
                }
                of.streams.clone_from(streams);
            }
            Edit::ChooseResolve { entity, resolve } => self.entity(entity)?.resolve = *resolve,
        }
        Ok(())
    }

    fn entity(&mut self, name: &str) -> Result<&mut EntityPlan, BadEdit> {
        let hint = nearest::hint(name, self.entities.iter().map(|one| one.name.as_str()));
        self.entities.iter_mut().find(|one| one.name == name).ok_or_else(|| BadEdit(format!("there is no entity `{name}`{hint}")))
    }

    fn force(&mut self, entity: &str, field: &str, stream: &str, path: &str) -> Result<(), BadEdit> {
        let mut tables = self.tables.iter().filter(|table| table.stream == stream);
        if !tables.any(|table| table.columns.iter().any(|column| column.path == path)) {
            let paths = self.tables.iter().filter(|table| table.stream == stream).flat_map(|table| &table.columns);
            let hint = nearest::hint(path, paths.map(|column| column.path.as_str()));
            return Err(BadEdit(format!("there is no column `{path}` in `{stream}`{hint}")));
        }
        if paths::is_in_map(path) || path.ends_with("[]") {
            let what = if paths::is_in_map(path) { "in a map, whose keys are data" } else { "a list of plain values" };
            return Err(BadEdit(format!("`{path}` of `{stream}` is {what}; only columns of records and of lists of objects feed fields")));
        }
        let feed = feed(stream, paths::list(path));
        let of = self.entity(entity)?;
        if !of.streams.contains(&feed) {
            of.streams.push(feed.clone());
        }
        if !of.fields.iter().any(|one| one.name == field) {
            checked(field)?;
            of.fields.push(FieldPlan { concept: field.to_owned(), name: field.to_owned(), ..FieldPlan::default() });
        }
        let field = field_of(of, field)?;
        field.sources.retain(|source| !source.is_in(&feed));
        let evidence = "decided".to_owned();
        field.sources.push(SourcePlan { stream: stream.to_owned(), path: path.to_owned(), confidence: DECIDED, evidence });
        Ok(())
    }

    /// Whether it is not decided yet what this stream, or this list, feeds. A list that feeds nothing may be recognized later: it is
    /// often empty at first.
    fn is_open(&self, feed: &str) -> bool {
        self.table_of(feed).is_none_or(|table| !table.path.is_empty() && self.entity_of(feed).is_none())
    }

    fn choose_key(&mut self, table: &str, columns: &[String]) -> Result<(), BadEdit> {
        let hint = nearest::hint(table, self.tables.iter().map(|one| one.name.as_str()));
        let of = self.tables.iter_mut().find(|one| one.name == table);
        let of = of.ok_or_else(|| BadEdit(format!("there is no table `{table}`{hint}")))?;
        for path in columns {
            if !of.columns.iter().any(|column| column.path == *path) {
                let hint = nearest::hint(path, of.columns.iter().map(|column| column.path.as_str()));
                return Err(BadEdit(format!("there is no column `{path}` in `{table}`{hint}")));
            }
        }
        of.key.columns = columns.to_vec();
        of.key.confidence = DECIDED;
        "decided".clone_into(&mut of.key.evidence);
        Ok(())
    }

    /// This proposal, with everything kept that was accepted before as long as its columns are there: what grows is added, what was
    /// decided stays.
    #[must_use]
    pub fn on(mut self, accepted: &Self) -> Self {
        for table in &mut self.tables {
            let Some(was) = accepted.tables.iter().find(|was| was.stream == table.stream && was.path == table.path) else { continue };
            table.name.clone_from(&was.name);
            let is_there = was.key.columns.iter().all(|path| table.columns.iter().any(|column| column.path == *path));
            if is_there && !was.key.columns.is_empty() {
                table.key = was.key.clone();
            }
        }
        for was in &accepted.relations {
            let same = |one: &super::document::RelationPlan| one.from == was.from && one.columns == was.columns;
            self.relations.retain(|one| !same(one));
            self.relations.push(was.clone());
        }
        let mut entities = accepted.entities.clone();
        for entity in &mut entities {
            if let Some(now) = self.entities.iter().find(|one| one.concept == entity.concept) {
                grow(entity, now, accepted);
            }
        }
        // What a stream feeds is decided once, and what a list feeds, too.
        for mut entity in self.entities {
            if entities.iter().any(|known| known.concept == entity.concept) {
                continue;
            }
            entity.streams.retain(|feed| accepted.is_open(feed));
            let feeds = &entity.streams;
            entity.fields.iter_mut().for_each(|field| field.sources.retain(|source| feeds.iter().any(|feed| source.is_in(feed))));
            entity.fields.retain(|field| !field.sources.is_empty());
            if !entity.streams.is_empty() {
                entities.push(entity);
            }
        }
        self.entities = entities;
        self
    }
}

/// Adds what the new proposal has of streams and lists that fed nothing, and fields that no column fed.
fn grow(entity: &mut EntityPlan, now: &EntityPlan, accepted: &Document) {
    let new: Vec<String> = now.streams.iter().filter(|feed| accepted.is_open(feed)).cloned().collect();
    let before = entity.streams.clone();
    entity.streams.extend(new.iter().cloned());
    for field in &now.fields {
        let knew = |source: &SourcePlan| {
            let mut tables = accepted.tables.iter().filter(|table| table.stream == source.stream);
            tables.any(|table| table.columns.iter().any(|column| column.path == source.path))
        };
        let is_of = |feeds: &[String], source: &SourcePlan| feeds.iter().any(|feed| source.is_in(feed));
        let fed = |source: &&SourcePlan| is_of(&new, source) || is_of(&before, source) && !knew(source);
        let fresh: Vec<SourcePlan> = field.sources.iter().filter(fed).cloned().collect();
        match entity.fields.iter_mut().find(|known| known.concept == field.concept) {
            Some(known) => {
                let fresh = fresh.into_iter().filter(|source| !known.sources.iter().any(|one| one.is_beside(source)));
                let fresh: Vec<SourcePlan> = fresh.collect();
                known.sources.extend(fresh);
            }
            None if !fresh.is_empty() => entity.fields.push(FieldPlan { sources: fresh, ..field.clone() }),
            None => {}
        }
    }
}

fn field_of<'a>(entity: &'a mut EntityPlan, name: &str) -> Result<&'a mut FieldPlan, BadEdit> {
    let hint = nearest::hint(name, entity.fields.iter().map(|one| one.name.as_str()));
    let of = entity.name.clone();
    entity.fields.iter_mut().find(|one| one.name == name).ok_or_else(|| BadEdit(format!("there is no field `{name}` in `{of}`{hint}")))
}

fn checked(name: &str) -> Result<(), BadEdit> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let is_fine = starts && name.len() <= 48 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_fine { Ok(()) } else { Err(BadEdit(format!("`{name}` is no name: 1 to 48 of a-z, 0-9 and `_`, a letter first"))) }
}

fn free<'a>(name: &str, mut taken: impl Iterator<Item = &'a str>) -> Result<(), BadEdit> {
    if taken.any(|one| one == name) { Err(BadEdit(format!("the name `{name}` is taken"))) } else { Ok(()) }
}
