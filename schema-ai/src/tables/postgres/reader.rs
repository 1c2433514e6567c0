//! Reads a tenant's tables in PostgreSQL. Every value comes as text and every value that was asked for goes as one, so none is rounded
//! on its way.

use std::{cell::RefCell, sync::Arc};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use syncline_model::{TenantId, log::Position};

use super::{
    Server, catalog,
    fault::fault,
    make, numeric,
    sql::{Sql, moment, source_text},
};
use crate::{
    infer::Kind,
    tables::{
        engine::engine_columns,
        fault::TableFault,
        name::quoted,
        port::TableReader,
        schema::{Schema, Table},
        view::{Compare, Filter, Page, RowQuery, TableView, cursor_after, engine_kind, filtered, find, keys, keys_of, view, views},
    },
};

const ROOT: &str = "_syncline_root_key";

/// The tables of one tenant in PostgreSQL, open for reading.
pub struct PostgresReader {
    server: Arc<Server>,
    tenant: TenantId,
    sql: Sql,
    /// The tables as they were, and after how many steps of the writer. Very many tables take longer to look up than a page of one of
    /// them to read.
    known: RefCell<Option<(i64, Arc<Schema>)>>,
}

impl PostgresReader {
    pub(super) async fn open(server: Arc<Server>, tenant: TenantId) -> Result<Option<Self>, TableFault> {
        let looked = async {
            let mut connection = server.pool.acquire().await?;
            make::exists(&mut connection, &server, &tenant).await
        };
        let exists = looked.await.map_err(|error| fault(&tenant, &error))?;
        let sql = server.sql(&tenant);
        Ok(exists.then(|| Self { server, tenant, sql, known: RefCell::default() }))
    }

    /// Asks the database something.
    fn ask<T>(&self, question: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T, TableFault> {
        let asked = async {
            let mut connection = self.server.pool.acquire().await?;
            question(&mut connection).await
        };
        self.server.runtime.block_on(asked).map_err(|error| fault(&self.tenant, &error))
    }

    fn schema(&self) -> Result<Arc<Schema>, TableFault> {
        let known = self.known.borrow().clone();
        let (step, schema) = self.ask(async |db| {
            // Asked first: if a step comes in between, the tables are looked up again the next time.
            let step = catalog::steps(db, &self.sql).await?;
            match known.filter(|(at, _)| *at == step) {
                Some(known) => Ok(known),
                None => Ok((step, Arc::new(catalog::load(db, &self.sql).await?))),
            }
        })?;
        *self.known.borrow_mut() = Some((step, Arc::clone(&schema)));
        Ok(schema)
    }

    /// The rows in which an engine column has one of these values.
    fn live_rows(&self, table: &str, column: &str, values: &[String]) -> Result<Vec<Map<String, Value>>, TableFault> {
        let schema = self.schema()?;
        let table = find(&schema, table)?;
        let shown = shown_columns(table);
        let asked = format!("SELECT {shown} FROM {} WHERE {column} = ANY($1) AND _syncline_deleted_at IS NULL", self.sql.table(table));
        let found = self.ask(async |db| sqlx::query(AssertSqlSafe(asked)).persistent(false).bind(values).fetch_all(db).await)?;
        Ok(found.iter().map(|row| shown_row(table, row)).collect())
    }
}

impl TableReader for PostgresReader {
    fn tables(&self) -> Result<Vec<TableView>, TableFault> {
        Ok(views(&*self.schema()?))
    }

    fn table(&self, name: &str) -> Result<TableView, TableFault> {
        let schema = self.schema()?;
        Ok(view(&schema, find(&schema, name)?))
    }

    fn count(&self, name: &str) -> Result<(u64, u64), TableFault> {
        let schema = self.schema()?;
        let table = self.sql.table(find(&schema, name)?);
        let asked = format!("SELECT count(*) - count(_syncline_deleted_at), count(*) FROM {table}");
        let row = self.ask(async |db| sqlx::query(AssertSqlSafe(asked)).persistent(false).fetch_one(db).await)?;
        Ok((row.get::<i64, _>(0).cast_unsigned(), row.get::<i64, _>(1).cast_unsigned()))
    }

    fn rows(&self, table: &str, query: &RowQuery) -> Result<Page, TableFault> {
        let schema = self.schema()?;
        let table = find(&schema, table)?;
        let (sql, values) = page_sql(&self.sql, table, query)?;
        let mut found = self.ask(async |db| {
            let mut asked = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for value in &values {
                asked = asked.bind(value);
            }
            asked.fetch_all(db).await
        })?;
        let more = found.len() > query.limit();
        found.truncate(query.limit());
        let rows: Vec<Map<String, Value>> = found.iter().map(|row| shown_row(table, row)).collect();
        let next = rows.last().filter(|_| more).map(|last| cursor_after(last, table));
        Ok(Page { rows, next })
    }

    fn of_keys(&self, table: &str, keys: &[String]) -> Result<Vec<Map<String, Value>>, TableFault> {
        self.live_rows(table, "_syncline_key", keys)
    }

    fn of_roots(&self, table: &str, roots: &[String]) -> Result<Vec<Map<String, Value>>, TableFault> {
        let schema = self.schema()?;
        // A stream's own table has no such column, and only the database would say so.
        filtered(find(&schema, table)?, &Filter { column: ROOT.to_owned(), compare: Compare::Is, value: None })?;
        self.live_rows(table, ROOT, roots)
    }

    fn position(&self) -> Result<Position, TableFault> {
        self.ask(async |db| catalog::position(db, &self.sql).await)
    }

