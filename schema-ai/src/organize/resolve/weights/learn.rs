//! Learns the weights: how often each level comes among any two is counted on random pairs, and how often among the same things is
//! learnt by expectation and maximization.

use super::{PerLevel, Weights, is_personal, odds, probability};
use crate::organize::resolve::cells::Cells;
use crate::organize::resolve::compare::{self, LEVELS, MISSING};
use crate::organize::resolve::fields::Kind;
use crate::organize::resolve::losers::Losers;
use crate::organize::resolve::people;
use crate::organize::resolve::records::Records;

/// Random pairs that are looked at.
const RANDOM: usize = 60_000;
/// Turns of the expectation and the maximization.
const TURNS: usize = 25;

/// Records of one thing that may share its mail address before the address looks shared by many things.
const FAMILY: f64 = 6.0;

/// Pairs that are learnt from; more would change little.
const LEARNT: usize = 300_000;

/// Matches that what was known before a turn counts for, so that a few do not turn everything.
const BEFORE: f64 = 10.0;

/// The most bits that a name alone ever needs.
const BY_NAME: f64 = 7.0;
/// Odds, in bits, of several people to one person of a name, up to which a name needs nothing more; about 7 in a hundred.
const HARMLESS: f64 = 3.7;
/// Bits that a name needs for each bit of those odds beyond.
const STEEP: f64 = 2.9;

impl Weights {
    /// Learns from the candidate pairs and from random ones.
    pub fn learn(cells: &Cells, records: &Records, pairs: &[(u32, u32)], levels: &[u8]) -> Self {
        let any = random(cells, records);
        let width = cells.fields.len();
        let top: Vec<u8> = (0..width)
            .map(|field| levels.iter().skip(field).step_by(width).filter(|level| **level != MISSING).max().copied().unwrap_or(1))
            .collect();
        let expected = cells.count as f64 * if records.linked() { 0.35 } else { 0.3 };
        let prior = (expected / records.all_pairs().max(1.0)).log2();
        let most = cells.columns.iter().flatten().flatten().map(|cell| cell.frequency as usize).max().unwrap_or(1);
        let chance = |spared: f64| (0..=most).map(|often| ((often as f64 - spared).max(0.5) / cells.count as f64).log2()).collect();
        let sure = (0..width).map(|field| sure(cells, field, top[field], levels)).collect();
        let slips = people::slip(cells, pairs, levels, &top) || people::slip_of_codes(cells, pairs, levels, &any);
        let chance = [chance(0.0), chance(FAMILY)];
        let mut weights = Self {
            same: start(&top),
            any,
            prior,
            top,
            bits: Vec::new(),
            same_bits: Vec::new(),
            chance,
            sure,
            slips,
            by_name: 0.0,
            losers: None,
        };
        weights.tabulate();
        for _ in 0..TURNS {
            let before = weights.prior;
            let goes_on = weights.turn(cells, records, pairs, levels);
            weights.tabulate();
            if !goes_on || (weights.prior - before).abs() < 0.002 {
                break;
            }
        }
        weights.by_name = weights.namesakes(cells, pairs, levels);
        weights
    }

    /// Which part of those of one name are several people: of the pairs of one name that have something else to compare, how many
    /// does it speak against. What only a name connects must have so many bits more.
    fn namesakes(&self, cells: &Cells, pairs: &[(u32, u32)], levels: &[u8]) -> f64 {
        let Some((given, surname)) = cells.names.filter(|_| !self.slips) else { return 0.0 };
        let (mut one, mut several) = (0.0, 0.0);
        for ((a, b), row) in pairs.iter().zip(levels.chunks(cells.fields.len())) {
            let named = |field: usize| row[field] != MISSING && row[field] >= 4;
            if !named(given) || !named(surname) {
                continue;
            }
            let telling = cells.fields.iter().enumerate().filter(|(at, field)| row[*at] != MISSING && people::tells_more(field.kind));
            let bits: Vec<f64> = telling.map(|(at, _)| self.field_bits(cells, at, *a, *b, row[at])).collect();
            if bits.iter().any(|bits| *bits >= people::TELLING) {
                one += 1.0;
            } else if (0..row.len()).any(|at| row[at] == 0 && people::is_own(&cells.fields[at])) {
                several += 1.0;
            }
        }
        let part: f64 = (several + 0.5) / (one + several + 10.0);
        (STEEP * ((part / (1.0 - part)).log2() + HARMLESS)).clamp(0.0, BY_NAME)
    }

    fn tabulate(&mut self) {
        let ratio =
            |same: &[f64; LEVELS], any: &[f64; LEVELS]| std::array::from_fn(|level| (same[level] / any[level]).log2().clamp(-12.0, 16.0));
        self.bits = self.same.iter().zip(&self.any).map(|(same, any)| ratio(same, any)).collect();
        self.same_bits = self.same.iter().zip(&self.top).map(|(same, top)| same[*top as usize].log2()).collect();
    }

