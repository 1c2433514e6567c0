//! Two sources that are clean by themselves are linked one to one. Where to stop is learnt from the partners that were not taken:
//! a record has one partner at most, so its second best is another thing, and shows what a wrong partner scores.

use super::cluster::surest_first;
use super::records::Records;
use super::weights::probability;

/// The lowest evidence, in bits, that a link may rest on.
const WEAKEST: f64 = -14.0;
/// Records that must be asked before anything is learnt from their second best.
const ENOUGH: usize = 20;

/// The bits below which a partner is too unlikely, where records mostly have none.
const UNLIKELY: f64 = -9.0;

/// The part of the smaller file from which on nearly all have a partner.
const NEARLY_ALL: f64 = 0.8;

/// What an expected F1 may be less and still count as good.
const AS_GOOD: f64 = 0.02;

/// Each record has at most one partner in the other file.
pub fn one_to_one(records: &Records, pairs: &[(u32, u32)], scores: &[f64]) -> Vec<Vec<u32>> {
    let mut taken = vec![false; records.count()];
    let mut chosen: Vec<usize> = Vec::new();
    let mut wrong = vec![WEAKEST; records.count()];
    for at in surest_first(scores) {
        if scores[at] < WEAKEST {
            break;
        }
        let (a, b) = (pairs[at].0 as usize, pairs[at].1 as usize);
        if taken[a] || taken[b] {
            wrong[a] = wrong[a].max(scores[at]);
            wrong[b] = wrong[b].max(scores[at]);
            continue;
        }
        (taken[a], taken[b]) = (true, true);
        chosen.push(at);
    }
    let found: Vec<f64> = chosen.iter().map(|at| scores[*at]).collect();
    let smaller = records.second.map_or(1, |second| second.min(records.count() - second));
    let threshold = threshold(&found, wrong, smaller);
    let kept = chosen.into_iter().filter(|at| scores[*at] >= threshold);
    kept.map(|at| vec![pairs[at].0, pairs[at].1]).collect()
}

/// Where accepting more would cost more than it brings. `found` is from the best down, `wrong` holds what each record's best other
/// partner scores. How many of the found are wrong follows from how many score as low as wrong partners do.
fn threshold(found: &[f64], mut wrong: Vec<f64>, smaller: usize) -> f64 {
    wrong.retain(|score| *score > WEAKEST);
    if wrong.len() < ENOUGH {
        return 0.0;
    }
    let share = partnered(found, smaller);
    let floor = UNLIKELY + (1.0 - share).log2();
    wrong.retain(|score| *score >= floor);
    if wrong.len() < ENOUGH {
        return floor;
    }
    wrong.sort_by(f64::total_cmp);
    let found = &found[..found.iter().take_while(|score| **score >= floor).count()];
    let alone = alone(found, &wrong, share);
    let there = found.len() as f64 - alone;
    let worth = |(rank, score): (usize, &f64)| {
        let taken = rank as f64 + 1.0;
        let right = (taken - alone * share_above(&wrong, *score)).max(0.0);
        2.0 * right / (taken + there.max(right))
    };
    let best = found.iter().enumerate().map(worth).fold(0.0, f64::max);
    // The estimate is not exact; of what is as good, the most links.
    let last = (0..found.len()).rev().find(|rank| worth((*rank, &found[*rank])) >= best - AS_GOOD);
    last.map_or(f64::INFINITY, |rank| found[rank])
}

fn share_above(wrong: &[f64], score: f64) -> f64 {
    (wrong.len() - wrong.partition_point(|other| *other < score)) as f64 / wrong.len() as f64
}

/// How many of the found are wrong. Where few have a partner, wrong ones are counted below a high place of what wrong ones score;
/// where nearly all have, right ones reach down there, and the middle must do.
fn alone(found: &[f64], wrong: &[f64], share: f64) -> f64 {
    let below = |place: usize| {
        let cut = wrong[place];
        let low = found.iter().filter(|score| **score < cut).count() as f64;
        (low / (1.0 - share_above(wrong, cut)).max(0.1)).clamp(1.0, found.len().max(1) as f64)
    };
    let nearly_all = (share / NEARLY_ALL).min(1.0);
    below(wrong.len() / 2).powf(nearly_all) * below(wrong.len() * 3 / 4).powf(1.0 - nearly_all)
}

/// The part of the smaller file that has a partner. The more of it have one, the likelier is the best of those that are left for a
/// record that has none yet, however little it agrees.
fn partnered(found: &[f64], smaller: usize) -> f64 {
    let mut share: f64 = 0.0;
    for _ in 0..20 {
        let bits = -(1.0 - share).log2();
        share = (found.iter().map(|score| probability(score + bits)).sum::<f64>() / smaller.max(1) as f64).min(0.99);
    }
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right links score around 10, wrong ones around -4; `matched` of the hundred have a partner.
    fn drawn(matched: usize) -> (Vec<f64>, Vec<f64>) {
        let spread = |at: usize| (at * 37 % 100) as f64 / 10.0 - 5.0;
        let mut found: Vec<f64> = (0..matched).map(|at| 10.0 + spread(at)).chain((matched..100).map(|at| spread(at) - 4.0)).collect();
        found.sort_by(|a, b| b.total_cmp(a));
        (found, (0..200).map(|at| spread(at * 3 + 1) - 4.0).collect())
    }

    #[test]
    fn the_threshold_parts_right_from_wrong_partners_however_many_have_one() {
        for matched in [5, 30, 60, 90, 100] {
            let (found, wrong) = drawn(matched);
            let threshold = threshold(&found, wrong, 100);
            let kept = found.iter().filter(|score| **score >= threshold).count();
            let worth = 2.0 * kept.min(matched) as f64 / (kept + matched) as f64;
            assert!(worth >= 0.95, "{kept} of {matched} kept at {threshold}");
        }
    }

    #[test]
    fn a_partner_of_which_nothing_agrees_is_none_however_few_of_them_there_are() {
        let found: Vec<f64> =
            (0..100).map(|at| 30.0 - f64::from(at) / 10.0).chain((0..20).map(|at| -10.0 - f64::from(at) / 10.0)).collect();
        let wrong = (0..100).map(|at| -11.0 - f64::from(at) / 50.0).collect();
        assert!(threshold(&found, wrong, 300) > -10.0);
    }
}
