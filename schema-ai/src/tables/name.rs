//! Names of tables and columns that every database takes: lower case, 63 bytes, no reserved word. Two sources never share one name.

use sha2::{Digest, Sha256};

const BYTES_MAX: usize = 63;

/// What engine columns and tables begin with; nothing of a source does.
pub const ENGINE_PREFIX: &str = "_syncline_";

/// Words that mean something to SQL and would have to be quoted by everybody who reads the tables, and names of columns that
/// PostgreSQL and SQLite keep for themselves.
const RESERVED: &[&str] = &[
    "_rowid_",
    "all",
    "alter",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "binary",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "cmax",
    "cmin",
    "collate",
    "collation",
    "column",
    "commit",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "ctid",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "index",
    "initially",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "oid",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "rowid",
    "select",
    "session_user",
    "set",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tableoid",
    "tablesample",
    "then",
    "to",
    "trailing",
    "transaction",
    "trigger",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "view",
    "when",
    "where",
    "window",
    "with",
    "xmax",
    "xmin",
];

/// A readable name made of these parts: `["Address", "postalCode"]` gives `address_postal_code`. Not yet unique.
pub fn readable<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut name = String::new();
    for part in parts {
        let part = snake(part);
        if !name.is_empty() && !part.is_empty() {
            name.push('_');
        }
        name.push_str(&part);
    }
    let needs_letter = !name.starts_with(|c: char| c.is_ascii_lowercase());
    if needs_letter {
        name.insert_str(0, if name.is_empty() { "field" } else { "f_" });
    }
    if name.starts_with("sqlite_") {
        name.insert_str(0, "t_");
    }
    if RESERVED.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// The name itself if it is short enough and free, otherwise cut and told apart by a digest of what it stands for.
pub fn free_name(readable: &str, stands_for: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if readable.len() <= BYTES_MAX && !is_taken(readable) {
        return readable.to_owned();
    }
    let digest = hex::encode(Sha256::digest(stands_for));
    let candidate = |digits: usize| {
        let tail = digest.get(..digits).unwrap_or(&digest);
        let head: String = readable.chars().take(BYTES_MAX - tail.len() - 1).collect();
        format!("{}_{tail}", head.trim_end_matches('_'))
    };
    let shortest = (6..=48).step_by(6).map(candidate).find(|name| !is_taken(name));
    shortest.unwrap_or_else(|| format!("f_{}", digest.get(..60).unwrap_or(&digest)))
}

/// The name in double quotes, for SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn snake(part: &str) -> String {
    let chars: Vec<char> = part.chars().collect();
    let mut out = String::with_capacity(part.len() + 4);
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            push_gap(&mut out);
            continue;
        }
        let after_lower = at > 0 && chars.get(at - 1).is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let ends_acronym =
            at > 0 && chars.get(at - 1).is_some_and(char::is_ascii_uppercase) && chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_lower || ends_acronym) {
            push_gap(&mut out);
        }
        out.push(c.to_ascii_lowercase());
    }
    out.trim_matches('_').to_owned()
}

fn push_gap(out: &mut String) {
    if !out.ends_with('_') {
        out.push('_');
    }
}

#[cfg(test)]
mod tests;
