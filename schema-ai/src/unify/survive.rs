//! One row of a unified table: which source's value each field takes, and where it came from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    UnifyFault, own,
    source::{Body, Reference, text},
};
use crate::{
    infer::{Kind, TextKind, text_kind_of},
    organize::plan::document::{EntityPlan, FieldPlan, Survival},
    tables::{
        database::{Cell, Database, cells, marks},
        name::quoted,
    },
};

/// Values of one statement.
const VALUES_MAX: usize = 1_000;

/// A record of a thing.
pub(super) struct Member {
    pub id: String,
    pub feed: String,
    pub body: Body,
}

/// The crosswalk's name: which records of which streams a row of the unified table stands for.
pub(super) fn crosswalk(entity: &EntityPlan) -> String {
    format!("{}_crosswalk", entity.name)
}

/// Makes the unified table and its crosswalk, unless they are there.
pub(super) fn make(db: &dyn Database, entity: &EntityPlan) -> Result<(), UnifyFault> {
    let (table, crosswalk, dialect) = (&entity.name, crosswalk(entity), db.dialect());
    if db.columns(table)?.is_empty() {
        db.batch(&format!(
            "CREATE TABLE {} (id TEXT NOT NULL PRIMARY KEY, _syncline_lineage TEXT NOT NULL, _syncline_records {} NOT NULL, \
             _syncline_as_of TEXT NOT NULL) {}",
            quoted(table),
            dialect.number,
            dialect.end
        ))?;
        own::note(db, &format!("unified table `{table}` was made"))?;
    }
    if db.columns(&crosswalk)?.is_empty() {
        db.batch(&format!(
            "CREATE TABLE {} (entity_id TEXT NOT NULL REFERENCES {} (id) DEFERRABLE INITIALLY DEFERRED, stream TEXT NOT NULL, \
             record_key TEXT NOT NULL, PRIMARY KEY (stream, record_key)) {}",
            quoted(&crosswalk),
            quoted(table),
            dialect.end
        ))?;
        let index = quoted(&format!("{crosswalk}_of"));
        db.batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} (entity_id)", quoted(&crosswalk)))?;
    }
    Ok(())
}

/// Adds the columns that the unified table misses. The tables of all entities must be there.
pub(super) fn make_columns(
    db: &dyn Database,
    entity: &EntityPlan,
    references: &[Reference],
    names: &BTreeMap<String, String>,
) -> Result<(), UnifyFault> {
    let table = &entity.name;
    let known = db.columns(table)?;
    let add = |name: &str, kind: &str| -> Result<(), UnifyFault> {
        if !known.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            db.batch(&format!("ALTER TABLE {} ADD COLUMN {} {kind}", quoted(table), quoted(name)))?;
            own::note(db, &format!("column `{name}` was added to unified table `{table}`"))?;
        }
        Ok(())
    };
    for field in &entity.fields {
        add(&field.name, (db.dialect().type_of)(Kind::Null).unwrap_or("ANY"))?;
    }
    for reference in references {
        let target = names.get(&reference.target).map_or(reference.target.as_str(), String::as_str);
        add(&reference.column, &format!("TEXT REFERENCES {} (id) DEFERRABLE INITIALLY DEFERRED", quoted(target)))?;
    }
    Ok(())
}

/// What the columns of the fields hold by now, where columns have types.
pub(super) fn kinds(db: &dyn Database, entity: &EntityPlan) -> Result<Vec<Kind>, UnifyFault> {
    let rows = db.rows("SELECT field, kind FROM _syncline_unified WHERE name = ?", cells![&entity.concept])?;
    let known: BTreeMap<String, Kind> = rows.iter().filter_map(|row| Some((row.text(0), Kind::named(&row.text(1))?))).collect();
    Ok(entity.fields.iter().map(|field| known.get(&field.concept).copied().unwrap_or(Kind::Null)).collect())
}

