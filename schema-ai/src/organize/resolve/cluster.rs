//! From weighed pairs to things. Two sources that are clean by themselves are linked one to one; otherwise clusters grow from
//! the surest pair down, and join only when their members agree on the whole.

use std::collections::HashMap;

use super::cells::Cells;
use super::compare;
use super::fields::Kind;
use super::weights::Weights;

/// Members of two clusters that are compared before they join.
const ASKED: usize = 6;

/// The lowest evidence, in bits, that a link between clean sources may rest on.
const WEAKEST: f64 = -14.0;

/// Each record has at most one partner in the other file.
pub fn one_to_one(pairs: &[(u32, u32)], scores: &[f64], count: usize) -> Vec<Vec<u32>> {
    let mut partner = vec![None; count];
    let mut chosen: Vec<usize> = Vec::new();
    for at in surest_first(scores) {
        let (a, b) = pairs[at];
        if scores[at] < WEAKEST {
            break;
        }
        if partner[a as usize].is_none() && partner[b as usize].is_none() {
            partner[a as usize] = Some(at);
            partner[b as usize] = Some(at);
            chosen.push(at);
        }
    }
    let sure = sure(pairs, scores, &partner);
    let threshold = threshold(pairs, scores, &chosen, &sure);
    let kept = chosen.into_iter().filter(|at| scores[*at] >= threshold || sure[pairs[*at].0 as usize]);
    kept.map(|at| vec![pairs[at].0, pairs[at].1]).collect()
}

/// Bits by which a partner must be better than all others to be sure.
const MARGIN: f64 = 4.0;

/// Records whose partner has more for it than against it, and far more than any other.
fn sure(pairs: &[(u32, u32)], scores: &[f64], partner: &[Option<usize>]) -> Vec<bool> {
    let mut second = vec![f64::NEG_INFINITY; partner.len()];
    for (at, (a, b)) in pairs.iter().enumerate() {
        for record in [*a as usize, *b as usize] {
            if partner[record] != Some(at) {
                second[record] = second[record].max(scores[at]);
            }
        }
    }
    let better = |own: usize| {
        let (a, b) = pairs[own];
        let other = second[a as usize].max(second[b as usize]);
        scores[own] > 0.0 && scores[own] - other >= MARGIN
    };
    partner.iter().map(|own| own.is_some_and(better)).collect()
}

/// Where accepting more would cost more than it brings. What a wrong partner scores is seen by asking records that have found
/// theirs for their best among what is still free; how many of the others have no partner at all follows from how many score
/// as low as that.
fn threshold(pairs: &[(u32, u32)], scores: &[f64], chosen: &[usize], sure: &[bool]) -> f64 {
    let mut best_wrong = vec![WEAKEST - 1.0; sure.len()];
    for (at, (a, b)) in pairs.iter().enumerate() {
        for (asks, free) in [(*a as usize, *b as usize), (*b as usize, *a as usize)] {
            if sure[asks] && !sure[free] {
                best_wrong[asks] = best_wrong[asks].max(scores[at]);
            }
        }
    }
    let (found, open): (Vec<usize>, Vec<usize>) = chosen.iter().partition(|at| sure[pairs[**at].0 as usize]);
    let mut wrong: Vec<f64> = found.iter().flat_map(|at| [best_wrong[pairs[*at].0 as usize], best_wrong[pairs[*at].1 as usize]]).collect();
    if found.len() < 20 || open.is_empty() {
        return 0.0;
    }
    wrong.sort_by(f64::total_cmp);
    let share_above = |score: f64| (wrong.len() - wrong.partition_point(|other| *other < score)) as f64 / wrong.len() as f64;
    let middle = wrong[wrong.len() / 2].max(WEAKEST);
    let low = open.iter().filter(|at| scores[**at] < middle).count() as f64;
    let alone = (low / (1.0 - share_above(middle)).max(0.1)).min(open.len() as f64);
    let sure = found.len() as f64;
    let matched = sure + open.len() as f64 - alone;
    let mut best = (2.0 * sure / (sure + matched), f64::INFINITY);
    for (rank, at) in open.iter().enumerate() {
        let right = (rank as f64 + 1.0 - alone * share_above(scores[*at])).max(0.0);
        let merit = 2.0 * (sure + right) / (sure + rank as f64 + 1.0 + matched);
        if merit > best.0 {
            best = (merit, scores[*at]);
        }
    }
    best.1
}

fn surest_first(scores: &[f64]) -> Vec<usize> {
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
}

impl Evidence {
    /// On the whole the members of both speak for being one, and so does what both are known to be. Where nothing but a name
    /// is the same, and something differs that one thing has only once, they are namesakes.
    fn agrees(&self, single_records: bool) -> bool {
        let namesakes = self.against < HARD && self.beyond < TELLING;
        !namesakes && (single_records || self.sum > 0.0 && self.whole > 0.0)
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
        if !found.agrees(left.len() + right.len() == 2) {
            return;
        }
        let only_by_name = found.beyond <= TELLING;
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
        let mut best: Vec<Option<(u8, f64)>> = vec![None; width];
        for a in left.iter().take(ASKED) {
            for b in right.iter().take(ASKED) {
                let row = compare::pair(self.cells, *a, *b);
                let mut pair = self.weights.prior;
                for (field, level) in row.iter().enumerate() {
                    let bits = self.weights.field_bits(self.cells, field, *a, *b, *level);
                    pair += bits;
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
        Evidence { sum, whole, against, beyond }
    }

    fn is_name(&self, field: usize) -> bool {
        match self.cells.fields[field].kind {
            Kind::GivenName | Kind::Surname | Kind::Alias => true,
            Kind::Name => self.cells.names.is_none(),
            Kind::Email | Kind::Phone | Kind::Company | Kind::Text | Kind::Code | Kind::Number | Kind::Category => false,
        }
    }

    /// Whether what both are known to be rules out that they are one.
    fn contradict(&self, left: &[u32], right: &[u32]) -> bool {
        let found = self.evidence(left, right);
        found.whole < RULED_OUT && found.against < HARD
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

/// Bits of a field that is no name from which it says who is meant.
const TELLING: f64 = 4.0;

/// Bits of a field in which one thing's records hardly ever differ.
const HARD: f64 = -5.0;

/// Bits within which it is undecided which of two is meant.
const UNDECIDED: f64 = 2.0;
