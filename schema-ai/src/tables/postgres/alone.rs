//! Sees to it that of all nodes that share a database only one does something.

use sqlx::{Connection, PgConnection};
use syncline_model::Secret;

/// The lock's number is the bytes of a name, so that it is not somebody else's by chance.
const TABLES: i64 = i64::from_be_bytes(*b"sl-files");

/// Something that only this process does, as long as it holds this. PostgreSQL lets go of it when the process dies.
#[derive(Debug)]
pub struct Alone(#[allow(dead_code, reason = "the connection is the lock")] PgConnection);

impl Alone {
    /// Claims the tables in SQLite files for this node, among all nodes that share this database. Nothing, if another node has them.
    pub async fn claim_files(url: &Secret) -> Result<Option<Self>, String> {
        let failed = |error: sqlx::Error| super::fault::said(&error);
        // The driver's own message may quote the address, which holds the password.
        let mut connection =
            PgConnection::connect(url.expose()).await.map_err(|_| "PostgreSQL cannot be reached, or refuses this user".to_owned())?;
        let claimed: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(TABLES).fetch_one(&mut connection).await.map_err(failed)?;
        Ok(claimed.then_some(Self(connection)))
    }
}
