//! What changed in a stream since the start. Memory grows with the changes, never with the records.

use std::collections::{BTreeSet, HashMap};

use crate::{
    words::{Provider, Stream},
    world::{CLOCK_START_MS, World},
};

#[cfg(test)]
mod tests;

/// One record, before it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Which record.
    pub index: u64,
    /// How often it changed.
    pub revision: u32,
    /// When it was created, in milliseconds of sandbox time.
    pub created_ms: i64,
    /// When it changed last.
    pub updated_ms: i64,
    /// It is gone; still listed with a flag by the shop and the CRM.
    pub deleted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    revision: u32,
    updated_ms: i64,
    deleted: bool,
}

/// The records of a stream in the order of their last change.
#[derive(Debug)]
pub(crate) struct Timeline {
    world: World,
    stream: Stream,
    base: u64,
    created: Vec<i64>,
    changed: HashMap<u64, Change>,
    changed_base: BTreeSet<u64>,
    by_time: BTreeSet<(i64, u64)>,
}

impl Timeline {
    pub(crate) fn new(world: World, stream: Stream) -> Self {
        Self {
            world,
            stream,
            base: world.count(stream),
            created: Vec::new(),
            changed: HashMap::new(),
            changed_base: BTreeSet::new(),
            by_time: BTreeSet::new(),
        }
    }

    /// How many there ever were.
    pub(crate) fn ever(&self) -> u64 {
        self.base + self.created.len() as u64
    }

    /// A record as it is now.
    pub(crate) fn row(&self, index: u64) -> Row {
        let created_ms = match index.checked_sub(self.base) {
            None => self.world.created_ms(self.stream, index),
            Some(at) => usize::try_from(at).ok().and_then(|at| self.created.get(at)).copied().unwrap_or_default(),
        };
        let Some(change) = self.changed.get(&index) else {
            return Row { index, revision: 0, created_ms, updated_ms: self.world.touched_ms(self.stream, index), deleted: false };
        };
        Row { index, revision: change.revision, created_ms, updated_ms: change.updated_ms, deleted: change.deleted }
    }

    /// A new record.
    pub(crate) fn create(&mut self, now_ms: i64) {
        let index = self.ever();
        self.created.push(now_ms);
        self.put(index, Change { revision: 0, updated_ms: now_ms, deleted: false });
    }

    /// Changes a record, or deletes it. False if it is gone already.
    pub(crate) fn touch(&mut self, index: u64, now_ms: i64, deleted: bool) -> bool {
        let row = self.row(index);
        if row.deleted {
            return false;
        }
        self.by_time.remove(&(row.updated_ms, index));
        self.put(index, Change { revision: row.revision + 1, updated_ms: now_ms, deleted });
        if deleted && self.stream.provider() == Provider::Payments {
            self.by_time.remove(&(now_ms, index));
        }
        true
    }

    fn put(&mut self, index: u64, change: Change) {
        if index < self.base {
            self.changed_base.insert(index);
        }
        self.by_time.insert((change.updated_ms, index));
        self.changed.insert(index, change);
    }

    /// The first of the original records that was touched at `since` or later.
    fn first_since(&self, since_ms: i64) -> u64 {
        let (mut low, mut high) = (0, self.base);
        while low < high {
            let middle = low.midpoint(high);
            if self.world.touched_ms(self.stream, middle) < since_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// A slice of what changed at `since` or later, newest first, and how many there are in all.
    pub(crate) fn newest_first(&self, since_ms: i64, offset: u64, limit: usize) -> (Vec<Row>, u64) {
        let first = self.first_since(since_ms);
        let recent = self.by_time.range((since_ms, 0)..).count() as u64;
        let untouched = self.base - first - self.changed_base.range(first..).count() as u64;
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let newest = self.by_time.range((since_ms, 0)..).rev().skip(skip).map(|(_, index)| *index);
        let mut rows: Vec<Row> = newest.take(limit).map(|index| self.row(index)).collect();
        let mut below = self.base.saturating_sub(self.skipped(offset.saturating_sub(recent)));
        while rows.len() < limit && below > first {
            below -= 1;
            if !self.changed.contains_key(&below) {
                rows.push(self.row(below));
            }
        }
        (rows, recent + untouched)
    }

    /// How many original records must be passed, from the newest on, to pass so many untouched ones.
    fn skipped(&self, untouched: u64) -> u64 {
        let mut passed = untouched;
        for changed in self.changed_base.iter().rev() {
            if self.base - changed > passed {
                break;
            }
            passed += 1;
        }
        passed
    }

    /// What comes after this place, oldest first, and whether more follows.
    pub(crate) fn after(&self, place: Place, limit: usize) -> (Vec<Row>, bool) {
        let mut rows = Vec::with_capacity(limit.min(1001));
        let mut index = self.first_base(place);
        while rows.len() <= limit && index < self.base {
            if !self.changed.contains_key(&index) {
                rows.push(self.row(index));
            }
            index += 1;
        }
        let later = self.by_time.range(place.start()..).take(limit + 1 - rows.len().min(limit + 1));
        rows.extend(later.map(|(_, index)| self.row(*index)));
        let more = rows.len() > limit;
        rows.truncate(limit);
        (rows, more)
    }

    fn first_base(&self, place: Place) -> u64 {
        match place {
            Place::Since(ms) => self.first_since(ms),
            Place::Behind(ms, index) => self.first_since(ms).max(if ms < CLOCK_START_MS { index + 1 } else { 0 }),
        }
    }
}

/// Where a listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At this time, inclusive.
    Since(i64),
    /// Behind this record of this time.
    Behind(i64, u64),
}

impl Place {
    const fn start(self) -> (i64, u64) {
        match self {
            Self::Since(ms) => (ms, 0),
            Self::Behind(ms, index) => (ms, index + 1),
        }
    }
}
