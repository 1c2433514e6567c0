//! Which columns refer to which table: values that are contained, names that say so, domains that do not overlap by chance,
//! and objects that repeat what the other table knows. One best target for each column.

mod alternates;
mod chance;
pub mod composite;
mod counted;
pub mod evidence;
mod fit;
mod index;
mod kin;
mod modules;
pub mod naming;
mod parts;
mod second;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use super::keys::{self, Naming};
use super::normalize::{Column, Logical, Stream, Type, path};
use super::profile::Stats;
use super::words;
pub use evidence::Evidence;

/// A reference from columns of one stream to columns of another.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The stream that refers.
    pub from_stream: String,
    /// Its columns.
    pub from: Vec<String>,
    /// The stream referred to.
    pub to_stream: String,
    /// Its columns.
    pub to: Vec<String>,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
    /// Why.
    pub evidence: Evidence,
}

/// Below this a candidate is not proposed.
const PROPOSED: f64 = 0.5;

/// A table's key that columns may refer to.
pub(super) struct Target<'a> {
    stream: usize,
    column: &'a Column,
    stats: &'a Stats,
    role: naming::Role,
    /// Whether its name says nothing but that it is an id.
    generic: bool,
}

/// All relations between these streams.
pub fn find(streams: &[Stream]) -> Vec<Relation> {
    let names = modules::settle(streams, keys::naming(streams));
    let targets = targets(streams);
    let mut found = first_look(streams, &names, &Lookup::of(&targets, &names));
    redirect(&mut found, streams, &names);
    for look in [kin::find, fit::find] {
        let second = look(streams, &names, &targets, &found);
        found.extend(second);
    }
    let second = alternates::find(streams, &names, &found);
    found.extend(second);
    found
}

/// The keys, by values and by names.
struct Lookup<'a> {
    index: index::Index,
    counted: counted::Counted<'a>,
    targets: &'a [Target<'a>],
}

impl<'a> Lookup<'a> {
    fn of(targets: &'a [Target<'a>], names: &'a [Naming]) -> Self {
        Self { index: index::Index::of(targets), counted: counted::Counted::of(targets, names), targets }
    }

    fn all(&self, places: &[u32]) -> impl Iterator<Item = &'a Target<'a>> {
        places.iter().map(|at| &self.targets[*at as usize])
    }

    /// The keys that a column is compared with, in order.
    fn candidates(&self, streams: &[Stream], names: &[Naming], from: Referrer<'_>, near: &mut counted::Near) -> Vec<u32> {
        let (at, column, said) = from;
        // No table that numbers its rows is meant rather than the one that is called so.
        let exact = self.counted.called(&said.role.words, names[at].provider.as_deref());
        if best_target(streams, names, from, self.all(&exact)).is_some() {
            return exact;
        }
        let stats = keys::stats(&streams[at].profile, column);
        let values = stats.sketch.distinct() as f64;
        // The own id of a row is no reference, if it is not called otherwise.
        let is_own = said.role.words.is_empty() && streams[at].root().is_some_and(|table| table.primary_key == [column.path.clone()]);
        let is_chance = |at: u32| {
            let Target { stats: key, generic, .. } = self.targets[at as usize];
            is_own && generic && counted::is_numbered(key) || counted::is_silent(key, values)
        };
        let mut found = self.index.candidates(stats, |at| !is_chance(at));
        if self.counted.may_have(stats) {
            found.extend(self.counted.fitting(from, near));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A column that may refer to something: its stream, itself, and its role.
type Referrer<'a> = (usize, &'a Column, &'a naming::Said<'a>);

/// The best target of each column by itself. Columns that play one role are looked at together, because a role is compared with the names
/// of all tables that have their values.
fn first_look(streams: &[Stream], names: &[Naming], lookup: &Lookup<'_>) -> Vec<Relation> {
    let mut asked = Vec::new();
    for (at, stream) in streams.iter().enumerate() {
        let prefix = stream.root().and_then(naming::prefix);
        let columns = stream.tables.iter().flat_map(|table| &table.columns);
        for column in columns.filter(|column| may_refer(column, keys::stats(&stream.profile, column))) {
            asked.push((naming::role_within(&column.path, prefix.as_deref()), at, column));
        }
    }
    let mut by_role: Vec<usize> = (0..asked.len()).collect();
    by_role.sort_by(|a, b| asked[*a].0.order(&asked[*b].0).then(a.cmp(b)));
    let mut found: Vec<Option<Relation>> = vec![None; asked.len()];
    for alike in by_role.chunk_by(|a, b| asked[*a].0 == asked[*b].0) {
        let said = naming::Said::new(&asked[alike[0]].0);
        let mut near = counted::Near::default();
        for &place in alike {
            let (_, at, column) = &asked[place];
            let from = (*at, *column, &said);
            let candidates = lookup.candidates(streams, names, from, &mut near);
            found[place] = best_target(streams, names, from, lookup.all(&candidates));
        }
    }
    found.into_iter().flatten().collect()
}

fn targets(streams: &[Stream]) -> Vec<Target<'_>> {
    let mut found = Vec::new();
    for (at, stream) in streams.iter().enumerate() {
        let Some(table) = stream.root() else { continue };
        let [key] = table.primary_key.as_slice() else { continue };
        let Some(column) = table.columns.iter().find(|column| column.path == *key) else { continue };
        let words: Vec<String> = words::tokens(path::last(&column.path)).iter().map(|word| words::singular(word)).collect();
        let role = naming::role_within(&column.path, naming::prefix(table).as_deref());
        found.push(Target { stream: at, column, stats: keys::stats(&stream.profile, column), role, generic: keys::is_bare_id(&words) });
    }
    let usual = keys::house_key(streams);
    let usual = |target: &Target<'_>| usual.as_deref().is_some_and(|name| target.column.path.eq_ignore_ascii_case(name));
    let house = house_keys(&found);
    for target in &mut found {
        target.generic |= usual(target) || house.contains(&name_of(target));
    }
    found
}

