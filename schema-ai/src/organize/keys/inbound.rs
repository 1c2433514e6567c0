//! How many other streams have a column of the same name, or of the table's, with the same values: they refer to it, and so it is the key.

use std::collections::HashMap;

use super::{Naming, id_word, is_bare_id, is_whole, may_be_key, stats, without_id};
use crate::organize::normalize::{Column, Stream, Type, path};
use crate::organize::words;

/// Columns of one name that are compared with a candidate; more say nothing new.
const ASKED: usize = 24;
/// Values that must have been compared before containment means anything.
const COMPARED: usize = 3;

/// For one stream: its columns that others refer to by name, and how many do.
#[derive(Debug, Clone, Default)]
pub struct Inbound(HashMap<String, usize>);

impl Inbound {
    /// How many streams refer to this column by its name.
    pub fn of(&self, path: &str) -> usize {
        self.0.get(path).copied().unwrap_or(0)
    }
}

/// What columns called as the table say at most: they may hold another id of it than its key.
const CALLED: usize = 2;

/// For each stream.
pub fn all(streams: &[Stream], names: &[Naming]) -> Vec<Inbound> {
    let mut found = by_column(streams);
    for ((at, path), count) in by_table(streams, names) {
        *found[at].0.entry(path).or_default() += count.min(CALLED);
    }
    found
}

/// Texts in columns that are called as another table: the `customer` of an order holds the `name` of a customer.
fn by_table(streams: &[Stream], names: &[Naming]) -> HashMap<(usize, String), usize> {
    let mut called: HashMap<&[String], Vec<usize>> = HashMap::new();
    for (at, naming) in names.iter().enumerate() {
        called.entry(&naming.words).or_default().push(at);
    }
    let mut asked = vec![0; streams.len()];
    let mut found = HashMap::new();
    for (from, stream) in streams.iter().enumerate() {
        for column in stream.root().into_iter().flat_map(|table| &table.columns).filter(|column| column.depth == 0 && is_text(column)) {
            let words = words::tokens(path::last(&column.path));
            let words = if id_word(&words).is_some() { without_id(words) } else { words };
            let words: Vec<String> = words.iter().map(|word| words::singular(word)).collect();
            for to in called.get(words.as_slice()).into_iter().flatten().filter(|to| **to != from) {
                if asked[*to] >= ASKED || names[*to].provider != names[from].provider {
                    continue;
                }
                asked[*to] += 1;
                for key in streams[*to].root().into_iter().flat_map(|table| &table.columns).filter(|key| key.depth == 0 && is_text(key)) {
                    if !key.path.eq_ignore_ascii_case(&column.path) && refers(stream, column, &streams[*to], key) {
                        *found.entry((*to, key.path.clone())).or_default() += 1;
                    }
                }
            }
        }
    }
    found
}

fn is_text(column: &Column) -> bool {
    matches!(column.typed.kind, Type::Text | Type::Uuid)
}

fn by_column(streams: &[Stream]) -> Vec<Inbound> {
    let mut by_name: HashMap<String, Vec<(usize, &Column)>> = HashMap::new();
    for (at, stream) in streams.iter().enumerate() {
        for column in stream.root().into_iter().flat_map(|table| &table.columns) {
            // What lies in an object is mostly a copy of the record that it refers to.
            if column.depth == 0 && may_be_key(column, stats(&stream.profile, column)) {
                by_name.entry(path::last(&column.path).to_lowercase()).or_default().push((at, column));
            }
        }
    }
    let mut found = vec![Inbound::default(); streams.len()];
    for (_, columns) in by_name.iter().filter(|(name, columns)| columns.len() > 1 && !says_nothing(name)) {
        let asked = &columns[..columns.len().min(ASKED)];
        for (at, column) in columns {
            let count = asked.iter().filter(|(other, twin)| other != at && refers(&streams[*other], twin, &streams[*at], column)).count();
            if count > 0 {
                found[*at].0.insert(column.path.clone(), count);
            }
        }
    }
    found
}

fn says_nothing(name: &str) -> bool {
    is_bare_id(&words::tokens(name))
}

fn refers(from: &Stream, column: &Column, to: &Stream, key: &Column) -> bool {
    let known = stats(&to.profile, key);
    if !to.root().is_some_and(|table| is_whole(known, table.rows)) {
        return false;
    }
    let (contained, compared) = stats(&from.profile, column).sketch.contained_in(&known.sketch);
    compared >= COMPARED && contained > 0.95
}
