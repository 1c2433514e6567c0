//! Reads what feeds an entity: the records of a stream, or what is in a list of each of them. A record of a list is called after the
//! one that it is in and by its own id, so that it stays the same where others come or go before it; without one, by its place.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    UnifyFault,
    settle::Said,
    source::{Body, Reference, Tables, column_of, record_id, text, worth},
};
use crate::{
    organize::{
        normalize::path,
        plan::document::{Document, EntityPlan, FieldPlan, TablePlan},
        words,
    },
    tables::{RowQuery, TableReader, TableView},
};

/// Records whose lists are read at once.
const LISTS_AT_ONCE: usize = 50;
/// What an own id is called, beside the name of the list with `id` behind it.
const OWN: [&str; 5] = ["id", "uid", "uuid", "guid", "gid"];

type Row = Map<String, Value>;

/// Records, and whose lists were read for them.
#[derive(Default)]
pub(super) struct Portion {
    /// The records; those that are gone without a body. What was in a list and is not any more is not among them.
    pub said: Vec<Said>,
    /// The records whose lists were read to the end.
    pub roots: Vec<String>,
    /// Where the next portion begins.
    pub next: Option<String>,
}

/// Reads the records of one feed for one entity.
pub(super) struct Reading<'a> {
    reader: &'a dyn TableReader,
    feed: String,
    stream: &'a str,
    list: Option<List<'a>>,
    columns: Vec<Option<&'a str>>,
    refs: Vec<Option<(Option<&'a str>, &'a str)>>,
    /// The column of the stream's table that says since when a record is as it is.
    moment: Option<&'a str>,
}

/// The table of a list, and the columns of it that tell what is in one list apart.
struct List<'a> {
    table: &'a str,
    own: Vec<&'a str>,
}

impl<'a> Reading<'a> {
    /// `None` where the feed has no table.
    pub fn new(
        reader: &'a dyn TableReader,
        tables: &Tables<'a>,
        (plan, entity): (&'a Document, &'a EntityPlan),
        references: &'a [Reference],
        feed: &str,
    ) -> Option<Self> {
        let planned = plan.table_of(feed)?;
        let root = tables.of(&planned.stream, "")?;
        let table = tables.of(&planned.stream, &planned.path)?;
        let named = |path: &str| column_of(table, path).map(|column| column.name.as_str());
        let of = |field: &FieldPlan| field.sources.iter().filter(|source| source.is_in(feed)).find_map(|source| named(&source.path));
        let refs = references.iter().map(|reference| {
            let says = reference.by.iter().find(|says| says.feed == feed)?;
            match &says.path {
                Some(path) => named(path).map(|column| (Some(column), says.to.as_str())),
                None => Some((None, says.to.as_str())),
            }
        });
        let list = (!planned.path.is_empty()).then(|| List { table: &table.name, own: own_id(planned, table) });
        // What is in a list is as old as the record that it is in.
        let holder = if list.is_some() { plan.entity_of(&planned.stream) } else { Some(entity) };
        let updated = holder.and_then(|holder| holder.fields.iter().find(|field| field.concept == "updated_at"));
        let mut moments = updated.iter().flat_map(|field| &field.sources).filter(|source| source.is_in(&planned.stream));
        Some(Self {
            reader,
            feed: feed.to_owned(),
            stream: &root.name,
            list,
            columns: entity.fields.iter().map(of).collect(),
            refs: refs.collect(),
            moment: moments.find_map(|source| column_of(root, &source.path)).map(|column| column.name.as_str()),
        })
    }

    /// What these records of the stream say, or what is in their lists.
    pub fn of(&self, keys: &[String]) -> Result<Portion, UnifyFault> {
        let rows = self.reader.of_keys(self.stream, keys)?;
        let mut found: HashMap<String, Row> = rows.into_iter().map(|row| (engine(&row, "_syncline_key").to_owned(), row)).collect();
        self.portion(keys.iter().map(|key| (key.clone(), found.remove(key))).collect(), None)
    }

    /// The next portion, of so many records or a few more.
    pub fn page(&self, mut cursor: Option<String>, most: usize) -> Result<Portion, UnifyFault> {
        let rows_max = if self.list.is_some() { most.min(LISTS_AT_ONCE) } else { most };
        let mut whole = Portion::default();
        loop {
            let query = RowQuery { cursor, rows_max, deleted: true, ..RowQuery::default() };
            let page = self.reader.rows(self.stream, &query)?;
            let is_gone = |row: &Row| row.get("_syncline_deleted_at").is_some_and(|at| !at.is_null());
            let keyed = page.rows.into_iter().map(|row| (engine(&row, "_syncline_key").to_owned(), (!is_gone(&row)).then_some(row)));
            let portion = self.portion(keyed.collect(), page.next)?;
            whole.said.extend(portion.said);
            whole.roots.extend(portion.roots);
            cursor = portion.next;
            // A list may be empty in very many records.
            if cursor.is_none() || whole.said.len().max(whole.roots.len()) >= most {
                return Ok(Portion { next: cursor, ..whole });
            }
        }
    }

