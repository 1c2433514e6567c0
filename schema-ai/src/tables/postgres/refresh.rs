//! Rows as one statement with an array for each column: those that are written over others, and new ones that are few. An update leaves
//! the index alone where the new row finds room in the page of the old one, and nobody has to know beforehand whether the row is there or
//! newer: the server looks.

use sqlx::{
    AssertSqlSafe, PgConnection, Postgres, Result, Type,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, types::Oid},
};

use super::sql::{self, Sql};
use crate::{infer::Kind, tables::schema::Table};

/// Rows that are to be written over others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    table: usize,
    update: String,
    insert: String,
    rows: Arrays,
}

/// Rows that are few. The end of a `COPY` of little waits until the server's machine says that it has the rest, which takes as long as
/// some hundreds of such statements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Few {
    insert: String,
    rows: Arrays,
}

/// Rows, column by column.
#[derive(Debug, PartialEq, Eq)]
struct Arrays {
    count: u64,
    columns: Vec<Array>,
}

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refreshed {
    /// The table.
    pub table: usize,
    /// How many there were.
    pub rows: u64,
    /// How many rows were there and not newer.
    pub updated: u64,
    /// How many were not there.
    pub inserted: u64,
}

impl Refresh {
    /// Takes rows as a `COPY` would send them.
    pub fn of(sql: &Sql, (number, table): (usize, &Table), rows: &[u8]) -> Self {
        let (update, insert) = sql.refresh(table);
        Self { table: number, update, insert, rows: Arrays::of(sql::row_kinds(table), rows) }
    }

    /// Writes them over the rows that are there, and beside these what is not there.
    pub async fn run(self, db: &mut PgConnection) -> Result<Refreshed> {
        let updated = self.rows.ask(db, &self.update).await?;
        let inserted = if updated < self.rows.count { self.rows.ask(db, &self.insert).await? } else { 0 };
        Ok(Refreshed { table: self.table, rows: self.rows.count, updated, inserted })
    }
}

impl Few {
    /// Takes rows as a `COPY` would send them, for columns of these kinds.
    pub fn of(insert: String, kinds: Vec<Kind>, rows: &[u8]) -> Self {
        Self { insert, rows: Arrays::of(kinds.into_iter(), rows) }
    }

    /// Writes them.
    pub async fn run(self, db: &mut PgConnection) -> Result<()> {
        self.rows.ask(db, &self.insert).await.map(drop)
    }
}

impl Arrays {
    fn of(kinds: impl Iterator<Item = Kind>, rows: &[u8]) -> Self {
        let mut columns: Vec<Array> = kinds.map(Array::of).collect();
        let (mut rest, mut count) = (rows, 0);
        while let Some((_, mut fields)) = rest.split_first_chunk::<2>() {
            for column in &mut columns {
                fields = column.take(fields);
            }
            (rest, count) = (fields, count + 1);
        }
        Self { count, columns }
    }

    async fn ask(&self, db: &mut PgConnection, statement: &str) -> Result<u64> {
        let asked = sqlx::query(AssertSqlSafe(statement.to_owned()));
        let done = self.columns.iter().fold(asked, sqlx::query::Query::bind).execute(db).await?;
        Ok(done.rows_affected())
    }
}

/// The values of a column, in the binary form of elements of an array.
#[derive(Debug, PartialEq, Eq)]
struct Array {
    kind: Kind,
    count: i32,
    elements: Vec<u8>,
}

impl Array {
    fn of(kind: Kind) -> Self {
        Self { kind, count: 0, elements: Vec::new() }
    }

    /// Takes the first of these fields, and gives the others.
    fn take<'f>(&mut self, fields: &'f [u8]) -> &'f [u8] {
        let length = fields.first_chunk().map_or(-1, |length| i32::from_be_bytes(*length));
        let end = fields.len().min(4 + usize::try_from(length).unwrap_or_default());
        let (field, others) = fields.split_at(end);
        self.elements.extend_from_slice(field);
        self.count += 1;
        others
    }

    /// The numbers of PostgreSQL's types: that of the elements, and that of arrays of them.
    fn oids(&self) -> (u32, u32) {
        match self.kind {
            Kind::Null | Kind::Text => (25, 1009),
            Kind::Boolean => (16, 1000),
            Kind::Integer => (20, 1016),
            Kind::BigInteger | Kind::Decimal => (1700, 1231),
            Kind::Timestamp => (1184, 1185),
            Kind::Date => (1082, 1182),
            Kind::Uuid => (2950, 2951),
            Kind::Json => (114, 199),
        }
    }
}

impl Type<Postgres> for Array {
    fn type_info() -> PgTypeInfo {
        <Vec<String> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Array {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        let (dimensions, may_have_nulls, first) = (1_i32, 1_i32, 1_i32);
        out.extend_from_slice(&dimensions.to_be_bytes());
        out.extend_from_slice(&may_have_nulls.to_be_bytes());
        out.extend_from_slice(&self.oids().0.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&self.elements);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.oids().1)))
    }
}
