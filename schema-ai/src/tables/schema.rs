//! The schema of a tenant's tables as the writer holds it: for each table its columns, and a tree that leads from a field of the
//! source to its column. It only grows; what grew since the last look waits in [`Schema::take_changes`].

use std::collections::HashMap;

use super::name::{ENGINE_PREFIX, free_name, readable};
use crate::infer::Kind;

/// How far the writer goes before it keeps values as JSON instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Columns of one table; values of further paths go to its overflow column.
    pub columns_max: usize,
    /// Objects and lists in one another; what is deeper stays JSON.
    pub depth_max: usize,
    /// Child tables of one stream; further lists of objects stay JSON.
    pub children_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { columns_max: 500, depth_max: 12, children_max: 100 }
    }
}

/// What a database does not keep of a moment, and a column beside it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Beside {
    /// The column has the source's text; the one beside it has microseconds to compare by.
    #[default]
    Microseconds,
    /// The column has the moment; the one beside it has the source's text, where that says more.
    SourceText,
}

/// A column and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// The JSON pointer of the field within the record, or within the element for a child table. Empty for an engine column.
    pub path: String,
    /// What was seen there.
    pub kind: Kind,
    /// Some row has no value here.
    pub nullable: bool,
    /// For a timestamp: the engine column beside it.
    pub moment: Option<usize>,
}

/// Where a field of the source goes.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub column: Option<usize>,
    pub fields: Branches,
    pub child: Option<usize>,
}

impl Node {
    /// It leads somewhere.
    pub(crate) fn is_used(&self) -> bool {
        self.column.is_some() || self.child.is_some() || !self.fields.nodes.is_empty()
    }
}

/// Fields by name, in the order in which they were found. The records of a stream mostly have them in one order, so that a field is
/// mostly found where it is looked for first.
#[derive(Debug, Default)]
pub(crate) struct Branches {
    nodes: Vec<(Box<str>, Node)>,
    places: HashMap<Box<str>, usize>,
}

impl Branches {
    /// The place of a field that is most likely here.
    pub(crate) fn place(&self, name: &str, likely: usize) -> Option<usize> {
        let is_there = self.nodes.get(likely).is_some_and(|(known, _)| **known == *name);
        if is_there { Some(likely) } else { self.places.get(name).copied() }
    }

    pub(crate) fn at(&mut self, place: usize) -> &mut Node {
        &mut self.nodes[place].1
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Adds a field that is not there yet. Gives its place.
    pub(crate) fn add(&mut self, name: &str, node: Node) -> usize {
        self.places.insert(name.into(), self.nodes.len());
        self.nodes.push((name.into(), node));
        self.nodes.len() - 1
    }
}

/// A table: of a stream, or of the lists at one path of a stream's records.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The integration whose stream it holds.
    pub integration: String,
    /// The connector of the integration.
    pub connector: String,
    /// The stream.
    pub stream: String,
    /// For a child table: which table its parents are in.
    pub parent: Option<usize>,
    /// For a child table: the JSON pointer of the list within the parent.
    pub path: String,
    /// The source's columns, in the order in which they were found.
    pub columns: Vec<Column>,
    pub(crate) root: Node,
    pub(crate) children: Vec<usize>,
    /// Some row was written before this batch.
    pub(crate) has_rows: bool,
    /// Some record is gone for good, and only its version is kept.
    pub(crate) has_gone: bool,
    /// It was said that no further column is made.
    pub(crate) is_full: bool,
}

/// Something that the tables did not have before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A table, by its index.
    Table(usize),
    /// A column of a table.
    Column(usize, usize),
    /// A column holds more than before.
    Widened(usize, usize, Kind),
    /// A table has as many columns as it may, and something that needs one more came.
    Full(usize),
}

/// All tables of one tenant.
#[derive(Debug, Default)]
pub struct Schema {
    /// The tables; their index never changes.
    pub tables: Vec<Table>,
    pub(crate) limits: Limits,
    pub(crate) beside: Beside,
    pub(crate) foreign_names: Vec<String>,
    changes: Vec<Change>,
}

impl Schema {
    /// No tables yet, in a database that keeps this of a moment.
    pub(crate) fn beside(beside: Beside) -> Self {
        Self { beside, ..Self::default() }
    }

    /// The table of a stream, made if there is none.
    pub(crate) fn stream_table(&mut self, connector: &str, integration: &str, stream: &str) -> usize {
        let known = |table: &Table| table.parent.is_none() && table.integration == integration && table.stream == stream;
        if let Some(index) = self.tables.iter().position(known) {
            return index;
        }
        let shared = self.tables.iter().any(|table| table.connector == connector && table.integration != integration);
        let owner = if shared { integration } else { connector };
        let stands_for = format!("{integration}\0{stream}");
        let name = self.table_name(&readable([owner, stream]), &stands_for);
        self.add_table(Table::new(name, connector, integration, stream, None, String::new()))
    }

