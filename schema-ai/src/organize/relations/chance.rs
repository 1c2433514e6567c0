//! How little it can be chance that all values of a column are among those of a key.

use crate::organize::normalize::{Column, Type};
use crate::organize::profile::{Format, Stats};

/// So many bits are no chance any more.
pub const NONE: f64 = 20.0;
/// One value says no more than this, however long it is.
const MOST: f64 = 8.0;
/// What one number says of a key whose numbers begin far from one, if it is called an id.
const FAR: f64 = 2.0;
/// A key begins far from one from here on.
const BEGINS: f64 = 1_000.0;

/// Bits that speak against chance: each value found there says as much as it would be rare to hit one.
pub fn bits(stats: &Stats, target: &Stats, compared: usize, id: f64) -> f64 {
    // Of values that the sketches leave out nothing is known.
    let values = (compared as f64).min(stats.sketch.distinct() as f64);
    values * one(target, id).min(apart(stats, target, id)).clamp(0.0, MOST)
}

/// What one value of a column says at most: among numbers that are close together the key's are as close at least.
fn apart(stats: &Stats, target: &Stats, id: f64) -> f64 {
    if is_number(target) && is_number(stats) { one(stats, 0.0) + far(target, id) } else { MOST }
}

/// The most bits that so many values can give, if hardly any of them is missing.
pub fn most_bits(target: &Stats, values: f64) -> f64 {
    values.min(target.sketch.distinct() as f64 / super::evidence::UNMISTAKABLE) * one(target, 1.0).clamp(0.0, MOST)
}

fn one(target: &Stats, id: f64) -> f64 {
    let known = target.sketch.distinct().max(1) as f64;
    if is_number(target) {
        let span = target.most - target.least + 1.0;
        return (span / known).max(1.0).log2() + far(target, id);
    }
    let mean = target.bytes as f64 / target.scalars().max(1) as f64;
    mean * 26_f64.log2() - known.log2()
}

fn is_number(stats: &Stats) -> bool {
    stats.least <= stats.most && stats.integers + stats.format(Format::Integer) > 0
}

fn far(target: &Stats, id: f64) -> f64 {
    if id > 0.0 && target.least >= BEGINS { FAR } else { 0.0 }
}

/// Whether a key is drawn from far more values than it has; what is counted from somewhere on is not, however far that is.
pub fn is_sparse(key: &Column, stats: &Stats) -> bool {
    match key.typed.kind {
        Type::Uuid => true,
        Type::Bigint => stats.most - stats.least > 2.0 * stats.sketch.distinct() as f64,
        _ => false,
    }
}
