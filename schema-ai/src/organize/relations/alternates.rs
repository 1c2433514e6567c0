//! References to another unique column than the key: matches that name players by the id of whoever counted them.

use std::collections::{HashMap, HashSet};

use super::{Evidence, Relation, chance, may_refer, naming, parts};
use crate::organize::keys::{self, Naming};
use crate::organize::normalize::{Column, Stream, Table, path};
use crate::organize::profile::Stats;
use crate::organize::words;

/// How much a name must say that it is an id.
const CALLED: f64 = 0.8;
/// The part of the values that must be contained.
const CONTAINED: f64 = 0.99;
/// Values that must have been compared before that means anything.
const COMPARED: usize = 5;
/// The same of words, which say more.
const WORDS: usize = 3;

/// Columns called as another table's second id, perhaps with the part that it plays before (`home_team_api_id`), with its values.
/// Where a table is referred to by its key already, its other ids are mere copies.
pub fn find(streams: &[Stream], names: &[Naming], known: &[Relation]) -> Vec<Relation> {
    let targets = targets(streams);
    let ids = ids(streams, names);
    let mut found = Vec::new();
    if ids.is_empty() {
        return found;
    }
    let taken: HashSet<(&str, &[String])> =
        known.iter().map(|relation| (relation.from_stream.as_str(), relation.from.as_slice())).collect();
    let referred: HashSet<(&str, &str)> =
        known.iter().map(|relation| (relation.from_stream.as_str(), relation.to_stream.as_str())).collect();
    let mut called_so = HashMap::new();
    for (at, stream) in streams.iter().enumerate() {
        for column in stream.root().into_iter().flat_map(|table| &table.columns) {
            let stats = keys::stats(&stream.profile, column);
            let is_taken = || taken.contains(&(stream.name.as_str(), std::slice::from_ref(&column.path)));
            if stats.sketch.is_unique() || !may_refer(column, stats) || is_taken() {
                continue;
            }
            let called = words::tokens(path::last(&column.path));
            let by_name = (0..called.len()).find_map(|from| targets.get(&called[from..]));
            let Some((to, key)) = by_name.or_else(|| {
                let near = called_so.entry(column.path.as_str()).or_insert_with(|| near(column, names, &ids));
                unmistakable(streams, names, (at, column, stats), near)
            }) else {
                continue;
            };
            if *to == at || referred.contains(&(stream.name.as_str(), streams[*to].name.as_str())) {
                continue;
            }
            let evidence = weigh(stats, keys::stats(&streams[*to].profile, key), names[at].provider == names[*to].provider);
            if evidence.contained < CONTAINED || evidence.compared < if by_name.is_some() { COMPARED } else { WORDS } {
                continue;
            }
            found.push(Relation {
                from_stream: stream.name.clone(),
                from: vec![column.path.clone()],
                to_stream: streams[*to].name.clone(),
                to: vec![key.path.clone()],
                confidence: evidence.confidence(),
                evidence,
            });
        }
    }
    found
}

fn weigh(stats: &Stats, target: &Stats, same_provider: bool) -> Evidence {
    let (contained, compared) = stats.sketch.contained_in(&target.sketch);
    let coverage = (stats.sketch.distinct() as f64 / target.sketch.distinct().max(1) as f64).min(1.0);
    Evidence { contained, compared, coverage, name: 0.9, id: 1.0, same_provider, ..Evidence::default() }
}

/// Second ids by their words, where only one table has one of that name.
fn targets(streams: &[Stream]) -> HashMap<Vec<String>, (usize, &Column)> {
    let mut found: HashMap<Vec<String>, Vec<(usize, &Column)>> = HashMap::new();
    for (at, stream) in streams.iter().enumerate() {
        let Some(table) = stream.root() else { continue };
        for column in table.columns.iter().filter(|column| is_second_id(stream, table, column)) {
            found.entry(words::tokens(path::last(&column.path))).or_default().push((at, column));
        }
    }
    found.into_iter().filter(|(_, columns)| columns.len() == 1).map(|(words, mut columns)| (words, columns.remove(0))).collect()
}

/// Names of what tells things apart for people.
const HANDLES: &[&str] = &["alias", "login", "username", "handle", "symbol", "abbreviation", "abbr", "ticker", "acronym", "iso"];

/// All second ids, whatever they are called.
fn ids<'a>(streams: &'a [Stream], names: &[Naming]) -> Vec<(usize, &'a Column)> {
    let of = |(at, stream): (usize, &'a Stream)| -> Vec<(usize, &'a Column)> {
        let Some(table) = stream.root() else { return Vec::new() };
        let is = |column: &&Column| {
            let words = words::tokens(path::last(&column.path));
            let stats = keys::stats(&stream.profile, column);
            let own = || naming::role(&column.path).words.last() == names[at].words.last();
            let called = keys::id_word(&words).is_some() || words.last().is_some_and(|word| HANDLES.contains(&word.as_str())) || own();
            called && column.depth == 0 && table.primary_key != [column.path.clone()] && keys::is_whole(stats, table.rows)
        };
        let found: Vec<&Column> = table.columns.iter().filter(is).collect();
        // Where one is called as the table, the others are ids of other things that every row has one of.
        let own = |column: &&&Column| naming::role(&column.path).words == names[at].words;
        let home = found.iter().any(|column| own(&column));
        found.iter().filter(|column| !home || own(column)).map(|column| (at, *column)).collect()
    };
    streams.iter().enumerate().flat_map(of).collect()
}

/// What a name must say of a second id.
const NAMED: f64 = 0.6;

/// The second ids whose name, or whose table's, a column has, and how well.
fn near<'a, 'b>(column: &Column, names: &[Naming], ids: &'b [(usize, &'a Column)]) -> Vec<(&'b (usize, &'a Column), f64)> {
    let role = naming::role(&column.path);
    let said = naming::Said::new(&role);
    let worth = |(to, key): &(usize, &Column)| {
        let table = &names[*to].words;
        let same = path::last(&key.path).eq_ignore_ascii_case(path::last(&column.path));
        let by_role = if said.people && parts::of_people(table) { NAMED } else { 0.0 };
        said.names(table).max(if same { 0.9 } else { 0.0 }).max(by_role)
    };
    ids.iter().map(|id| (id, worth(id))).filter(|(_, worth)| *worth >= NAMED).collect()
}

/// The second id that has a column's values, which cannot be chance, of those with its name.
fn unmistakable<'a, 'b>(
    streams: &[Stream],
    names: &[Naming],
    (at, column, stats): (usize, &Column, &Stats),
    near: &[(&'b (usize, &'a Column), f64)],
) -> Option<&'b (usize, &'a Column)> {
    let id = naming::role(&column.path).id;
    let fits = |(to, key): &(usize, &Column)| {
        let target = keys::stats(&streams[*to].profile, key);
        let sure = || {
            let (contained, compared) = stats.sketch.contained_in(&target.sketch);
            contained >= CONTAINED && compared >= WORDS && chance::bits(stats, target, compared, id) >= chance::NONE
        };
        *to != at && names[*to].provider == names[at].provider && sure()
    };
    near.iter().filter(|(key, _)| fits(key)).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(key, _)| *key)
}

fn is_second_id(stream: &Stream, table: &Table, column: &Column) -> bool {
    let words = words::tokens(path::last(&column.path));
    let stats = keys::stats(&stream.profile, column);
    let named = keys::id_word(&words).is_some_and(|strength| strength >= CALLED) && naming::role(&column.path).words.len() > 1;
    named && column.depth == 0 && table.primary_key != [column.path.clone()] && stats.present() == table.rows && stats.sketch.is_unique()
}
