//! One settling: reach the records that the changes touch, make their things anew, and say what differs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::model::{self, Model};
use super::{Change, MOST, Placed, RecordId, Row, ThingId, Update, Wanted, ids};
use crate::organize::resolve::{self, cluster};

/// Changes on their way to an [`Update`].
#[derive(Debug)]
pub struct Settling<'a> {
    model: &'a Model,
    at: u64,
    rows: BTreeMap<RecordId, Seen>,
    gone: BTreeMap<RecordId, Option<ThingId>>,
    asked_keys: BTreeSet<u64>,
    asked_things: BTreeSet<ThingId>,
}

#[derive(Debug)]
struct Seen {
    row: Row,
    was: Option<ThingId>,
    /// What it is found by.
    keys: Vec<u64>,
    /// Whether it must be settled anew; the others are only there to be compared with.
    reached: bool,
}

impl<'a> Settling<'a> {
    /// Begins. `at` grows from call to call (the position in a log will do): the ids of new things are made from it.
    pub fn new(model: &'a Model, at: u64, changes: Vec<Change>) -> Self {
        let mut settling =
            Self { model, at, rows: BTreeMap::new(), gone: BTreeMap::new(), asked_keys: BTreeSet::new(), asked_things: BTreeSet::new() };
        for change in changes {
            // The last word on a record counts, and what it was comes from the first.
            let before = settling.rows.remove(&change.id).map_or_else(|| settling.gone.remove(&change.id), |seen| Some(seen.was));
            let was = before.unwrap_or(change.was);
            match change.now {
                Some(values) => settling.put(Row { id: change.id, values }, was, true),
                None => drop(settling.gone.insert(change.id, was)),
            }
        }
        settling
    }

    fn put(&mut self, row: Row, was: Option<ThingId>, reached: bool) {
        let keys = self.model.keys(&row);
        self.rows.insert(row.id.clone(), Seen { row, was, keys, reached });
    }

    /// What must be given before it can go on, or nothing when it is ready to finish.
    pub fn wants(&mut self) -> Option<Wanted> {
        self.reach();
        if self.rows.len() >= MOST {
            return None;
        }
        let reached = || self.rows.values().filter(|seen| seen.reached);
        let keys: BTreeSet<u64> =
            reached().flat_map(|seen| seen.keys.iter().copied()).filter(|key| !self.asked_keys.contains(key)).collect();
        let things = reached().filter_map(|seen| seen.was).chain(self.gone.values().flatten().copied());
        let things: BTreeSet<ThingId> = things.filter(|thing| !self.asked_things.contains(thing)).collect();
        if keys.is_empty() && things.is_empty() {
            return None;
        }
        self.asked_keys.extend(&keys);
        self.asked_things.extend(&things);
        Some(Wanted { keys: keys.into_iter().collect(), things: things.into_iter().collect() })
    }

    /// Takes what was asked for. What is known already, or is among the changes, is passed over.
    pub fn give(&mut self, placed: impl IntoIterator<Item = Placed>) {
        for placed in placed {
            if !self.rows.contains_key(&placed.row.id) && !self.gone.contains_key(&placed.row.id) {
                self.put(placed.row, Some(placed.thing), false);
            }
        }
    }

    /// Reaches the members of things that lost or changed a record, and whatever has more for than against being one with them.
    fn reach(&mut self) {
        let touched: BTreeSet<ThingId> = self
            .rows
            .values()
            .filter(|seen| seen.reached)
            .filter_map(|seen| seen.was)
            .chain(self.gone.values().flatten().copied())
            .collect();
        for seen in self.rows.values_mut() {
            seen.reached |= seen.was.is_some_and(|was| touched.contains(&was));
        }
        let rows: Vec<Row> = self.rows.values().map(|seen| seen.row.clone()).collect();
        let reached: Vec<bool> = self.rows.values().map(|seen| seen.reached).collect();
        let scored = self.scored(&rows, |a, b| reached[a as usize] || reached[b as usize]);
        let mut also = vec![false; rows.len()];
        for ((a, b), _) in scored {
            also[a as usize] = true;
            also[b as usize] = true;
        }
        for (seen, also) in self.rows.values_mut().zip(also) {
            seen.reached |= also;
        }
    }

    /// Pairs that share a key and have more for than against them.
    fn scored(&self, rows: &[Row], asked: impl Fn(u32, u32) -> bool) -> Vec<((u32, u32), f64)> {
        let mut postings: HashMap<u64, Vec<u32>> = HashMap::new();
        for (at, seen) in self.rows.values().enumerate() {
            for key in &seen.keys {
                postings.entry(*key).or_default().push(at as u32);
            }
        }
        let mut pairs = BTreeSet::new();
        for members in postings.values().filter(|members| !model::is_crowded(members.len())) {
            for (at, a) in members.iter().enumerate() {
                pairs.extend(members[at + 1..].iter().filter(|b| asked(*a, **b)).map(|b| (*a, *b)));
            }
        }
        let cells = self.model.cells(rows);
        let scored = pairs.into_iter().map(|(a, b)| ((a, b), self.model.bits(&cells, a, b)));
        scored.filter(|(_, bits)| *bits > 0.0).collect()
    }

    /// The new things, and what differs from the old ones.
    pub fn finish(self) -> Update {
        let rows: Vec<Row> = self.rows.values().filter(|seen| seen.reached).map(|seen| seen.row.clone()).collect();
        let place: HashMap<&RecordId, u32> = rows.iter().enumerate().map(|(at, row)| (&row.id, at as u32)).collect();
        let all: Vec<Row> = self.rows.values().map(|seen| seen.row.clone()).collect();
        let local = |at: u32| place.get(&all[at as usize].id).copied();
        let scored = self.scored(&all, |a, b| local(a).is_some() && local(b).is_some());
        let (pairs, scores): (Vec<(u32, u32)>, Vec<f64>) =
            scored.into_iter().filter_map(|((a, b), bits)| Some(((local(a)?, local(b)?), bits))).unzip();
        let cells = self.model.cells(&rows);
        let records = self.model.records(&rows);
        let clusters = cluster::grow(&cells, &pairs, &scores, self.model.weights());
        let edges = resolve::report(&records, &cells, self.model.weights(), &clusters).edges;
        let before: BTreeMap<RecordId, Option<ThingId>> =
            self.rows.into_iter().filter(|(_, seen)| seen.reached).map(|(id, seen)| (id, seen.was)).collect();
        let names: Vec<&RecordId> = before.keys().collect();
        let clusters = clusters.iter().map(|cluster| cluster.iter().map(|at| names[*at as usize].clone()).collect()).collect();
        Update { edges, ..ids::carry_over(self.at, &before, &self.gone, clusters) }
    }
}
