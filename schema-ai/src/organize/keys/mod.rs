//! Which columns tell the rows of a table apart: one that is unique and named like a key, or the best few together.

mod called;
pub mod composite;
mod inbound;
mod numbering;
pub mod single;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::called::Called;
use super::normalize::{Column, Logical, Stream, Table, Type};
use super::profile::files::Source;
use super::profile::{Profile, Stats};
use super::words;
use crate::organize::Refused;

/// Names of a stream, and what they say.
#[derive(Debug, Clone)]
pub struct Naming {
    /// The provider's word in front, when several streams have it.
    pub provider: Option<String>,
    /// The other words, in the singular.
    pub words: Vec<String>,
}

/// Reads the names of all streams together, because only together they show which word is the provider's.
pub fn naming(streams: &[Stream]) -> Vec<Naming> {
    let cut: Vec<Vec<String>> = streams.iter().map(|stream| telling(&stream.name)).collect();
    let naming = apart(&cut);
    // Providers stand before nearly all streams. In the tables of one database a few words come twice, as in `stock_items` and
    // `stock_groups`, and are part of the names.
    let before = naming.iter().filter(|naming| naming.provider.is_some()).count();
    if before * 2 >= naming.len() { naming } else { cut.into_iter().map(|words| Naming { provider: None, words }).collect() }
}

/// Takes the words off that several streams begin with, and none is.
fn apart(cut: &[Vec<String>]) -> Vec<Naming> {
    let alone: BTreeSet<&String> = cut.iter().filter(|words| words.len() == 1).map(|words| &words[0]).collect();
    let mut firsts: HashMap<&String, usize> = HashMap::new();
    for first in cut.iter().filter_map(|words| words.first()) {
        *firsts.entry(first).or_default() += 1;
    }
    cut.iter()
        .map(|tokens| {
            let Some(first) = tokens.first().filter(|_| tokens.len() > 1) else { return Naming { provider: None, words: tokens.clone() } };
            let shared = firsts.get(first).is_some_and(|count| *count > 1);
            if shared && !alone.contains(first) {
                Naming { provider: Some(first.clone()), words: tokens[1..].to_vec() }
            } else {
                Naming { provider: None, words: tokens.clone() }
            }
        })
        .collect()
}

/// Words around a table's name that only say that it is a table.
const AROUND: &[&str] = &["entity", "table", "tbl", "dim", "dimension", "fact", "data", "mst"];

/// The words of a stream's name in the singular, without those that say nothing: `DimCustomer` and `customer_entity` are customers.
pub fn telling(name: &str) -> Vec<String> {
    let mut words: Vec<String> = words::tokens(name).iter().map(|word| words::singular(word)).collect();
    let hollow = |word: &String| AROUND.contains(&word.as_str());
    while words.len() > 1 && words.last().is_some_and(hollow) {
        words.pop();
    }
    if words.len() > 1 && hollow(&words[0]) {
        words.remove(0);
    }
    words
}

/// Finds the primary key of every record's table. `sources` are read a second time where only several columns together can be one.
pub fn find(streams: &mut [Stream], sources: &[Source]) -> Result<(), Refused> {
    let names = naming(streams);
    let inbound = inbound::all(streams, &names);
    let house = house_key(streams);
    let called = Called::of(&names);
    for at in 0..streams.len() {
        let stream = &streams[at];
        let Some(table) = stream.root() else { continue };
        let others = called.but(&names[at]);
        let best = single::best(&stream.profile, table, &names[at], others, (&inbound[at], house.as_deref()));
        let bridge = composite::bridge(&stream.profile, table, &names[at], others);
        let (key, confidence) = match (best, bridge) {
            (Some((path, score)), None) if score >= single::GOOD => (vec![path], score),
            (best, bridge) => {
                let found = match sources.iter().find(|source| source.stream == stream.name) {
                    Some(source) => composite::search(stream, table, bridge.as_deref(), source)?,
                    None => None,
                };
                weigh(found, best)
            }
        };
        if let Some(table) = streams[at].tables.first_mut() {
            table.primary_key = key;
            table.key_confidence = confidence;
        }
    }
    for stream in streams {
        child_keys(stream);
    }
    Ok(())
}

/// Tables that must have a key of one name before it is the name of keys.
const HOUSE: usize = 4;

