//! Names for tables and columns: lower case, at most 63 bytes, no reserved word, no two the same. What a name stands for is
//! written beside it in the plan, so it can always be turned back; a name once given is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::{Table, path};
use crate::organize::profile::hash;
use crate::organize::words;

/// PostgreSQL keeps no more bytes of a name.
const MOST_BYTES: usize = 63;

/// Words that SQL keeps for itself.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "cross",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "in",
    "index",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "join",
    "key",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "set",
    "some",
    "table",
    "then",
    "to",
    "trailing",
    "transaction",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Gives names to paths that have none yet; the ones in `given` are kept.
pub fn assign(paths: &[String], given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut names = given.clone();
    let mut taken: BTreeSet<String> = given.values().cloned().collect();
    let mut new: Vec<&String> = paths.iter().filter(|path| !given.contains_key(*path)).collect();
    // Paths that are names already come first, so that they keep their own.
    new.sort_by_key(|path| (plain_name(path) != **path, (*path).clone()));
    for path in new {
        let plain = plain_name(path);
        let name = if taken.contains(&plain) || RESERVED.contains(&plain.as_str()) { marked(&plain, path) } else { plain };
        taken.insert(name.clone());
        names.insert(path.clone(), name);
    }
    names
}

/// The name a path would have if it were alone.
pub fn plain_name(path: &str) -> String {
    let steps: Vec<String> = path::keys(path).iter().map(|key| plain_key(key)).collect();
    let name = if path.ends_with("#key") { "key".to_owned() } else { steps.join("__") };
    let name = if path.ends_with("#overflow") { format!("{name}__overflow") } else { name };
    let name = if name.is_empty() { "value".to_owned() } else { name };
    let name = if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name };
    if name.len() > MOST_BYTES { marked(&name, path) } else { name }
}

fn plain_key(key: &str) -> String {
    let signed = key.strip_prefix('+').map(|rest| format!("plus {rest}")).or_else(|| {
        let rest = key.strip_prefix('-')?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("minus {rest}"))
    });
    let name = words::snake(signed.as_deref().unwrap_or(key));
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The name with a mark that only this path has.
fn marked(name: &str, path: &str) -> String {
    let mark = format!("_{:08x}", hash::bytes(path.as_bytes()) as u32);
    let mut end = name.len().min(MOST_BYTES - mark.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{mark}", &name[..end])
}

/// Names the tables of a stream and their columns, and turns parents from paths to names.
pub fn name_all(stream: &str, tables: &mut [Table]) {
    let mut taken = BTreeSet::new();
    let mut by_path = BTreeMap::new();
    for table in tables.iter_mut() {
        let full = path::key(stream, "").replace(".\"\"", "");
        let whole = if table.path.is_empty() { full } else { format!("{full}.{}", table.path) };
        let plain = plain_name(&whole);
        let name = if taken.contains(&plain) || RESERVED.contains(&plain.as_str()) { marked(&plain, &whole) } else { plain };
        taken.insert(name.clone());
        by_path.insert(table.path.clone(), name.clone());
        table.name = name;
        name_columns(table);
    }
    for table in tables {
        table.parent = table.parent.take().and_then(|path| by_path.get(&path).cloned());
    }
}

fn name_columns(table: &mut Table) {
    let inside = |path: &str| -> String {
        let list = path.strip_prefix(&table.path).unwrap_or(path);
        let rest = list.strip_prefix("[]").or_else(|| list.strip_prefix("{}")).unwrap_or(list);
        rest.strip_prefix('.').unwrap_or(rest).to_owned()
    };
    let paths: Vec<String> = table.columns.iter().map(|column| inside(&column.path)).collect();
    let names = assign(&paths, &BTreeMap::new());
    for (column, path) in table.columns.iter_mut().zip(&paths) {
        column.name = names.get(path).cloned().unwrap_or_default();
    }
}
