//! References of several columns at once: columns named like those of a composite key, whose rows together are among its rows.

use std::collections::HashSet;

use super::{Evidence, Relation, naming};
use crate::organize::Refused;
use crate::organize::keys::{self, composite};
use crate::organize::normalize::{Column, Stream, Table, path};
use crate::organize::profile::files::Source;
use crate::organize::profile::hash::{self, BuildIdentity};

/// Rows a composite key must have before containment means anything.
const ENOUGH: u64 = 10;
/// The part of all combinations that may be there; in a full grid everything is contained.
const FULLEST: f64 = 0.5;

/// All composite references between these streams. Both sides are read once more to compare whole rows.
pub fn find(streams: &[Stream], sources: &[Source]) -> Result<Vec<Relation>, Refused> {
    let mut found = Vec::new();
    for target in streams {
        let Some(table) = target.root().filter(|table| is_selective(target, table)) else { continue };
        for stream in streams.iter().filter(|stream| stream.name != target.name) {
            let Some(columns) = stream.root().and_then(|from| partners(stream, from, target, table)) else { continue };
            let source = |name: &str| sources.iter().find(|source| source.stream == name);
            let (Some(from), Some(to)) = (source(&stream.name), source(&target.name)) else { continue };
            let contained = contained(from, &columns, to, &table.primary_key)?;
            if contained < 0.98 {
                continue;
            }
            let evidence =
                Evidence { contained, specific: 1.0, name: 1.0, id: 1.0, same_provider: true, compared: 100, ..Evidence::default() };
            found.push(Relation {
                from_stream: stream.name.clone(),
                from: columns,
                to_stream: target.name.clone(),
                to: table.primary_key.clone(),
                confidence: 0.9 * contained,
                evidence,
            });
        }
    }
    Ok(found)
}

fn is_selective(stream: &Stream, table: &Table) -> bool {
    let key: Vec<&Column> = table.primary_key.iter().filter_map(|path| column(table, path)).collect();
    let grid: f64 = key.iter().map(|column| keys::stats(&stream.profile, column).sketch.distinct() as f64).product();
    (2..=4).contains(&key.len()) && table.rows >= ENOUGH && table.rows as f64 <= FULLEST * grid
}

fn column<'a>(table: &'a Table, path: &str) -> Option<&'a Column> {
    table.columns.iter().find(|column| column.path == path)
}

/// For each column of the key, the column with its name and values.
fn partners(stream: &Stream, from: &Table, target: &Stream, table: &Table) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for key in &table.primary_key {
        let key = column(table, key)?;
        let known = keys::stats(&target.profile, key);
        let mine = from.columns.iter().filter(|column| !found.contains(&column.path) && same_name(&column.path, &key.path));
        let best = mine.into_iter().find(|column| {
            let (contained, compared) = keys::stats(&stream.profile, column).sketch.contained_in(&known.sketch);
            compared > 1 && contained > 0.95
        });
        found.push(best?.path.clone());
    }
    (found != from.primary_key || from.rows <= table.rows).then_some(found)
}

fn same_name(a: &str, b: &str) -> bool {
    let words = |path: &str| {
        let words = naming::role(path).words;
        if words.len() > 1 && words[0].len() <= 2 { words[1..].to_vec() } else { words }
    };
    path::last(a).eq_ignore_ascii_case(path::last(b)) || (!words(a).is_empty() && words(a) == words(b))
}

/// The part of the rows, among those with all values, that the other side has.
fn contained(from: &Source, columns: &[String], to: &Source, key: &[String]) -> Result<f64, Refused> {
    let whole = |row: &Vec<u64>| (!row.contains(&0)).then(|| row.iter().fold(0, |hash, value| hash::pair(hash, *value)));
    let places = |paths: &[String]| paths.iter().map(|path| path::keys(path)).collect::<Vec<_>>();
    let known: HashSet<u64, BuildIdentity> = composite::read(to, &places(key))?.iter().filter_map(whole).collect();
    let asked: Vec<u64> = composite::read(from, &places(columns))?.iter().filter_map(whole).collect();
    let found = asked.iter().filter(|row| known.contains(row)).count();
    Ok(found as f64 / asked.len().max(1) as f64)
}
