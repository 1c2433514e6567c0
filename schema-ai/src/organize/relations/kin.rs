//! Columns of one name in several tables mostly refer to one table: what was found of some speaks for the others, whose few values
//! would not be enough.

use std::collections::{HashMap, HashSet};

use super::{Relation, Target, may_refer, naming, parts, second};
use crate::organize::keys::{self, Naming};
use crate::organize::normalize::{Stream, path};
use crate::organize::words;

/// What a name counts that others explain.
const EXPLAINED: f64 = 0.9;
/// References that must be known before a name explains a number.
const ENOUGH: usize = 2;

/// References of columns that are called as columns whose reference is known, of the same provider, with values of the same key.
pub(super) fn find(streams: &[Stream], names: &[Naming], targets: &[Target<'_>], known: &[Relation]) -> Vec<Relation> {
    let votes = votes(streams, names, targets, known);
    let taken: HashSet<(&str, &str)> =
        known.iter().flat_map(|found| found.from.iter().map(|path| (found.from_stream.as_str(), path.as_str()))).collect();
    let mut found = Vec::new();
    for (at, stream) in streams.iter().enumerate() {
        let Some(table) = stream.root() else { continue };
        for column in &table.columns {
            let key = (names[at].provider.as_deref(), column.path.to_lowercase());
            let Some(elected) = votes.get(&key) else { continue };
            let stats = keys::stats(&stream.profile, column);
            let own = table.primary_key == [column.path.clone()];
            if own || taken.contains(&(stream.name.as_str(), column.path.as_str())) || !may_refer(column, stats) {
                continue;
            }
            let Some(target) = targets.iter().find(|target| streams[target.stream].name == *elected) else { continue };
            let role = naming::role(&column.path);
            let evidence =
                second::evidence(stats, target.stats, &role, EXPLAINED).filter(|evidence| evidence.contained >= second::CONTAINED);
            let Some(evidence) = evidence.filter(|_| target.stream != at || !stats.sketch.is_unique()) else { continue };
            found.push(second::relation(stream, column, &streams[target.stream], target.column, evidence));
        }
    }
    found
}

type Called<'a> = (Option<&'a str>, String);

/// For each name the table that nearly all known columns of this name refer to.
fn votes<'a>(streams: &'a [Stream], names: &'a [Naming], targets: &[Target<'_>], known: &'a [Relation]) -> HashMap<Called<'a>, &'a str> {
    let at: HashMap<&str, usize> = streams.iter().enumerate().map(|(at, stream)| (stream.name.as_str(), at)).collect();
    let mut cast: HashMap<Called<'a>, HashMap<&str, usize>> = HashMap::new();
    for relation in known.iter().filter(|relation| relation.from.len() == 1 && relation.to.len() == 1) {
        let Some(at) = at.get(relation.from_stream.as_str()) else { continue };
        if says_nothing(&relation.from[0]) || is_own_key(&streams[*at], &relation.from[0]) {
            continue;
        }
        let called = (names[*at].provider.as_deref(), relation.from[0].to_lowercase());
        *cast.entry(called).or_default().entry(relation.to_stream.as_str()).or_default() += 1;
    }
    // A key has a name of its own, if it is one that says something.
    for target in targets.iter().filter(|target| !target.generic) {
        let called = (names[target.stream].provider.as_deref(), target.column.path.to_lowercase());
        *cast.entry(called).or_default().entry(streams[target.stream].name.as_str()).or_default() += 1;
    }
    cast.into_iter()
        .filter_map(|(called, tables)| {
            let all: usize = tables.values().sum();
            let (table, most) = tables.into_iter().max_by_key(|(table, count)| (*count, *table))?;
            (most >= ENOUGH && most * 4 >= all * 3).then_some((called, table))
        })
        .collect()
}

fn is_own_key(stream: &Stream, path: &str) -> bool {
    stream.root().is_some_and(|table| table.primary_key == [path.to_owned()])
}

fn says_nothing(path: &str) -> bool {
    keys::is_bare_id(&words::tokens(path::last(path))) || (parts::parent(&naming::role(path)) && !path.contains('.'))
}
