//! One page of rows: the query that names only what the catalog has, the cursor that leads to the next page, the values as JSON.

use rusqlite::{
    Connection, params_from_iter,
    types::{Value as Sql, ValueRef},
};
use serde_json::{Map, Value};

use crate::{
    infer::Kind,
    tables::{
        engine::engine_columns,
        fault::{TableFault, unavailable},
        name::quoted,
        schema::{Column, Table},
        view::{Compare, Filter, Page, RowQuery, cursor_after, engine_kind, filtered, keys, keys_of},
    },
};

/// Reads a page.
pub(super) fn read(db: &Connection, tenant: &str, table: &Table, query: &RowQuery) -> Result<Page, TableFault> {
    let (keys, rows_max) = (keys(table), query.limit());
    let mut conditions = vec!["1".to_owned()];
    let mut values = Vec::new();
    if !query.deleted {
        conditions.push("_syncline_deleted_at IS NULL".to_owned());
    }
    for filter in &query.filters {
        conditions.push(condition(table, filter, &mut values)?);
    }
    if let Some(cursor) = &query.cursor {
        let after = keys_of(cursor, table)?;
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
    run(db, table, &sql, values, rows_max).map_err(unavailable(tenant))
}

fn run(db: &Connection, table: &Table, sql: &str, values: Vec<Sql>, rows_max: usize) -> rusqlite::Result<Page> {
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
    let next = rows.last().filter(|_| more).map(|last| cursor_after(last, table));
    Ok(Page { rows, next })
}

fn condition(table: &Table, filter: &Filter, values: &mut Vec<Sql>) -> Result<String, TableFault> {
    let (own, kind) = filtered(table, filter)?;
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