/// The name that the first column of most tables has, if it is hardly ever twice the same: whatever it says, here it names keys.
pub fn house_key(streams: &[Stream]) -> Option<String> {
    let tables = || streams.iter().filter_map(|stream| Some((stream, stream.root()?)));
    let mut firsts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (stream, table) in tables() {
        let Some(first) = table.columns.iter().find(|column| column.position == 0 && column.depth == 0) else { continue };
        let whole = is_whole(stats(&stream.profile, first), table.rows);
        let seen = firsts.entry(first.path.to_lowercase()).or_default();
        *seen = (seen.0 + 1, seen.1 + usize::from(whole));
    }
    let of = tables().count();
    let house = |(all, whole): &(usize, usize)| *whole >= HOUSE && whole * 10 >= all * 9 && whole * 10 >= of * 6;
    firsts.into_iter().find(|(_, seen)| house(seen)).map(|(name, _)| name)
}

fn weigh(composite: Option<(Vec<String>, f64)>, single: Option<(String, f64)>) -> (Vec<String>, f64) {
    match (composite, single) {
        (Some((key, score)), Some((path, alone))) => {
            if score >= alone {
                (key, score)
            } else {
                (vec![path], alone)
            }
        }
        (Some(found), None) => found,
        (None, Some((path, alone))) if alone > single::POOR => (vec![path], alone),
        _ => (Vec::new(), 0.0),
    }
}

/// A child table's rows are told apart by their own id, if they have one that never comes twice.
fn child_keys(stream: &mut Stream) {
    let profile = &stream.profile;
    for table in stream.tables.iter_mut().skip(1) {
        let own = table.columns.iter().find(|column| {
            let stats = &profile.node(column.node).stats;
            let named = super::normalize::path::last(&column.path).eq_ignore_ascii_case("id");
            named && column.depth <= 1 && is_whole(stats, table.rows)
        });
        if let Some(own) = own {
            table.primary_key = vec![own.path.clone()];
            table.key_confidence = 0.8;
        }
    }
}

/// Every row has the value, and no value comes twice.
pub(super) fn is_whole(stats: &Stats, rows: u64) -> bool {
    rows > 0 && stats.present() == rows && stats.sketch.is_unique()
}

/// Whether a column of this type can be part of a key at all.
pub(super) fn may_be_key(column: &Column, stats: &Stats) -> bool {
    let type_fits = matches!(column.typed.kind, Type::Bigint | Type::Text | Type::Uuid | Type::Numeric) && stats.decimals == 0;
    let type_fits = type_fits || is_day_key(column);
    let short = stats.bytes <= 64 * stats.scalars().max(1);
    type_fits && short && !column.is_map_key && !is_amount(column) && column.typed.logical != Some(Logical::Boolean)
}

/// Whether a column counts days: a calendar may have dates for ids.
pub(super) fn is_day_key(column: &Column) -> bool {
    let called = || id_word(&words::tokens(super::normalize::path::last(&column.path))).unwrap_or(0.0);
    column.typed.kind == Type::Date && called() >= 0.8
}

/// Whether a text is an amount; `001.013` is one, unless it is called an id.
pub(super) fn is_amount(column: &Column) -> bool {
    let called = || id_word(&words::tokens(super::normalize::path::last(&column.path))).unwrap_or(0.0);
    column.typed.logical == Some(Logical::Decimal) && called() < 0.8
}

/// The statistics of a column.
pub(super) fn stats<'a>(profile: &'a Profile, column: &Column) -> &'a Stats {
    &profile.node(column.node).stats
}

/// Words of a name that say that it is an id, mostly the last one.
pub(super) fn id_word(words: &[String]) -> Option<f64> {
    last_id_word(words.last()?).or_else(|| first_id_word(words))
}

/// `id_customer` and `num_factura` are ids; `num_votes` counts.
fn first_id_word(words: &[String]) -> Option<f64> {
    let (first, rest) = words.split_first()?;
    let singular = |word: &String| words::singular(word) == *word;
    let one = rest.last().is_some_and(singular) && singular(&rest[0]) && rest[0] != "of";
    match first.as_str() {
        "id" | "fk" if !rest.is_empty() => Some(0.9),
        "num" | "nr" | "no" | "numero" | "cod" | "codigo" if one => Some(0.7),
        _ => None,
    }
}

