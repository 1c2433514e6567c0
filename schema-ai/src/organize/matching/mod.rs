//! Which columns of two files mean the same: by name, by abbreviation, by concept, by values and by their shape. Each column
//! has at most one partner, and may have none.

pub mod assignment;
pub mod names;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::concepts::{assign, library::Library};
use super::keys;
use super::normalize::{Column, Stream};
use super::plan::json::rounded;
use super::profile::files::Source;
use super::words;
use crate::organize::Refused;

/// Two columns that mean the same.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The path in the first file.
    pub a: String,
    /// The path in the second.
    pub b: String,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
}

/// Below this two columns are not proposed as the same.
const PROPOSED: f64 = 0.42;

/// One side of the comparison.
struct Side<'a> {
    stream: &'a Stream,
    columns: Vec<Seen<'a>>,
}

struct Seen<'a> {
    column: &'a Column,
    words: Vec<String>,
    /// The words with the letter or two that a database puts in front of all of a table's columns.
    prefixed: Option<Vec<String>>,
    meanings: BTreeSet<String>,
    values: values::Values,
}

/// The pairs of two files.
pub fn files(a: &Source, b: &Source) -> Result<Vec<Pair>, Refused> {
    let (a, b) = (Stream::new(&a.stream, a.profile()?), Stream::new(&b.stream, b.profile()?));
    streams(&a, &b)
}

/// The pairs of two streams, surest first.
pub fn streams(a: &Stream, b: &Stream) -> Result<Vec<Pair>, Refused> {
    let library = Library::shipped()?;
    let (a, b) = (look(a, &library), look(b, &library));
    let scores: Vec<Vec<f64>> = a.columns.iter().map(|left| b.columns.iter().map(|right| score(&a, left, &b, right)).collect()).collect();
    let mut pairs: Vec<Pair> = assignment::best(&scores)
        .into_iter()
        .filter(|(left, right)| scores[*left][*right] >= PROPOSED)
        .map(|(left, right)| Pair {
            a: a.columns[left].column.path.clone(),
            b: b.columns[right].column.path.clone(),
            confidence: scores[left][right].min(1.0),
        })
        .collect();
    pairs.sort_by(|x, y| y.confidence.total_cmp(&x.confidence));
    Ok(pairs)
}

fn look<'a>(stream: &'a Stream, library: &Library) -> Side<'a> {
    let columns: Vec<&Column> = stream.tables.iter().flat_map(|table| &table.columns).filter(|column| !column.is_overflow).collect();
    let shared = names::shared_start(&columns);
    let columns = columns
        .into_iter()
        .map(|column| {
            let words = names::words(&column.path, shared);
            let prefixed = Some(names::words(&column.path, 0)).filter(|all| all.len() > words.len() && all[0].len() <= 2);
            let meanings = assign::meanings(&words, library);
            Seen { column, words, prefixed, meanings, values: values::Values::of(keys::stats(&stream.profile, column)) }
        })
        .collect();
    Side { stream, columns }
}

fn score(a: &Side<'_>, left: &Seen<'_>, b: &Side<'_>, right: &Seen<'_>) -> f64 {
    let by_name = names::likeness(&left.words, &right.words)
        .max(names::shortened(left.prefixed.as_deref(), &right.words))
        .max(names::shortened(right.prefixed.as_deref(), &left.words));
    let by_meaning = if left.meanings.is_disjoint(&right.meanings) { 0.0 } else { 0.9 };
    let name = by_name.max(by_meaning);
    let (seen, other) = (keys::stats(&a.stream.profile, left.column), keys::stats(&b.stream.profile, right.column));
    let Some(alike) = values::likeness(&left.values, seen, &right.values, other) else {
        return 0.75 * name;
    };
    // Either can carry a pair; both together are surer than the surest.
    let linear = 0.5 * name + 0.5 * alike;
    let either = 1.0 - (1.0 - 0.8 * name.powi(2)) * (1.0 - 0.8 * alike.powi(4));
    0.6 * linear + 0.4 * either
}

/// The pairs as JSON.
pub fn json(pairs: &[Pair]) -> Value {
    json!({"pairs": pairs.iter().map(|pair| json!({"a": pair.a, "b": pair.b, "confidence": rounded(pair.confidence)})).collect::<Vec<_>>()})
}

/// The words of a column's path, for callers that compare names alone.
pub fn path_words(path: &str) -> Vec<String> {
    words::tokens(path)
}
