//! From weighed pairs to things. Two sources that are clean by themselves are linked one to one; otherwise clusters grow from
//! the surest pair down, and join only when their members agree on the whole.

use std::collections::HashMap;

use super::cells::Cells;
use super::compare;
use super::records::Records;
use super::weights::Weights;

/// Members of two clusters that are compared before they join.
const ASKED: usize = 6;

/// Each record has at most one partner in the other file.
pub fn one_to_one(pairs: &[(u32, u32)], scores: &[f64], _weights: &Weights) -> Vec<Vec<u32>> {
    let mut taken = std::collections::HashSet::new();
    let mut chosen = Vec::new();
    for at in surest_first(scores) {
        let (a, b) = pairs[at];
        if scores[at] <= 0.0 {
            break;
        }
        if taken.contains(&a) || taken.contains(&b) {
            continue;
        }
        taken.insert(a);
        taken.insert(b);
        chosen.push(vec![a, b]);
    }
    chosen
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