/// Lets the columns of the fields hold these kinds too. True if a type changed, so that all rows must be written anew.
pub(super) fn widen(db: &dyn Database, entity: &EntityPlan, wanted: &[Kind]) -> Result<bool, UnifyFault> {
    let type_of = db.dialect().type_of;
    let mut is_changed = false;
    for ((field, was), wanted) in entity.fields.iter().zip(kinds(db, entity)?).zip(wanted) {
        let kind = was.join(*wanted);
        if kind == was {
            continue;
        }
        let sql = "INSERT INTO _syncline_unified (name, field, kind) VALUES (?, ?, ?) \
                   ON CONFLICT (name, field) DO UPDATE SET kind = excluded.kind";
        db.run(sql, cells![&entity.concept, &field.concept, kind.as_str()])?;
        let (Some(before), Some(after)) = (type_of(was), type_of(kind)) else { continue };
        if before != after {
            let column = quoted(&field.name);
            // What the rows held is written anew from the records, as the wider type has it.
            db.batch(&format!("ALTER TABLE {} ALTER COLUMN {column} TYPE {after} USING NULL", quoted(&entity.name)))?;
            own::note(db, &format!("column `{}` of unified table `{}` is {after} now", field.name, entity.name))?;
            is_changed |= was != Kind::Null;
        }
    }
    Ok(is_changed)
}

/// Writes the rows of things that have these records, and removes those that have none.
pub(super) fn write(
    db: &dyn Database,
    entity: &EntityPlan,
    references: &[Reference],
    things: &BTreeMap<String, Vec<Member>>,
) -> Result<(), UnifyFault> {
    let table = quoted(&entity.name);
    for thing in things.iter().filter(|(_, members)| members.is_empty()).map(|(thing, _)| thing) {
        db.run(&format!("DELETE FROM {table} WHERE id = ?"), cells![thing])?;
    }
    let kinds = kinds(db, entity)?;
    let type_of = db.dialect().type_of;
    let targets = targets(db, references, things)?;
    let (mut columns, mut marks) = (Vec::new(), Vec::new());
    for name in ["id", "_syncline_records", "_syncline_as_of", "_syncline_lineage"] {
        columns.push(quoted(name));
        marks.push("?".to_owned());
    }
    for (field, kind) in entity.fields.iter().zip(&kinds) {
        columns.push(quoted(&field.name));
        marks.push(type_of(*kind).map_or_else(|| "?".to_owned(), |name| format!("CAST(CAST(? AS text) AS {name})")));
    }
    for reference in references {
        columns.push(quoted(&reference.column));
        marks.push("?".to_owned());
    }
    let rows = things.iter().filter(|(_, members)| !members.is_empty());
    let rows: Vec<Vec<Cell>> = rows.map(|(thing, members)| row(entity, references, &kinds, type_of, (thing, members), &targets)).collect();
    let sets: Vec<String> = columns.iter().skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    let one = format!("({})", marks.join(","));
    for some in rows.chunks((VALUES_MAX / columns.len()).max(1)) {
        let values: Vec<Cell> = some.iter().flatten().cloned().collect();
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {} ON CONFLICT (id) DO UPDATE SET {}",
            columns.join(","),
            vec![one.as_str(); some.len()].join(","),
            sets.join(",")
        );
        db.run(&sql, &values)?;
    }
    Ok(())
}

