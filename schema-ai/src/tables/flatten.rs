//! Takes a record apart: scalars to the columns of its table, lists of objects to rows of child tables. Where the record has
//! something that the schema has not, the schema grows.

use std::borrow::Cow;

use super::schema::{Beside, Node, Schema, path_of};
use crate::{
    infer::{Kind, Number, TextKind, number_of, text_kind_of},
    json::{self, Elements, Fields},
};

/// A value on its way to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Boolean(bool),
    Integer(i64),
    /// A number that only its text holds.
    Exact(&'a str),
    Text(Cow<'a, str>),
    /// The text of a moment, and its microseconds since 1970 in UTC.
    Moment(Cow<'a, str>, i64),
    /// JSON as it was written.
    Json(&'a str),
}

/// One row on its way to a table: only the columns that have a value.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    pub cells: Vec<(usize, Cell<'a>)>,
    /// Values without a column, by path.
    pub overflow: Vec<(String, &'a str)>,
}

/// One row of a child table.
#[derive(Debug)]
pub(crate) struct ChildRow<'a> {
    pub table: usize,
    pub parent_key: String,
    pub key: String,
    pub index: usize,
    pub row: Row<'a>,
}

/// A record in parts.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    pub row: Row<'a>,
    pub children: Vec<ChildRow<'a>>,
}

/// Takes the record of this key apart.
pub(crate) fn flatten<'a>(schema: &mut Schema, table: usize, key: &str, body: &'a [u8]) -> Result<Parts<'a>, serde_json::Error> {
    let fields = json::record_fields(body)?;
    let mut walk = Walk { schema, children: Vec::new() };
    let row = walk.row(table, key, 0, fields);
    Ok(Parts { row, children: walk.children })
}

struct Walk<'s, 'a> {
    schema: &'s mut Schema,
    children: Vec<ChildRow<'a>>,
}

/// Where the walk is: in which row, at which path, how deep.
struct At<'k> {
    table: usize,
    key: &'k str,
    depth: usize,
}

