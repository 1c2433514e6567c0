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
    let threshold = threshold(pairs, scores, &chosen, &partner);
    chosen.into_iter().filter(|at| scores[*at] >= threshold).map(|at| vec![pairs[at].0, pairs[at].1]).collect()
}

/// Where accepting more would cost more than it brings. Pairs with more for than against them are taken. Below that, what a
/// wrong partner scores is seen by asking records that have found theirs for their best among what is still free; how many
/// of the others have no partner at all follows from how many score as low as that.
fn threshold(pairs: &[(u32, u32)], scores: &[f64], chosen: &[usize], partner: &[Option<usize>]) -> f64 {
    let is_sure = |record: u32| partner[record as usize].is_some_and(|own| scores[own] > 0.0);
    let sure = chosen.iter().filter(|at| scores[**at] > 0.0).count();
    let mut best_wrong = vec![WEAKEST - 1.0; partner.len()];
    for (at, (a, b)) in pairs.iter().enumerate() {
        for (asks, free) in [(*a, *b), (*b, *a)] {
            if is_sure(asks) && !is_sure(free) {
                best_wrong[asks as usize] = best_wrong[asks as usize].max(scores[at]);
            }
        }
    }
    let mut wrong: Vec<f64> = chosen.iter().filter(|at| scores[**at] > 0.0).map(|at| best_wrong[pairs[*at].0 as usize]).collect();
    let unsure: Vec<f64> = chosen.iter().map(|at| scores[*at]).filter(|score| *score <= 0.0).collect();
    if wrong.len() < 20 || unsure.is_empty() {
        return 0.0;
    }
    wrong.sort_by(f64::total_cmp);
    let share_above = |score: f64| (wrong.len() - wrong.partition_point(|other| *other < score)) as f64 / wrong.len() as f64;
    let middle = wrong[wrong.len() / 2].max(WEAKEST);
    let low = unsure.iter().filter(|score| **score < middle).count() as f64;
    let alone = (low / (1.0 - share_above(middle)).max(0.1)).min(unsure.len() as f64);
    let matched = (sure + unsure.len()) as f64 - alone;
    let mut best = (2.0 * sure as f64 / (sure as f64 + matched), 0.0);
    for (rank, score) in unsure.iter().enumerate() {
        let right = (rank as f64 + 1.0 - alone * share_above(*score)).max(0.0);
        let merit = 2.0 * (sure as f64 + right) / ((sure + rank + 1) as f64 + matched);
        if merit > best.0 {
            best = (merit, *score);
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
