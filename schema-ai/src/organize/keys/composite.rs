//! Several columns as the key. Candidates come from the profile; the rows are read once more to see which are unique together.

use std::collections::HashSet;

use serde_json::Value;

use super::called::Others;
use super::{Naming, id_word, may_be_key, numbering, stats, without_id};
use crate::organize::Refused;
use crate::organize::normalize::{Column, Stream, Table, Type, path};
use crate::organize::profile::files::Source;
use crate::organize::profile::hash::{self, BuildIdentity};
use crate::organize::profile::{Profile, Stats};
use crate::organize::words;

/// Columns tried together.
const CANDIDATES: usize = 12;
/// Columns of which four are tried together.
const MANY: usize = 9;
/// Columns a key may have.
const MOST_COLUMNS: usize = 4;
/// What it says that a column numbers rows.
const PLACED: f64 = 0.9;
/// Columns a key may have where one stands between others.
const MOST_FILLED: usize = 6;
/// Rows looked at; more cannot change a no, and hardly a yes.
const MOST_ROWS: usize = 400_000;

/// The columns of a table that holds nothing but references to other tables, and perhaps times: they are its key together.
pub fn bridge(profile: &Profile, table: &Table, own: &Naming, others: Others<'_>) -> Option<Vec<String>> {
    let mut references = Vec::new();
    for column in &table.columns {
        let stats = stats(profile, column);
        let words = words::tokens(path::last(&column.path));
        if is_audit(&words) {
            continue;
        }
        id_word(&words)?;
        let rest = without_id(words);
        let tail = if rest.len() > 1 && rest[0].len() <= 2 { &rest[1..] } else { &rest[..] };
        let named = others.likeness(tail) >= 0.7;
        let is_own = || column.position == 0 && super::is_whole(stats, table.rows) && super::is_called(column, own);
        if !named || stats.present() < table.rows || is_own() {
            return None;
        }
        references.push(column.path.clone());
    }
    (references.len() >= 2).then_some(references)
}

/// Times that a database keeps about every row.
fn is_audit(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| matches!(word.as_str(), "updated" | "update" | "created" | "create" | "modified" | "rowguid" | "timestamp" | "synced"))
}

fn is_temporal(kind: Type) -> bool {
    matches!(kind, Type::Date | Type::Timestamp | Type::Timestamptz)
}

/// The best columns that are unique together.
pub fn search(stream: &Stream, table: &Table, bridge: Option<&[String]>, source: &Source) -> Result<Option<(Vec<String>, f64)>, Refused> {
    let mut candidates = candidates(&stream.profile, table);
    if candidates.len() < 2 {
        return Ok(None);
    }
    let rows = rows(source, &candidates)?;
    numbered(&rows, &mut candidates);
    if let Some(bridge) = bridge {
        let set: Vec<usize> = bridge.iter().filter_map(|path| candidates.iter().position(|candidate| candidate.path == *path)).collect();
        if set.len() == bridge.len() && is_unique(&rows, &set) && set.len() <= MOST_COLUMNS {
            let minimal = shrink(&rows, &set, &candidates);
            return Ok(Some((minimal.iter().map(|at| candidates[*at].path.clone()).collect(), 0.97)));
        }
    }
    Ok(best_set(&rows, &candidates))
}

/// A bridge keeps at least two of its columns, even when one would do today.
fn shrink(rows: &[Vec<u64>], set: &[usize], candidates: &[Candidate]) -> Vec<usize> {
    if set.len() == 2 {
        return set.to_vec();
    }
    let pairs = subsets(set.len(), 2).into_iter().map(|pair| pair.into_iter().map(|at| set[at]).collect::<Vec<_>>());
    let unique = pairs.filter(|pair| is_unique(rows, pair));
    unique.max_by(|a, b| merit(a, candidates).total_cmp(&merit(b, candidates))).unwrap_or_else(|| set.to_vec())
}

struct Candidate {
    path: String,
    keys: Vec<String>,
    /// Whether it is unique by itself.
    alone: bool,
    /// Whether its name says that it is an id.
    named: bool,
    /// What it says about a row.
    says: Says,
    /// Whether its values are the numbers from one on.
    counts: bool,
    position: usize,
    distinct: f64,
    merit: f64,
}

/// What a column says about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Which one it is.
    Which,
    /// The how manieth within something.
    Place,
    /// When it is.
    When,
    /// How much of something; that is no part of a key.
    Much,
}

fn says(column: &Column) -> Says {
    let words = words::tokens(path::last(&column.path));
    if is_ordinal(&words) {
        return Says::Place;
    }
    if is_temporal(column.typed.kind) || is_when(&words) {
        return Says::When;
    }
    if column.typed.kind == Type::Text || id_word(&words).is_some() { Says::Which } else { Says::Much }
}

