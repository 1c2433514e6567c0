//! References to another unique column than the key: matches that name players by the id of whoever counted them.

use std::collections::HashMap;

use super::{Evidence, Relation, may_refer, naming};
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

/// Columns called as another table's second id, perhaps with the part that it plays before (`home_team_api_id`), with its values.
/// Where a table is referred to by its key already, its other ids are mere copies.
pub fn find(streams: &[Stream], names: &[Naming], known: &[Relation]) -> Vec<Relation> {
    let targets = targets(streams);
    let mut found = Vec::new();
    if targets.is_empty() {
        return found;
    }
    for (at, stream) in streams.iter().enumerate() {
        for column in stream.root().into_iter().flat_map(|table| &table.columns) {
            let stats = keys::stats(&stream.profile, column);
            if stats.sketch.is_unique() || !may_refer(column, stats) {
                continue;
            }
            let called = words::tokens(path::last(&column.path));
            let Some((to, key)) = (0..called.len()).find_map(|from| targets.get(&called[from..])) else { continue };
            if *to == at || is_known(known, &stream.name, column, &streams[*to].name) {
                continue;
            }
            let evidence = weigh(stats, keys::stats(&streams[*to].profile, key), names[at].provider == names[*to].provider);
            if evidence.contained < CONTAINED || evidence.compared < COMPARED {
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

fn is_known(known: &[Relation], from: &str, column: &Column, to: &str) -> bool {
    known.iter().any(|relation| relation.from_stream == from && (relation.to_stream == to || relation.from == [column.path.clone()]))
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

fn is_second_id(stream: &Stream, table: &Table, column: &Column) -> bool {
    let words = words::tokens(path::last(&column.path));
    let stats = keys::stats(&stream.profile, column);
    let named = keys::id_word(&words).is_some_and(|strength| strength >= CALLED) && naming::role(&column.path).words.len() > 1;
    named && column.depth == 0 && table.primary_key != [column.path.clone()] && stats.present() == table.rows && stats.sketch.is_unique()
}