    /// One turn; false when it would lose the difference between same and not.
    fn turn(&mut self, cells: &Cells, records: &Records, pairs: &[(u32, u32)], levels: &[u8]) -> bool {
        let width = cells.fields.len();
        let mut counts: PerLevel = self.same.iter().map(|level| level.map(|share| share * BEFORE)).collect();
        let mut matches = 0.0;
        let mut losers = Losers::new(width);
        let step = (pairs.len() / LEARNT).max(1);
        let rivals = self.rivals(cells, records, pairs, levels);
        for ((a, b), row) in pairs.iter().zip(levels.chunks(width.max(1))).step_by(step) {
            let bits = self.bits(cells, *a, *b, row);
            let likely = match &rivals {
                None => probability(bits),
                Some(rivals) => {
                    let odds = odds(bits);
                    let most = rivals[*a as usize].max(rivals[*b as usize]).max(odds);
                    losers.add(row, (most - odds) / (1.0 + most), step as f64);
                    odds / (1.0 + most)
                }
            };
            if likely < 1e-4 {
                continue;
            }
            matches += likely * step as f64;
            for (field, level) in row.iter().enumerate().filter(|(_, level)| **level != MISSING) {
                counts[field][*level as usize] += likely;
            }
        }
        let most = cells.count as f64 * if records.linked() { 0.6 } else { 8.0 };
        if matches < 2.0 {
            return false;
        }
        for (field, counts) in counts.iter().enumerate() {
            let whole: f64 = counts.iter().sum();
            let shares = counts.map(|count| (count / whole.max(1e-9)).max(1e-4));
            self.same[field] = guarded(shares, cells.fields[field].kind, self.top[field] as usize);
        }
        self.prior = (matches.min(most) / records.all_pairs().max(1.0)).log2();
        self.losers = rivals.and_then(|_| losers.learnt(&self.any, records.all_pairs()));
        true
    }

    /// Between two clean files a record has one partner at most, so all that may be it share what is likely: the odds of all of
    /// a record's pairs together.
    fn rivals(&self, cells: &Cells, records: &Records, pairs: &[(u32, u32)], levels: &[u8]) -> Option<Vec<f64>> {
        if !records.linked() {
            return None;
        }
        let mut sums = vec![0.0; cells.count];
        for ((a, b), row) in pairs.iter().zip(levels.chunks(cells.fields.len().max(1))) {
            let odds = odds(self.bits(cells, *a, *b, row));
            sums[*a as usize] += odds;
            sums[*b as usize] += odds;
        }
        Some(sums)
    }
}

/// How sure it is that two records with one address or number are one person: of those whose names can be compared, how many have
/// the same first name.
fn sure(cells: &Cells, field: usize, top: u8, levels: &[u8]) -> Option<f64> {
    let (given, surname) = cells.names?;
    if !is_personal(cells.fields[field].kind) || top < 3 {
        return None;
    }
    let (mut one, mut two) = (0.0, 0.0);
    for row in levels.chunks(cells.fields.len()).filter(|row| row[field] == top && row[given] != MISSING && row[surname] != MISSING) {
        if people::same_given(cells, row) { one += 1.0 } else { two += 1.0 }
    }
    let most: f64 = if cells.fields[field].kind == Kind::Email { MAILBOX } else { TELEPHONE };
    Some(((one + 4.0) / (two + 1.0_f64)).log2().min(most))
}

/// The most bits that one mailbox, or one telephone, leaves in favour.
const MAILBOX: f64 = 7.0;
const TELEPHONE: f64 = 5.0;

/// The part of the same things that may differ in a field altogether. Without a limit the learning can drift to some other
/// likeness, such as that of all people with one first name.
fn most_different(kind: Kind) -> f64 {
    match kind {
        Kind::GivenName | Kind::Surname => 0.2,
        Kind::Name | Kind::Code => 0.35,
        Kind::Text | Kind::Company | Kind::Alias | Kind::Employer => 0.5,
        Kind::Email | Kind::Phone => 0.7,
        Kind::Number | Kind::Category => 1.0,
    }
}

/// The part of the same things that must agree in a field in full.
fn least_equal(kind: Kind) -> f64 {
    match kind {
        Kind::GivenName | Kind::Surname | Kind::Name | Kind::Code => 0.55,
        _ => 0.0,
    }
}

/// The shares within the limits of what the same things can be like.
fn guarded(mut shares: [f64; LEVELS], kind: Kind, top: usize) -> [f64; LEVELS] {
    let different = shares[0].min(most_different(kind));
    limit(&mut shares, 0, different);
    let equal = shares[top].max(least_equal(kind));
    limit(&mut shares, top, equal);
    shares
}

/// Gives one level this share, and the others the rest in proportion.
fn limit(shares: &mut [f64; LEVELS], level: usize, share: f64) {
    let scale = (1.0 - share) / (1.0 - shares[level]).max(1e-6);
    for other in shares.iter_mut() {
        *other *= scale;
    }
    shares[level] = share;
}

/// Before anything is learnt: the same things mostly agree.
fn start(top: &[u8]) -> PerLevel {
    top.iter()
        .map(|top| {
            let mut shares = [1e-4; LEVELS];
            let whole: f64 = (0..=*top).map(|level| 2.5_f64.powi(i32::from(level))).sum();
            for level in 0..=*top {
                shares[level as usize] = 2.5_f64.powi(i32::from(level)) / whole;
            }
            shares
        })
        .collect()
}

fn random(cells: &Cells, records: &Records) -> PerLevel {
    let mut counts: PerLevel = vec![[0.5; LEVELS]; cells.fields.len()];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as u32
    };
    for _ in 0..RANDOM {
        let (a, b) = (next(cells.count), next(cells.count));
        if a == b || !records.comparable(a, b) {
            continue;
        }
        for (field, level) in compare::pair(cells, a, b).into_iter().enumerate().filter(|(_, level)| *level != MISSING) {
            counts[field][level as usize] += 1.0;
        }
    }
    for counts in &mut counts {
        let whole: f64 = counts.iter().sum();
        *counts = counts.map(|count| count / whole);
    }
    counts
}
