//! One transaction of a writer. Each turn to the server and back takes as long as some hundred rows, so it begins with the question that
//! makes other writers of the tenant wait, and ends with the last statements that it brings.

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Result, Row, pool::PoolConnection};

use super::{catalog, sql::Sql};

/// A table grows much faster than the server looks at how large it is, so it would read all of one that it takes for small, once for
/// each batch. Whoever asks for many keys at once has an index for them.
const BEGIN: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
                     SET LOCAL plan_cache_mode = force_generic_plan";

/// A transaction that is open. What is let go without an end is undone by the server, which hears that its client has gone.
pub(super) struct Step(Option<PoolConnection<Postgres>>);

impl Step {
    /// Begins: nobody else makes a step of this tenant meanwhile. Gives how many there were.
    pub async fn begin(pool: &PgPool, sql: &Sql) -> Result<(Self, i64)> {
        let mut step = Self(Some(pool.acquire().await?));
        let begin = format!("{BEGIN}; SELECT value::bigint FROM {}._syncline_meta WHERE name = 'steps' FOR UPDATE", sql.schema);
        let steps = sqlx::raw_sql(AssertSqlSafe(begin)).fetch_one(step.db()?).await?.try_get(0)?;
        Ok((step, steps))
    }

    /// Where its statements go.
    pub fn db(&mut self) -> Result<&mut PgConnection> {
        self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Runs these statements too, and makes all of it durable.
    pub async fn commit(self, last: String) -> Result<()> {
        self.end(format!("{last} COMMIT")).await
    }

    /// Nothing of it was.
    pub async fn give_up(self) -> Result<()> {
        self.end("ROLLBACK".to_owned()).await
    }

    async fn end(mut self, statements: String) -> Result<()> {
        catalog::run(self.db()?, statements).await?;
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
