//! Settles new, changed and deleted records of one entity: which things they are, which things became one or several, and the rows
//! of exactly those things.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    UnifyFault,
    own::{self, VALUES_AT_ONCE},
    reading::Portion,
    source::{self, Body, Reference, text},
    survive::{self, Member},
};
use crate::{
    organize::{
        plan::document::{Document, EntityPlan},
        resolve::incremental::{Change, Model, Placed, Row, Settling, ThingId, Update, Wanted},
    },
    tables::{
        database::{Cell, Database, Found, cells, marks},
        name::quoted,
    },
};

/// Space of the ids of things that are one record.
const ALONE: Uuid = Uuid::from_u128(0x1f0c_94de_37a1_4c55_9b1e_02f8_6d3a_77c0);
/// Records under one key that are still asked for.
const CROWD: usize = crate::organize::resolve::incremental::CROWD;

/// A record and what it says now.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// What it is read from.
    pub feed: String,
    pub key: String,
    /// The record in whose list it is.
    pub root: Option<String>,
    /// Nothing if it is gone.
    pub body: Option<Body>,
}

/// An entity of the accepted plan, with what is needed to settle its records.
pub(super) struct Settled<'a> {
    pub plan: &'a Document,
    pub entity: &'a EntityPlan,
    pub references: Vec<Reference>,
    /// How records are compared; without one, each is a thing of its own.
    pub model: Option<Model>,
}