/// The row of one thing: id, count, moment, lineage, fields, references.
fn row(
    entity: &EntityPlan,
    references: &[Reference],
    kinds: &[Kind],
    type_of: fn(Kind) -> Option<&'static str>,
    (thing, members): (&String, &Vec<Member>),
    targets: &Targets,
) -> Vec<Cell> {
    let trust = |feed: &str| entity.streams.iter().position(|one| one == feed).unwrap_or(usize::MAX);
    // The newest first; of equally new ones the most trusted, so that the same records always give the same row.
    let mut ordered: Vec<&Member> = members.iter().collect();
    ordered.sort_by(|a, b| b.body.at.cmp(&a.body.at).then(trust(&a.feed).cmp(&trust(&b.feed))).then(a.id.cmp(&b.id)));
    let mut lineage = serde_json::Map::new();
    let as_of = ordered.first().map(|one| one.body.at.clone()).unwrap_or_default();
    let records = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let mut fields = Vec::new();
    for (at, field) in entity.fields.iter().enumerate() {
        let winner = survivor(field, at, &ordered, trust);
        let kind = kinds.get(at).copied().unwrap_or(Kind::Null);
        let is_typed = type_of(kind).is_some();
        fields.push(winner.map_or(Cell::Nothing, |member| {
            let value = &member.body.values[at];
            if is_typed { typed(value, kind) } else { untyped(value) }
        }));
        if let Some(member) = winner {
            let mut sources = field.sources.iter().filter(|source| source.is_in(&member.feed));
            lineage.insert(field.name.clone(), json!([member.id, sources.next().map(|source| source.path.as_str())]));
        }
    }
    for (place, reference) in references.iter().enumerate() {
        let records = ordered.iter().filter_map(|member| member.body.refs.get(place)?.as_ref());
        let mut known = records.filter_map(|record| targets.get(&(reference.target.clone(), record.clone())));
        fields.push(Cell::from(known.next().cloned()));
    }
    let mut row = vec![Cell::from(thing), Cell::from(records), Cell::from(as_of), Cell::from(Value::Object(lineage).to_string())];
    row.append(&mut fields);
    row
}

fn survivor<'m>(field: &FieldPlan, at: usize, ordered: &[&'m Member], trust: impl Fn(&str) -> usize) -> Option<&'m Member> {
    let has = |member: &&&Member| member.body.values.get(at).is_some_and(|value| !value.is_null());
    let said = |member: &Member| text(&member.body.values[at]).unwrap_or_default();
    let mut having = ordered.iter().filter(has).copied();
    match field.rule {
        Survival::Newest => having.next(),
        Survival::Trusted => having.min_by_key(|member| trust(&member.feed)),
        // Of several the first is taken, and that is the newest.
        Survival::Longest => having.rev().max_by_key(|member| said(member).chars().count()),
        Survival::Commonest => {
            let all: Vec<&Member> = having.collect();
            all.iter().rev().max_by_key(|member| all.iter().filter(|other| said(other) == said(member)).count()).copied()
        }
    }
}

/// The things that records are: by entity and record.
type Targets = HashMap<(String, String), String>;

/// The things that are referred to.
fn targets(db: &dyn Database, references: &[Reference], things: &BTreeMap<String, Vec<Member>>) -> Result<Targets, UnifyFault> {
    let mut found = Targets::new();
    for (place, reference) in references.iter().enumerate() {
        let records: BTreeSet<&String> = things.values().flatten().filter_map(|member| member.body.refs.get(place)?.as_ref()).collect();
        let records: Vec<&String> = records.into_iter().collect();
        for some in records.chunks(VALUES_MAX) {
            let sql = format!("SELECT id, thing FROM _syncline_records WHERE entity = ? AND id IN ({})", marks(some.len()));
            let mut values = vec![Cell::from(&reference.target)];
            values.extend(some.iter().map(|record| Cell::from(*record)));
            for row in db.rows(&sql, &values)? {
                found.insert((reference.target.clone(), row.text(0)), row.text(1));
            }
        }
    }
    Ok(found)
}

/// A value in a column that holds anything.
fn untyped(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Nothing,
        Value::Bool(truth) => Cell::from(*truth),
        Value::String(text) => Cell::from(text),
        Value::Number(number) => number.as_i64().map_or_else(|| Cell::from(number.to_string()), Cell::from),
        Value::Array(_) | Value::Object(_) => Cell::from(value.to_string()),
    }
}

/// The text of a value in a column of this kind.
fn typed(value: &Value, kind: Kind) -> Cell {
    match (value, kind) {
        (Value::Null, _) => Cell::Nothing,
        (value, Kind::Json) => Cell::from(value.to_string()),
        (Value::String(text), Kind::Timestamp) => match text_kind_of(text) {
            TextKind::Timestamp(us) => Cell::from(Timestamp::from_microsecond(us).map_or_else(|_| text.clone(), |time| time.to_string())),
            TextKind::Date | TextKind::Uuid | TextKind::Text => Cell::from(text),
        },
        (Value::String(text), _) => Cell::from(text),
        (value, _) => Cell::from(value.to_string()),
    }
}
