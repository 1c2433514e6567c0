//! One stream as tables: the record's table, a child table for each list, one column for each path. Nothing is left out,
//! and nothing is merged that the source keeps apart.

pub mod maps;
pub mod names;
pub mod path;
#[cfg(test)]
mod tests;
pub mod types;

pub use types::{Logical, Type, Typed};

use super::profile::{NodeId, Profile, Step};

/// A table of a stream.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in a database.
    pub name: String,
    /// The stream its rows come from.
    pub stream: String,
    /// The path of its list or map; empty for the record itself.
    pub path: String,
    /// The table whose rows its rows belong to.
    pub parent: Option<String>,
    /// Paths of the columns that tell its rows apart.
    pub primary_key: Vec<String>,
    /// How sure we are of that, from 0 to 1.
    pub key_confidence: f64,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Whether its rows come from a map with keys that are data.
    pub is_map: bool,
    /// Objects of several shapes: the path of each, and the path of the key that tells which.
    pub unions: Vec<(String, String)>,
    /// Rows seen.
    pub rows: u64,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name in a database.
    pub name: String,
    /// The path of its values in the record.
    pub path: String,
    /// What it holds.
    pub typed: Typed,
    /// Where its statistics are in the profile.
    pub node: NodeId,
    /// Its place among its siblings in the record.
    pub position: usize,
    /// How many objects stand between the row and the value.
    pub depth: usize,
    /// Whether the value is sometimes an object with more about itself.
    pub expandable: bool,
    /// Whether this is the key of a map's entry.
    pub is_map_key: bool,
    /// Whether it holds what does not fit the column before it.
    pub is_overflow: bool,
}

/// A stream: what was seen, and the tables that hold it.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// What was seen, with maps folded.
    pub profile: Profile,
    /// The record's table first, then child tables.
    pub tables: Vec<Table>,
}

/// What the table of a stream, or of a list in its records, is called among those that feed entities: `orders`, `orders.lines[]`.
pub fn feed(stream: &str, list: &str) -> String {
    if list.is_empty() { stream.to_owned() } else { format!("{stream}.{list}[]") }
}

impl Table {
    /// What it is called among those that feed entities.
    pub fn feed(&self) -> String {
        feed(&self.stream, &self.path)
    }
}

impl Stream {
    /// The tables for a profile.
    pub fn new(name: &str, mut profile: Profile) -> Self {
        maps::fold(&mut profile);
        let mut tables = Vec::new();
        let mut building = Building { profile: &profile, stream: name, tables: &mut tables };
        let record = building.open("", None, profile.records, false);
        building.object(record, 0, "", 0);
        names::name_all(name, &mut tables);
        Self { name: name.to_owned(), profile, tables }
    }

    /// The record's own table.
    pub fn root(&self) -> Option<&Table> {
        self.tables.first()
    }
}

struct Building<'a> {
    profile: &'a Profile,
    stream: &'a str,
    tables: &'a mut Vec<Table>,
}

impl Building<'_> {
    fn open(&mut self, path: &str, parent: Option<usize>, rows: u64, is_map: bool) -> usize {
        let parent = parent.map(|at| self.tables[at].path.clone());
        self.tables.push(Table {
            name: String::new(),
            stream: self.stream.to_owned(),
            path: path.to_owned(),
            parent,
            primary_key: Vec::new(),
            key_confidence: 0.0,
            columns: Vec::new(),
            is_map,
            unions: Vec::new(),
            rows,
        });
        self.tables.len() - 1
    }

    fn object(&mut self, table: usize, at: NodeId, path: &str, depth: usize) {
        let node = self.profile.node(at);
        for &child in &node.children {
            let Step::Key(key) = &self.profile.node(child).step else { continue };
            self.value(table, child, &path::key(path, key), depth);
        }
        if let Some(rest) = node.rest {
            self.map(table, at, rest, path);
        }
    }

    /// The value of a path: a column, columns of an object, a child table for a list, or more than one of these.
    fn value(&mut self, table: usize, at: NodeId, path: &str, depth: usize) {
        let node = self.profile.node(at);
        let stats = &node.stats;
        let is_object = stats.objects > 0;
        let is_list = stats.lists > 0;
        let only_scalar = !is_object && !is_list;
        let expandable = is_object && stats.scalars() > 0;
        let only_empty_objects = is_object && node.children.is_empty() && node.rest.is_none();
        if only_scalar || expandable || only_empty_objects {
            self.column(table, at, path, depth, expandable);
        }
        if is_object {
            self.union(table, at, path);
            self.object(table, at, path, depth + 1);
        }
        if let Some(element) = node.element.filter(|_| is_list) {
            let rows = self.profile.node(element).stats.seen;
            let child = self.open(path, Some(table), rows, false);
            self.rows(child, element, &path::element(path));
        }
    }

    fn rows(&mut self, table: usize, element: NodeId, path: &str) {
        let stats = &self.profile.node(element).stats;
        if stats.objects == 0 && stats.lists == 0 {
            return self.column(table, element, path, 0, false);
        }
        self.value(table, element, path, 0);
    }

    fn map(&mut self, table: usize, at: NodeId, rest: NodeId, path: &str) {
        let rows = self.profile.node(rest).stats.seen;
        let child = self.open(path, Some(table), rows, true);
        let key = path::any_key(path);
        self.column(child, at, &format!("{key}#key"), 0, false);
        if let Some(column) = self.tables[child].columns.last_mut() {
            column.is_map_key = true;
            column.typed = Typed { kind: Type::Text, logical: None, misfits: 0 };
        }
        self.value(child, rest, &key, 0);
    }

    fn column(&mut self, table: usize, at: NodeId, path: &str, depth: usize, expandable: bool) {
        let stats = &self.profile.node(at).stats;
        let typed = types::of(stats, path::last(path), self.profile.untyped);
        let position = self.tables[table].columns.len();
        let column = Column {
            name: String::new(),
            path: path.to_owned(),
            typed,
            node: at,
            position,
            depth,
            expandable,
            is_map_key: false,
            is_overflow: false,
        };
        self.tables[table].columns.push(column.clone());
        if typed.misfits > 0 {
            let typed = Typed { kind: Type::Jsonb, logical: None, misfits: 0 };
            let overflow = Column { path: format!("{path}#overflow"), typed, is_overflow: true, expandable: false, ..column };
            self.tables[table].columns.push(overflow);
        }
    }

    /// An object whose `object` or `type` says which of several shapes it has.
    fn union(&mut self, table: usize, at: NodeId, path: &str) {
        let node = self.profile.node(at);
        let child = |id: &NodeId| self.profile.node(*id);
        let tag = node.children.iter().map(child).find(|child| {
            let named = child.key().is_some_and(|key| matches!(key, "object" | "type" | "kind" | "__typename" | "_type"));
            let few = (2..=50).contains(&child.stats.sketch.distinct());
            named && few && child.stats.texts == node.stats.objects
        });
        let partial = node.children.iter().map(child).filter(|child| child.stats.seen < node.stats.objects).count();
        if let Some(key) = tag.and_then(|tag| tag.key())
            && partial >= 2
        {
            let tag = path::key(path, key);
            self.tables[table].unions.push((path.to_owned(), tag));
        }
    }
}
