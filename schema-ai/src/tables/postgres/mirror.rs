//! Keeps tables in PostgreSQL equal to a tenant's own file: makes them, adds and widens columns, and writes the rows that changed since
//! the last time, all in one transaction. Values go as text and are cast by PostgreSQL, so none is rounded on its way.

use std::{collections::HashMap, path::Path};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row, Transaction};
use syncline_model::{Secret, TenantId};

use super::sql::type_of;
use crate::{
    infer::Kind,
    tables::{
        Compare, Filter, RowQuery, SqliteReader, TableFault, TableReader, TableView,
        name::{self, quoted},
    },
};

const ROWS_AT_ONCE: usize = 1_000;
/// From so many changed records on, their lists are written anew for all records instead of one by one.
const ROOTS_ONE_BY_ONE: usize = 200;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mirrored {
    /// Tables that are kept.
    pub tables: u64,
    /// Rows that were written.
    pub rows: u64,
}

/// A column as PostgreSQL has it: its name, its type, and where its text comes from.
struct Column {
    name: String,
    kind: &'static str,
    from: String,
}

/// Brings the tables of this database up to those of the tenant's file. Only rows behind the last time's place are looked at; a file
/// that begins anew is written whole.
pub async fn mirror(file: &Path, tenant: &TenantId, url: &Secret) -> Result<Mirrored, TableFault> {
    // The driver's own message may quote the address, which holds the password.
    let mut connection = PgConnection::connect(url.expose()).await.map_err(|_| TableFault::Unavailable {
        tenant: tenant.to_string(),
        cause: "the PostgreSQL database cannot be reached, or refuses this user".to_owned(),
    })?;
    let fault = |error: sqlx::Error| TableFault::Unavailable { tenant: tenant.to_string(), cause: format!("PostgreSQL: {error}") };
    let mut transaction = connection.begin().await.map_err(fault)?;
    let mut done = Mirrored::default();
    run(&mut transaction, "CREATE TABLE IF NOT EXISTS _syncline_mirror (name text PRIMARY KEY, passed bigint NOT NULL)")
        .await
        .map_err(fault)?;
    let views = read(file, tenant, SqliteReader::tables).await?;
    let head = read(file, tenant, SqliteReader::position).await?.0.into_values().max().unwrap_or(0);
    // A file that has seen less than was written from it before is another one, and its places mean nothing here.
    let begins_anew = "DELETE FROM _syncline_mirror WHERE passed > $1";
    sqlx::query(begins_anew).bind(i64::try_from(head).unwrap_or(i64::MAX)).execute(&mut *transaction).await.map_err(fault)?;
    for root in views.iter().filter(|view| view.parent.is_none()) {
        let lists: Vec<&TableView> = views.iter().filter(|view| belongs(&views, view, root)).collect();
        done.rows += stream(&mut transaction, file, tenant, root, &lists).await?;
        done.tables += 1 + lists.len() as u64;
    }
    transaction.commit().await.map_err(fault)?;
    Ok(done)
}

/// A table of lists within the records of `root`, however deep.
fn belongs(views: &[TableView], view: &TableView, root: &TableView) -> bool {
    let parent = view.parent.as_ref().and_then(|name| views.iter().find(|other| other.name == *name));
    parent.is_some_and(|parent| parent.name == root.name || belongs(views, parent, root))
}

