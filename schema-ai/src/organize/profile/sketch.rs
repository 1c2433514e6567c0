//! The values of a path in bounded memory: all of them while they are few, afterwards those with the smallest hashes.
//! A hash that is among the smallest at the end was so when it first came, so its count is exact: this tells keys from
//! nearly-keys without a second pass, and two sketches tell containment and overlap.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::Format;
use super::hash::BuildIdentity;
use super::hll::HyperLogLog;

/// Values kept as text, for people and for value profiles.
const TEXTS: usize = 128;
/// Characters kept of each.
const TEXT_CHARS: usize = 96;

/// How often a value came, and its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Occurrences, stopping at the largest number.
    pub count: u32,
    /// What the value looks like.
    pub format: Format,
}

/// The sketch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sketch {
    size: usize,
    limit: u64,
    entries: HashMap<u64, Entry, BuildIdentity>,
    registers: Option<Box<HyperLogLog>>,
    texts: BTreeMap<u64, Box<str>>,
    texts_limit: u64,
}

impl Sketch {
    /// An empty sketch that keeps `size` hashes.
    pub fn new(size: usize) -> Self {
        Self { size, limit: u64::MAX, entries: HashMap::default(), registers: None, texts: BTreeMap::new(), texts_limit: u64::MAX }
    }

    /// Counts a value that was seen before and is still kept; `None` asks the caller to classify it and call [`Self::add`].
    #[inline]
    pub fn again(&mut self, hash: u64) -> Option<Format> {
        if hash > self.limit {
            return None;
        }
        let entry = self.entries.get_mut(&hash)?;
        entry.count = entry.count.saturating_add(1);
        Some(entry.format)
    }

    /// Counts a value that [`Self::again`] did not know.
    pub fn add(&mut self, hash: u64, format: Format, text: &str) {
        if let Some(registers) = &mut self.registers {
            registers.add(hash);
        }
        if hash > self.limit {
            return;
        }
        self.entries.insert(hash, Entry { count: 1, format });
        if hash <= self.texts_limit {
            self.keep_text(hash, text);
        }
        if self.entries.len() >= self.most() {
            self.trim();
        }
    }

    fn keep_text(&mut self, hash: u64, text: &str) {
        let end = text.char_indices().nth(TEXT_CHARS).map_or(text.len(), |(at, _)| at);
        self.texts.insert(hash, text[..end].into());
        if self.texts.len() > TEXTS {
            self.texts.pop_last();
            self.texts_limit = self.texts.last_key_value().map_or(u64::MAX, |(hash, _)| *hash);
        }
    }

    /// Entries before the largest hashes go: as many as a table of twice the size holds without growing.
    fn most(&self) -> usize {
        self.size / 4 * 7
    }

    fn trim(&mut self) {
        let registers = self.registers.get_or_insert_default();
        for hash in self.entries.keys() {
            registers.add(*hash);
        }
        self.keep_smallest();
    }

    fn keep_smallest(&mut self) {
        if self.entries.len() <= self.size {
            return;
        }
        let mut hashes: Vec<u64> = self.entries.keys().copied().collect();
        let (_, limit, _) = hashes.select_nth_unstable(self.size - 1);
        self.limit = *limit;
        let limit = self.limit;
        self.entries.retain(|hash, _| *hash <= limit);
    }

    /// Keeps fewer hashes from now on.
    pub fn narrow(&mut self, size: usize) {
        self.size = self.size.min(size);
        if self.entries.len() >= self.most() {
            self.trim();
            self.entries.shrink_to_fit();
        }
    }

    /// Adds what another sketch has seen.
    pub fn merge(&mut self, other: &Self) {
        if let Some(theirs) = &other.registers {
            self.registers.get_or_insert_default().merge(theirs);
        }
        if self.registers.is_some() {
            self.register_all(other);
        }
        self.limit = self.limit.min(other.limit);
        let limit = self.limit;
        self.entries.retain(|hash, _| *hash <= limit);
        for (hash, theirs) in other.entries.iter().filter(|(hash, _)| **hash <= limit) {
            let mine = self.entries.entry(*hash).or_insert(Entry { count: 0, format: theirs.format });
            mine.count = mine.count.saturating_add(theirs.count);
        }
        for (hash, text) in &other.texts {
            if *hash <= self.texts_limit {
                self.keep_text(*hash, text);
            }
        }
        self.narrow(other.size);
        if self.entries.len() >= self.most() {
            self.trim();
        }
    }

    fn register_all(&mut self, other: &Self) {
        let Some(registers) = &mut self.registers else { return };
        for hash in self.entries.keys().chain(other.entries.keys()) {
            registers.add(*hash);
        }
    }

    /// True while no value was left out.
    pub fn is_exact(&self) -> bool {
        self.registers.is_none()
    }

    /// How many different values, estimated when there are many.
    pub fn distinct(&self) -> u64 {
        match &self.registers {
            None => self.entries.len() as u64,
            Some(registers) => registers.estimate(),
        }
    }

    /// The hashes up to which all values are here.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// True when no kept value came twice.
    pub fn is_unique(&self) -> bool {
        self.entries.values().all(|entry| entry.count == 1)
    }

    /// The kept hashes.
    pub fn entries(&self) -> impl Iterator<Item = (u64, Entry)> + '_ {
        self.entries.iter().map(|(hash, entry)| (*hash, *entry))
    }

    /// Whether a value is among the kept ones.
    pub fn contains(&self, hash: u64) -> bool {
        self.entries.contains_key(&hash)
    }

    /// A uniform sample of the different values, with how often each came.
    pub fn texts(&self) -> impl Iterator<Item = (&str, u32)> + '_ {
        self.texts.iter().map(|(hash, text)| (&**text, self.entries.get(hash).map_or(1, |entry| entry.count)))
    }

    /// The part of this sketch's values that the other one has too, and how many values could be compared.
    pub fn contained_in(&self, other: &Self) -> (f64, usize) {
        let limit = self.limit.min(other.limit);
        let (mut compared, mut found) = (0_usize, 0_usize);
        for hash in self.entries.keys().filter(|hash| **hash <= limit) {
            compared += 1;
            found += usize::from(other.entries.contains_key(hash));
        }
        (found as f64 / compared.max(1) as f64, compared)
    }

    /// As [`Self::contained_in`], but nothing as soon as it is sure to be less than `least`.
    pub fn mostly_in(&self, other: &Self, least: f64) -> Option<(f64, usize)> {
        let limit = self.limit.min(other.limit);
        let spared = (self.entries.len() as f64 * (1.0 - least)) as usize;
        let (mut compared, mut missed) = (0_usize, 0_usize);
        for hash in self.entries.keys().filter(|hash| **hash <= limit) {
            compared += 1;
            missed += usize::from(!other.entries.contains_key(hash));
            if missed > spared {
                return None;
            }
        }
        Some(((compared - missed) as f64 / compared.max(1) as f64, compared))
    }
}
