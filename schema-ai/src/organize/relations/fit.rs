//! Columns that are called ids of something, and of nothing that there is: a table may be called by another word, or be a sort of it.
//! Then the values must say the more.

use std::collections::HashSet;

use super::{Evidence, Relation, Target, may_refer, naming, parts, second};
use crate::organize::keys::{self, Naming};
use crate::organize::normalize::{Column, Stream};
use crate::organize::profile::Stats;

/// How much a name must say that it is an id.
const CALLED: f64 = 0.8;
/// Rows a table must have before the ends of its numbers mean anything.
const ROWS: u64 = 25;
/// The part of a table's keys that must be used.
const COVERED: f64 = 0.5;
/// What a name counts that says another word, and what one that names a sort.
const ANOTHER: f64 = 0.7;
const SORT: f64 = 0.8;

/// References of columns called ids that have none yet.
pub(super) fn find(streams: &[Stream], names: &[Naming], targets: &[Target<'_>], known: &[Relation]) -> Vec<Relation> {
    let taken: HashSet<(&str, &str)> =
        known.iter().flat_map(|found| found.from.iter().map(|path| (found.from_stream.as_str(), path.as_str()))).collect();
    let mut found = Vec::new();
    for (at, stream) in streams.iter().enumerate() {
        let Some(table) = stream.root() else { continue };
        let prefix = naming::prefix(table);
        for column in table.columns.iter().filter(|column| column.depth == 0) {
            let role = naming::role_within(&column.path, prefix.as_deref());
            let stats = keys::stats(&stream.profile, column);
            let own = table.primary_key.contains(&column.path);
            let free = !own && !taken.contains(&(stream.name.as_str(), column.path.as_str()));
            if role.id < CALLED || !free || role.words.is_empty() || !may_refer(column, stats) || stats.sketch.is_unique() {
                continue;
            }
            let near = || targets.iter().filter(|target| target.stream != at && names[target.stream].provider == names[at].provider);
            let sorts: Vec<&Target<'_>> = near().filter(|target| is_sort_of(&role, &names[target.stream].words)).collect();
            let fitting: Vec<&Target<'_>> = near().filter(|target| fits(stats, target)).collect();
            found.extend(match (sorts.as_slice(), fitting.as_slice()) {
                ([target], _) => relate(streams, (at, column, &role), target, SORT),
                (_, [target]) => relate(streams, (at, column, &role), target, ANOTHER),
                _ => None,
            });
        }
    }
    found
}

fn relate(streams: &[Stream], (at, column, role): (usize, &Column, &naming::Role), target: &Target<'_>, name: f64) -> Option<Relation> {
    let stats = keys::stats(&streams[at].profile, column);
    let evidence: Option<Evidence> = second::evidence(stats, target.stats, role, name);
    let evidence = evidence.filter(|evidence| evidence.contained >= second::CONTAINED)?;
    Some(second::relation(&streams[at], column, &streams[target.stream], target.column, evidence))
}

/// A `unit_package_id` is one of the `package_types`.
fn is_sort_of(role: &naming::Role, table: &[String]) -> bool {
    let Some((sort, thing)) = table.split_last() else { return false };
    let ends = !thing.is_empty() && (role.words.ends_with(thing));
    ends && parts::is_sort(sort)
}

/// Whether the numbers of a column begin and end where those of a key do, and are most of them.
fn fits(stats: &Stats, target: &Target<'_>) -> bool {
    let key = target.stats;
    let known = key.sketch.distinct();
    if known < ROWS || key.least > key.most || stats.least > stats.most || (stats.sketch.distinct() as f64) < COVERED * known as f64 {
        return false;
    }
    let near = (0.01 * (key.most - key.least)).max(1.0);
    (0.0..=near).contains(&(stats.least - key.least)) && (0.0..=near).contains(&(key.most - stats.most))
}
