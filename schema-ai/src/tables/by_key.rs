//! Maps and sets by record keys, whose hash is a few multiplications. Keys are few in one batch, so nobody who chooses keys that
//! collide can make such a map slow for long.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hasher, RandomState},
};

use crate::organize::profile::hash;

/// Something for each key.
pub(crate) type KeyMap<'a, T> = HashMap<&'a str, T, ByKey>;
/// Keys.
pub(crate) type KeySet<'a> = HashSet<&'a str, ByKey>;

/// Hashes keys, in each map differently.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByKey(u64);

impl Default for ByKey {
    fn default() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for ByKey {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(self.0)
    }
}

/// Takes one key.
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash::pair(self.0, hash::bytes(bytes));
    }

    /// What ends a text tells nothing: there is only one.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