impl Candidate {
    fn tells(&self) -> bool {
        self.says != Says::Much
    }
}

fn candidates(profile: &Profile, table: &Table) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for column in &table.columns {
        let stats = stats(profile, column);
        let fits = may_be_key(column, stats) || is_temporal(column.typed.kind);
        if !fits || stats.present() < table.rows || stats.sketch.distinct() < 2 || column.path.contains(['[', '{']) {
            continue;
        }
        found.push(Candidate {
            path: column.path.clone(),
            keys: path::keys(&column.path),
            alone: super::is_whole(stats, table.rows),
            named: id_word(&words::tokens(path::last(&column.path))).is_some(),
            says: says(column),
            counts: column.typed.kind == Type::Bigint && stats.least >= 1.0 && stats.most < stats.sketch.distinct() as f64 + 0.5,
            position: column.position,
            distinct: stats.sketch.distinct() as f64,
            merit: column_merit(column, stats, table),
        });
    }
    // What is measured comes after the ids: a number among them tells rows apart, too.
    let last = found.iter().filter(|candidate| candidate.named).map(|candidate| candidate.position).max().unwrap_or(0);
    for candidate in found.iter_mut().filter(|candidate| candidate.says == Says::Much && candidate.position < last) {
        candidate.says = Says::Place;
        candidate.merit += PLACED;
    }
    found.sort_by(|a, b| b.merit.total_cmp(&a.merit));
    found.truncate(CANDIDATES);
    found
}

fn column_merit(column: &Column, stats: &Stats, table: &Table) -> f64 {
    let words = words::tokens(path::last(&column.path));
    let named = id_word(&words).unwrap_or(0.0);
    let called = named > 0.0;
    // The key of a date is what a row refers to, and comes after what it is about.
    let dated = called && words.iter().any(|word| matches!(word.as_str(), "date" | "time"));
    let ordinal = is_ordinal(&words) || (!dated && is_when(&words));
    let named = if dated { named - 0.3 } else { named };
    let kind = if is_temporal(column.typed.kind) { -0.1 } else { 0.0 };
    let long = (stats.bytes as f64 / stats.scalars().max(1) as f64 / 40.0).min(1.0);
    let place = 1.0 - column.position as f64 / table.columns.len().max(1) as f64;
    named + if ordinal { PLACED } else { 0.0 } + kind - long + 0.8 * place - 0.5 * column.depth as f64
}

/// Whether a name says when, or since which version.
fn is_when(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "year" | "start" | "date" | "version"))
}

/// Whether a name says that it numbers the rows within something.
fn is_ordinal(words: &[String]) -> bool {
    words.iter().any(|word| {
        matches!(
            word.as_str(),
            "line"
                | "seq"
                | "sequence"
                | "position"
                | "pos"
                | "ordinal"
                | "ordering"
                | "item"
                | "linenumber"
                | "lineno"
                | "rank"
                | "stop"
                | "lap"
        )
    })
}

/// A column that counts from one on within each value of another one numbers the rows there, whatever it is called.
fn numbered(rows: &[Vec<u64>], candidates: &mut [Candidate]) {
    for at in 0..candidates.len() {
        let candidate = &candidates[at];
        if !candidate.counts || candidate.says == Says::Place || candidate.named {
            continue;
        }
        let numbers = |within: usize| numbering::numbers(rows, within, at) && is_unique(rows, &[within, at]);
        if (0..candidates.len()).any(|within| within != at && candidates[within].named && numbers(within)) {
            candidates[at].says = Says::Place;
            candidates[at].merit += PLACED;
        }
    }
}

fn rows(source: &Source, candidates: &[Candidate]) -> Result<Vec<Vec<u64>>, Refused> {
    let columns: Vec<Vec<String>> = candidates.iter().map(|candidate| candidate.keys.clone()).collect();
    read(source, &columns)
}

/// The hashed values of some columns, row by row; nothing is 0.
pub fn read(source: &Source, columns: &[Vec<String>]) -> Result<Vec<Vec<u64>>, Refused> {
    let mut rows = Vec::new();
    source.records(&mut |record| {
        if rows.len() >= MOST_ROWS {
            return;
        }
        let Ok(value) = serde_json::from_slice::<Value>(record) else { return };
        rows.push(columns.iter().map(|keys| hash_at(&value, keys)).collect());
    })?;
    Ok(rows)
}

fn hash_at(record: &Value, keys: &[String]) -> u64 {
    let found = keys.iter().try_fold(record, |value, key| value.get(key.as_str()));
    match found {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) => hash::value(text.as_bytes()),
        Some(other) => hash::value(other.to_string().as_bytes()),
    }
}

