//! Between two clean files a record has one partner at most. So whatever else is like it is another thing: one of the same series,
//! album or maker. What such pairs agree in and what they differ in tells the thing from its like.

use serde::{Deserialize, Serialize};

use super::compare::{LEVELS, MISSING};
use super::weights::PerLevel;

/// Pairs that lost to others, and how often each level came among them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Losers {
    counts: PerLevel,
    pairs: f64,
    /// The bits of each level against any pair.
    pub bits: PerLevel,
    /// How many there are among all pairs, in bits.
    pub prior: f64,
}

/// Pairs before anything follows.
const ENOUGH: f64 = 50.0;
/// Pairs that a level counts for before any was seen, spread as among any pairs.
const BEFORE: f64 = 5.0;
/// From here on it is as good as sure that one of the two has another partner.
const LOST: f64 = 0.5;

impl Losers {
    /// None yet.
    pub fn new(width: usize) -> Self {
        Self { counts: vec![[0.0; LEVELS]; width], pairs: 0.0, bits: Vec::new(), prior: 0.0 }
    }

    /// A pair of which at least one has another partner, this likely.
    pub fn add(&mut self, row: &[u8], lost: f64, step: f64) {
        if lost < LOST {
            return;
        }
        self.pairs += lost * step;
        for (field, level) in row.iter().enumerate().filter(|(_, level)| **level != MISSING) {
            self.counts[field][*level as usize] += lost;
        }
    }

    /// What follows, if there were enough of them.
    pub fn learnt(mut self, any: &PerLevel, all: f64) -> Option<Self> {
        if self.pairs < ENOUGH {
            return None;
        }
        self.prior = (self.pairs / all.max(1.0)).log2();
        let ratio = |counts: &[f64; LEVELS], any: &[f64; LEVELS]| {
            let whole: f64 = counts.iter().sum::<f64>() + BEFORE;
            std::array::from_fn(|level| ((counts[level] + BEFORE * any[level]) / whole / any[level]).log2().clamp(-12.0, 16.0))
        };
        self.bits = self.counts.iter().zip(any).map(|(counts, any)| ratio(counts, any)).collect();
        Some(self)
    }
}
