//! One column as the key: it must be unique and filled; name, place, type and length tell the likely one from the accidental.

use super::called::Others;
use super::inbound::Inbound;
use super::{Naming, id_word, is_called, is_whole, may_be_key, names_table, stats, without_id};
use crate::organize::normalize::{Column, Logical, Table, Type, path};
use crate::organize::profile::Profile;
use crate::organize::words;

/// Above this no composite key is looked for.
pub const GOOD: f64 = 0.55;
/// From here on a name is that of the table's own id.
const OWN: f64 = 0.6;
/// What it says that most tables call their keys so, and the more if that is an id.
const HOUSE: f64 = 2.5;
const HOUSE_ID: f64 = 4.5;
/// Below this a column that happens to be unique is no key.
pub const POOR: f64 = 0.3;

/// The best unique column and how likely it is the key.
pub fn best(
    profile: &Profile,
    table: &Table,
    own: &Naming,
    others: Others<'_>,
    (inbound, house): (&Inbound, Option<&str>),
) -> Option<(String, f64)> {
    let mut found: Option<(String, f64)> = None;
    let named_after_table = table.columns.iter().any(|column| {
        let words = words::tokens(path::last(&column.path));
        let named = words.len() > 1 && name_score(&words, own, others) >= 0.9;
        named && is_whole(stats(profile, column), table.rows)
    });
    // What is the same in all rows, as the number of a client, stands before keys and is not counted.
    let constants: Vec<usize> =
        table.columns.iter().filter(|column| stats(profile, column).sketch.distinct() < 2).map(|column| column.position).collect();
    let constant = |column: &Column| constants.iter().filter(|position| **position < column.position).count().min(column.position);
    // Where rows begin with an id, a `uuid` further on is their name for others.
    let begins = table.columns.iter().find(|column| column.position == 0 && column.depth == 0);
    let begins = begins.filter(|column| is_whole(stats(profile, column), table.rows) && !is_uuid(column));
    let has_id = begins.is_some_and(|column| id_word(&words::tokens(path::last(&column.path))).is_some_and(|strength| strength >= 0.8));
    // Where no column is called as the table or just an id, a first one that is called as another may be the key of both.
    let has_own = table.columns.iter().any(|column| {
        let words = words::tokens(path::last(&column.path));
        let may_be = is_whole(stats(profile, column), table.rows) && may_be_key(column, stats(profile, column));
        may_be && !(has_id && is_uuid(column)) && name_score(&words, own, others) >= OWN
    });
    for column in &table.columns {
        let stats = stats(profile, column);
        if !may_be_key(column, stats) || !is_whole(stats, table.rows) || has_id && is_uuid(column) {
            continue;
        }
        let elsewhere = named_after_table && !is_called(column, own) || names_another(column, own, others);
        let inbound = if elsewhere { 0 } else { inbound.of(&column.path) };
        let of_house = house.is_some_and(|house| column.position == 0 && column.path.eq_ignore_ascii_case(house));
        let place = column.position - constant(column);
        let rivals = if has_own || place > 0 { others } else { Others::none() };
        let score = score((column, place), profile, own, rivals, (inbound, of_house));
        if found.as_ref().is_none_or(|(_, best)| score > *best) {
            found = Some((column.path.clone(), score));
        }
    }
    found
}

fn score(
    (column, place): (&Column, usize),
    profile: &Profile,
    own: &Naming,
    others: Others<'_>,
    (inbound, of_house): (usize, bool),
) -> f64 {
    let stats = stats(profile, column);
    let name = path::last(&column.path);
    let words = words::tokens(name);
    let mut z = -1.6 + 3.4 * name_score(&words, own, others);
    z += 1.1 / (1.0 + place as f64);
    z -= 0.9 * column.depth as f64;
    z += match column.typed.kind {
        Type::Bigint | Type::Uuid => 0.4,
        Type::Numeric => 0.1,
        _ => 0.0,
    };
    z += match column.typed.logical {
        Some(Logical::PrefixedId) => 0.6,
        Some(Logical::Email | Logical::Url | Logical::Phone | Logical::EpochSeconds | Logical::EpochMilliseconds) => -1.2,
        _ => 0.0,
    };
    let mean = stats.bytes as f64 / stats.scalars().max(1) as f64;
    z -= ((mean - 24.0) / 16.0).clamp(0.0, 2.0);
    // What others call by this very name, with its values, is what they refer to.
    z += match inbound {
        0 => 0.0,
        1 => 0.8,
        2 => 1.6,
        _ => 4.0,
    };
    z += match of_house {
        true if id_word(&words).is_some_and(|strength| strength >= 0.8) => HOUSE_ID,
        true => HOUSE,
        false => 0.0,
    };
    // A handful of rows makes anything unique.
    z -= if profile.records < 10 { 0.2 } else { 0.0 };
    1.0 / (1.0 + (-z).exp())
}

/// Whether a column is called nothing but a unique id.
fn is_uuid(column: &Column) -> bool {
    matches!(words::tokens(path::last(&column.path)).as_slice(), [word] if matches!(word.as_str(), "uuid" | "guid"))
}

/// Whether a column is named after another table, and not after its own.
fn names_another(column: &Column, own: &Naming, others: Others<'_>) -> bool {
    let words = without_id(words::tokens(path::last(&column.path)));
    if words.concat().len() <= 1 {
        return false;
    }
    let other = others.likeness(&words);
    other >= 0.7 && other >= names_table(&words, &own.words)
}

/// `id` and `<table>_id` say key; `<other table>_id` says reference.
pub fn name_score(words: &[String], own: &Naming, others: Others<'_>) -> f64 {
    let Some(strength) = id_word(words) else {
        return if names_table(words, &own.words) > 0.85 { 0.35 } else { reference(words, own) };
    };
    let rest = without_id(words.to_vec());
    if rest.is_empty() {
        return strength;
    }
    // Some databases put a letter or two of the table before each column: `o_orderkey`.
    let tail = if rest.len() > 1 && rest[0].len() <= 2 { &rest[1..] } else { &rest[..] };
    let likeness = |naming: &Naming| names_table(&rest, &naming.words).max(names_table(tail, &naming.words));
    let letter = Some(rest.concat()).filter(|letter| letter.len() == 1);
    let begins = |word: &String| letter.as_ref().is_some_and(|letter| word.starts_with(letter));
    let mine = if own.words.iter().chain(&own.provider).any(begins) { 0.8 } else { likeness(own) };
    // A single letter says nothing about another table, and nothing is more than the whole name of the own one.
    let is_own = letter.is_some() || mine >= 1.0;
    let elsewhere = if is_own { 0.0 } else { (others.likeness(&rest).max(others.likeness(tail)) - mine).max(0.0) };
    (0.45 * strength + 0.55 * mine * strength - 0.35 * elsewhere).clamp(0.0, 1.0)
}

/// The `shopperReference` of a shopper is what it is called by those who keep it.
fn reference(words: &[String], own: &Naming) -> f64 {
    let Some((last, rest)) = words.split_last() else { return 0.0 };
    let called = || names_table(rest, &own.words) > 0.85 || !rest.is_empty() && own.words.ends_with(rest);
    let called = matches!(last.as_str(), "reference" | "ref") && called();
    if called { 0.7 } else { 0.0 }
}
