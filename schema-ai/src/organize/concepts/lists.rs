//! Lists in records whose elements are things of their own: the lines of an order, what was said in a ticket. A list is none of these
//! unless the library says how such lists are called and in whose records they are, and its elements have what such things have.

use super::assign::{self, Assigned};
use super::library::{Concept, Library, Listed};
use crate::organize::normalize::{Stream, Table, path};
use crate::organize::words;

/// What wraps a list and says nothing about it: `lines.data`, `comments.nodes`.
const AROUND: &[&str] = &["data", "nodes", "edges", "elements", "records", "results", "values", "list"];
/// Objects in which a record may have its lists.
const WITHIN: &[&str] =
    &["data", "fields", "attributes", "properties", "embedded", "object", "details", "node", "associations", "relationships"];
/// Words behind the name of what an object is about: a `payment_summary`, `line_item_details`.
const ABOUT: &[&str] = &["summary", "info", "information", "detail", "data", "collection", "list", "set"];

/// A list and what its elements are.
pub struct Found<'a> {
    /// Its table.
    pub table: &'a Table,
    /// What its elements are.
    pub concept: &'a Concept,
    /// Their columns with their fields.
    pub assigned: Vec<Assigned>,
}

/// The place of a list's name: in which of the concept's kinds of lists, and there.
type Rank = (usize, usize);

/// The lists of a stream whose records are such things. What other streams of the source hold already is left to them, because a list
/// repeats it; and of several lists of one thing that with the likelier name is taken.
pub fn find<'a>(
    stream: &'a Stream,
    holder: &Concept,
    provider: Option<&str>,
    library: &'a Library,
    is_held: impl Fn(&Concept) -> bool,
) -> Vec<Found<'a>> {
    let mut found: Vec<(Rank, Found<'a>)> = Vec::new();
    for table in stream.tables.iter().skip(1).filter(|table| is_of_objects(stream, table)) {
        let Some(name) = name(&table.path, holder) else { continue };
        let open = library.entities.iter().filter(|concept| !concept.lists.is_empty() && !is_held(concept));
        let likely = open.filter_map(|concept| {
            let called = |(at, listed): (usize, &'a Listed)| Some(((at, called(&name, listed, holder)?), listed));
            let called: Vec<(Rank, &Listed)> = concept.lists.iter().enumerate().filter_map(called).collect();
            // Most lists are called like nothing that we know, and are not looked into.
            let assigned = (!called.is_empty()).then(|| assign::fields(stream, table, concept, provider))?;
            let (rank, _) = called.into_iter().find(|(_, listed)| listed.is_had_by(&assigned))?;
            Some((rank, Found { table, concept, assigned }))
        });
        let Some((rank, best)) = likely.min_by_key(|(rank, _)| *rank) else { continue };
        match found.iter_mut().find(|(_, known)| known.concept.name == best.concept.name) {
            Some(known) if rank < known.0 => *known = (rank, best),
            Some(_) => {}
            None => found.push((rank, best)),
        }
    }
    found.into_iter().map(|(_, found)| found).collect()
}

/// A list in the record itself that never had anything but objects in it, because only such lists have tables.
fn is_of_objects(stream: &Stream, table: &Table) -> bool {
    let is_direct = stream.root().is_some_and(|root| table.parent.as_ref() == Some(&root.name));
    let element = path::element(&table.path);
    let is_plain = || table.columns.iter().any(|column| column.path == element);
    let has_lists = || stream.tables.iter().any(|other| other.path == element);
    is_direct && !table.is_map && !is_plain() && !has_lists()
}

/// The words of a list's name in the singular, if it is in the record itself or in what only wraps it.
fn name(list: &str, holder: &Concept) -> Option<Vec<String>> {
    let mut keys: Vec<Vec<String>> = path::keys(list).iter().map(|key| singular(key)).collect();
    let is_around = |key: &[String]| AROUND.iter().any(|around| singular(around) == key);
    while keys.len() > 1 && keys.last().is_some_and(|key| is_around(key)) {
        keys.pop();
    }
    let (name, outer) = keys.split_last()?;
    let is_about =
        |key: &[String]| key.split_last().is_some_and(|(last, thing)| thing == name.as_slice() && ABOUT.contains(&last.as_str()));
    let wraps = |key: &Vec<String>| {
        key == name
            || is_about(key)
            || WITHIN.iter().any(|within| singular(within) == *key)
            || holder.words.iter().any(|word| singular(word) == *key)
    };
    outer.iter().all(wraps).then(|| name.clone())
}

/// The place of the list's name among those of such lists. `order_items` of an order are its items.
fn called(name: &[String], listed: &Listed, holder: &Concept) -> Option<usize> {
    if !listed.of.contains(&holder.name) {
        return None;
    }
    let whole = name.concat();
    let before = |name: &str| holder.words.iter().any(|word| singular(word).concat() + name == whole);
    listed.names.iter().map(|known| singular(known).concat()).position(|known| known == whole || before(&known))
}

fn singular(name: &str) -> Vec<String> {
    words::tokens(name).iter().map(|word| words::singular(word)).collect()
}

impl Listed {
    /// Whether of each group of fields there is one, and each is another.
    fn is_had_by(&self, assigned: &[Assigned]) -> bool {
        let has = |field: &String| assigned.iter().any(|one| one.field == *field);
        let mut had: Vec<&String> = self.has.iter().flatten().filter(|field| has(field)).collect();
        had.sort();
        had.dedup();
        had.len() >= self.has.len() && self.has.iter().all(|group| group.iter().any(has))
    }
}
