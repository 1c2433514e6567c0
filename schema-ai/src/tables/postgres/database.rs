//! A tenant's own schema, for what is kept beside the tables.

use std::{cell::RefCell, sync::Arc};

use sqlx::{
    AssertSqlSafe, Column, PgConnection, Postgres, Row, TypeInfo,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use syncline_model::TenantId;

use super::{Server, catalog, fault::fault, sql};
use crate::{
    infer::Kind,
    tables::{
        database::{Cell, Database, Dialect, Found},
        fault::TableFault,
    },
};

pub(super) struct PostgresDatabase {
    server: Arc<Server>,
    tenant: TenantId,
    /// There until it is dropped.
    connection: RefCell<Option<PoolConnection<Postgres>>>,
}

impl PostgresDatabase {
    pub(super) async fn open(server: Arc<Server>, tenant: TenantId) -> Result<Self, TableFault> {
        let opened = async {
            let mut connection = server.beside.acquire().await?;
            // It may come from somebody who was cut off in the middle.
            let begin = format!("ROLLBACK; SET search_path TO {}", server.sql(&tenant).schema);
            catalog::run(&mut connection, begin).await?;
            Ok(connection)
        };
        let connection = opened.await.map_err(|error| fault(&tenant, &error))?;
        Ok(Self { server, tenant, connection: RefCell::new(Some(connection)) })
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T, TableFault> {
        let asked = match self.connection.borrow_mut().as_mut() {
            Some(connection) => self.server.runtime.block_on(question(connection)),
            None => Err(sqlx::Error::PoolClosed),
        };
        asked.map_err(|error| fault(&self.tenant, &error))
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        // A connection goes back to where it came from by a task.
        let _runtime = self.server.runtime.enter();
        drop(self.connection.take());
    }
}

fn bound(sql: String, values: &[Cell]) -> Query<'_, Postgres, PgArguments> {
    let mut asked = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        asked = match value {
            Cell::Nothing => asked.bind(None::<&str>),
            Cell::NoNumber => asked.bind(None::<i64>),
            Cell::Number(number) => asked.bind(*number),
            Cell::Text(text) => asked.bind(text.as_str()),
        };
    }
    asked
}

/// A statement with `$1` for the first `?`, and so on. What is between quotes stays as it is.
fn numbered(sql: &str) -> String {
    let (mut whole, mut count, mut quote) = (String::with_capacity(sql.len() + 16), 0, None);
    for c in sql.chars() {
        match (c, quote) {
            ('?', None) => {
                count += 1;
                whole.push('$');
                whole.push_str(&count.to_string());
                continue;
            }
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        whole.push(c);
    }
    whole
}

fn found(row: &PgRow) -> sqlx::Result<Found> {
    let cell = |at: usize| {
        Ok(match row.column(at).type_info().name() {
            "BOOL" => Cell::from(row.try_get::<Option<bool>, _>(at)?.map(i64::from)),
            "INT4" => Cell::from(row.try_get::<Option<i32>, _>(at)?.map(i64::from)),
            "INT8" => Cell::from(row.try_get::<Option<i64>, _>(at)?),
            _ => Cell::from(row.try_get::<Option<String>, _>(at)?),
        })
    };
    Ok(Found((0..row.len()).map(cell).collect::<sqlx::Result<_>>()?))
}

impl Database for PostgresDatabase {
    fn run(&self, sql: &str, values: &[Cell]) -> Result<u64, TableFault> {
        self.ask(async |db| Ok(bound(numbered(sql), values).execute(db).await?.rows_affected()))
    }

    fn rows(&self, sql: &str, values: &[Cell]) -> Result<Vec<Found>, TableFault> {
        self.ask(async |db| bound(numbered(sql), values).fetch_all(db).await?.iter().map(found).collect())
    }

    fn batch(&self, sql: &str) -> Result<(), TableFault> {
        self.ask(async |db| catalog::run(db, sql.to_owned()).await)
    }

    fn lock(&self) -> Result<(), TableFault> {
        let whose = format!("syncline organizer {}", self.server.name_of(&self.tenant));
        self.batch(&format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended({}, 0))", sql::literal(&whose)))
    }

    fn columns(&self, table: &str) -> Result<Vec<String>, TableFault> {
        let asked = "SELECT column_name::text FROM information_schema.columns WHERE table_schema = ? AND table_name = ? \
                     ORDER BY ordinal_position";
        let found = self.rows(asked, &[Cell::from(self.server.name_of(&self.tenant)), Cell::from(table)])?;
        Ok(found.iter().map(|row| row.text(0)).collect())
    }

    fn dialect(&self) -> &'static Dialect {
        &Dialect {
            number: "bigint",
            counting_key: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            end: "",
            keyed_end: "",
            type_of: |kind| Some(sql::type_of(kind)),
            shown: |kind, column| match kind {
                Kind::Boolean | Kind::Integer => column.to_owned(),
                Kind::Timestamp => sql::moment(column),
                _ => format!("{column}::text"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn values_are_numbered_and_what_is_quoted_stays() {
        assert_eq!(numbered(r#"SELECT '?' FROM "a?" WHERE x = ? AND y IN (?,?)"#), r#"SELECT '?' FROM "a?" WHERE x = $1 AND y IN ($2,$3)"#);
    }
}
