//! What the server is to do for a batch, and doing it. The rows of one table go to it in one `COPY` as long as nothing comes between.

use sqlx::{AssertSqlSafe, PgConnection, Result};

use super::{
    catalog,
    refresh::{Few, Refresh, Refreshed},
};

/// What every `COPY` in binary form begins with: magic, flags, and the length of an extension that is not there.
pub(super) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
const TAIL: [u8; 2] = (-1_i16).to_be_bytes();

/// Something that the server is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act<'a> {
    /// Statements without parameters.
    Run(String),
    /// A statement that comes often, and its keys.
    Keys(String, Vec<&'a str>),
    /// A statement, and its parameters: each of them a column of texts.
    Texts(String, Vec<Vec<Option<String>>>),
    /// A `COPY`, and rows for it.
    Rows(String, Rows),
    /// New rows of a table, so few that no `COPY` is worth it.
    Few(Few),
    /// Rows that are written over others.
    Refresh(Refresh),
}

/// Rows of one table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// What a `COPY` begins with, and the rows. A head that went alone would wait for an answer that never comes alone, because the
    /// driver leaves Nagle's algorithm on.
    pub bytes: Vec<u8>,
    /// No more of them come soon.
    pub are_last: bool,
}

/// Does what comes, in its order, until nothing comes any more. Gives what became of rows that were written over others.
pub(super) async fn serve<'a>(db: &mut PgConnection, mut next: impl AsyncFnMut() -> Option<Act<'a>>) -> Result<Vec<Refreshed>> {
    let (mut act, mut refreshed) = (next().await, Vec::new());
    while let Some(now) = act {
        act = match now {
            Act::Run(sql) => {
                catalog::run(db, sql).await?;
                next().await
            }
            Act::Keys(sql, keys) => {
                sqlx::query(AssertSqlSafe(sql)).bind(keys).execute(&mut *db).await?;
                next().await
            }
            Act::Texts(sql, columns) => {
                let asked = sqlx::query(AssertSqlSafe(sql)).persistent(false);
                columns.into_iter().fold(asked, sqlx::query::Query::bind).execute(&mut *db).await?;
                next().await
            }
            Act::Rows(sql, rows) => copy(db, &sql, rows, &mut next).await?,
            Act::Few(rows) => {
                rows.run(db).await?;
                next().await
            }
            Act::Refresh(rows) => {
                refreshed.push(rows.run(db).await?);
                next().await
            }
        };
    }
    Ok(refreshed)
}

/// Copies rows, and all further ones that are for the same table. Gives what came after them.
async fn copy<'a>(
    db: &mut PgConnection,
    sql: &str,
    first: Rows,
    next: &mut impl AsyncFnMut() -> Option<Act<'a>>,
) -> Result<Option<Act<'a>>> {
    let mut copy = db.copy_in_raw(sql).await?;
    let (mut rows, mut sent) = (first, 0);
    loop {
        if rows.are_last {
            rows.bytes.extend(TAIL);
        }
        copy.send(&rows.bytes[sent..]).await?;
        if rows.are_last {
            copy.finish().await?;
            return Ok(next().await);
        }
        match next().await {
            Some(Act::Rows(into, more)) if into == sql => (rows, sent) = (more, HEAD.len()),
            after => {
                copy.send(TAIL.as_slice()).await?;
                copy.finish().await?;
                return Ok(after);
            }
        }
    }
}
