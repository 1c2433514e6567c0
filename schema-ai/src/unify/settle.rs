//! Settles new, changed and deleted records of one entity: which things they are, which things became one or several, and the rows
//! of exactly those things.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;
use uuid::Uuid;

use super::{
    UnifyFault,
    source::{self, Body, Reference, text},
    survive::{self, Member},
};
use crate::{
    organize::{
        plan::document::{Document, EntityPlan},
        resolve::incremental::{Change, Model, Placed, Row, Settling, ThingId, Update, Wanted},
    },
    tables::name::quoted,
};

/// Space of the ids of things that are one record.
const ALONE: Uuid = Uuid::from_u128(0x1f0c_94de_37a1_4c55_9b1e_02f8_6d3a_77c0);
/// Records under one key that are still asked for.
const CROWD: usize = crate::organize::resolve::incremental::CROWD;

/// A record and what it says now.
pub(super) type Said = (String, String, Option<Body>);

/// An entity of the accepted plan, with what is needed to settle its records.
pub(super) struct Settled<'a> {
    pub plan: &'a Document,
    pub entity: &'a EntityPlan,
    pub references: Vec<Reference>,
    /// How records are compared; without one, each is a thing of its own.
    pub model: Option<Model>,
}

impl Settled<'_> {
    /// Settles records: stream, key, and what they say. `at` grows from call to call.
    pub fn settle(&self, db: &Connection, at: u64, said: Vec<Said>) -> Result<(), UnifyFault> {
        let mut before = BTreeMap::new();
        let mut now: BTreeMap<String, (String, String, Option<Body>)> = BTreeMap::new();
        for (stream, key, body) in said {
            let id = source::record_id(&stream, &key);
            before.insert(id.clone(), self.known(db, &id)?);
            now.insert(id, (stream, key, body));
        }
        let update = match &self.model {
            Some(model) => self.resolved(db, model, at, &before, &now)?,
            None => alone(&before, &now),
        };
        self.write(db, &before, now, &update)
    }

    fn known(&self, db: &Connection, id: &str) -> Result<Option<ThingId>, UnifyFault> {
        let sql = "SELECT thing FROM _syncline_records WHERE entity = ? AND id = ?";
        let found: Option<String> = db.prepare_cached(sql)?.query_row([&self.entity.concept, id], |row| row.get(0)).optional()?;
        Ok(found.and_then(|thing| thing.parse().ok()))
    }

    fn resolved(
        &self,
        db: &Connection,
        model: &Model,
        at: u64,
        before: &BTreeMap<String, Option<ThingId>>,
        now: &BTreeMap<String, (String, String, Option<Body>)>,
    ) -> Result<Update, UnifyFault> {
        let values = |body: &Body| compared(self.entity, body);
        let change = |(id, (_, _, body)): (&String, &(String, String, Option<Body>))| Change {
            id: id.clone(),
            was: before.get(id).copied().flatten(),
            now: body.as_ref().map(values),
        };
        // What is gone and was never known needs no settling.
        let changes = now.iter().map(change).filter(|change| change.now.is_some() || change.was.is_some()).collect();
        let mut settling = Settling::new(model, at, changes);
        while let Some(wanted) = settling.wants() {
            settling.give(self.find(db, &wanted)?);
        }
        Ok(settling.finish())
    }

    fn find(&self, db: &Connection, wanted: &Wanted) -> Result<Vec<Placed>, UnifyFault> {
        let entity = &self.entity.concept;
        let mut ids = BTreeSet::new();
        for key in &wanted.keys {
            let sql = "SELECT id FROM _syncline_keys WHERE entity = ? AND key = ? LIMIT ?";
            let mut found = db.prepare_cached(sql)?;
            let most = i64::try_from(CROWD + 1).unwrap_or(i64::MAX);
            let some = found.query_map(params![entity, key.cast_signed(), most], |row| row.get::<_, String>(0))?;
            let some = some.collect::<rusqlite::Result<Vec<_>>>()?;
            if some.len() <= CROWD {
                ids.extend(some);
            }
        }
        let mut placed = Vec::new();
        for id in ids {
            let sql = "SELECT id, thing, body FROM _syncline_records WHERE entity = ? AND id = ?";
            let found = db.prepare_cached(sql)?.query_row([entity, &id], raw).optional()?;
            placed.extend(found.map(|found| place(self.entity, found)).transpose()?);
        }
        for thing in &wanted.things {
            let mut found = db.prepare_cached("SELECT id, thing, body FROM _syncline_records WHERE entity = ? AND thing = ?")?;
            let rows = found.query_map([entity, &thing.to_string()], raw)?.collect::<rusqlite::Result<Vec<_>>>()?;
            for row in rows {
                placed.push(place(self.entity, row)?);
            }
        }
        Ok(placed)
    }

    fn write(
        &self,
        db: &Connection,
        before: &BTreeMap<String, Option<ThingId>>,
        now: BTreeMap<String, (String, String, Option<Body>)>,
        update: &Update,
    ) -> Result<(), UnifyFault> {
        let mut placed: BTreeMap<&str, ThingId> = BTreeMap::new();
        let mut touched: BTreeSet<ThingId> = before.values().flatten().copied().chain(update.emptied.iter().copied()).collect();
        for assignment in &update.assignments {
            placed.insert(&assignment.record, assignment.to);
            touched.insert(assignment.to);
            touched.extend(assignment.from);
        }
        let mut moved: BTreeSet<String> = placed.keys().map(|id| (*id).to_owned()).collect();
        for (id, (stream, key, body)) in now {
            let thing = placed.get(id.as_str()).copied().or_else(|| before.get(&id).copied().flatten());
            match (body, thing) {
                (Some(body), Some(thing)) => self.keep(db, &id, &stream, &body, thing)?,
                _ => {
                    self.forget(db, &id, &stream, &key)?;
                    moved.insert(id);
                }
            }
        }
        for (id, thing) in &placed {
            self.assign(db, id, *thing)?;
        }
        self.write_down(db, update)?;
        self.rows(db, touched.iter().map(ToString::to_string))?;
        self.follow_references(db, &moved)
    }

    fn keep(&self, db: &Connection, id: &str, stream: &str, body: &Body, thing: ThingId) -> Result<(), UnifyFault> {
        let entity = &self.entity.concept;
        let sql = "INSERT OR REPLACE INTO _syncline_records (entity, id, stream, thing, body) VALUES (?, ?, ?, ?, ?)";
        db.prepare_cached(sql)?.execute(params![entity, id, stream, thing.to_string(), serde_json::to_string(body)?])?;
        db.prepare_cached("DELETE FROM _syncline_keys WHERE entity = ? AND id = ?")?.execute([entity, id])?;
        if let Some(model) = &self.model {
            let row = Row { id: id.to_owned(), values: compared(self.entity, body) };
            for key in model.keys(&row) {
                let sql = "INSERT OR IGNORE INTO _syncline_keys (entity, key, id) VALUES (?, ?, ?)";
                db.prepare_cached(sql)?.execute(params![entity, key.cast_signed(), id])?;
            }
        }
        db.prepare_cached("DELETE FROM _syncline_refs WHERE entity = ? AND id = ?")?.execute([entity, id])?;
        for (place, target) in body.refs.iter().enumerate().filter_map(|(place, target)| Some((place, target.as_ref()?))) {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            let sql = "INSERT INTO _syncline_refs (entity, id, place, target) VALUES (?, ?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![entity, id, place, target])?;
        }
        Ok(())
    }

    fn forget(&self, db: &Connection, id: &str, stream: &str, key: &str) -> Result<(), UnifyFault> {
        for table in ["_syncline_records", "_syncline_keys", "_syncline_refs"] {
            db.prepare_cached(&format!("DELETE FROM {table} WHERE entity = ? AND id = ?"))?.execute([&self.entity.concept, id])?;
        }
        let crosswalk = quoted(&survive::crosswalk(self.entity));
        db.prepare_cached(&format!("DELETE FROM {crosswalk} WHERE stream = ? AND record_key = ?"))?.execute([stream, key])?;
        Ok(())
    }

    fn assign(&self, db: &Connection, id: &str, thing: ThingId) -> Result<(), UnifyFault> {
        let sql = "UPDATE _syncline_records SET thing = ? WHERE entity = ? AND id = ?";
        db.prepare_cached(sql)?.execute([&thing.to_string(), &self.entity.concept, id])?;
        let Some((stream, key)) = id.split_once('/') else { return Ok(()) };
        let crosswalk = quoted(&survive::crosswalk(self.entity));
        let sql = format!("INSERT OR REPLACE INTO {crosswalk} (entity_id, stream, record_key) VALUES (?, ?, ?)");
        db.prepare_cached(&sql)?.execute([&thing.to_string(), stream, key])?;
        Ok(())
    }

    /// Merges and splits, with what speaks for the records' being one.
    fn write_down(&self, db: &Connection, update: &Update) -> Result<(), UnifyFault> {
        let at = Timestamp::now().to_string();
        let say = |what: &str, thing: &ThingId, others: &[ThingId]| -> Result<(), UnifyFault> {
            let touched: BTreeSet<&str> = update
                .assignments
                .iter()
                .filter(|one| one.to == *thing || others.contains(&one.to))
                .map(|one| one.record.as_str())
                .collect();
            let edges = update.edges.iter().filter(|edge| touched.contains(edge.a.1.as_str()) || touched.contains(edge.b.1.as_str()));
            let edges: Vec<_> =
                edges.map(|edge| json!({"a": edge.a.1, "b": edge.b.1, "confidence": edge.confidence, "why": edge.why})).collect();
            let sql = "INSERT INTO _syncline_things (at, entity, what, thing, others, evidence) VALUES (?, ?, ?, ?, ?, ?)";
            let evidence = serde_json::to_string(&edges)?;
            db.prepare_cached(sql)?.execute(params![
                at,
                self.entity.concept,
                what,
                thing.to_string(),
                json!(others).to_string(),
                evidence
            ])?;
            Ok(())
        };
        for merge in &update.merges {
            say("merge", &merge.into, &merge.from)?;
        }
        for split in &update.splits {
            say("split", &split.from, &split.into)?;
        }
        Ok(())
    }

    /// Writes the rows of these things.
    pub fn rows(&self, db: &Connection, things: impl Iterator<Item = String>) -> Result<(), UnifyFault> {
        for thing in things {
            let mut found = db.prepare_cached("SELECT id, stream, body FROM _syncline_records WHERE entity = ? AND thing = ?")?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?));
            let rows = found.query_map([&self.entity.concept, &thing], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let members: Result<Vec<Member>, UnifyFault> =
                rows.into_iter().map(|(id, stream, body)| Ok(Member { id, stream, body: serde_json::from_str(&body)? })).collect();
            survive::write(db, self.entity, &self.references, &thing, &members?)?;
        }
        Ok(())
    }

    /// Rows of other entities point at the things that these records are now.
    fn follow_references(&self, db: &Connection, moved: &BTreeSet<String>) -> Result<(), UnifyFault> {
        let mut pointing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for id in moved {
            let sql = "SELECT of.entity, of.thing FROM _syncline_refs AS ref JOIN _syncline_records AS of \
                       ON of.entity = ref.entity AND of.id = ref.id WHERE ref.target = ?";
            let mut found = db.prepare_cached(sql)?;
            for row in found.query_map([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? {
                let (entity, thing) = row?;
                pointing.entry(entity).or_default().insert(thing);
            }
        }
        for (concept, things) in pointing {
            let Some(entity) = self.plan.entities.iter().find(|one| one.concept == concept) else { continue };
            let references = source::references(self.plan, entity);
            Settled { plan: self.plan, entity, references, model: None }.rows(db, things.into_iter())?;
        }
        Ok(())
    }
}

type Raw = (String, String, String);

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// What records are compared by: not by when something was done with them, nor by ids that only one source gives.
pub(super) fn compared(entity: &EntityPlan, body: &Body) -> Vec<Option<String>> {
    let says = |concept: &str| !concept.ends_with("_at") && !concept.ends_with("_id");
    entity.fields.iter().zip(&body.values).map(|(field, value)| text(value).filter(|_| says(&field.concept))).collect()
}

fn place(entity: &EntityPlan, (id, thing, body): Raw) -> Result<Placed, UnifyFault> {
    let body: Body = serde_json::from_str(&body)?;
    let row = Row { id, values: compared(entity, &body) };
    Ok(Placed { row, thing: thing.parse().unwrap_or_default() })
}

/// Each record is a thing of its own.
fn alone(before: &BTreeMap<String, Option<ThingId>>, now: &BTreeMap<String, (String, String, Option<Body>)>) -> Update {
    let mut update = Update::default();
    for (id, (_, _, body)) in now {
        let from = before.get(id).copied().flatten();
        if body.is_none() {
            update.removed.push(id.clone());
            continue;
        }
        let to = Uuid::new_v5(&ALONE, id.as_bytes());
        if from != Some(to) {
            update.assignments.push(crate::organize::resolve::incremental::Assignment { record: id.clone(), from, to });
        }
    }
    update
}
