//! Keys whose values tell nothing. Where tables count their rows from one, a column of small numbers is among the keys of nearly all of
//! them, and only names say which is meant: so the tables are looked up by name, and a column is compared with few of them.

use std::collections::HashMap;

use super::{Target, chance, evidence, naming, parts};
use crate::organize::keys::Naming;
use crate::organize::normalize::Column;
use crate::organize::profile::{Format, Stats};

/// A name that says less is not enough, whatever else speaks for a key that is counted.
const FITS: f64 = 0.19;
/// What a name says that is a part people or places play.
const PLAYED: f64 = 0.8;
/// Keys that are compared with a column, the nearest names first: so many of its provider, and so many of others.
const MOST: usize = 32;

/// The keys that number their rows, by the names of their tables.
pub(super) struct Counted<'a> {
    targets: &'a [Target<'a>],
    names: &'a [Naming],
    /// Those that begin with one.
    from_one: Vec<u32>,
    called: HashMap<String, Vec<u32>>,
    /// The largest number of any of these.
    most: f64,
}

/// The keys that are called nearly as a role, the nearest first. Many columns play one role, and it is compared with all tables once.
#[derive(Default)]
pub(super) struct Near(Option<Vec<u32>>);

/// Whether a key has the numbers from somewhere on, with or without gaps.
pub(super) fn is_numbered(stats: &Stats) -> bool {
    let numbers = stats.integers + stats.format(Format::Integer) == stats.scalars();
    numbers && stats.most - stats.least <= 2.0 * stats.sketch.distinct() as f64
}

/// Whether so many different values may be among those of a key by chance, because it has the numbers from one on.
pub(super) fn is_silent(key: &Stats, values: f64) -> bool {
    is_numbered(key) && evidence::is_counted(key) && chance::most_bits(key, values) < chance::NONE
}

impl<'a> Counted<'a> {
    /// Of these keys.
    pub fn of(targets: &'a [Target<'a>], names: &'a [Naming]) -> Self {
        let (mut from_one, mut most) = (Vec::new(), 0.0_f64);
        let mut called: HashMap<String, Vec<u32>> = HashMap::new();
        for (at, target) in targets.iter().enumerate().filter(|(_, target)| is_numbered(target.stats)) {
            let naming = &names[target.stream];
            let whole = naming.provider.iter().map(|provider| provider.clone() + &naming.words.concat());
            for name in whole.chain([naming.words.concat()]) {
                called.entry(name).or_default().push(at as u32);
            }
            if evidence::is_counted(target.stats) {
                from_one.push(at as u32);
                most = most.max(target.stats.most);
            }
        }
        Self { targets, names, from_one, called, most }
    }

    /// Whether a column's numbers begin among those of any key.
    pub fn may_have(&self, column: &Stats) -> bool {
        column.least <= column.most && column.least <= self.most
    }

    /// The keys of one provider whose tables are called by exactly these words.
    pub fn called(&self, words: &[String], provider: Option<&str>) -> Vec<u32> {
        let found = self.called.get(&words.concat()).into_iter().flatten().copied();
        found.filter(|at| self.provider(*at) == provider).take(MOST).collect()
    }

    fn provider(&self, at: u32) -> Option<&str> {
        self.names[self.targets[at as usize].stream].provider.as_deref()
    }

    /// The keys whose tables may be meant by a column of a stream.
    pub fn fitting(&self, (stream, column, said): (usize, &Column, &naming::Said<'_>), near: &mut Near) -> Vec<u32> {
        // What an object repeats of a record speaks for itself.
        if column.path.contains('.') {
            return self.from_one.clone();
        }
        let near = near.0.get_or_insert_with(|| self.near(said));
        let own = &self.names[stream];
        let provider = own.provider.as_deref();
        let inside = near.iter().copied().filter(|at| self.provider(*at) == provider).take(MOST);
        let outside = near.iter().copied().filter(|at| self.provider(*at) != provider).take(MOST);
        let mut found: Vec<u32> = inside.chain(outside).collect();
        found.extend(self.called(&own.words, provider));
        found.extend(self.called(&[own.words.as_slice(), &said.role.words].concat(), provider));
        if said.parent {
            found.extend((1..own.words.len()).flat_map(|end| self.called(&own.words[..end], provider)));
        }
        found
    }

    fn near(&self, said: &naming::Said<'_>) -> Vec<u32> {
        let fits = |at: &u32| Some((self.likeness(said, *at), *at)).filter(|(likeness, _)| *likeness >= FITS);
        let mut near: Vec<(f64, u32)> = self.from_one.iter().filter_map(fits).collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.into_iter().map(|(_, at)| at).collect()
    }

    /// The most that a name can say for a key.
    fn likeness(&self, said: &naming::Said<'_>, at: u32) -> f64 {
        let target = &self.targets[at as usize];
        let table = &self.names[target.stream].words;
        let by_key = if target.generic || target.role.words.is_empty() { 0.0 } else { said.names(&target.role.words) };
        let played = said.people && parts::of_people(table) || said.places && parts::places(said.role, table) > 0.0;
        said.names(table).max(by_key).max(if played { PLAYED } else { 0.0 })
    }
}
