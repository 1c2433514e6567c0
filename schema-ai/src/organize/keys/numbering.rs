//! Whether a column numbers the rows within each value of another one.

use std::collections::HashMap;

use crate::organize::profile::hash::{self, BuildIdentity};

/// Groups of several rows before it is no chance that all of them are numbered from one on.
const NUMBERED: usize = 8;

/// Whether no row has a higher number than there are rows with its value of `within`, and enough values have several rows.
pub fn numbers(rows: &[Vec<u64>], within: usize, at: usize) -> bool {
    let mut groups: HashMap<u64, u32, BuildIdentity> = HashMap::default();
    for row in rows {
        *groups.entry(row[within]).or_default() += 1;
    }
    let most = groups.values().copied().max().unwrap_or(0);
    let number: HashMap<u64, u32, BuildIdentity> = (1..=most).map(|number| (hash::value(number.to_string().as_bytes()), number)).collect();
    let fits = |row: &Vec<u64>| number.get(&row[at]).is_some_and(|number| *number <= groups[&row[within]]);
    groups.values().filter(|size| **size > 1).count() >= NUMBERED && rows.iter().all(fits)
}