    fn changes(&self, changes_max: usize) -> Result<Vec<(String, String)>, TableFault> {
        let asked = format!("SELECT at, change FROM {}._syncline_changes ORDER BY id DESC LIMIT $1", self.sql.schema);
        let count = i64::try_from(changes_max).unwrap_or(i64::MAX);
        let rows = self.ask(async |db| sqlx::query(AssertSqlSafe(asked)).persistent(false).bind(count).fetch_all(db).await)?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

/// The statement for a page, and its values.
fn page_sql(sql: &Sql, table: &Table, query: &RowQuery) -> Result<(String, Vec<String>), TableFault> {
    let (mut conditions, mut values) = (vec!["true".to_owned()], Vec::new());
    if !query.deleted {
        conditions.push("_syncline_deleted_at IS NULL".to_owned());
    }
    for filter in &query.filters {
        conditions.push(condition(table, filter, &mut values)?);
    }
    let keys = keys(table);
    if let Some(cursor) = &query.cursor {
        let after = keys_of(cursor, table)?;
        let places: Vec<String> = (1..=after.len()).map(|at| format!("${}", values.len() + at)).collect();
        conditions.push(format!("({}) > ({})", keys.join(","), places.join(",")));
        values.extend(after);
    }
    let statement = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}",
        shown_columns(table),
        sql.table(table),
        conditions.join(" AND "),
        keys.join(","),
        query.limit() + 1
    );
    Ok((statement, values))
}

/// The columns as they are shown.
fn shown_columns(table: &Table) -> String {
    let engine = engine_columns(table).iter().map(|name| engine_text(name));
    let own =
        table.columns.iter().filter(|column| !column.path.is_empty()).map(|column| {
            if column.kind == Kind::Timestamp { source_text(table, column) } else { format!("{}::text", quoted(&column.name)) }
        });
    engine.chain(own).collect::<Vec<_>>().join(",")
}

fn is_moment(engine: &str) -> bool {
    matches!(engine, "_syncline_deleted_at" | "_syncline_first_seen" | "_syncline_last_seen")
}

fn engine_text(name: &str) -> String {
    match name {
        "_syncline_event_id" => format!("replace({name}::text, '-', '')"),
        _ if is_moment(name) => moment(name),
        _ => format!("{name}::text"),
    }
}

fn shown_row(table: &Table, row: &PgRow) -> Map<String, Value> {
    let engine = engine_columns(table).iter().map(|name| (*name, engine_kind(name)));
    let own = table.columns.iter().filter(|column| !column.path.is_empty()).map(|column| (column.name.as_str(), column.kind));
    let cell = |(at, (name, kind)): (usize, (&str, Kind))| {
        let text: Option<String> = row.get(at);
        (name.to_owned(), text.map_or(Value::Null, |text| shown(text, kind)))
    };
    engine.chain(own).enumerate().map(cell).collect()
}

fn shown(text: String, kind: Kind) -> Value {
    let parsed = match kind {
        Kind::Boolean => Some(Value::Bool(text == "true")),
        // A version may be too large for a number of 64 bits.
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        Kind::Json => serde_json::from_str(&text).ok(),
        Kind::Null | Kind::BigInteger | Kind::Decimal | Kind::Timestamp | Kind::Date | Kind::Uuid | Kind::Text => None,
    };
    parsed.unwrap_or(Value::String(text))
}

fn condition(table: &Table, filter: &Filter, values: &mut Vec<String>) -> Result<String, TableFault> {
    let (_, kind) = filtered(table, filter)?;
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
    let sign = match filter.compare {
        Compare::Is => "=",
        Compare::Not => "<>",
        Compare::Below => "<",
        Compare::Above => ">",
    };
    let has_order = matches!(kind, Kind::Integer | Kind::Date | Kind::Text | Kind::Uuid | Kind::Timestamp);
    if matches!(filter.compare, Compare::Below | Compare::Above) && !has_order {
        return Err(TableFault::BadQuery(format!("`{}` is {kind} and has no order to compare by", filter.column)));
    }
    let cast = compared_as(&filter.column, kind, value)?;
    values.push(value.clone());
    let name = if kind == Kind::Json { format!("{name}::text") } else { name };
    Ok(format!("{name} {sign} ${}::text::{cast}", values.len()))
}

/// As what a value is compared; refuses what PostgreSQL could not read as such.
fn compared_as(column: &str, kind: Kind, value: &str) -> Result<&'static str, TableFault> {
    let is_engine = column.starts_with(crate::tables::name::ENGINE_PREFIX);
    let (fits, cast) = match kind {
        Kind::Integer => (value.parse::<i128>().is_ok(), "numeric"),
        Kind::BigInteger | Kind::Decimal => (numeric::put(&mut Vec::new(), value), "numeric"),
        Kind::Boolean => (value.parse::<bool>().is_ok(), "boolean"),
        Kind::Timestamp => (value.parse::<jiff::Timestamp>().is_ok(), "timestamptz"),
        Kind::Date => (value.parse::<jiff::civil::Date>().is_ok_and(|day| day.year() > 0), "date"),
        Kind::Uuid => (uuid::Uuid::try_parse(value).is_ok(), "uuid"),
        Kind::Text if is_engine && is_moment(column) => (value.parse::<jiff::Timestamp>().is_ok(), "timestamptz"),
        Kind::Text if is_engine && column == "_syncline_event_id" => (uuid::Uuid::try_parse(value).is_ok(), "uuid"),
        Kind::Null | Kind::Text | Kind::Json => (!value.contains('\0'), "text COLLATE \"C\""),
    };
    if fits { Ok(cast) } else { Err(TableFault::BadQuery(format!("`{value}` is no {kind}, as `{column}` is"))) }
}
