//! Resolution that goes on: things found before keep their ids, and only what new, changed and deleted records touch is
//! settled again. Nothing here reads or writes; whoever keeps the records answers [`Settling::wants`] until it wants no more.
//!
//! ```text
//! let model = Model::learn(&records);                      once, kept with the tenant; learnt again when the data has grown
//! let mut settling = Settling::new(&model, at, changes);
//! while let Some(wanted) = settling.wants() {              one or two turns
//!     settling.give(kept.sharing(wanted.keys).and_members(wanted.things));
//! }
//! let update = settling.finish();                          assignments, merges, splits, edges
//! ```
//!
//! The keeper indexes each record under [`Model::keys`] and, when asked, leaves out keys that more than [`CROWD`] records have.
//! Under one model the outcome is that of settling all records at once, in whatever portions and order they came, except where
//! a key became crowded in between or a settling reached [`MOST`] records.

mod ids;
mod index;
mod model;
mod settle;
#[cfg(test)]
mod tests;

use uuid::Uuid;

use super::Edge;

pub use index::Index;
pub use model::{Model, Scored};
pub use settle::Settling;

/// The name of a record among all records of its kind of thing, unique across sources: `integration/stream/key`.
pub type RecordId = String;
/// The name of a thing. It stays when records join or leave.
pub type ThingId = Uuid;

/// Records that may have a key before it says too little to ask for them.
pub const CROWD: usize = 400;
/// Records that one settling looks at; what lies beyond keeps its place.
pub const MOST: usize = 20_000;

/// A record's comparable values, in the order of [`Model::fields`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub id: RecordId,
    /// A value for each field.
    pub values: Vec<Option<String>>,
}

/// A record and the thing it was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The record.
    pub row: Row,
    /// The thing.
    pub thing: ThingId,
}

/// What happened to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record.
    pub id: RecordId,
    /// What thing it was, if it was known.
    pub was: Option<ThingId>,
    /// What it says now; nothing when it is gone.
    pub now: Option<Vec<Option<String>>>,
}

/// What a settling must see before it can go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Records that have one of these keys.
    pub keys: Vec<u64>,
    /// All records of these things.
    pub things: Vec<ThingId>,
}

/// What is to be written down.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Records that are of another thing than before, in order of their names.
    pub assignments: Vec<Assignment>,
    /// Records that are gone, and are of no thing any more.
    pub removed: Vec<RecordId>,
    /// Things that were one all along.
    pub merges: Vec<Merge>,
    /// Things that were several all along.
    pub splits: Vec<Split>,
    /// Things that have no records any more.
    pub emptied: Vec<ThingId>,
    /// Why the records of each touched thing are one.
    pub edges: Vec<Edge>,
}

/// A record's new place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The record.
    pub record: RecordId,
    /// The thing it was.
    pub from: Option<ThingId>,
    /// The thing it is.
    pub to: ThingId,
}

/// Several things have become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The thing that stays.
    pub into: ThingId,
    /// Those whose records it took, in full or in part.
    pub from: Vec<ThingId>,
}

/// One thing has become several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The thing that was.
    pub from: ThingId,
    /// Where its records are now; `from` itself is among them while it has any.
    pub into: Vec<ThingId>,
}
