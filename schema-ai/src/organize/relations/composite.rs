//! References of several columns at once: columns named like those of a composite key, whose rows together are among its rows.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Evidence, Relation, naming};
use crate::organize::Refused;
use crate::organize::keys::{self, Naming, composite};
use crate::organize::normalize::{Column, Stream, Table, path};
use crate::organize::profile::files::Source;
use crate::organize::profile::hash::{self, BuildIdentity};
use crate::organize::words;

/// Rows a composite key must have before containment means anything.
const ENOUGH: u64 = 10;
/// The part of all combinations that may be there; in a full grid everything is contained.
const FULLEST: f64 = 0.9;
/// Rows that would have to be among the others by chance, at less than this.
const CHANCE: f64 = 1e-6;

/// All composite references between these streams. Both sides are read once more to compare whole rows.
pub fn find(streams: &[Stream], sources: &[Source]) -> Result<Vec<Relation>, Refused> {
    let mut found = Vec::new();
    let names = keys::naming(streams);
    let called = Called::of(streams);
    for (target, naming) in streams.iter().zip(&names) {
        let Some(table) = target.root().filter(|table| is_selective(target, table)) else { continue };
        let near = called.near(table, naming).into_iter().map(|at| &streams[at]);
        for stream in near.filter(|stream| stream.name != target.name) {
            let Some(columns) = stream.root().and_then(|from| partners(stream, from, target, (table, naming))) else { continue };
            if is_sibling(stream, &columns, naming) {
                continue;
            }
            let source = |name: &str| sources.iter().find(|source| source.stream == name);
            let (Some(from), Some(to)) = (source(&stream.name), source(&target.name)) else { continue };
            let contained = contained(from, &columns, to, &table.primary_key)?;
            if contained < 0.98 || by_chance(stream, &columns, target) > CHANCE {
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

/// Tables whose rows are told apart by the same columns, such as what a player did at bat and in the field, stand beside each
/// other; one refers to the other only where a column is named after it.
fn is_sibling(stream: &Stream, columns: &[String], target: &Naming) -> bool {
    let own = stream.root().map(|table| table.primary_key.as_slice()).unwrap_or_default();
    let named = |path: &String| keys::names_table(&keys::without_id(words::tokens(path::last(path))), &target.words) >= 0.7;
    let of_key = columns.iter().filter(|path| own.contains(path)).count();
    columns.len() > 2 && of_key + 1 >= columns.len() && !columns.iter().any(named)
}

fn is_selective(stream: &Stream, table: &Table) -> bool {
    let key: Vec<&Column> = table.primary_key.iter().filter_map(|path| column(table, path)).collect();
    let grid: f64 = key.iter().map(|column| keys::stats(&stream.profile, column).sketch.distinct() as f64).product();
    (2..=4).contains(&key.len()) && table.rows >= ENOUGH && table.rows as f64 <= FULLEST * grid
}

/// How likely all different rows of some columns are among those of a key if they have nothing to do with it.
fn by_chance(stream: &Stream, columns: &[String], target: &Stream) -> f64 {
    let Some((from, to)) = stream.root().zip(target.root()) else { return 1.0 };
    let grid = |stream: &Stream, table: &Table, paths: &[String]| -> f64 {
        let distinct =
            |path: &String| column(table, path).map_or(1.0, |column| keys::stats(&stream.profile, column).sketch.distinct() as f64);
        paths.iter().map(distinct).product()
    };
    let part = to.rows as f64 / grid(target, to, &to.primary_key).max(1.0);
    let asked = (from.rows as f64).min(grid(stream, from, columns));
    part.min(1.0).powf(asked)
}

fn column<'a>(table: &'a Table, path: &str) -> Option<&'a Column> {
    table.columns.iter().find(|column| column.path == path)
}

/// For each column of the key, the column with its name and values.
fn partners(stream: &Stream, from: &Table, target: &Stream, (table, naming): (&Table, &Naming)) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for key in &table.primary_key {
        let key = column(table, key)?;
        let known = keys::stats(&target.profile, key);
        let named = |column: &Column| same_name(&column.path, &key.path) || is_called(&column.path, &key.path, naming);
        let mine = from.columns.iter().filter(|column| !found.contains(&column.path) && named(column));
        let best = mine.into_iter().find(|column| {
            let (contained, compared) = keys::stats(&stream.profile, column).sketch.contained_in(&known.sketch);
            compared > 1 && contained > 0.95
        });
        found.push(best?.path.clone());
    }
    (found != from.primary_key || from.rows <= table.rows).then_some(found)
}

/// The `province` of a city is the `name` of a province.
fn is_called(path: &str, key: &str, table: &Naming) -> bool {
    let bare = keys::is_bare_id(&words::tokens(path::last(key)));
    bare && naming::role(path).words.ends_with(&table.words)
}

fn same_name(a: &str, b: &str) -> bool {
    path::last(a).eq_ignore_ascii_case(path::last(b)) || (!plain(a).is_empty() && plain(a) == plain(b))
}

/// The words of a role, without the letter or two that a database puts before all columns of a table.
fn plain(path: &str) -> Vec<String> {
    let words = naming::role(path).words;
    if words.len() > 1 && words[0].len() <= 2 { words[1..].to_vec() } else { words }
}

/// Streams by what their columns are called, because hardly any of them has columns that are called as those of a key.
struct Called(HashMap<String, BTreeSet<usize>>);

impl Called {
    fn of(streams: &[Stream]) -> Self {
        let mut called: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for (at, stream) in streams.iter().enumerate() {
            for column in stream.root().into_iter().flat_map(|table| &table.columns) {
                let last = naming::role(&column.path).words.pop();
                for name in names_of(&column.path).chain(last) {
                    called.entry(name).or_default().insert(at);
                }
            }
        }
        Self(called)
    }

    /// The streams that have a column for the rarest of a key's columns.
    fn near(&self, table: &Table, naming: &Naming) -> BTreeSet<usize> {
        let of = |key: &String| -> BTreeSet<usize> {
            let by_table = naming.words.last().filter(|_| keys::is_bare_id(&words::tokens(path::last(key)))).cloned();
            names_of(key).chain(by_table).filter_map(|name| self.0.get(&name)).flatten().copied().collect()
        };
        table.primary_key.iter().map(of).min_by_key(BTreeSet::len).unwrap_or_default()
    }
}

/// What a column is called: two that [`same_name`] takes for one have one of these in common.
fn names_of(path: &str) -> impl Iterator<Item = String> {
    [path::last(path).to_ascii_lowercase(), plain(path).concat()].into_iter().filter(|name| !name.is_empty())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::organize::profile::Profile;

    fn sibling(of: &str, target: &str, key: &[&str]) -> bool {
        let mut profile = Profile::default();
        profile.record(br#"{"player_id":1,"year":2,"stint":3,"post":"P"}"#).unwrap();
        let mut stream = Stream::new(of, profile);
        stream.tables[0].primary_key = key.iter().map(|path| (*path).to_owned()).collect();
        let columns: Vec<String> = ["player_id", "year", "stint"].map(str::to_owned).to_vec();
        is_sibling(&stream, &columns, &Naming { provider: None, words: vec![target.to_owned()] })
    }

    #[test]
    fn tables_that_share_a_key_stand_beside_each_other_unless_a_column_is_named_after_one() {
        assert!(sibling("fielding", "batting", &["player_id", "year", "stint", "post"]));
        assert!(!sibling("fielding", "player", &["player_id", "year", "stint", "post"]));
        assert!(!sibling("remarks", "batting", &["remark_id"]));
    }

    #[test]
    fn only_tables_with_columns_called_as_those_of_a_key_are_asked_for_it() {
        let table = |name: &str, key: &[&str], columns: &[&str]| {
            let mut profile = Profile::default();
            let values: Vec<String> = columns.iter().map(|column| format!("\"{column}\":1")).collect();
            profile.record(format!("{{{}}}", values.join(",")).as_bytes()).unwrap();
            let mut stream = Stream::new(name, profile);
            stream.tables[0].primary_key = key.iter().map(|path| (*path).to_owned()).collect();
            stream
        };
        let mut streams = vec![
            table("provinces", &["name", "country"], &["name", "country"]),
            table("cities", &["id"], &["id", "home_province", "country"]),
            table("rivers", &["name"], &["name", "length"]),
            table("enrolments", &["o_student", "course_id"], &["o_student", "course_id"]),
            table("grades", &["id"], &["id", "student_id", "COURSE_ID"]),
        ];
        streams.extend((0..40).map(|n| table(&format!("rooms_{n}"), &["id"], &["id", "country", "course"])));
        let (names, called) = (keys::naming(&streams), Called::of(&streams));
        let near = |at: usize| called.near(&streams[at].tables[0], &names[at]).into_iter().collect::<Vec<_>>();
        assert_eq!((near(0), near(3)), (vec![0, 1, 2], vec![3, 4]));
    }
}
