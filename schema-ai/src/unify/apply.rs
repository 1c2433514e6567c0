//! Carries out the accepted plan: first the shape of the tables, then every record, in portions that are done or not done. It goes on
//! where it was, and doing it again changes nothing.

use std::collections::BTreeMap;

use super::{
    UnifyFault, own, plans,
    plans::{Kept, State},
    reading::Reading,
    settle::{Said, Settled, compared},
    source::{self, Tables},
    survive,
};
use crate::{
    infer::Kind,
    organize::{
        plan::document::{Document, EntityPlan},
        resolve::incremental::{Model, Row},
    },
    tables::{
        TableReader, TableView,
        database::{Database, cells},
        name::quoted,
    },
};

/// Records of one portion, and how many streams they may come from.
const PORTION: usize = 500;
const STREAMS_AT_ONCE: usize = 100;
/// Records that a model is learnt from at most.
const LEARNT_FROM: i64 = 20_000;
/// When there are this many times the records that a model was learnt from, it is learnt again.
const GROWN: i64 = 2;
/// Below this a model is learnt again soon, because few records teach little.
const FEW: i64 = 50;

/// Makes this plan the one that holds. Its records are carried over by [`step`].
pub(super) fn accept(db: &dyn Database, id: i64) -> Result<(), UnifyFault> {
    let kept = plans::get(db, id)?;
    if kept.state != State::Proposed {
        return Err(UnifyFault::WrongState(id, kept.state.as_str()));
    }
    let before = plans::newest(db, State::Accepted)?;
    if let Some(before) = &before {
        rename(db, &before.plan, &kept.plan)?;
    }
    let names: BTreeMap<String, String> = kept.plan.entities.iter().map(|one| (one.concept.clone(), one.name.clone())).collect();
    for entity in &kept.plan.entities {
        survive::make(db, entity)?;
    }
    for entity in &kept.plan.entities {
        survive::make_columns(db, entity, &source::references(&kept.plan, entity), &names)?;
    }
    plans::set_state(db, id, State::Accepted, None)?;
    plans::replace(db, State::Accepted, id)?;
    plans::replace(db, State::Proposed, id)?;
    for entity in &kept.plan.entities {
        let was = before.as_ref().and_then(|before| Some((before, before.plan.entities.iter().find(|was| was.concept == entity.concept)?)));
        let is_same = was.is_some_and(|(before, was)| {
            let same_refs = || source::references(&before.plan, was) == source::references(&kept.plan, entity);
            was == entity && same_refs() && keys_of_lists(&before.plan, was) == keys_of_lists(&kept.plan, entity)
        });
        if was.is_none_or(|(_, was)| was.fields.iter().map(|one| &one.concept).ne(entity.fields.iter().map(|one| &one.concept))) {
            db.run("DELETE FROM _syncline_models WHERE entity = ?", cells![&entity.concept])?;
        }
        for stream in &entity.streams {
            // What stays as it was need not be taken over again, unless it had to wait.
            let sql = "SELECT EXISTS (SELECT 1 FROM _syncline_walks WHERE entity = ? AND stream = ?) \
                       AND NOT EXISTS (SELECT 1 FROM _syncline_held WHERE stream = ?)";
            if !(is_same && db.is(sql, cells![&entity.concept, stream, stream])?) {
                begin_walk(db, &entity.concept, stream, id)?;
            }
        }
    }
    db.run("UPDATE _syncline_walks SET plan = ?", cells![id])?;
    db.run("DELETE FROM _syncline_held", &[])?;
    own::note(db, &format!("plan {id} was accepted"))?;
    Ok(())
}

/// What tells the elements of those lists apart that feed an entity.
fn keys_of_lists<'p>(plan: &'p Document, entity: &EntityPlan) -> Vec<&'p [String]> {
    let lists = plan.tables.iter().filter(|table| !table.path.is_empty() && entity.streams.contains(&table.feed()));
    lists.map(|table| table.key.columns.as_slice()).collect()
}

/// Lets the records of a stream, or of a list in them, be taken over again from its table.
pub(super) fn begin_walk(db: &dyn Database, concept: &str, stream: &str, plan: i64) -> Result<(), UnifyFault> {
    let sql = "INSERT INTO _syncline_walks (entity, stream, plan, cursor, done, records) VALUES (?, ?, ?, NULL, 0, 0) \
               ON CONFLICT (entity, stream) DO UPDATE SET plan = excluded.plan, cursor = NULL, done = 0, records = 0";
    db.run(sql, cells![concept, stream, plan])?;
    Ok(())
}

