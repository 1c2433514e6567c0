//! One page of rows: the query that names only what the catalog has, the cursor that leads to the next page, the values as JSON.

use rusqlite::{
    Connection, params_from_iter,
    types::{Value as Sql, ValueRef},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_model::nearest;

use crate::{
    infer::Kind,
    tables::{
        fault::{TableFault, unavailable},
        name::quoted,
        schema::{Column, Table},
        sql::engine_columns,
    },
};

const ROWS_MAX: usize = 1_000;

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// It is this value; without a value, it is absent.
    Is,
    /// It is there and is not this value; without a value, it is there.
    Not,
    /// It comes before this value. For integers, timestamps, dates and texts.
    Below,
    /// It comes after this value. For integers, timestamps, dates and texts.
    Above,
}

/// What rows must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Which column, an engine column included.
    pub column: String,
    /// How to compare.
    pub compare: Compare,
    /// With what; `None` is absence.
    pub value: Option<String>,
}

/// Which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// What they must be like, all of it.
    pub filters: Vec<Filter>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// How many; 100 if it is 0, and never more than 1,000.
    pub rows_max: usize,
    /// Also those that are marked as deleted.
    pub deleted: bool,
}

/// Some rows, and where the next ones are. Big integers and decimals are texts, so that no reader rounds them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// The rows, by column name.
    pub rows: Vec<Map<String, Value>>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// Reads a page.
pub(super) fn read(db: &Connection, tenant: &str, table: &Table, query: &RowQuery) -> Result<Page, TableFault> {
    let keys: &[&str] = if table.parent.is_none() { &["_syncline_key"] } else { &["_syncline_root_key", "_syncline_key"] };
    let rows_max = if query.rows_max == 0 { 100 } else { query.rows_max.min(ROWS_MAX) };
    let mut conditions = vec!["1".to_owned()];
    let mut values = Vec::new();
    if !query.deleted {
        conditions.push("_syncline_deleted_at IS NULL".to_owned());
    }
    for filter in &query.filters {
        conditions.push(condition(table, filter, &mut values)?);
    }
    if let Some(cursor) = &query.cursor {
        let after = decode(cursor).filter(|after| after.len() == keys.len());
        let after = after.ok_or_else(|| TableFault::BadQuery("the cursor is none of this table".to_owned()))?;
        conditions.push(format!("({}) > ({})", keys.join(","), vec!["?"; keys.len()].join(",")));
        values.extend(after.into_iter().map(Sql::Text));
    }
    let engine = engine_columns(table);
    let names: Vec<String> = engine.iter().copied().chain(table.columns.iter().map(|column| column.name.as_str())).map(quoted).collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}",
        names.join(","),
        quoted(&table.name),
        conditions.join(" AND "),
        keys.join(","),
        rows_max + 1
    );
    run(db, table, &sql, values, rows_max, keys).map_err(unavailable(tenant))
}

fn run(db: &Connection, table: &Table, sql: &str, values: Vec<Sql>, rows_max: usize, keys: &[&str]) -> rusqlite::Result<Page> {
    let engine = engine_columns(table);
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    let mut more = false;
    while let Some(row) = found.next()? {
        if rows.len() == rows_max {
            more = true;
            break;
        }
        let mut fields = Map::new();
        for (at, name) in engine.iter().enumerate() {
            fields.insert((*name).to_owned(), shown(row.get_ref(at)?, engine_kind(name)));
        }
        for (at, column) in table.columns.iter().enumerate().filter(|(_, column)| !column.path.is_empty()) {
            fields.insert(column.name.clone(), shown(row.get_ref(engine.len() + at)?, column.kind));
        }
        rows.push(fields);
    }
    let last = rows.last().filter(|_| more);
    let next = last.map(|last| encode(&keys.iter().filter_map(|key| last.get(*key)?.as_str()).collect::<Vec<_>>()));
    Ok(Page { rows, next })
}

