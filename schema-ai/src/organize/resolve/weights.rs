//! What each level of each field is worth, after Fellegi and Sunter: how often it comes among the same things against how
//! often among any two. Both are found in `learn`; here they are asked.

mod learn;

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::compare::{self, LEVELS, MISSING};
use super::fields::Kind;
use super::losers::Losers;
use super::people;
use super::variants;

/// Values that are given out once, so that a few records with one of them are rather one thing.
fn is_personal(kind: Kind) -> bool {
    matches!(kind, Kind::Email | Kind::Phone)
}

pub(super) type PerLevel = Vec<[f64; LEVELS]>;

/// The learnt weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weights {
    same: PerLevel,
    any: PerLevel,
    /// The bits that evidence must overcome.
    pub prior: f64,
    top: Vec<u8>,
    /// The bits of each level, when the value itself is not counted.
    bits: PerLevel,
    /// The bits of the highest level among the same things.
    same_bits: Vec<f64>,
    /// The bits of chance for a value that so many records have: of any, and of those that are given out once.
    chance: [Vec<f64>; 2],
    /// For values that are given out once: the bits that are left when one is the same and nothing else is known.
    #[serde(default)]
    sure: Vec<Option<f64>>,
    /// Whether what differs is mostly a slip here: first names are not of two people of one household, nor birthdays of namesakes.
    #[serde(default)]
    pub slips: bool,
    /// The bits that two records need of which nothing but the name agrees.
    #[serde(default)]
    pub by_name: f64,
    /// Between two clean files: what the partners look like that a record does not have, because it has another one.
    #[serde(default)]
    losers: Option<Losers>,
}

/// The bits below which a field speaks against.
pub(super) const AGAINST: f64 = -1.5;

/// What is left for two records that are two people.
const TWO_PEOPLE: f64 = -10.0;
/// What is left for two records that share nothing but what a household does.
const HOUSEHOLD: f64 = -1.0;
/// Records that one person may have with one address.
const OF_ONE: u32 = 12;

impl Weights {
    /// The evidence for a pair in bits, the prior taken off.
    pub fn bits(&self, cells: &Cells, a: u32, b: u32, row: &[u8]) -> f64 {
        let sum = self.prior + (0..row.len()).map(|field| self.field_bits(cells, field, a, b, row[field])).sum::<f64>();
        let sum = sum - self.rivalled(cells, a, b, row);
        match () {
            () if self.two_people(cells, (a, b), row) => sum.min(TWO_PEOPLE),
            () if !self.slips && people::only_a_household(cells, row) => sum.min(HOUSEHOLD),
            () => sum,
        }
    }

    /// The bits by which a pair is as well explained as two things that are only alike: of one series, one album, one maker.
    fn rivalled(&self, cells: &Cells, a: u32, b: u32, row: &[u8]) -> f64 {
        let Some(losers) = &self.losers else { return 0.0 };
        let bits = |field: usize| losers.bits[field][row[field] as usize] + self.exactly(cells, field, a, b, row[field]).unwrap_or(0.0);
        let known = (0..row.len()).filter(|field| row[*field] != MISSING);
        (1.0 + odds(losers.prior + known.map(bits).sum::<f64>())).log2()
    }

    /// What a value that is the same says beyond that it is the same: a rare one more than a frequent one.
    fn exactly(&self, cells: &Cells, field: usize, a: u32, b: u32, level: u8) -> Option<f64> {
        let exact = level == self.top[field] && level > 1 && cells.fields[field].place.is_some();
        exact.then(|| self.any[field][level as usize].log2() - self.chance_of(cells, field, a, b))
    }

    fn chance_of(&self, cells: &Cells, field: usize, a: u32, b: u32) -> f64 {
        let often = |record: u32| cells.columns[field][record as usize].as_ref().map_or(1, |cell| cell.frequency as usize);
        let chance = &self.chance[usize::from(is_personal(cells.fields[field].kind))];
        chance.get(often(a).max(often(b))).or(chance.last()).copied().unwrap_or(0.0)
    }

    /// Whether two records are of two people, or of two variants of one product, whatever else they share.
    pub fn two_people(&self, cells: &Cells, pair: (u32, u32), row: &[u8]) -> bool {
        !self.slips && (people::differ(cells, pair, row) || variants::differ(cells, pair.0, pair.1))
    }

    /// What one field at this level says, in bits.
    pub fn field_bits(&self, cells: &Cells, field: usize, a: u32, b: u32, level: u8) -> f64 {
        if level == MISSING {
            return 0.0;
        }
        let exact = level == self.top[field] && level > 1 && cells.fields[field].place.is_some();
        if !exact {
            return self.bits[field][level as usize];
        }
        let often_at_most = |record: u32| cells.columns[field][record as usize].as_ref().map_or(1, |cell| cell.frequency);
        if let Some(sure) = self.sure.get(field).copied().flatten()
            && often_at_most(a).max(often_at_most(b)) <= OF_ONE
        {
            return sure - self.prior;
        }
        // A rare value in common says more than a frequent one.
        (self.same_bits[field] - self.chance_of(cells, field, a, b)).clamp(-12.0, 16.0)
    }

    /// The evidence for each pair.
    pub fn score(&self, cells: &Cells, pairs: &[(u32, u32)], levels: &[u8]) -> Vec<f64> {
        let width = cells.fields.len().max(1);
        pairs.iter().zip(levels.chunks(width)).map(|((a, b), row)| self.bits(cells, *a, *b, row)).collect()
    }

    /// The evidence for one pair, and what each field gave.
    pub fn explain(&self, cells: &Cells, a: u32, b: u32) -> (f64, Vec<(String, f64)>) {
        let row = compare::pair(cells, a, b);
        let alike = Some(("others are as alike".to_owned(), -self.rivalled(cells, a, b, &row)));
        let why = (0..row.len()).map(|field| (cells.fields[field].name.clone(), self.field_bits(cells, field, a, b, row[field])));
        let two = self
            .two_people(cells, (a, b), &row)
            .then(|| (if cells.names.is_some() { "two first names" } else { "two variants" }.to_owned(), TWO_PEOPLE));
        let why: Vec<(String, f64)> = why.chain(alike).filter(|(_, bits)| bits.abs() > 0.05).chain(two).collect();
        (self.bits(cells, a, b, &row), why)
    }
}

fn odds(bits: f64) -> f64 {
    bits.clamp(-60.0, 60.0).exp2()
}

/// How likely, from bits.
pub fn probability(bits: f64) -> f64 {
    1.0 / (1.0 + (-bits.clamp(-60.0, 60.0)).exp2())
}
