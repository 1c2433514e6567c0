//! What the name of a referring column says about the table it refers to.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use super::parts::{self, SORTS};
use crate::organize::keys;
use crate::organize::normalize::{Table, path};
use crate::organize::words;

/// The role a column plays: the words of its name, or of the object it is the id of.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Words in the singular, without the id word.
    pub words: Vec<String>,
    /// How much the name says that it is an id.
    pub id: f64,
    /// Whether the name is that of a measure, or a plural without an id word: as a number it counts, and refers to nothing.
    pub counts: bool,
    /// Whether it says by whom: `granted_by_id`.
    pub by: bool,
    /// Whether a word in the middle links to what comes behind: `evolves_from_species_id`.
    pub linked: bool,
}

impl Role {
    /// An order in which equal ones stand together.
    pub fn order(&self, other: &Self) -> Ordering {
        let told = |role: &Self| (role.counts, role.by);
        self.words.cmp(&other.words).then(self.id.total_cmp(&other.id)).then(told(self).cmp(&told(other)))
    }
}

/// Names of containers that say nothing about what is in them.
const HOLLOW: &[&str] = &[
    "result",
    "data",
    "item",
    "node",
    "edge",
    "value",
    "record",
    "object",
    "list",
    "embedded",
    "attribute",
    "property",
    "element",
    "entry",
];

/// A role beside what it was already compared with: many tables have one name, and comparing names takes longest.
#[derive(Debug)]
pub struct Said<'a> {
    /// The role.
    pub role: &'a Role,
    /// Whether it is one that people play.
    pub people: bool,
    /// Whether it is one that places play.
    pub places: bool,
    /// Whether it points at another row of the same table.
    pub parent: bool,
    known: RefCell<HashMap<Vec<String>, f64>>,
}

impl<'a> Said<'a> {
    /// Nothing is known yet.
    pub fn new(role: &'a Role) -> Self {
        let (people, places, parent) = (parts::of_somebody(role), parts::of_somewhere(role), parts::parent(role));
        Self { role, people, places, parent, known: RefCell::default() }
    }

    /// As [`names`].
    pub fn names(&self, table: &[String]) -> f64 {
        if let Some(known) = self.known.borrow().get(table) {
            return *known;
        }
        let found = names(self.role, table);
        self.known.borrow_mut().insert(table.to_vec(), found);
        found
    }
}

/// Words at the end of a name that link to something.
const LINKS: &[&str] = &["via", "by", "to", "from", "for", "of", "ref", "fk"];

/// The role of a path in a table whose columns all begin with a word that says nothing.
pub fn role_within(path: &str, prefix: Option<&str>) -> Role {
    let mut role = role(path);
    if role.words.len() > 1 && role.words.first().map(String::as_str) == prefix {
        role.words.remove(0);
    }
    role
}

/// The letter or two that a database puts before all columns of a table: the `o` of `o_orderkey`.
pub fn prefix(table: &Table) -> Option<String> {
    let firsts = || table.columns.iter().filter_map(|column| words::tokens(path::last(&column.path)).into_iter().next());
    let first = firsts().next().filter(|word| word.len() <= 3 && table.columns.len() > 2)?;
    (firsts().filter(|word| *word == first).count() * 5 >= table.columns.len() * 4).then_some(first)
}

/// Words at the end of a name for what is counted or measured.
const MEASURES: &[&str] = &[
    "count", "total", "amount", "quantity", "qty", "sum", "avg", "average", "price", "cost", "score", "size", "weight", "height", "age",
    "duration", "rate",
];