fn condition(table: &Table, filter: &Filter, values: &mut Vec<Sql>) -> Result<String, TableFault> {
    let own = table.columns.iter().find(|column| column.name == filter.column && !column.path.is_empty());
    let is_engine = engine_columns(table).contains(&filter.column.as_str());
    if own.is_none() && !is_engine {
        let names = table.columns.iter().filter(|column| !column.path.is_empty()).map(|column| column.name.as_str());
        let hint = nearest::hint(&filter.column, names);
        return Err(TableFault::NoColumn { table: table.name.clone(), column: filter.column.clone(), hint });
    }
    let kind = own.map_or_else(|| engine_kind(&filter.column), |column| column.kind);
    let name = quoted(&filter.column);
    let Some(value) = &filter.value else {
        return match filter.compare {
            Compare::Is => Ok(format!("{name} IS NULL")),
            Compare::Not => Ok(format!("{name} IS NOT NULL")),
            Compare::Below | Compare::Above => {
                Err(TableFault::BadQuery(format!("nothing is below or above absence in `{}`", filter.column)))
            }
        };
    };
    match filter.compare {
        Compare::Is | Compare::Not => {
            values.push(bound(kind, &filter.column, value)?);
            Ok(format!("{name} {} ?", if filter.compare == Compare::Is { "=" } else { "<>" }))
        }
        Compare::Below | Compare::Above => {
            let sign = if filter.compare == Compare::Below { "<" } else { ">" };
            ordered(table, own, kind, &filter.column, value).map(|(name, value)| {
                values.push(value);
                format!("{} {sign} ?", quoted(&name))
            })
        }
    }
}

/// The column by which a column is ordered, and the value in its form.
fn ordered(table: &Table, own: Option<&Column>, kind: Kind, column: &str, value: &str) -> Result<(String, Sql), TableFault> {
    let refused = || TableFault::BadQuery(format!("`{column}` is {kind} and has no order to compare by"));
    match kind {
        Kind::Integer | Kind::Date | Kind::Text | Kind::Uuid => Ok((column.to_owned(), bound(kind, column, value)?)),
        Kind::Timestamp => {
            let moment = own.and_then(|own| own.moment).and_then(|at| table.columns.get(at)).ok_or_else(refused)?;
            let time: jiff::Timestamp = value.parse().map_err(|_| TableFault::BadQuery(format!("`{value}` is no time with a zone")))?;
            Ok((moment.name.clone(), Sql::Integer(time.as_microsecond())))
        }
        Kind::Null | Kind::Boolean | Kind::BigInteger | Kind::Decimal | Kind::Json => Err(refused()),
    }
}

fn bound(kind: Kind, column: &str, value: &str) -> Result<Sql, TableFault> {
    let bad = || TableFault::BadQuery(format!("`{value}` is no {kind}, as `{column}` is"));
    match kind {
        Kind::Integer => value.parse().map(Sql::Integer).map_err(|_| bad()),
        Kind::Boolean => value.parse::<bool>().map(|value| Sql::Integer(i64::from(value))).map_err(|_| bad()),
        Kind::Null | Kind::BigInteger | Kind::Decimal | Kind::Timestamp | Kind::Date | Kind::Uuid | Kind::Text | Kind::Json => {
            Ok(Sql::Text(value.to_owned()))
        }
    }
}

fn engine_kind(name: &str) -> Kind {
    match name {
        "_syncline_offset" | "_syncline_index" | "_syncline_version" => Kind::Integer,
        "_syncline_overflow" => Kind::Json,
        _ => Kind::Text,
    }
}

fn shown(value: ValueRef<'_>, kind: Kind) -> Value {
    match value {
        ValueRef::Integer(number) if kind == Kind::Boolean => Value::Bool(number != 0),
        ValueRef::Integer(number) => number.into(),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let parsed = (kind == Kind::Json).then(|| serde_json::from_str(&text).ok()).flatten();
            parsed.unwrap_or_else(|| text.into_owned().into())
        }
        // No column of ours holds the other two.
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Value::Null,
    }
}

fn encode(keys: &[&str]) -> String {
    hex::encode(serde_json::json!(keys).to_string())
}

fn decode(cursor: &str) -> Option<Vec<String>> {
    serde_json::from_slice(&hex::decode(cursor).ok()?).ok()
}