    fn portion(&self, records: Vec<(String, Option<Row>)>, next: Option<String>) -> Result<Portion, UnifyFault> {
        let Some(list) = &self.list else {
            let say = |(key, row): (String, Option<Row>)| {
                let body = row.map(|row| self.body(&row, &row, &key));
                Said { feed: self.feed.clone(), key, root: None, body }
            };
            return Ok(Portion { said: records.into_iter().map(say).collect(), roots: Vec::new(), next });
        };
        let live: Vec<String> = records.iter().filter(|(_, row)| row.is_some()).map(|(key, _)| key.clone()).collect();
        let mut in_lists: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in self.reader.of_roots(list.table, &live)? {
            in_lists.entry(engine(&row, "_syncline_root_key").to_owned()).or_default().push(row);
        }
        let mut said = Vec::new();
        for (root, record) in records.iter().filter_map(|(key, row)| Some((key, row.as_ref()?))) {
            let mut rows = in_lists.remove(root).unwrap_or_default();
            rows.sort_by_cached_key(|row| {
                (engine(row, "_syncline_parent_key").to_owned(), row.get("_syncline_index").and_then(Value::as_i64))
            });
            let keys = list.keys(root, &rows);
            said.extend(rows.iter().zip(keys).map(|(row, key)| {
                let body = self.body(row, record, root);
                Said { feed: self.feed.clone(), key, root: Some(root.clone()), body: Some(body) }
            }));
        }
        Ok(Portion { said, roots: records.into_iter().map(|(key, _)| key).collect(), next })
    }

    /// What a row says; `record` is that of the stream, of this key.
    fn body(&self, row: &Row, record: &Row, key: &str) -> Body {
        let value = |name: &str| row.get(name).cloned().unwrap_or(Value::Null);
        let values = self.columns.iter().map(|column| column.map_or(Value::Null, value)).map(worth).collect();
        let said = self.moment.and_then(|name| record.get(name)).and_then(Value::as_str);
        let said = said.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|time| time.to_string());
        let at = said.unwrap_or_else(|| engine(record, "_syncline_last_seen").to_owned());
        let target = |(column, to): &(Option<&str>, &str)| {
            let key = column.map_or_else(|| Some(key.to_owned()), |column| text(&value(column)))?;
            Some(record_id(to, &key))
        };
        Body { values, at, refs: self.refs.iter().map(|one| one.as_ref().and_then(target)).collect() }
    }
}

impl List<'_> {
    /// What the rows of one record's list are called. Of those that have one id, the first has it.
    fn keys(&self, root: &str, rows: &[Row]) -> Vec<String> {
        let mut taken = BTreeSet::new();
        let key = |row: &Row| {
            let own = self.own.iter().map(|name| Some(format!("{name}={}", bare(&text(row.get(*name)?)?))));
            let own = own.collect::<Option<Vec<String>>>().filter(|own| !own.is_empty());
            let own = own.map(|own| format!("{root}[{}]", own.join(",")));
            own.filter(|own| taken.insert(own.clone())).unwrap_or_else(|| engine(row, "_syncline_key").to_owned())
        };
        rows.iter().map(key).collect()
    }
}

/// A value that does not look like the end of a key.
fn bare(value: &str) -> String {
    value.replace('%', "%25").replace('[', "%5B").replace(']', "%5D")
}

/// The columns of what tells the rows of one list apart: as the plan says, or else the one that is called an id.
fn own_id<'t>(planned: &TablePlan, table: &'t TableView) -> Vec<&'t str> {
    let is_inside = |path: &&String| path::list(path) == planned.path;
    let keys = planned.key.columns.iter().filter(is_inside).map(|path| column_of(table, path).map(|column| column.name.as_str()));
    if let Some(keys) = keys.collect::<Option<Vec<&str>>>().filter(|keys| !keys.is_empty()) {
        return keys;
    }
    let mut called: Vec<String> = words::tokens(path::last(&planned.path)).iter().map(|word| words::singular(word)).collect();
    called.push("id".to_owned());
    let named = |pointer: &str| {
        let name = words::tokens(pointer.strip_prefix('/')?);
        let known = OWN.iter().position(|own| name == [*own]);
        known.or_else(|| (name.concat() == called.concat()).then_some(OWN.len()))
    };
    let found = table.columns.iter().filter_map(|column| Some((named(&column.path)?, column.name.as_str())));
    found.min_by_key(|(rank, _)| *rank).map(|(_, name)| name).into_iter().collect()
}

fn engine<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}