impl<'a> Walk<'_, 'a> {
    fn row(&mut self, table: usize, key: &str, depth: usize, fields: Fields<'a>) -> Row<'a> {
        let mut row = Row { cells: Vec::with_capacity(fields.0.len()), overflow: Vec::new() };
        let mut root = std::mem::take(&mut self.schema.tables[table].root);
        self.object(&At { table, key, depth }, &mut root, "", fields, &mut row);
        self.schema.tables[table].root = root;
        row
    }

    fn object(&mut self, at: &At<'_>, node: &mut Node, path: &str, fields: Fields<'a>, row: &mut Row<'a>) {
        let mut likely = 0;
        for (name, raw) in fields.0 {
            let place = node.fields.place(&name, likely);
            likely = place.map_or(likely, |place| place + 1);
            if raw == "null" {
                continue;
            }
            let Some(place) = place else {
                let mut new = Node::default();
                self.value(at, &mut new, &path_of(path, &name), raw, row);
                // What leads nowhere is not kept: a source may have a new name in every record.
                if new.is_used() {
                    node.fields.add(&name, new);
                }
                continue;
            };
            let node = node.fields.at(place);
            // A scalar that has a column needs no path, and most values are that.
            let is_nested = raw.starts_with(['{', '[']);
            if let (false, Some(column)) = (is_nested, node.column) {
                self.scalar_to(at.table, column, raw, row, || path_of(path, &name));
                continue;
            }
            self.value(at, node, &path_of(path, &name), raw, row);
        }
    }

    fn value(&mut self, at: &At<'_>, node: &mut Node, path: &str, raw: &'a str, row: &mut Row<'a>) {
        match raw.as_bytes().first() {
            Some(b'{') if at.depth < self.schema.limits.depth_max => {
                let Ok(fields) = serde_json::from_str::<Fields<'a>>(raw) else { return row.overflow.push((path.to_owned(), raw)) };
                if fields.0.is_empty() {
                    return self.empty(at.table, node, path, raw, row);
                }
                self.object(&At { depth: at.depth + 1, ..*at }, node, path, fields, row);
            }
            Some(b'[') => self.list(at, node, path, raw, row),
            Some(b'{') => self.json(at.table, node, path, raw, row),
            Some(_) | None => self.scalar(at.table, node, path, raw, row),
        }
    }

    fn list(&mut self, at: &At<'_>, node: &mut Node, path: &str, raw: &'a str, row: &mut Row<'a>) {
        let Ok(Elements(elements)) = serde_json::from_str::<Elements<'a>>(raw) else { return row.overflow.push((path.to_owned(), raw)) };
        if elements.is_empty() {
            return self.empty(at.table, node, path, raw, row);
        }
        let is_of_objects = elements.iter().all(|e| e.starts_with('{') || *e == "null") && elements.iter().any(|e| e.starts_with('{'));
        if !is_of_objects || at.depth >= self.schema.limits.depth_max {
            return self.json(at.table, node, path, raw, row);
        }
        let parsed: Result<Vec<_>, _> = elements.iter().map(|e| serde_json::from_str::<Option<Fields<'a>>>(e)).collect();
        let Ok(parsed) = parsed else { return row.overflow.push((path.to_owned(), raw)) };
        if node.child.is_none() {
            node.child = self.schema.child_table(at.table, path);
        }
        let Some(table) = node.child else { return self.json(at.table, node, path, raw, row) };
        for (index, fields) in parsed.into_iter().enumerate() {
            let key = format!("{}[{index}]", at.key);
            let row = self.row(table, &key, at.depth + 1, fields.unwrap_or(Fields(Vec::new())));
            self.children.push(ChildRow { table, parent_key: at.key.to_owned(), key, index, row });
        }
    }

    /// An empty list or object says nothing about what is in the others, so it never makes a column and never widens one.
    fn empty(&self, table: usize, node: &Node, path: &str, raw: &'a str, row: &mut Row<'a>) {
        let Some(column) = node.column else { return };
        if self.schema.tables[table].columns[column].kind == Kind::Json {
            return row.cells.push((column, Cell::Json(raw)));
        }
        row.overflow.push((path.to_owned(), raw));
    }

    fn json(&mut self, table: usize, node: &mut Node, path: &str, raw: &'a str, row: &mut Row<'a>) {
        match self.column(table, node, path, Kind::Json) {
            Some(column) => row.cells.push((column, Cell::Json(raw))),
            None => row.overflow.push((path.to_owned(), raw)),
        }
    }

    fn scalar(&mut self, table: usize, node: &mut Node, path: &str, raw: &'a str, row: &mut Row<'a>) {
        let Some((kind, _)) = scalar_of(raw, self.schema.beside) else { return row.overflow.push((path.to_owned(), raw)) };
        match self.column(table, node, path, kind) {
            Some(column) => self.scalar_to(table, column, raw, row, || path.to_owned()),
            None => row.overflow.push((path.to_owned(), raw)),
        }
    }

    fn scalar_to(&mut self, table: usize, column: usize, raw: &'a str, row: &mut Row<'a>, path: impl Fn() -> String) {
        let known = &self.schema.tables[table].columns[column];
        let (known_kind, moment) = (known.kind, known.moment);
        // In a column of text or JSON no form matters any more, unless its moments are kept.
        let form_matters = !matches!(known_kind, Kind::Text | Kind::Json) || moment.is_some();
        if !form_matters && raw.starts_with('"') {
            let Some(text) = json::text_of(raw) else { return row.overflow.push((path(), raw)) };
            return row.cells.push((column, Cell::Text(text)));
        }
        let Some((kind, cell)) = scalar_of(raw, self.schema.beside) else { return row.overflow.push((path(), raw)) };
        if !known_kind.holds(kind) {
            self.schema.widen(table, column, kind);
        }
        row.cells.push((column, cell.into_cell(moment.is_some())));
    }

    fn column(&mut self, table: usize, node: &mut Node, path: &str, kind: Kind) -> Option<usize> {
        match node.column {
            Some(column) => self.schema.widen(table, column, kind),
            None => node.column = self.schema.add_column(table, path, kind),
        }
        node.column
    }
}

enum Scalar<'a> {
    Plain(Cell<'a>),
    Text(Cow<'a, str>, TextKind),
}

impl<'a> Scalar<'a> {
    fn into_cell(self, keeps_moments: bool) -> Cell<'a> {
        match self {
            Self::Plain(cell) => cell,
            Self::Text(text, TextKind::Timestamp(us)) if keeps_moments => Cell::Moment(text, us),
            Self::Text(text, _) => Cell::Text(text),
        }
    }
}

fn scalar_of(raw: &str, beside: Beside) -> Option<(Kind, Scalar<'_>)> {
    match raw.as_bytes().first()? {
        b'"' => {
            let text = json::text_of(raw)?;
            let form = match text_kind_of(&text) {
                // A database that keeps the moment or the number forgets how it was written.
                TextKind::Uuid if beside == Beside::SourceText && text.bytes().any(|c| c.is_ascii_uppercase()) => TextKind::Text,
                form => form,
            };
            Some((form.kind(), Scalar::Text(text, form)))
        }
        b't' => Some((Kind::Boolean, Scalar::Plain(Cell::Boolean(true)))),
        b'f' => Some((Kind::Boolean, Scalar::Plain(Cell::Boolean(false)))),
        _ => Some(match number_of(raw) {
            Number::Integer(number) => (Kind::Integer, Scalar::Plain(Cell::Integer(number))),
            Number::Exact(kind) => (kind, Scalar::Plain(Cell::Exact(raw))),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::flatten;
    use crate::tables::schema::{Limits, Schema};

    #[test]
    fn names_that_never_come_again_are_not_kept() {
        let mut schema = Schema::default();
        schema.limit(Limits { columns_max: 3, ..Limits::default() });
        let table = schema.stream_table("shop", "shop", "orders");
        for n in 0..500 {
            let body = format!(r#"{{"id":{n},"a{n}":1,"b":{{"c{n}":[1]}},"d{n}":{{}},"e":[]}}"#);
            let parts = flatten(&mut schema, table, "1", body.as_bytes()).unwrap();
            assert_eq!(parts.row.cells.len() + parts.row.overflow.len(), 3);
        }
        assert_eq!(schema.tables[table].root.fields.count(), 3, "`id`, one name of `a…`, and `b`");
    }
}