fn last_id_word(last: &str) -> Option<f64> {
    match last {
        "id" | "uuid" | "guid" | "uid" | "sk" | "pk" => Some(1.0),
        "key" | "code" | "no" | "nr" | "num" | "number" | "sku" | "isbn" | "slug" | "nummer" | "numero" | "codigo" | "cod" => Some(0.7),
        "sid" | "pid" | "cid" | "tid" | "nid" | "fid" | "eid" | "oid" | "gid" => Some(0.8),
        word if word.len() > 3 && word.ends_with("id") && !matches!(word, "paid" | "valid" | "void" | "bid" | "grid" | "avoid") => {
            Some(0.8)
        }
        word if word.len() > 4 && ["key", "code", "num", "number", "nummer"].iter().any(|ending| word.ends_with(ending)) => Some(0.6),
        _ => None,
    }
}

/// `customer_id` without `id`; `custid` without its ending.
pub(super) fn without_id(mut words: Vec<String>) -> Vec<String> {
    if words.last().is_some_and(|last| last_id_word(last).is_none()) && first_id_word(&words).is_some() {
        words.remove(0);
        return words;
    }
    let Some(last) = words.pop() else { return words };
    if matches!(last.as_str(), "id" | "uuid" | "guid" | "uid") {
        return words;
    }
    for ending in ["id", "key", "code", "number", "nummer", "num"] {
        if let Some(stem) = last.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            words.push(stem.to_owned());
            return words;
        }
    }
    words
}

/// Whether a column is called as its own table, with whatever word for an id: the `hostgroupid` of `hosts_groups`.
pub(super) fn is_called(column: &Column, own: &Naming) -> bool {
    let words = without_id(words::tokens(super::normalize::path::last(&column.path)));
    let called: Vec<String> = words.iter().map(|word| words::singular(word)).collect();
    called == own.words || !called.is_empty() && called.concat() == own.words.concat()
}

/// Whether a name is nothing but an id word, and so says nothing about what it names.
pub(super) fn is_bare_id(words: &[String]) -> bool {
    let bare = |word: &str| {
        matches!(
            word,
            "id" | "uuid" | "guid" | "uid" | "sk" | "pk" | "key" | "code" | "no" | "nr" | "num" | "number" | "sku" | "slug" | "name"
        )
    };
    words.is_empty() || (words.len() == 1 && bare(&words[0]))
}

/// Whether a table's name and a column's words mean the same, from 0 to 1.
pub(super) fn names_table(column_words: &[String], table: &[String]) -> f64 {
    if column_words.is_empty() || table.is_empty() {
        return 0.0;
    }
    let joined_column = joined(column_words);
    if joined_column.len() == 1 {
        // The `c` of `CID` in a table of courses.
        return if table.last().is_some_and(|word| word.starts_with(&*joined_column)) { 0.8 } else { 0.0 };
    }
    let joined_table = joined(table);
    let (short, long) = (joined_column.len().min(joined_table.len()), joined_column.len().max(joined_table.len()));
    let several = column_words.len() > 1 || table.len() > 1;
    let comparable = !several || short * 5 >= long * 3;
    let whole = if comparable { words::word_likeness(&joined_column, &joined_table) } else { 0.0 };
    if is_initials(column_words, table) {
        return 0.9;
    }
    let made = column_words.len() == 1 && table.len() > 1 && joined_column.len() > 3 && words::is_made_of(&joined_column, table);
    let whole = if made { whole.max(0.85) } else { whole };
    words::likeness(column_words, table).max(whole)
}

/// Whether a word is made of the first letters of three words or more: an `hda` is a `history_dataset_association`.
fn is_initials(words: &[String], table: &[String]) -> bool {
    let [word] = words else { return false };
    table.len() > 2 && word.chars().eq(table.iter().filter_map(|word| word.chars().next()))
}

/// The words as one.
fn joined(words: &[String]) -> Cow<'_, str> {
    if let [word] = words { Cow::Borrowed(word) } else { Cow::Owned(words.concat()) }
}

/// The record's table for a stream.
pub fn root(stream: &Stream) -> Option<&Table> {
    stream.tables.first()
}