/// The role of a path.
pub fn role(path: &str) -> Role {
    let keys = path::keys(path);
    let hollow = |key: &String| words::tokens(key).iter().all(|word| HOLLOW.contains(&words::singular(word).as_str()));
    // `customer_ref.value` is called as the object around it, and `_customer_value` as what comes before.
    let depth = keys.len() - keys.iter().rev().take_while(|key| hollow(key)).count().min(keys.len().saturating_sub(1));
    let keys = &keys[..depth];
    let mut words: Vec<String> = keys.last().map(|key| words::tokens(key)).unwrap_or_default();
    if words.len() > 1 && words.last().is_some_and(|word| word == "value") {
        words.pop();
    }
    let id = keys::id_word(&words).unwrap_or(0.0);
    let mut id = id;
    if id > 0.0 {
        words = keys::without_id(words);
    }
    if keys.last().is_some_and(|key| key.eq_ignore_ascii_case("uid")) {
        words = vec!["user".to_owned()];
    }
    let by = words.len() > 1 && words.last().is_some_and(|word| word == "by");
    if (id == 0.0 || by) && words.len() > 1 && words.last().is_some_and(|word| LINKS.contains(&word.as_str())) {
        words.pop();
        id = id.max(0.4);
    }
    let mut outer = keys.iter().rev().skip(1);
    while words.is_empty() {
        let Some(key) = outer.next() else { break };
        words = words::tokens(key).into_iter().filter(|word| !HOLLOW.contains(&words::singular(word).as_str())).collect();
    }
    let measures = id == 0.0 && words.len() > 1 && words.last().is_some_and(|word| MEASURES.contains(&word.as_str()));
    let measures = measures || id == 0.0 && matches!(words.first().map(String::as_str), Some("sort" | "display" | "menu"));
    let counts = measures || id == 0.0 && words.last().is_some_and(|word| words::singular(word) != *word) && !path.ends_with("[]");
    let linked = words.len() > 2 && words[1..words.len() - 1].iter().any(|word| LINKS.contains(&word.as_str()));
    Role { linked, words: words.iter().flat_map(|word| sort_apart(words::singular(word))).collect(), id, counts, by }
}

/// `issuetype` is an issue type.
fn sort_apart(word: String) -> Vec<String> {
    let sort = SORTS.iter().find_map(|sort| Some((word.strip_suffix(sort)?, *sort)));
    match sort {
        Some((stem, sort)) if stem.len() >= 4 => vec![stem.to_owned(), sort.to_owned()],
        _ => vec![word],
    }
}

/// How well a role names a table, from 0 to 1: the table's words at its end count most (`manager_staff` is a staff).
pub fn names(role: &Role, table: &[String]) -> f64 {
    if role.words.len() > 1 && role.words.concat() == table.concat() {
        return 1.0;
    }
    let whole = keys::names_table(&role.words, table);
    let ends = (1..role.words.len()).map(|at| keys::names_table(&role.words[at..], table)).fold(0.0, f64::max);
    let starts = (1..role.words.len()).map(|at| keys::names_table(&role.words[..at], table)).fold(0.0, f64::max);
    // Without an id word the last word is what the column holds: `product_inventory` is an inventory.
    let sort = role.words.last().is_some_and(|word| SORTS.contains(&word.as_str()) && !table.contains(word));
    let starts = if role.id > 0.0 && !sort { 0.8 * starts } else { 0.4 * starts };
    let found = if sort && role.words.len() > 1 { starts } else { whole.max(0.92 * ends).max(starts) };
    // A post is no type of action on posts.
    let said = |word: &String| role.words.iter().any(|own| words::word_likeness(own, word) > 0.8);
    let sorts = table.len() > 1 && table.last().is_some_and(|word| SORTS.contains(&word.as_str()) && !said(word));
    if sorts { 0.6 * found } else { found.max(HEAD * head(role, table)) }
}

/// How far the end of a table's name says what the whole says.
const HEAD: f64 = 0.88;

/// How well a role names the last words of a table's name: a `team_id` is that of a `crm_team`, if there is no nearer one.
fn head(role: &Role, table: &[String]) -> f64 {
    if role.id < 0.6 {
        return 0.0;
    }
    // The last word may be written together with those before it: the `issueid` of a `jiraissue`.
    let called = role.words.concat();
    let enough = if role.id > 0.8 { 4 } else { 5 };
    let ends = |word: &String| called.len() >= enough && word.len() > called.len() && word.ends_with(&called);
    let together = if table.last().is_some_and(ends) { 0.9 } else { 0.0 };
    // What only makes a sort of something says nothing without it: an `event_type` is no `content_type`.
    let tells = |words: &[String]| !matches!(words, [word] if parts::is_sort(word));
    let whole = |at: usize| keys::names_table(&role.words, &table[at..]);
    let tails = || (1..role.words.len()).filter(|from| tells(&role.words[*from..]));
    let ends = |at: usize| tails().map(|from| keys::names_table(&role.words[from..], &table[at..])).fold(0.0, f64::max);
    (1..table.len()).map(|at| whole(at).max(0.92 * ends(at))).filter(|found| *found > 0.8).fold(together, f64::max)
}