/// Tables that may share the name of their keys by chance.
const HOUSE: usize = 3;

/// Some databases call all their keys alike, as `entity_id`, and count each table from one. Then the name says no more than `id`.
/// Tables that extend one another share a name, too, but then some of them have only some of the numbers.
fn house_keys(all: &[Target<'_>]) -> HashSet<String> {
    let mut alike: HashMap<String, (usize, usize)> = HashMap::new();
    for target in all {
        let (many, counted) = alike.entry(name_of(target)).or_default();
        *many += 1;
        *counted += usize::from(evidence::is_counted(target.stats));
    }
    let house = |(name, (many, counted))| Some(name).filter(|_| many >= HOUSE && counted * 4 >= many * 3);
    alike.into_iter().filter_map(house).collect()
}

fn name_of(target: &Target<'_>) -> String {
    path::last(&target.column.path).to_ascii_lowercase()
}

fn may_refer(column: &Column, stats: &Stats) -> bool {
    let type_fits = matches!(column.typed.kind, Type::Bigint | Type::Numeric | Type::Text | Type::Uuid) && stats.decimals == 0;
    let type_fits = type_fits || keys::is_day_key(column);
    let meant = matches!(column.typed.logical, Some(Logical::EpochSeconds | Logical::EpochMilliseconds | Logical::Url | Logical::Boolean))
        || keys::is_amount(column);
    let short = stats.bytes <= 48 * stats.scalars().max(1);
    type_fits && !meant && short && stats.present() > 0 && !column.is_map_key
}

fn best_target<'a>(
    streams: &[Stream],
    names: &[Naming],
    (at, column, said): Referrer<'_>,
    targets: impl Iterator<Item = &'a Target<'a>>,
) -> Option<Relation> {
    let weighed = |target: &'a Target<'a>| {
        let is_itself = target.stream == at && target.column.path == column.path;
        let evidence = if is_itself { None } else { evidence::weigh(streams, names, (at, column, said), target) };
        evidence.filter(|evidence| evidence.confidence() >= PROPOSED).map(|evidence| (target, evidence))
    };
    let mut found: Vec<(&Target<'_>, Evidence)> = targets.filter_map(weighed).collect();
    leave_unsaid(&mut found);
    // Of equally likely ones the first.
    let (target, evidence) = found.into_iter().rev().max_by(|a, b| a.1.confidence().total_cmp(&b.1.confidence()))?;
    Some(Relation {
        from_stream: streams[at].name.clone(),
        from: vec![column.path.clone()],
        to_stream: streams[target.stream].name.clone(),
        to: vec![target.column.path.clone()],
        confidence: evidence.confidence(),
        evidence,
    })
}

/// From here on a name says enough that values alone say nothing against it.
const SAID: f64 = 0.75;

/// Leaves out what only values speak for, where a name speaks for another key that has all of them, and where several keys count through
/// the same numbers.
fn leave_unsaid(found: &mut Vec<(&Target<'_>, Evidence)>) {
    let said = |evidence: &Evidence| evidence.name >= SAID && evidence.contained >= evidence::UNMISTAKABLE;
    let is_said = found.iter().any(|(_, evidence)| said(evidence));
    let counts = |target: &Target<'_>| counted::is_numbered(target.stats);
    let several = found.iter().filter(|(target, evidence)| evidence.unsaid && counts(target)).count() > 1;
    found.retain(|(target, evidence)| !(evidence.unsaid && (is_said || several && counts(target))));
}

/// How many different values a column has.
fn size(streams: &[Stream], stream: &str, columns: &[String]) -> Option<u64> {
    let stream = streams.iter().find(|other| other.name == stream)?;
    let column = stream.root()?.columns.iter().find(|column| columns == [column.path.clone()])?;
    Some(keys::stats(&stream.profile, column).sketch.distinct())
}

/// A table whose key is itself a reference stands for the table it refers to; what points at it under that table's name
/// means that table.
fn redirect(found: &mut [Relation], streams: &[Stream], names: &[Naming]) {
    let onward: Vec<(String, Vec<String>, String, Vec<String>)> = found
        .iter()
        .filter(|relation| {
            let table = streams.iter().find(|stream| stream.name == relation.from_stream).and_then(Stream::root);
            table.is_some_and(|table| table.primary_key == relation.from)
        })
        .map(|relation| (relation.from_stream.clone(), relation.from.clone(), relation.to_stream.clone(), relation.to.clone()))
        .collect();
    for relation in found {
        let step = onward.iter().find(|(stream, columns, ..)| *stream == relation.to_stream && *columns == relation.to);
        let Some((_, _, stream, columns)) = step else { continue };
        if *stream == relation.from_stream && *columns == relation.from {
            continue;
        }
        let role = naming::role(&relation.from[0]);
        let likeness = |name: &str| {
            let at = streams.iter().position(|stream| stream.name == name);
            at.map_or(0.0, |at| keys::names_table(&role.words, &names[at].words))
        };
        // A name that says neither leaves it at the nearer one, unless both have the same rows and call them alike.
        let (onward, near) = (likeness(stream), likeness(&relation.to_stream));
        let twins =
            onward >= near && relation.to == *columns && size(streams, stream, columns) == size(streams, &relation.to_stream, columns);
        if twins || onward > 0.0 && onward >= near {
            relation.to_stream.clone_from(stream);
            relation.to.clone_from(columns);
        }
    }
}
