//! From weighed pairs to things: clusters grow from the surest pair down, and join only when their members agree on the whole.

use std::collections::HashMap;

use super::cells::Cells;
use super::compare;
use super::fields::Kind;
use super::people::{self, TELLING};
use super::weights::{AGAINST, Weights};

/// Members of two clusters that are compared before they join.
const ASKED: usize = 6;

pub(super) fn surest_first(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
}

/// Clusters of any size.
pub fn grow(cells: &Cells, pairs: &[(u32, u32)], scores: &[f64], weights: &Weights) -> Vec<Vec<u32>> {
    let mut growing = Growing {
        cells,
        weights,
        near: near(cells.count, pairs, scores),
        home: (0..cells.count as u32).collect(),
        members: HashMap::new(),
    };
    for at in surest_first(scores) {
        if scores[at] <= 0.0 {
            break;
        }
        growing.consider(pairs[at], scores[at]);
    }
    let mut clusters: Vec<Vec<u32>> = growing.members.into_values().collect();
    for cluster in &mut clusters {
        cluster.sort_unstable();
    }
    clusters.sort();
    clusters
}

/// For each record, those that more speaks for than against being the same, and how much.
fn near(count: usize, pairs: &[(u32, u32)], scores: &[f64]) -> Vec<Vec<(u32, f64)>> {
    let mut near = vec![Vec::new(); count];
    for ((a, b), score) in pairs.iter().zip(scores).filter(|(_, score)| **score > 0.0) {
        near[*a as usize].push((*b, *score));
        near[*b as usize].push((*a, *score));
    }
    near
}

/// What two clusters have for and against being one, in bits.
struct Evidence {
    /// Of all pairs of their records.
    sum: f64,
    /// Of the best agreement in each field.
    whole: f64,
    /// Of the field in which they differ most.
    against: f64,
    /// Of the field that speaks for it most and is no name.
    beyond: f64,
    /// Pairs of records that are two people, less those of one first name.
    people: i32,
}

impl Evidence {
    /// On the whole the members of both speak for being one, and so does what both are known to be. Where nothing but a name
    /// is the same, and something differs that one thing has only once, they are namesakes.
    /// Where what differs is mostly a slip, pairs that differ say little.
    fn agrees(&self, single_records: bool, slips: bool) -> bool {
        let namesakes = self.against < HARD && self.beyond < TELLING;
        !namesakes && self.people <= 0 && (single_records || (slips || self.sum > 0.0) && self.whole > 0.0)
    }
}

struct Growing<'a> {
    cells: &'a Cells,
    weights: &'a Weights,
    near: Vec<Vec<(u32, f64)>>,
    home: Vec<u32>,
    members: HashMap<u32, Vec<u32>>,
}

impl Growing<'_> {
    fn consider(&mut self, (a, b): (u32, u32), score: f64) {
        let (a, b) = (self.home[a as usize], self.home[b as usize]);
        if a == b {
            return;
        }
        let (left, right) = (self.list(a), self.list(b));
        let found = self.evidence(&left, &right);
        if !found.agrees(left.len() + right.len() == 2, self.weights.slips) {
            return;
        }
        let only_by_name = found.beyond <= TELLING;
        if only_by_name && score < self.weights.by_name {
            return;
        }
        if only_by_name && (self.torn(&left, &right, score) || self.torn(&right, &left, score)) {
            return;
        }
        let moved = self.members.remove(&b).unwrap_or_else(|| vec![b]);
        for record in &moved {
            self.home[*record as usize] = a;
        }
        self.members.entry(a).or_insert_with(|| vec![a]).extend(moved);
    }

    fn list(&self, at: u32) -> Vec<u32> {
        self.members.get(&at).cloned().unwrap_or_else(|| vec![at])
    }

    /// The bits of all pairs, and those of the best agreement in each field: a thing has several addresses, but its records
    /// repeat one name, and repeating says nothing new.
    fn evidence(&self, left: &[u32], right: &[u32]) -> Evidence {
        let width = self.cells.fields.len();
        let mut sum = 0.0;
        let mut people = 0;
        let mut best: Vec<Option<(u8, f64)>> = vec![None; width];
        for a in left.iter().take(ASKED) {
            for b in right.iter().take(ASKED) {
                let row = compare::pair(self.cells, *a, *b);
                people += i32::from(self.weights.two_people(self.cells, (*a, *b), &row)) - i32::from(people::same_given(self.cells, &row));
                let pair = self.weights.bits(self.cells, *a, *b, &row);
                for (field, level) in row.iter().enumerate() {
                    let bits = self.weights.field_bits(self.cells, field, *a, *b, *level);
                    if *level != compare::MISSING && best[field].is_none_or(|(other, most)| (*level, bits) > (other, most)) {
                        best[field] = Some((*level, bits));
                    }
                }
                sum += pair.clamp(-20.0, 20.0);
            }
        }
        let whole = self.weights.prior + best.iter().flatten().map(|(_, bits)| bits).sum::<f64>();
        let against = best.iter().flatten().filter(|(level, _)| *level == 0).map(|(_, bits)| *bits).fold(0.0, f64::min);
        let telling = (0..width).filter(|field| !self.is_name(*field)).filter_map(|field| best[field]);
        let beyond = telling.map(|(_, bits)| bits).fold(0.0, f64::max);
        Evidence { sum, whole, against, beyond, people }
    }

    fn is_name(&self, field: usize) -> bool {
        match self.cells.fields[field].kind {
            Kind::GivenName | Kind::Surname | Kind::Alias => true,
            Kind::Name => self.cells.names.is_none(),
            Kind::Email | Kind::Phone | Kind::Company | Kind::Employer | Kind::Text | Kind::Code | Kind::Number | Kind::Category => false,
        }
    }

    /// Whether what both are known to be rules out that they are one.
    fn contradict(&self, left: &[u32], right: &[u32]) -> bool {
        let found = self.evidence(left, right);
        let doubtful = !self.weights.slips && found.beyond < TELLING && found.against < AGAINST;
        doubtful || found.whole < RULED_OUT && found.against < HARD
    }

    /// Whether `left` might as well belong to others that cannot be one with `right`: two people of one name, and nothing
    /// that says which of them this is.
    fn torn(&self, left: &[u32], right: &[u32], score: f64) -> bool {
        let mut rivals: Vec<u32> = Vec::new();
        for record in left.iter().take(ASKED) {
            let close = self.near[*record as usize].iter().filter(|(_, other)| *other > score - UNDECIDED);
            rivals.extend(close.map(|(other, _)| self.home[*other as usize]));
        }
        rivals.sort_unstable();
        rivals.dedup();
        let (own, theirs) = (self.home[left[0] as usize], self.home[right[0] as usize]);
        rivals.into_iter().filter(|rival| *rival != own && *rival != theirs).any(|rival| {
            let rival = self.list(rival);
            self.contradict(&rival, right) && self.evidence(&rival, left).whole > 0.0
        })
    }
}

/// Bits below which two things are not one, however alike they are in name.
const RULED_OUT: f64 = -3.0;

/// Bits of a field in which one thing's records hardly ever differ.
const HARD: f64 = -5.0;

/// Bits within which it is undecided which of two is meant.
const UNDECIDED: f64 = 2.0;
