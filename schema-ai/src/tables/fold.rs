//! Which of several states of a record wins: the newest version; of equal ones, and where there is none, the later in the log.

use syncline_model::{Op, log::Logged};

use super::{
    by_key::KeyMap,
    flatten::{Parts, flatten},
    port::Applied,
    schema::Schema,
};

/// What the tables know of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// There is a row for it; otherwise it is gone for good.
    pub exists: bool,
    /// The newest version that was ever seen.
    pub version: Option<i128>,
}

/// The record after the events of a batch, as far as they concern it.
pub(crate) struct Pending<'a> {
    /// The newest version that was ever seen.
    pub version: Option<i128>,
    /// There is a row for it.
    pub exists: bool,
    /// What to write, unless nothing but a deletion came.
    pub parts: Option<Parts<'a>>,
    /// It ends deleted.
    pub deleted: bool,
    /// The first event that won, and the last.
    pub won: Option<(&'a Logged, &'a Logged)>,
}

/// An event whose record cannot be used, and why.
pub(crate) type Unusable<'a> = (&'a Logged, String);

/// The records of one stream that a batch concerns, in the order in which they came.
pub(crate) struct Fold<'a> {
    pub table: usize,
    pub records: Vec<(&'a str, Pending<'a>)>,
    pub unusable: Vec<Unusable<'a>>,
    index: KeyMap<'a, usize>,
}

impl<'a> Fold<'a> {
    pub fn new(table: usize) -> Self {
        Self { table, records: Vec::new(), unusable: Vec::new(), index: KeyMap::default() }
    }

    /// Takes one event in. What the tables know of its record is asked once.
    pub fn take<E>(
        &mut self,
        schema: &mut Schema,
        logged: &'a Logged,
        applied: &mut Applied,
        known: impl FnOnce(&Schema, &'a str) -> Result<Option<Known>, E>,
    ) -> Result<(), E> {
        let (event, key) = (&logged.event, logged.event.key.as_str());
        let at = match self.index.get(key) {
            Some(&at) => at,
            None => self.begin(key, known(schema, key)?),
        };
        let record = &mut self.records[at].1;
        let version = event.version.map(|version| version.0);
        if !wins(record.version, version) {
            applied.outdated += 1;
            return Ok(());
        }
        if event.op == Op::Upsert {
            match flatten(schema, self.table, key, &event.body) {
                Ok(parts) => record.parts = Some(parts),
                Err(error) => {
                    applied.rejected += 1;
                    self.unusable.push((logged, format!("the record is not JSON: {error}")));
                    return Ok(());
                }
            }
        }
        record.deleted = event.op == Op::Delete;
        record.version = record.version.max(version);
        record.won = Some((record.won.map_or(logged, |(first, _)| first), logged));
        Ok(())
    }

    fn begin(&mut self, key: &'a str, known: Option<Known>) -> usize {
        let Known { exists, version } = known.unwrap_or(Known { exists: false, version: None });
        self.records.push((key, Pending { version, exists, parts: None, deleted: false, won: None }));
        self.index.insert(key, self.records.len() - 1);
        self.records.len() - 1
    }
}

/// A state of this version replaces one of that version.
pub(crate) fn wins(known: Option<i128>, new: Option<i128>) -> bool {
    match (known, new) {
        (Some(known), Some(new)) => new >= known,
        (None, _) | (_, None) => true,
    }
}
