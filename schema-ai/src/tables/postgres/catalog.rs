//! The engine's own tables in a tenant's schema: what the tables and columns are, how far the log was read, what was refused, what
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, PgConnection, Result, Row};
use syncline_model::log::{PartitionName, Position};

use super::sql::{Sql, literal};
use crate::{
    infer::Kind,
    tables::schema::{Beside, Change, Column, Schema, Table},
};

/// The format of the schema, in `_syncline_meta`.
pub(super) const FORMAT: i64 = 1;

/// Makes the engine's tables in the schema that is named first in the search path.
pub(super) const MAKE: &str = "
CREATE TABLE _syncline_meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE _syncline_tables (id bigint PRIMARY KEY, name text NOT NULL UNIQUE, connector text NOT NULL, integration text NOT NULL,
    stream text NOT NULL, parent_id bigint, path text NOT NULL, has_rows boolean NOT NULL, has_gone boolean NOT NULL);
CREATE TABLE _syncline_columns (table_id bigint NOT NULL, ordinal bigint NOT NULL, name text NOT NULL, path text NOT NULL,
    type text NOT NULL, nullable boolean NOT NULL, moment bigint, PRIMARY KEY (table_id, ordinal));
CREATE TABLE _syncline_changes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at text NOT NULL, change text NOT NULL);
CREATE TABLE _syncline_position (partition text PRIMARY KEY, place bigint NOT NULL);
CREATE TABLE _syncline_gone (table_id bigint NOT NULL, key text COLLATE \"C\" NOT NULL, version numeric, PRIMARY KEY (table_id, key));
CREATE TABLE _syncline_rejected (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at text NOT NULL, integration text NOT NULL,
    connector text NOT NULL, stream text NOT NULL, key text NOT NULL, cause text NOT NULL, body bytea NOT NULL,
    reported boolean NOT NULL DEFAULT false);
CREATE INDEX _syncline_rejected_unreported ON _syncline_rejected (id) WHERE NOT reported;
";

/// Runs statements that bring no rows.
pub(super) async fn run(db: &mut PgConnection, sql: String) -> Result<()> {
    if sql.is_empty() {
        return Ok(());
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.map(drop)
}

/// The schema as the database has it.
pub(super) async fn load(db: &mut PgConnection, sql: &Sql) -> Result<Schema> {
    let mut schema = Schema::beside(Beside::SourceText);
    let found = format!(
        "SELECT name, connector, integration, stream, path, parent_id, has_rows, has_gone FROM {}._syncline_tables ORDER BY id",
        sql.schema
    );
    for row in sqlx::query(AssertSqlSafe(found)).persistent(false).fetch_all(&mut *db).await? {
        let texts: [String; 5] = [row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)];
        let [name, connector, integration, stream, path] = texts;
        let mut table = Table::new(name, &connector, &integration, &stream, index(row.get(5)), path);
        (table.has_rows, table.has_gone) = (row.get(6), row.get(7));
        schema.tables.push(table);
    }
    let found =
        format!("SELECT table_id, name, path, type, nullable, moment FROM {}._syncline_columns ORDER BY table_id, ordinal", sql.schema);
    for row in sqlx::query(AssertSqlSafe(found)).persistent(false).fetch_all(&mut *db).await? {
        let kind = Kind::named(row.get(3)).unwrap_or(Kind::Text);
        let column = Column { name: row.get(1), path: row.get(2), kind, nullable: row.get(4), moment: index(row.get(5)) };
        let table = index(row.get(0)).and_then(|table| schema.tables.get_mut(table));
        table.into_iter().for_each(|table| table.columns.push(column.clone()));
    }
    schema.link();
    schema.foreign_names = names_in_use(db, sql).await?;
    Ok(schema)
}

/// How many steps were made. Whoever changes the tables makes one.
pub(super) async fn steps(db: &mut PgConnection, sql: &Sql) -> Result<i64> {
    let found = format!("SELECT value::bigint FROM {}._syncline_meta WHERE name = 'steps'", sql.schema);
    sqlx::query_scalar(AssertSqlSafe(found)).fetch_one(db).await
}

/// Every name in the schema: what a new table must not be called.
async fn names_in_use(db: &mut PgConnection, sql: &Sql) -> Result<Vec<String>> {
    let found = "SELECT relname::text FROM pg_class WHERE relnamespace = $1::regnamespace UNION \
                 SELECT typname::text FROM pg_type WHERE typnamespace = $1::regnamespace";
    sqlx::query_scalar(found).bind(&sql.schema).fetch_all(db).await
}

/// How far the log was read.
pub(super) async fn position(db: &mut PgConnection, sql: &Sql) -> Result<Position> {
    let found = format!("SELECT partition, place FROM {}._syncline_position", sql.schema);
    let rows = sqlx::query(AssertSqlSafe(found)).persistent(false).fetch_all(db).await?;
    Ok(Position(rows.iter().map(|row| (PartitionName(row.get(0)), row.get::<i64, _>(1).cast_unsigned())).collect()))
}

/// The statements that write down how far the log was read, and that one more step was made.
pub(super) fn save_position(sql: &Sql, known: &Position, position: &Position, step: i64) -> String {
    let moved = position.0.iter().filter(|(partition, place)| known.0.get(*partition) != Some(*place));
    let places: Vec<String> = moved.map(|(partition, place)| format!("({}, {})", literal(&partition.0), place.cast_signed())).collect();
    let schema = &sql.schema;
    let mut statements = format!("UPDATE {schema}._syncline_meta SET value = '{step}' WHERE name = 'steps';");
    if !places.is_empty() {
        let into = format!("{schema}._syncline_position (partition, place) VALUES");
        insert(&mut statements, &into, &places, " ON CONFLICT (partition) DO UPDATE SET place = excluded.place");
    }
    statements
}

/// The statements that make what the schema has and the database has not.
pub(super) fn grow(sql: &Sql, schema: &Schema, changes: &[Change], at: &str) -> String {
    let mut grown = Grown::default();
    for change in changes {
        match *change {
            Change::Table(table) => grown.table(sql, schema, table, at),
            Change::Column(table, column) => grown.column(schema, table, column, at),
            Change::Widened(table, column, before) => grown.widened(schema, table, column, before, at),
            Change::Full(table) => grown.note(at, &schema.tables[table].full_note(schema.limits)),
        }
    }
    let altered: String =
        grown.altered.iter().map(|(table, change)| sql.alter(&schema.tables[*table], &change.added, &change.widened)).collect();
    let columns: Vec<(usize, usize)> = grown.columns.iter().copied().collect();
    let mut statements = grown.made + &altered;
    insert(&mut statements, &format!("{}._syncline_tables VALUES", sql.schema), &grown.tables, "");
    statements.push_str(&save_columns(sql, schema, &columns));
    insert(&mut statements, &format!("{}._syncline_changes (at, change) VALUES", sql.schema), &grown.notes, "");
    statements
}

/// The statements that write columns down as they are now.
pub(super) fn save_columns(sql: &Sql, schema: &Schema, columns: &[(usize, usize)]) -> String {
    let row = |&(table, ordinal): &(usize, usize)| {
        let column = &schema.tables[table].columns[ordinal];
        let moment = column.moment.map_or_else(|| "NULL".to_owned(), |moment| moment.to_string());
        format!(
            "({table}, {ordinal}, {}, {}, '{}', {}, {moment})",
            literal(&column.name),
            literal(&column.path),
            column.kind.as_str(),
            column.nullable
        )
    };
    let rows: Vec<String> = columns.iter().map(row).collect();
    let mut statements = String::new();
    let into = format!("{}._syncline_columns (table_id, ordinal, name, path, type, nullable, moment) VALUES", sql.schema);
    let tail = " ON CONFLICT (table_id, ordinal) DO UPDATE SET type = excluded.type, nullable = excluded.nullable";
    insert(&mut statements, &into, &rows, tail);
    statements
}

/// The statement that notes which tables have rows or versions of what is gone.
pub(super) fn save_fill(sql: &Sql, schema: &Schema, tables: &[usize]) -> String {
    let of = |table: &usize| {
        let Table { has_rows, has_gone, .. } = &schema.tables[*table];
        format!("UPDATE {}._syncline_tables SET has_rows = {has_rows}, has_gone = {has_gone} WHERE id = {table};", sql.schema)
    };
    tables.iter().map(of).collect()
}

fn insert(statements: &mut String, into: &str, rows: &[String], tail: &str) {
    if !rows.is_empty() {
        let rows = rows.join(",");
        statements.extend(["INSERT INTO ", into, " ", rows.as_str(), tail, ";"]);
    }
}

/// What a batch of changes comes to.
#[derive(Default)]
struct Grown {
    made: String,
    altered: BTreeMap<usize, Altered>,
    new_tables: BTreeSet<usize>,
    columns: BTreeSet<(usize, usize)>,
    tables: Vec<String>,
    notes: Vec<String>,
}

#[derive(Default)]
struct Altered {
    added: Vec<usize>,
    widened: Vec<(usize, Kind)>,
}

impl Grown {
    fn table(&mut self, sql: &Sql, schema: &Schema, index: usize, at: &str) {
        let table = &schema.tables[index];
        self.made.push_str(&sql.create(table));
        self.new_tables.insert(index);
        let parent = table.parent.map_or_else(|| "NULL".to_owned(), |parent| parent.to_string());
        let texts = [&table.name, &table.connector, &table.integration, &table.stream].map(|text| literal(text)).join(", ");
        self.tables.push(format!("({index}, {texts}, {parent}, {}, false, false)", literal(&table.path)));
        self.note(at, &format!("table `{}` was made", table.name));
    }

    fn column(&mut self, schema: &Schema, table: usize, column: usize, at: &str) {
        self.columns.insert((table, column));
        if self.new_tables.contains(&table) {
            return;
        }
        self.altered.entry(table).or_default().added.push(column);
        let of = &schema.tables[table];
        self.note(at, &format!("column `{}` was added to `{}`", of.columns[column].name, of.name));
    }

    fn widened(&mut self, schema: &Schema, table: usize, column: usize, before: Kind, at: &str) {
        self.columns.insert((table, column));
        let change = self.altered.entry(table).or_default();
        let is_known = self.new_tables.contains(&table) || change.added.contains(&column);
        if is_known || change.widened.iter().any(|(other, _)| *other == column) {
            return;
        }
        change.widened.push((column, before));
        let (of, wider) = (&schema.tables[table], &schema.tables[table].columns[column]);
        self.note(at, &format!("column `{}` of `{}` was widened from {before} to {}", wider.name, of.name, wider.kind));
    }

    fn note(&mut self, at: &str, change: &str) {
        self.notes.push(format!("({}, {})", literal(at), literal(change)));
    }
}

fn index(number: Option<i64>) -> Option<usize> {
    number.and_then(|number| usize::try_from(number).ok())
}