impl Settled<'_> {
    /// What a portion says of a feed, and what was in the lists that it read and is not any more.
    pub fn with_vanished(&self, db: &dyn Database, feed: &str, portion: Portion) -> Result<Vec<Said>, UnifyFault> {
        let mut said = portion.said;
        let roots: Vec<String> = portion.roots.iter().map(|root| source::record_id(feed, root)).collect();
        let before = self.each(db, "SELECT id FROM _syncline_parts WHERE entity = ? AND root IN ({})", roots.iter())?;
        let there: BTreeSet<String> = said.iter().map(|one| source::record_id(feed, &one.key)).collect();
        for id in before.iter().map(|row| row.text(0)).filter(|id| !there.contains(id)) {
            let Some((_, key)) = source::apart(&id) else { continue };
            said.push(Said { feed: feed.to_owned(), key: key.to_owned(), root: None, body: None });
        }
        Ok(said)
    }

    /// Settles what was said of records. `at` grows from call to call.
    pub fn settle(&self, db: &dyn Database, at: u64, said: Vec<Said>) -> Result<(), UnifyFault> {
        let now: BTreeMap<String, Said> = said.into_iter().map(|one| (source::record_id(&one.feed, &one.key), one)).collect();
        let known = self.known(db, now.keys())?;
        let before = now.keys().map(|id| (id.clone(), known.get(id).copied())).collect();
        let update = match &self.model {
            Some(model) => self.resolved(db, model, at, &before, &now)?,
            None => alone(&before, &now),
        };
        self.write(db, &before, &now, &update)
    }

    /// The things that these records are.
    fn known<'i>(&self, db: &dyn Database, ids: impl Iterator<Item = &'i String>) -> Result<BTreeMap<String, ThingId>, UnifyFault> {
        let rows = self.each(db, "SELECT id, thing FROM _syncline_records WHERE entity = ? AND id IN ({})", ids)?;
        Ok(rows.iter().filter_map(|row| Some((row.text(0), row.text(1).parse().ok()?))).collect())
    }

    /// Asks about several at once: `{}` in the statement is their place, after the entity.
    fn each<'i>(&self, db: &dyn Database, sql: &str, texts: impl Iterator<Item = &'i String>) -> Result<Vec<Found>, UnifyFault> {
        let (mut found, texts) = (Vec::new(), texts.collect::<Vec<_>>());
        for some in texts.chunks(VALUES_AT_ONCE) {
            let mut values = vec![Cell::from(&self.entity.concept)];
            values.extend(some.iter().map(|text| Cell::from(*text)));
            found.extend(db.rows(&sql.replace("{}", &marks(some.len())), &values)?);
        }
        Ok(found)
    }

    fn resolved(
        &self,
        db: &dyn Database,
        model: &Model,
        at: u64,
        before: &BTreeMap<String, Option<ThingId>>,
        now: &BTreeMap<String, Said>,
    ) -> Result<Update, UnifyFault> {
        let values = |body: &Body| compared(self.entity, body);
        let change = |(id, one): (&String, &Said)| Change {
            id: id.clone(),
            was: before.get(id).copied().flatten(),
            now: one.body.as_ref().map(values),
        };
        // What is gone and was never known needs no settling.
        let changes = now.iter().map(change).filter(|change| change.now.is_some() || change.was.is_some()).collect();
        let mut settling = Settling::new(model, at, changes);
        while let Some(wanted) = settling.wants() {
            settling.give(self.find(db, &wanted)?);
        }
        Ok(settling.finish())
    }

    fn find(&self, db: &dyn Database, wanted: &Wanted) -> Result<Vec<Placed>, UnifyFault> {
        let entity = &self.entity.concept;
        let mut ids: BTreeSet<String> = BTreeSet::new();
        for key in &wanted.keys {
            let most = i64::try_from(CROWD + 1).unwrap_or(i64::MAX);
            let some =
                db.rows("SELECT id FROM _syncline_keys WHERE entity = ? AND key = ? LIMIT ?", cells![entity, key.cast_signed(), most])?;
            if some.len() <= CROWD {
                ids.extend(some.iter().map(|row| row.text(0)));
            }
        }
        let mut found = self.each(db, "SELECT id, thing, body FROM _syncline_records WHERE entity = ? AND id IN ({})", ids.iter())?;
        let things: Vec<String> = wanted.things.iter().map(ToString::to_string).collect();
        found.extend(self.each(db, "SELECT id, thing, body FROM _syncline_records WHERE entity = ? AND thing IN ({})", things.iter())?);
        found.iter().map(|row| place(self.entity, row)).collect()
    }

    fn write(
        &self,
        db: &dyn Database,
        before: &BTreeMap<String, Option<ThingId>>,
        now: &BTreeMap<String, Said>,
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
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for (id, one) in now {
            let thing = placed.get(id.as_str()).copied().or_else(|| before.get(id).copied().flatten());
            match (&one.body, thing) {
                (Some(body), Some(thing)) => kept.push(KeptRecord { id, feed: &one.feed, root: one.root.as_deref(), body, thing }),
                _ => {
                    gone.push((id, &one.feed, &one.key));
                    moved.insert(id.clone());
                }
            }
        }
        self.keep(db, &kept)?;
        self.forget(db, &gone)?;
        self.assign(db, &placed, now)?;
        self.write_down(db, update)?;
        // Without a model each record is a thing of its own, and what was just written need not be read again.
        let known = if self.model.is_none() { kept.iter().map(KeptRecord::alone).collect() } else { BTreeMap::new() };
        self.rows(db, touched.iter().map(ToString::to_string), known)?;
        self.follow_references(db, &moved)
    }

    fn keep(&self, db: &dyn Database, kept: &[KeptRecord<'_>]) -> Result<(), UnifyFault> {
        let entity = &self.entity.concept;
        self.take_away(db, &["_syncline_keys", "_syncline_refs"], kept.iter().map(|one| one.id))?;
        let (mut records, mut keys, mut refs, mut parts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in kept {
            let body = serde_json::to_string(one.body)?;
            records.push(cells![entity, one.id, one.feed, one.thing.to_string(), body].to_vec());
            if let Some(root) = one.root {
                parts.push(cells![entity, one.id, source::record_id(one.feed, root)].to_vec());
            }
            if let Some(model) = &self.model {
                let row = Row { id: one.id.clone(), values: compared(self.entity, one.body) };
                let own: BTreeSet<u64> = model.keys(&row).into_iter().collect();
                keys.extend(own.into_iter().map(|key| cells![entity, key.cast_signed(), one.id].to_vec()));
            }
            for (place, target) in one.body.refs.iter().enumerate().filter_map(|(place, target)| Some((place, target.as_ref()?))) {
                refs.push(cells![entity, one.id, i64::try_from(place).unwrap_or(i64::MAX), target].to_vec());
            }
        }
        let newer = "ON CONFLICT (entity, id) DO UPDATE SET stream = excluded.stream, thing = excluded.thing, body = excluded.body";
        own::insert(db, "_syncline_records (entity, id, stream, thing, body)", &records, newer)?;
        own::insert(db, "_syncline_keys (entity, key, id)", &keys, "ON CONFLICT DO NOTHING")?;
        own::insert(db, "_syncline_parts (entity, id, root)", &parts, "ON CONFLICT DO NOTHING")?;
        own::insert(db, "_syncline_refs (entity, id, place, target)", &refs, "")
    }

    fn forget(&self, db: &dyn Database, gone: &[(&String, &String, &String)]) -> Result<(), UnifyFault> {
        let kept = ["_syncline_records", "_syncline_keys", "_syncline_refs", "_syncline_parts"];
        self.take_away(db, &kept, gone.iter().map(|(id, ..)| *id))?;
        let crosswalk = quoted(&survive::crosswalk(self.entity));
        for (_, feed, key) in gone {
            db.run(&format!("DELETE FROM {crosswalk} WHERE stream = ? AND record_key = ?"), cells![*feed, *key])?;
        }
        Ok(())
    }

    fn take_away<'i>(&self, db: &dyn Database, tables: &[&str], ids: impl Iterator<Item = &'i String>) -> Result<(), UnifyFault> {
        let ids: Vec<&String> = ids.collect();
        for some in ids.chunks(VALUES_AT_ONCE) {
            let mut values = vec![Cell::from(&self.entity.concept)];
            values.extend(some.iter().map(|id| Cell::from(*id)));
            for table in tables {
                db.run(&format!("DELETE FROM {table} WHERE entity = ? AND id IN ({})", marks(some.len())), &values)?;
            }
        }
        Ok(())
    }

    /// Says of records which things they are.
    fn assign(&self, db: &dyn Database, placed: &BTreeMap<&str, ThingId>, now: &BTreeMap<String, Said>) -> Result<(), UnifyFault> {
        let mut rows = Vec::new();
        for (id, thing) in placed {
            if !now.contains_key(*id) {
                let sql = "UPDATE _syncline_records SET thing = ? WHERE entity = ? AND id = ?";
                db.run(sql, cells![thing.to_string(), &self.entity.concept, *id])?;
            }
            if let Some((feed, key)) = source::apart(id) {
                rows.push(cells![thing.to_string(), feed, key].to_vec());
            }
        }
        let crosswalk = format!("{} (entity_id, stream, record_key)", quoted(&survive::crosswalk(self.entity)));
        own::insert(db, &crosswalk, &rows, "ON CONFLICT (stream, record_key) DO UPDATE SET entity_id = excluded.entity_id")
    }

    /// Merges and splits, with what speaks for the records' being one.
    fn write_down(&self, db: &dyn Database, update: &Update) -> Result<(), UnifyFault> {
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
            let (others, evidence) = (json!(others).to_string(), serde_json::to_string(&edges)?);
            db.run(sql, cells![&at, &self.entity.concept, what, thing.to_string(), others, evidence])?;
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

    /// Writes the rows of these things; of some the records are known.
    fn rows(
        &self,
        db: &dyn Database,
        things: impl Iterator<Item = String>,
        mut members: BTreeMap<String, Vec<Member>>,
    ) -> Result<(), UnifyFault> {
        let things: Vec<String> = things.filter(|thing| !members.contains_key(thing)).collect();
        let sql = "SELECT thing, id, stream, body FROM _syncline_records WHERE entity = ? AND thing IN ({})";
        for row in self.each(db, sql, things.iter())? {
            let member = Member { id: row.text(1), feed: row.text(2), body: serde_json::from_str(&row.text(3))? };
            members.entry(row.text(0)).or_default().push(member);
        }
        for thing in things {
            members.entry(thing).or_default();
        }
        survive::write(db, self.entity, &self.references, &members)
    }

    /// Rows of other entities point at the things that these records are now.
    fn follow_references(&self, db: &dyn Database, moved: &BTreeSet<String>) -> Result<(), UnifyFault> {
        let mut pointing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let moved: Vec<&String> = moved.iter().collect();
        for some in moved.chunks(VALUES_AT_ONCE) {
            let sql = format!(
                "SELECT DISTINCT whose.entity, whose.thing FROM _syncline_refs AS points JOIN _syncline_records AS whose \
                 ON whose.entity = points.entity AND whose.id = points.id WHERE points.target IN ({})",
                marks(some.len())
            );
            let values: Vec<Cell> = some.iter().map(|id| Cell::from(*id)).collect();
            for row in db.rows(&sql, &values)? {
                pointing.entry(row.text(0)).or_default().insert(row.text(1));
            }
        }
        for (concept, things) in pointing {
            let Some(entity) = self.plan.entities.iter().find(|one| one.concept == concept) else { continue };
            let references = source::references(self.plan, entity);
            Settled { plan: self.plan, entity, references, model: None }.rows(db, things.into_iter(), BTreeMap::new())?;
        }
        Ok(())
    }
}

/// A record that is there, and the thing that it is.
struct KeptRecord<'r> {
    id: &'r String,
    feed: &'r String,
    root: Option<&'r str>,
    body: &'r Body,
    thing: ThingId,
}