fn rename(db: &dyn Database, before: &Document, after: &Document) -> Result<(), UnifyFault> {
    for entity in &after.entities {
        let Some(was) = before.entities.iter().find(|was| was.concept == entity.concept) else { continue };
        if was.name != entity.name {
            let pairs = [(was.name.clone(), entity.name.clone()), (survive::crosswalk(was), survive::crosswalk(entity))];
            for (from, to) in pairs {
                db.batch(&format!("ALTER TABLE {} RENAME TO {}", quoted(&from), quoted(&to)))?;
            }
            own::note(db, &format!("unified table `{}` is called `{}` now", was.name, entity.name))?;
        }
        for field in &entity.fields {
            let Some(old) = was.fields.iter().find(|old| old.concept == field.concept && old.name != field.name) else { continue };
            let (table, from, to) = (quoted(&entity.name), quoted(&old.name), quoted(&field.name));
            db.batch(&format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"))?;
            own::note(db, &format!("column `{}` of `{}` is called `{}` now", old.name, entity.name, field.name))?;
        }
    }
    Ok(())
}

/// Takes the next portion of records over. False when nothing is left to do.
pub(super) fn step(db: &dyn Database, reader: &dyn TableReader, tables: &[TableView]) -> Result<bool, UnifyFault> {
    let step = db.begin()?;
    let db = &*step;
    let Some(kept) = plans::newest(db, State::Accepted)? else { return Ok(false) };
    let next = format!("SELECT entity, stream, cursor FROM _syncline_walks WHERE done = 0 ORDER BY entity, stream LIMIT {STREAMS_AT_ONCE}");
    let walks = db.rows(&next, &[])?;
    let Some(concept) = walks.first().map(|walk| walk.text(0)) else { return Ok(false) };
    let Some(entity) = kept.plan.entities.iter().find(|one| one.concept == concept) else {
        db.run("UPDATE _syncline_walks SET done = 1 WHERE entity = ?", cells![concept])?;
        step.commit()?;
        return Ok(true);
    };
    // Rows that are written anew are taken from the beginning, and not from where this walk was.
    if widen(db, tables, &kept, entity)? {
        step.commit()?;
        return Ok(true);
    }
    let settled = settled(db, reader, tables, &kept, entity)?;
    if walks.iter().any(|walk| walk.text(0) == concept && walk.maybe_text(2).is_none()) {
        sweep(db, &settled)?;
    }
    let places = Tables::new(tables);
    // Small streams go together, because every portion looks at the whole plan and at all tables.
    let mut said: Vec<Said> = Vec::new();
    for walk in walks.iter().take_while(|walk| walk.text(0) == concept) {
        let (feed, cursor, room) = (walk.text(1), walk.maybe_text(2), PORTION.saturating_sub(said.len()));
        if room == 0 {
            break;
        }
        let reading = Reading::new(reader, &places, (&kept.plan, entity), &settled.references, &feed);
        let portion = reading.map(|reading| reading.page(cursor, room)).transpose()?.unwrap_or_default();
        let records = i64::try_from(portion.said.len()).unwrap_or(i64::MAX);
        db.run(
            "UPDATE _syncline_walks SET cursor = ?, done = ?, records = records + ? WHERE entity = ? AND stream = ?",
            cells![portion.next.as_deref(), portion.next.is_none(), records, &concept, &feed],
        )?;
        said.extend(settled.with_vanished(db, &feed, portion)?);
    }
    settled.settle(db, turn(db)?, said)?;
    step.commit()?;
    Ok(true)
}

/// Settles records of streams that the entity is not fed by any more.
fn sweep(db: &dyn Database, settled: &Settled<'_>) -> Result<(), UnifyFault> {
    let streams = db.rows("SELECT DISTINCT stream FROM _syncline_records WHERE entity = ?", cells![&settled.entity.concept])?;
    let streams = streams.iter().map(|row| row.text(0));
    for stream in streams.filter(|stream| !settled.entity.streams.contains(stream)) {
        let sql = "SELECT id FROM _syncline_records WHERE entity = ? AND stream = ?";
        let ids = db.rows(sql, cells![&settled.entity.concept, &stream])?;
        let gone = |id: String| {
            let key = source::apart(&id).map(|(_, key)| key.to_owned()).unwrap_or_default();
            Said { feed: stream.clone(), key, root: None, body: None }
        };
        settled.settle(db, turn(db)?, ids.iter().map(|row| gone(row.text(0))).collect())?;
    }
    Ok(())
}

/// The number of this settling: it only grows.
pub(super) fn turn(db: &dyn Database) -> Result<u64, UnifyFault> {
    let last: u64 = own::word(db, "turn")?.and_then(|text| text.parse().ok()).unwrap_or_default();
    own::set_word(db, "turn", &(last + 1).to_string())?;
    Ok(last + 1)
}

/// An entity with its model, learnt from the tables if there is none that fits.
pub(super) fn settled<'a>(
    db: &dyn Database,
    reader: &dyn TableReader,
    tables: &[TableView],
    kept: &'a Kept,
    entity: &'a EntityPlan,
) -> Result<Settled<'a>, UnifyFault> {
    widen(db, tables, kept, entity)?;
    let references = source::references(&kept.plan, entity);
    let mut settled = Settled { plan: &kept.plan, entity, references, model: None };
    if !entity.resolve {
        return Ok(settled);
    }
    if let Some(found) = db.row("SELECT model FROM _syncline_models WHERE entity = ?", cells![&entity.concept])? {
        settled.model = Some(serde_json::from_str(&found.text(0))?);
        return Ok(settled);
    }
    let fields: Vec<&str> = entity.fields.iter().map(|field| field.concept.as_str()).collect();
    let rows = sample(reader, &Tables::new(tables), &settled)?;
    let model = Model::learn_from(&fields, &rows);
    let learnt_from = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO _syncline_models (entity, learnt_from, model) VALUES (?, ?, ?) \
               ON CONFLICT (entity) DO UPDATE SET learnt_from = excluded.learnt_from, model = excluded.model";
    db.run(sql, cells![&entity.concept, learnt_from, serde_json::to_string(&model)?])?;
    settled.model = Some(model);
    Ok(settled)
}

