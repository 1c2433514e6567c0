//! What a stream looks like: every record is walked once, every path is counted, memory stays bounded.
//! A profile is a value: two of them merge into the profile of both streams together.

pub mod files;
pub mod format;
pub mod hash;
pub mod hll;
pub mod json;
pub mod kinds;
pub mod sketch;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod trie;
mod walk;

pub use format::Format;
pub use kinds::Kind;
pub use stats::Stats;
pub use trie::{Node, NodeId, Step};

use serde::{Deserialize, Serialize};

/// Paths one stream may have before new ones are counted together.
pub const MOST_PATHS: usize = 20_000;
/// Keys of one object before it is asked whether it is a map.
const MAP_SUSPECT: usize = 256;
/// Hashes a path keeps while a stream has few paths, and once it has many.
const WIDE_SKETCH: usize = 1_024;
const NARROW_SKETCH: usize = 128;
/// Paths after which each keeps the smaller sketch.
const MANY_PATHS: usize = 1_000;

/// Everything known about one stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    /// Records read whole.
    pub records: u64,
    /// Records that are not JSON objects, or not JSON.
    pub malformed: u64,
    /// Paths that were counted together because there were too many.
    pub folded: u64,
    /// True for CSV, where every value is text until its format says otherwise.
    pub untyped: bool,
    nodes: Vec<Node>,
    sketch_size: usize,
}

impl Default for Profile {
    fn default() -> Self {
        Self { records: 0, malformed: 0, folded: 0, untyped: false, nodes: vec![Node::root()], sketch_size: WIDE_SKETCH }
    }
}

impl Profile {
    /// For a source that writes every value as text.
    pub fn untyped() -> Self {
        Self { untyped: true, ..Self::default() }
    }

    /// The node of the record itself.
    pub fn root(&self) -> &Node {
        &self.nodes[0]
    }

    /// A node by its number.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// Looks at one record, which must be a JSON object.
    pub fn record(&mut self, line: &[u8]) -> Result<(), json::Malformed> {
        let seen = walk::walk(self, line);
        match seen {
            Ok(()) => self.records += 1,
            Err(_) => self.malformed += 1,
        }
        seen
    }

    /// Adds what another profile of the same stream has seen.
    pub fn merge(&mut self, other: &Profile) {
        self.records += other.records;
        self.malformed += other.malformed;
        self.folded += other.folded;
        self.untyped |= other.untyped;
        if other.sketch_size < self.sketch_size {
            self.narrow(other.sketch_size);
        }
        trie::merge_from(self, 0, other, 0);
    }

    fn narrow(&mut self, size: usize) {
        self.sketch_size = size;
        for node in &mut self.nodes {
            node.stats.sketch.narrow(size);
            node.keys.narrow(size);
        }
    }
}