fn is_unique(rows: &[Vec<u64>], set: &[usize]) -> bool {
    let mut seen: HashSet<u64, BuildIdentity> = HashSet::with_capacity_and_hasher(rows.len(), BuildIdentity::default());
    rows.iter().all(|row| seen.insert(set.iter().fold(0, |hash, at| hash::pair(hash, row[*at]))))
}

fn best_set(rows: &[Vec<u64>], candidates: &[Candidate]) -> Option<(Vec<String>, f64)> {
    let leads = leads(rows, candidates);
    for size in 2..=MOST_COLUMNS.min(candidates.len()) {
        let many = if size < MOST_COLUMNS { candidates.len() } else { candidates.len().min(MANY) };
        let sets = subsets(many, size).into_iter().filter(|set| is_needed(set, candidates));
        let unique = sets.filter(|set| is_unique(rows, set));
        let worth = |set: &[usize]| merit(set, candidates) + leading(set, candidates) - by_chance(set, candidates, rows.len());
        let best = unique.max_by(|a, b| worth(a).total_cmp(&worth(b)));
        if let Some(set) = best {
            let doubtful = !set.iter().all(|at| candidates[*at].tells()) || twins(&set, candidates, rows.len()) < BY_CHANCE;
            let set = leads.filter(|_| doubtful).unwrap_or(set);
            let size = set.len();
            let mean = merit(&set, candidates) / size as f64;
            let confidence = (0.25 + 0.4 * mean).clamp(0.05, 0.9);
            let mut set = filled(&set, candidates);
            set.sort_by_key(|at| candidates[*at].position);
            return Some((set.into_iter().map(|at| candidates[at].path.clone()).collect(), confidence));
        }
    }
    None
}

/// The first columns of the table, as few as are unique together, if all of them tell rows apart.
fn leads(rows: &[Vec<u64>], candidates: &[Candidate]) -> Option<Vec<usize>> {
    let at = |position: usize| candidates.iter().position(|candidate| candidate.position == position && candidate.tells());
    let first = (0..MOST_COLUMNS).map_while(at).collect::<Vec<_>>();
    (2..=first.len()).map(|size| first[..size].to_vec()).find(|set| is_needed(set, candidates) && is_unique(rows, set))
}

/// What speaks for the columns that come first: that is where keys are put.
fn leading(set: &[usize], candidates: &[Candidate]) -> f64 {
    if set.iter().all(|at| candidates[*at].position < set.len() && candidates[*at].tells()) { 0.7 } else { 0.0 }
}

/// What speaks against columns that have so many values that chance alone would hardly let two rows have the same.
fn by_chance(set: &[usize], candidates: &[Candidate], rows: usize) -> f64 {
    let twins = twins(set, candidates, rows);
    if set.iter().any(|at| candidates[*at].named) || twins >= BY_CHANCE { 0.0 } else { 0.8 * (1.0 - twins / BY_CHANCE) }
}

/// Pairs of rows that would have the same values if these had nothing to do with one another.
fn twins(set: &[usize], candidates: &[Candidate], rows: usize) -> f64 {
    let grid: f64 = set.iter().map(|at| candidates[*at].distinct).product();
    rows as f64 * rows as f64 / 2.0 / grid.max(1.0)
}

/// So few of them may be missing by chance.
const BY_CHANCE: f64 = 3.0;

/// Whoever puts a column between the columns of a key means it to be one of them, even when the rows can be told apart without,
/// unless they are numbered.
fn filled(set: &[usize], candidates: &[Candidate]) -> Vec<usize> {
    let positions: Vec<usize> = set.iter().map(|at| candidates[*at].position).collect();
    let last = positions.iter().max().copied().unwrap_or(0);
    let numbered = set.iter().any(|at| candidates[*at].says == Says::Place);
    let between =
        (0..candidates.len()).find(|at| candidates[*at].position < last && !set.contains(at) && candidates[*at].says == Says::Which);
    match between {
        Some(between) if positions.contains(&0) && last == set.len() && set.len() < MOST_FILLED && !numbered => {
            set.iter().copied().chain([between]).collect()
        }
        _ => set.to_vec(),
    }
}

/// A key with a column that is one by itself has a column too many, unless all of them are ids: a check's number within a customer.
fn is_needed(set: &[usize], candidates: &[Candidate]) -> bool {
    let all_ids = set.iter().all(|at| candidates[*at].named);
    all_ids || !set.iter().any(|at| candidates[*at].alone)
}

fn merit(set: &[usize], candidates: &[Candidate]) -> f64 {
    set.iter().map(|at| candidates[*at].merit).sum()
}

/// All ways to take `size` of the first `many` numbers.
fn subsets(many: usize, size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    (0..many)
        .flat_map(|last| {
            subsets(last, size - 1).into_iter().map(move |mut rest| {
                rest.push(last);
                rest
            })
        })
        .collect()
}