async fn stream(
    to: &mut Transaction<'_, Postgres>,
    file: &Path,
    tenant: &TenantId,
    root: &TableView,
    lists: &[&TableView],
) -> Result<u64, TableFault> {
    let fault = |error: sqlx::Error| TableFault::Unavailable {
        tenant: tenant.to_string(),
        cause: format!("PostgreSQL, table `{}`: {error}", root.name),
    };
    let passed: Option<i64> = sqlx::query_scalar("SELECT passed FROM _syncline_mirror WHERE name = $1")
        .bind(&root.name)
        .fetch_optional(&mut **to)
        .await
        .map_err(fault)?;
    let columns = columns(root);
    prepare(to, root, &columns).await.map_err(fault)?;
    let mut newest = passed.unwrap_or(0);
    let (mut roots, mut cursor, mut rows) = (Vec::new(), None, 0);
    loop {
        let behind =
            Filter { column: "_syncline_offset".to_owned(), compare: Compare::Above, value: Some(passed.unwrap_or(0).to_string()) };
        let query = RowQuery { filters: vec![behind], cursor, rows_max: ROWS_AT_ONCE, deleted: true };
        let name = root.name.clone();
        let page = read(file, tenant, move |tables| tables.rows(&name, &query)).await?;
        newest = page.rows.iter().filter_map(|row| row["_syncline_offset"].as_i64()).fold(newest, i64::max);
        roots.extend(page.rows.iter().filter_map(|row| row["_syncline_key"].as_str().map(str::to_owned)));
        rows += page.rows.len() as u64;
        write(to, root, &columns, &page.rows).await.map_err(fault)?;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    for list in lists {
        rows += self::lists(to, file, tenant, list, &roots).await?;
    }
    let sql = "INSERT INTO _syncline_mirror VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET passed = excluded.passed";
    sqlx::query(sql).bind(&root.name).bind(newest).execute(&mut **to).await.map_err(fault)?;
    Ok(rows)
}

/// Writes the lists of the records that changed.
async fn lists(
    to: &mut Transaction<'_, Postgres>,
    file: &Path,
    tenant: &TenantId,
    list: &TableView,
    roots: &[String],
) -> Result<u64, TableFault> {
    let fault = |error: sqlx::Error| TableFault::Unavailable {
        tenant: tenant.to_string(),
        cause: format!("PostgreSQL, table `{}`: {error}", list.name),
    };
    let columns = columns(list);
    prepare(to, list, &columns).await.map_err(fault)?;
    let sql = format!("DELETE FROM {} WHERE _syncline_root_key = ANY($1)", quoted(&list.name));
    sqlx::query(AssertSqlSafe(sql)).bind(roots).execute(&mut **to).await.map_err(fault)?;
    let one_by_one = roots.len() <= ROOTS_ONE_BY_ONE;
    let only: Vec<Option<&String>> = if one_by_one { roots.iter().map(Some).collect() } else { vec![None] };
    let mut rows = 0;
    for root in only {
        let mut cursor = None;
        loop {
            let of_root =
                root.map(|key| Filter { column: "_syncline_root_key".to_owned(), compare: Compare::Is, value: Some(key.clone()) });
            let query = RowQuery { filters: of_root.into_iter().collect(), cursor, rows_max: ROWS_AT_ONCE, deleted: true };
            let name = list.name.clone();
            let page = read(file, tenant, move |tables| tables.rows(&name, &query)).await?;
            rows += page.rows.len() as u64;
            write(to, list, &columns, &page.rows).await.map_err(fault)?;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(rows)
}

async fn read<T: Send + 'static>(
    file: &Path,
    tenant: &TenantId,
    query: impl FnOnce(&SqliteReader) -> Result<T, TableFault> + Send + 'static,
) -> Result<T, TableFault> {
    let (file, owner) = (file.to_owned(), tenant.clone());
    let work = move || query(&SqliteReader::open_file(&file, &owner)?);
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| TableFault::Unavailable { tenant: tenant.to_string(), cause: error.to_string() })?
}

fn columns(view: &TableView) -> Vec<Column> {
    let engine: &[(&str, &'static str)] = if view.parent.is_none() {
        &[
            ("_syncline_key", "text"),
            ("_syncline_version", "numeric"),
            ("_syncline_deleted_at", "timestamp with time zone"),
            ("_syncline_offset", "bigint"),
            ("_syncline_overflow", "json"),
        ]
    } else {
        &[
            ("_syncline_root_key", "text"),
            ("_syncline_key", "text"),
            ("_syncline_parent_key", "text"),
            ("_syncline_index", "bigint"),
            ("_syncline_overflow", "json"),
        ]
    };
    let mut made: Vec<Column> =
        engine.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind, from: (*name).to_owned() }).collect();
    for column in &view.columns {
        made.push(Column { name: column.name.clone(), kind: type_of(column.kind), from: column.name.clone() });
        if column.kind == Kind::Timestamp {
            // PostgreSQL keeps neither the zone nor nanoseconds; the source's own text does.
            let name = name::free_name(&format!("_syncline_text_{}", column.name), &column.name, |taken| {
                view.columns.iter().any(|other| other.name == taken)
            });
            made.push(Column { name, kind: "text", from: column.name.clone() });
        }
    }
    made
}

fn key(view: &TableView) -> &'static str {
    if view.parent.is_none() { "_syncline_key" } else { "_syncline_root_key, _syncline_key" }
}

/// Makes the table, or adds the columns that it lacks and changes the types that have widened.
async fn prepare(to: &mut Transaction<'_, Postgres>, view: &TableView, columns: &[Column]) -> sqlx::Result<()> {
    let definitions: Vec<String> = columns.iter().map(|column| format!("{} {}", quoted(&column.name), column.kind)).collect();
    run(to, &format!("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))", quoted(&view.name), definitions.join(", "), key(view)))
        .await?;
    let sql = "SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1";
    let known: HashMap<String, String> =
        sqlx::query(sql).bind(&view.name).fetch_all(&mut **to).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    for column in columns {
        let (table, name, kind) = (quoted(&view.name), quoted(&column.name), column.kind);
        match known.get(&column.name) {
            None => run(to, &format!("ALTER TABLE {table} ADD COLUMN {name} {kind}")).await?,
            Some(is) if is != kind => {
                run(to, &format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {kind} USING {name}::text::{kind}")).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn write(to: &mut Transaction<'_, Postgres>, view: &TableView, columns: &[Column], rows: &[Map<String, Value>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}::text[]")).collect();
    let aliases: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
    let casts: Vec<String> = columns.iter().zip(&aliases).map(|(column, alias)| format!("{alias}::{}", column.kind)).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let sql = format!(
        "INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS given ({}) ON CONFLICT ({}) DO UPDATE SET {}",
        quoted(&view.name),
        names.join(", "),
        casts.join(", "),
        places.join(", "),
        aliases.join(", "),
        key(view),
        sets.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for column in columns {
        let values: Vec<Option<String>> = rows.iter().map(|row| row.get(&column.from).and_then(text)).collect();
        query = query.bind(values);
    }
    query.execute(&mut **to).await?;
    Ok(())
}

/// A value as PostgreSQL reads it. Its texts cannot hold the character NUL, which is written as JSON writes it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.replace('\0', "\\u0000")),
        other => Some(other.to_string()),
    }
}

async fn run(to: &mut Transaction<'_, Postgres>, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **to).await.map(drop)
}
