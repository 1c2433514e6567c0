//! HyperLogLog with 4,096 registers: how many different values, within two percent, in 4 KB.

use serde::{Deserialize, Serialize};

const BITS: u32 = 12;

/// The registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperLogLog(Vec<u8>);

impl Default for HyperLogLog {
    fn default() -> Self {
        Self(vec![0; 1 << BITS])
    }
}

impl HyperLogLog {
    /// Counts a hashed value.
    pub fn add(&mut self, hash: u64) {
        let register = (hash >> (64 - BITS)) as usize;
        let rank = (hash << BITS | 1 << (BITS - 1)).leading_zeros() as u8 + 1;
        self.0[register] = self.0[register].max(rank);
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// The estimate, with linear counting while many registers are empty.
    pub fn estimate(&self) -> u64 {
        let registers = self.0.len() as f64;
        let sum: f64 = self.0.iter().map(|rank| 0.5_f64.powi(i32::from(*rank))).sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        let empty = self.0.iter().map(|rank| usize::from(*rank == 0)).sum::<usize>();
        if raw > 2.5 * registers || empty == 0 {
            return raw as u64;
        }
        (registers * (registers / empty as f64).ln()) as u64
    }
}
