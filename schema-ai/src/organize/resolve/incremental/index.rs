//! Records kept in memory, for those who have few or want to try: the model of what a table of keys would do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::model;
use super::{Change, Model, Placed, RecordId, Row, Settling, ThingId, Update, Wanted};

/// Records by name, key and thing.
#[derive(Debug, Clone, Default)]
pub struct Index {
    records: BTreeMap<RecordId, Placed>,
    by_key: HashMap<u64, BTreeSet<RecordId>>,
    by_thing: HashMap<ThingId, BTreeSet<RecordId>>,
}

impl Index {
    /// Settles new and changed rows, and records that are gone, and remembers the outcome.
    pub fn settle(&mut self, model: &Model, at: u64, now: Vec<Row>, gone: Vec<RecordId>) -> Update {
        let was = |id: &RecordId| self.records.get(id).map(|placed| placed.thing);
        let rows = now.iter().map(|row| Change { was: was(&row.id), now: Some(row.values.clone()), id: row.id.clone() });
        let changes = rows.chain(gone.into_iter().map(|id| Change { was: was(&id), now: None, id })).collect();
        let mut settling = Settling::new(model, at, changes);
        while let Some(wanted) = settling.wants() {
            settling.give(self.find(&wanted));
        }
        let update = settling.finish();
        self.write(model, now, &update);
        update
    }

    /// What a settling asked for.
    pub fn find(&self, wanted: &Wanted) -> Vec<Placed> {
        let keys = wanted.keys.iter().filter_map(|key| self.by_key.get(key)).filter(|ids| !model::is_crowded(ids.len()));
        let things = wanted.things.iter().filter_map(|thing| self.by_thing.get(thing));
        let ids: BTreeSet<&RecordId> = keys.chain(things).flatten().collect();
        ids.into_iter().filter_map(|id| self.records.get(id).cloned()).collect()
    }

    /// The records of each thing, in order of the first record.
    pub fn things(&self) -> Vec<(ThingId, Vec<RecordId>)> {
        let mut things: Vec<(ThingId, Vec<RecordId>)> =
            self.by_thing.iter().map(|(thing, records)| (*thing, records.iter().cloned().collect())).collect();
        things.sort_by(|a, b| a.1.cmp(&b.1));
        things
    }

    fn write(&mut self, model: &Model, now: Vec<Row>, update: &Update) {
        for id in &update.removed {
            self.take(model, id);
        }
        for row in now {
            let thing = self.take(model, &row.id).unwrap_or_default();
            for key in model.keys(&row) {
                self.by_key.entry(key).or_default().insert(row.id.clone());
            }
            self.by_thing.entry(thing).or_default().insert(row.id.clone());
            self.records.insert(row.id.clone(), Placed { row, thing });
        }
        for assignment in &update.assignments {
            let Some(placed) = self.records.get_mut(&assignment.record) else { continue };
            let from = std::mem::replace(&mut placed.thing, assignment.to);
            forget(&mut self.by_thing, &from, &assignment.record);
            self.by_thing.entry(assignment.to).or_default().insert(assignment.record.clone());
        }
    }

    fn take(&mut self, model: &Model, id: &RecordId) -> Option<ThingId> {
        let placed = self.records.remove(id)?;
        for key in model.keys(&placed.row) {
            forget(&mut self.by_key, &key, id);
        }
        forget(&mut self.by_thing, &placed.thing, id);
        Some(placed.thing)
    }
}

fn forget<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<RecordId>>, key: &K, id: &RecordId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
