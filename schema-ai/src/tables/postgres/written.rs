//! Which keys a table cannot have, without asking it. While a table is filled for the first time, that is all of the keys that come.

use std::{collections::HashMap, hash::BuildHasher};

use crate::tables::by_key::ByKey;

/// Bits for each key, and how many of them it sets: two of a thousand keys are taken for known that are not.
const BITS: u64 = 14;
const PROBES: u64 = 7;
/// Keys of the first part; each further one has room for four times as many.
const KEYS_FIRST: u64 = 1_024;
/// All parts of all tables of one tenant are at most so large. A table that would need more is asked.
const WORDS_MAX: usize = (8 << 20) / 8;

/// The keys that were written into tables since they were empty. Whoever cannot vouch for all of a table's keys forgets it.
#[derive(Debug, Default)]
pub(super) struct Written {
    tables: HashMap<usize, Keys>,
    words: usize,
}

#[derive(Debug, Default)]
struct Keys {
    parts: Vec<Part>,
    by: ByKey,
}

/// A Bloom filter.
#[derive(Debug)]
struct Part {
    bits: Vec<u64>,
    room: u64,
}

impl Written {
    /// Forgets everything: somebody else wrote, or something was undone.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Keeps of these keys of a table those that it may have, and remembers that all of them are written now.
    pub fn unsure<'a>(&mut self, table: usize, is_empty: bool, keys: Vec<&'a str>) -> Vec<&'a str> {
        let mut known = match self.tables.remove(&table) {
            _ if is_empty => Keys::default(),
            Some(known) => known,
            None => return keys,
        };
        self.words -= known.words();
        let hashed: Vec<(u64, &str)> = keys.into_iter().map(|key| (known.by.hash_one(key), key)).collect();
        let unsure = hashed.iter().filter(|(hash, _)| known.has(*hash)).map(|(_, key)| *key).collect();
        hashed.iter().for_each(|(hash, _)| known.add(*hash));
        if self.words + known.words() <= WORDS_MAX {
            self.words += known.words();
            self.tables.insert(table, known);
        }
        unsure
    }
}

impl Keys {
    fn has(&self, hash: u64) -> bool {
        self.parts.iter().any(|part| part.has(hash))
    }

    fn add(&mut self, hash: u64) {
        if self.parts.last().is_none_or(|part| part.room == 0) {
            self.parts.push(Part::new(KEYS_FIRST << (2 * self.parts.len())));
        }
        if let Some(part) = self.parts.last_mut() {
            part.add(hash);
        }
    }

    fn words(&self) -> usize {
        self.parts.iter().map(|part| part.bits.len()).sum()
    }
}

impl Part {
    fn new(keys: u64) -> Self {
        Self { bits: vec![0; usize::try_from(keys * BITS / 64).unwrap_or_default()], room: keys }
    }

    fn has(&self, hash: u64) -> bool {
        self.places(hash).all(|(word, bit)| self.bits[word] & bit != 0)
    }

    fn add(&mut self, hash: u64) {
        self.places(hash).for_each(|(word, bit)| self.bits[word] |= bit);
        self.room -= 1;
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = (usize, u64)> + use<> {
        let words = self.bits.len() as u64;
        let (start, stride) = (hash, hash.rotate_left(32) | 1);
        (0..PROBES).map(move |probe| {
            let place = start.wrapping_add(stride.wrapping_mul(probe));
            // The upper bits choose the word, so that no division is needed.
            let word = (u128::from(place) * u128::from(words)) >> 64;
            (usize::try_from(word).unwrap_or_default(), 1 << (place % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Written;

    #[test]
    fn keys_that_were_written_are_asked_for_and_few_others() {
        let mut written = Written::default();
        let keys: Vec<String> = (0..40_000).map(|n| format!("key {n}")).collect();
        let all = || keys.iter().map(String::as_str);
        assert!(written.unsure(3, true, all().take(20_000).collect()).is_empty());
        let unsure = written.unsure(3, false, all().collect());
        assert!(unsure.starts_with(&all().take(20_000).collect::<Vec<_>>()), "a key that was written is not asked for");
        assert!(unsure.len() < 20_200, "{} of 20,000 new keys are asked for", unsure.len() - 20_000);
        assert_eq!(written.unsure(4, false, vec!["a"]), ["a"], "of this table nothing is known");
        assert!(written.unsure(4, true, vec!["a"]).is_empty(), "an empty table has no keys");
        assert_eq!(written.unsure(4, false, vec!["a", "b"]), ["a"]);
        written.forget();
        assert_eq!(written.unsure(4, false, vec!["new"]), ["new"]);
    }

    #[test]
    fn a_table_with_too_many_keys_is_asked() {
        let mut written = Written::default();
        assert!(written.unsure(1, true, vec!["a"]).is_empty());
        let others = super::WORDS_MAX - written.words;
        written.words = super::WORDS_MAX;
        assert_eq!(written.unsure(1, false, vec!["a", "b"]), ["a"]);
        written.words += 1;
        assert!(written.unsure(1, false, vec!["c"]).is_empty());
        assert_eq!((written.words, written.unsure(1, false, vec!["d"])), (others + 1, vec!["d"]));
    }
}
