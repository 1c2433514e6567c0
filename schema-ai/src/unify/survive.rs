//! One row of a unified table: which source's value each field takes, and where it came from.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value as Sql};
use serde_json::{Value, json};

use super::{
    UnifyFault, file,
    source::{Body, Reference, text},
};
use crate::{
    organize::plan::document::{EntityPlan, FieldPlan, Survival},
    tables::name::quoted,
};

/// A record of a thing.
pub(super) struct Member {
    pub id: String,
    pub stream: String,
    pub body: Body,
}

/// The crosswalk's name: which records of which streams a row of the unified table stands for.
pub(super) fn crosswalk(entity: &EntityPlan) -> String {
    format!("{}_crosswalk", entity.name)
}

/// Makes the unified table and its crosswalk, or adds the columns that they miss.
pub(super) fn make(
    db: &Connection,
    entity: &EntityPlan,
    references: &[Reference],
    names: &BTreeMap<String, String>,
) -> Result<(), UnifyFault> {
    let (table, crosswalk) = (&entity.name, crosswalk(entity));
    let exists = |name: &str| -> rusqlite::Result<bool> {
        db.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = lower(?))", [name], |row| row.get(0))
    };
    if !exists(table)? {
        db.execute_batch(&format!(
            "CREATE TABLE {} (id TEXT NOT NULL PRIMARY KEY, _syncline_lineage TEXT NOT NULL, _syncline_records INTEGER NOT NULL, \
             _syncline_as_of TEXT NOT NULL) STRICT",
            quoted(table)
        ))?;
        file::note(db, &format!("unified table `{table}` was made"))?;
    }
    if !exists(&crosswalk)? {
        db.execute_batch(&format!(
            "CREATE TABLE {} (entity_id TEXT NOT NULL REFERENCES {} (id) DEFERRABLE INITIALLY DEFERRED, stream TEXT NOT NULL, \
             record_key TEXT NOT NULL, PRIMARY KEY (stream, record_key)) STRICT",
            quoted(&crosswalk),
            quoted(table)
        ))?;
        let index = quoted(&format!("{crosswalk}_of"));
        db.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} (entity_id)", quoted(&crosswalk)))?;
    }
    let known: Vec<String> = {
        let mut columns = db.prepare("SELECT name FROM pragma_table_info(?)")?;
        columns.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    let add = |name: &str, kind: &str| -> Result<(), UnifyFault> {
        if !known.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            db.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {} {kind}", quoted(table), quoted(name)))?;
            file::note(db, &format!("column `{name}` was added to unified table `{table}`"))?;
        }
        Ok(())
    };
    for field in &entity.fields {
        add(&field.name, "ANY")?;
    }
    for reference in references {
        let target = names.get(&reference.target).map_or(reference.target.as_str(), String::as_str);
        add(&reference.column, &format!("TEXT REFERENCES {} (id) DEFERRABLE INITIALLY DEFERRED", quoted(target)))?;
    }
    Ok(())
}

/// Writes the row of a thing that has these records, or removes it when there are none.
pub(super) fn write(
    db: &Connection,
    entity: &EntityPlan,
    references: &[Reference],
    thing: &str,
    members: &[Member],
) -> Result<(), UnifyFault> {
    let table = quoted(&entity.name);
    if members.is_empty() {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?"))?.execute([thing])?;
        return Ok(());
    }
    let trust = |stream: &str| entity.streams.iter().position(|one| one == stream).unwrap_or(usize::MAX);
    // The newest first; of equally new ones the most trusted, so that the same records always give the same row.
    let mut ordered: Vec<&Member> = members.iter().collect();
    ordered.sort_by(|a, b| b.body.at.cmp(&a.body.at).then(trust(&a.stream).cmp(&trust(&b.stream))).then(a.id.cmp(&b.id)));
    let mut lineage = serde_json::Map::new();
    let mut columns = vec!["id".to_owned(), "_syncline_records".to_owned(), "_syncline_as_of".to_owned()];
    let records = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let as_of = ordered.first().map(|one| one.body.at.clone()).unwrap_or_default();
    let mut values = vec![Sql::Text(thing.to_owned()), Sql::Integer(records), Sql::Text(as_of)];
    for (at, field) in entity.fields.iter().enumerate() {
        let winner = survivor(field, at, &ordered, trust);
        columns.push(field.name.clone());
        values.push(winner.map_or(Sql::Null, |member| sql(&member.body.values[at])));
        if let Some(member) = winner {
            let mut sources = field.sources.iter().filter(|source| source.stream == member.stream);
            lineage.insert(field.name.clone(), json!([member.id, sources.next().map(|source| source.path.as_str())]));
        }
    }
    for (place, reference) in references.iter().enumerate() {
        columns.push(reference.column.clone());
        values.push(target(db, &reference.target, place, &ordered)?.map_or(Sql::Null, Sql::Text));
    }
    columns.push("_syncline_lineage".to_owned());
    values.push(Sql::Text(Value::Object(lineage).to_string()));
    let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
    let sets: Vec<String> = names.iter().skip(1).map(|name| format!("{name}=excluded.{name}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
        names.join(","),
        vec!["?"; names.len()].join(","),
        sets.join(",")
    );
    db.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    Ok(())
}

fn survivor<'m>(field: &FieldPlan, at: usize, ordered: &[&'m Member], trust: impl Fn(&str) -> usize) -> Option<&'m Member> {
    let has = |member: &&&Member| member.body.values.get(at).is_some_and(|value| !value.is_null());
    let said = |member: &Member| text(&member.body.values[at]).unwrap_or_default();
    let mut having = ordered.iter().filter(has).copied();
    match field.rule {
        Survival::Newest => having.next(),
        Survival::Trusted => having.min_by_key(|member| trust(&member.stream)),
        // Of several the first is taken, and that is the newest.
        Survival::Longest => having.rev().max_by_key(|member| said(member).chars().count()),
        Survival::Commonest => {
            let all: Vec<&Member> = having.collect();
            all.iter().rev().max_by_key(|member| all.iter().filter(|other| said(other) == said(member)).count()).copied()
        }
    }
}

/// The thing that the newest record refers to whose target is known.
fn target(db: &Connection, entity: &str, place: usize, ordered: &[&Member]) -> Result<Option<String>, UnifyFault> {
    for member in ordered {
        let Some(Some(record)) = member.body.refs.get(place) else { continue };
        let sql = "SELECT thing FROM _syncline_records WHERE entity = ? AND id = ?";
        let found: Option<String> = db.prepare_cached(sql)?.query_row([entity, record], |row| row.get(0)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn sql(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(truth) => Sql::Integer(i64::from(*truth)),
        Value::String(text) => Sql::Text(text.clone()),
        Value::Number(number) => number.as_i64().map_or_else(|| Sql::Text(number.to_string()), Sql::Integer),
        Value::Array(_) | Value::Object(_) => Sql::Text(value.to_string()),
    }
}
