//! Which keys may hold a column's values at all, found by the values themselves: so that planning does not compare each column with
//! each table. Keys that are counted from one on are left to `counted`.

use super::evidence::CONTAINED;
use super::{Target, counted};
use crate::organize::profile::Stats;

/// The hashes of all keys' values.
pub(super) struct Index {
    /// A hash and the key that holds it, in order.
    held: Vec<(u64, u32)>,
    /// Keys of which only a sample is known: what is not in it may still be theirs.
    sampled: Vec<u32>,
}

impl Index {
    /// Of these keys.
    pub fn of(targets: &[Target<'_>]) -> Self {
        let mut held = Vec::new();
        let mut sampled = Vec::new();
        for (at, target) in targets.iter().enumerate().filter(|(_, target)| !counted::is_silent(target.stats, f64::MAX)) {
            let at = at as u32;
            if target.stats.sketch.is_exact() {
                held.extend(target.stats.sketch.entries().map(|(hash, _)| (hash, at)));
            } else {
                sampled.push(at);
            }
        }
        held.sort_unstable();
        Self { held, sampled }
    }

    /// The keys that may contain this column, of those that may be meant. If so many of its values are missing as are asked for here, the
    /// rest cannot be enough.
    pub fn candidates(&self, column: &Stats, may_be: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut hashes: Vec<u64> = column.sketch.entries().map(|(hash, _)| hash).collect();
        hashes.sort_unstable();
        // Upwards, because 0.8 is not exactly that: one too many is looked up rather than one too few.
        let spared = (hashes.len() as f64 * (1.0 - CONTAINED)).ceil() as usize;
        let mut found: Vec<u32> = self.sampled.iter().copied().filter(|at| may_be(*at)).collect();
        for hash in hashes.into_iter().take(spared + 1) {
            let from = self.held.partition_point(|(held, _)| *held < hash);
            let held = self.held[from..].iter().take_while(|(held, _)| *held == hash);
            found.extend(held.map(|(_, at)| *at).filter(|at| may_be(*at)));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