/// Lets the columns of the unified table hold what the sources' columns hold by now. Rows are written anew where a type changed.
fn widen(db: &dyn Database, tables: &[TableView], kept: &Kept, entity: &EntityPlan) -> Result<bool, UnifyFault> {
    let places = Tables::new(tables);
    let kinds: Vec<Kind> = entity.fields.iter().map(|field| source::kind_of(field, &places)).collect();
    let is_changed = survive::widen(db, entity, &kinds)?;
    if is_changed {
        for stream in &entity.streams {
            begin_walk(db, &entity.concept, stream, kept.id)?;
        }
    }
    Ok(is_changed)
}

fn sample(reader: &dyn TableReader, tables: &Tables<'_>, settled: &Settled<'_>) -> Result<Vec<Row>, UnifyFault> {
    let (mut rows, entity) = (Vec::new(), settled.entity);
    let most = usize::try_from(LEARNT_FROM).unwrap_or(usize::MAX) / entity.streams.len().max(1);
    for feed in &entity.streams {
        let Some(reading) = Reading::new(reader, tables, (settled.plan, entity), &settled.references, feed) else { continue };
        let (mut cursor, mut taken) = (None, 0);
        while taken < most {
            let portion = reading.page(cursor, 1_000)?;
            taken += portion.said.len().max(portion.roots.len());
            let live = portion.said.into_iter().filter_map(|said| Some((said.key, said.body?)));
            rows.extend(live.map(|(key, body)| Row { id: source::record_id(feed, &key), values: compared(entity, &body) }));
            cursor = portion.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(rows)
}

/// Forgets a model that was learnt from few of the records that there are now, so that all are settled again; ids stay.
pub(super) fn learn_again(db: &dyn Database, kept: &Kept) -> Result<(), UnifyFault> {
    for entity in kept.plan.entities.iter().filter(|entity| entity.resolve) {
        let sql = "SELECT learnt_from, (SELECT count(*) FROM _syncline_records WHERE entity = ?) FROM _syncline_models WHERE entity = ?";
        let Some(found) = db.row(sql, cells![&entity.concept, &entity.concept])? else { continue };
        let (learnt_from, records) = (found.number(0), found.number(1));
        let is_outgrown = records >= (learnt_from * GROWN).max(FEW) && learnt_from < LEARNT_FROM / 2;
        if is_outgrown {
            db.run("DELETE FROM _syncline_models WHERE entity = ?", cells![&entity.concept])?;
            for stream in &entity.streams {
                begin_walk(db, &entity.concept, stream, kept.id)?;
            }
        }
    }
    Ok(())
}