impl KeptRecord<'_> {
    /// The thing that is only this record.
    fn alone(&self) -> (String, Vec<Member>) {
        (self.thing.to_string(), vec![Member { id: self.id.clone(), feed: self.feed.clone(), body: self.body.clone() }])
    }
}

/// What records are compared by: not by when something was done with them, nor by ids that only one source gives.
pub(super) fn compared(entity: &EntityPlan, body: &Body) -> Vec<Option<String>> {
    let says = |concept: &str| !concept.ends_with("_at") && !concept.ends_with("_id");
    entity.fields.iter().zip(&body.values).map(|(field, value)| text(value).filter(|_| says(&field.concept))).collect()
}

fn place(entity: &EntityPlan, found: &Found) -> Result<Placed, UnifyFault> {
    let body: Body = serde_json::from_str(&found.text(2))?;
    let row = Row { id: found.text(0), values: compared(entity, &body) };
    Ok(Placed { row, thing: found.text(1).parse().unwrap_or_default() })
}

/// Each record is a thing of its own.
fn alone(before: &BTreeMap<String, Option<ThingId>>, now: &BTreeMap<String, Said>) -> Update {
    let mut update = Update::default();
    for (id, one) in now {
        let from = before.get(id).copied().flatten();
        if one.body.is_none() {
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
