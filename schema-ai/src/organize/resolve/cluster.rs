//! From weighed pairs to things. Two sources that are clean by themselves are linked one to one; otherwise clusters grow from
//! the surest pair down, and join only when their members agree on the whole.

use std::collections::HashMap;

use super::cells::Cells;
use super::compare;
use super::records::Records;
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
pub fn grow(cells: &Cells, _records: &Records, pairs: &[(u32, u32)], scores: &[f64], weights: &Weights) -> Vec<Vec<u32>> {
    let mut home: Vec<u32> = (0..cells.count as u32).collect();
    let mut members: HashMap<u32, Vec<u32>> = HashMap::new();
    for at in surest_first(scores) {
        if scores[at] <= 0.0 {
            break;
        }
        let (a, b) = (home[pairs[at].0 as usize], home[pairs[at].1 as usize]);
        if a == b || !agree(cells, weights, &list(&members, a), &list(&members, b)) {
            continue;
        }
        let moved = members.remove(&b).unwrap_or_else(|| vec![b]);
        for record in &moved {
            home[*record as usize] = a;
        }
        members.entry(a).or_insert_with(|| vec![a]).extend(moved);
    }
    let mut clusters: Vec<Vec<u32>> = members.into_values().collect();
    for cluster in &mut clusters {
        cluster.sort_unstable();
    }
    clusters.sort();
    clusters
}

fn list(members: &HashMap<u32, Vec<u32>>, at: u32) -> Vec<u32> {
    members.get(&at).cloned().unwrap_or_else(|| vec![at])
}

/// On the whole, the members of both speak for being one.
fn agree(cells: &Cells, weights: &Weights, left: &[u32], right: &[u32]) -> bool {
    if left.len() == 1 && right.len() == 1 {
        return true;
    }
    let mut sum = 0.0;
    for a in left.iter().take(ASKED) {
        for b in right.iter().take(ASKED) {
            sum += weights.bits(cells, *a, *b, &compare::pair(cells, *a, *b)).clamp(-20.0, 20.0);
        }
    }
    sum > 0.0
}