    /// The table for the lists at this path of a table, made if there is none and there may be one more.
    pub(crate) fn child_table(&mut self, parent: usize, path: &str) -> Option<usize> {
        let of = &self.tables[parent];
        let siblings =
            self.tables.iter().filter(|table| table.parent.is_some() && table.integration == of.integration && table.stream == of.stream);
        if siblings.count() >= self.limits.children_max {
            return None;
        }
        let stands_for = format!("{}\0{path}", of.name);
        let wanted = format!("{}_{}", of.name, readable(path_parts(path).iter().map(String::as_str)));
        let (connector, integration, stream) = (of.connector.clone(), of.integration.clone(), of.stream.clone());
        let name = self.table_name(&wanted, &stands_for);
        let child = self.add_table(Table::new(name, &connector, &integration, &stream, Some(parent), path.to_owned()));
        self.tables[parent].children.push(child);
        Some(child)
    }

    /// The column for a path of a table that has none yet. `None` when the table has all the columns that it may have.
    pub(crate) fn add_column(&mut self, table: usize, path: &str, kind: Kind) -> Option<usize> {
        let of = &mut self.tables[table];
        if of.columns.len() >= self.limits.columns_max {
            if !std::mem::replace(&mut of.is_full, true) {
                self.changes.push(Change::Full(table));
            }
            return None;
        }
        let name = free_name(&readable(path_parts(path).iter().map(String::as_str)), path, |name| of.has_column(name));
        let index = of.columns.len();
        of.columns.push(Column { name, path: path.to_owned(), kind, nullable: of.has_rows, moment: None });
        self.changes.push(Change::Column(table, index));
        if kind == Kind::Timestamp {
            self.add_moment(table, index);
        }
        Some(index)
    }

    fn add_moment(&mut self, table: usize, column: usize) {
        let (prefix, kind) = match self.beside {
            Beside::Microseconds => ("us", Kind::Integer),
            Beside::SourceText => ("text", Kind::Text),
        };
        let of = &mut self.tables[table];
        let wanted = format!("{ENGINE_PREFIX}{prefix}_{}", of.columns[column].name);
        let name = free_name(&wanted, &wanted, |name| of.has_column(name));
        let moment = of.columns.len();
        of.columns.push(Column { name, path: String::new(), kind, nullable: true, moment: None });
        of.columns[column].moment = Some(moment);
        self.changes.push(Change::Column(table, moment));
    }

    /// Lets a column hold this kind too.
    pub(crate) fn widen(&mut self, table: usize, column: usize, kind: Kind) {
        let of = &mut self.tables[table].columns[column];
        let wider = of.kind.join(kind);
        if wider != of.kind {
            let before = std::mem::replace(&mut of.kind, wider);
            self.changes.push(Change::Widened(table, column, before));
        }
    }

    /// How far it may grow. Of tables that are full already that was said before.
    pub(crate) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
        self.tables.iter_mut().for_each(|table| table.is_full = table.columns.len() >= limits.columns_max);
    }

    /// Leads from the fields of the source to the columns and child tables that are there.
    pub(crate) fn link(&mut self) {
        for index in 0..self.tables.len() {
            let table = &mut self.tables[index];
            for column in 0..table.columns.len() {
                let path = table.columns[column].path.clone();
                if !path.is_empty() {
                    table.node_of(&path).column = Some(column);
                }
            }
            let (parent, path) = (table.parent, table.path.clone());
            if let Some(parent) = parent.and_then(|parent| self.tables.get_mut(parent)) {
                parent.node_of(&path).child = Some(index);
                parent.children.push(index);
            }
        }
    }

    /// What grew since the last call, in order.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Something grew since the last look.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    fn add_table(&mut self, table: Table) -> usize {
        self.tables.push(table);
        self.changes.push(Change::Table(self.tables.len() - 1));
        self.tables.len() - 1
    }

    fn table_name(&self, wanted: &str, stands_for: &str) -> String {
        free_name(wanted, stands_for, |name| {
            self.tables.iter().any(|table| table.name == name) || self.foreign_names.iter().any(|taken| taken == name)
        })
    }
}

impl Table {
    pub(crate) fn new(name: String, connector: &str, integration: &str, stream: &str, parent: Option<usize>, path: String) -> Self {
        Self {
            name,
            integration: integration.to_owned(),
            connector: connector.to_owned(),
            stream: stream.to_owned(),
            parent,
            path,
            columns: Vec::new(),
            root: Node::default(),
            children: Vec::new(),
            has_rows: false,
            has_gone: false,
            is_full: false,
        }
    }

    /// What is said when values of further paths get no column.
    pub(crate) fn full_note(&self, limits: Limits) -> String {
        format!(
            "table `{}` has {} columns, as many as it may; values of further paths go to `_syncline_overflow`",
            self.name, limits.columns_max
        )
    }

    fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// The node of a path, made if there is none.
    pub(crate) fn node_of(&mut self, path: &str) -> &mut Node {
        path_parts(path).into_iter().fold(&mut self.root, |node, part| {
            let place = node.fields.place(&part, 0).unwrap_or_else(|| node.fields.add(&part, Node::default()));
            node.fields.at(place)
        })
    }
}

/// The pointer of a field of this one.
pub(crate) fn path_of(parent: &str, field: &str) -> String {
    format!("{parent}/{}", field.replace('~', "~0").replace('/', "~1"))
}

/// The field names of a JSON pointer.
pub(crate) fn path_parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}
