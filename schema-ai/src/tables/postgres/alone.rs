//! Sees to it that of all nodes that share a database only one does something.

use std::str::FromStr;

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use syncline_model::Secret;

/// The lock's number is the bytes of a name, so that it is not somebody else's by chance.
const TABLES: i64 = i64::from_be_bytes(*b"sl-files");
/// Who holds the lock of this number in this database, as far as we may know.
const HOLDER: &str = "SELECT activity.application_name FROM pg_locks JOIN pg_stat_activity AS activity USING (pid) \
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = $1 \
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Something that only this process does, as long as it holds this. PostgreSQL lets go of it when the process dies.
#[derive(Debug)]
pub struct Alone(#[allow(dead_code, reason = "the connection is the lock")] PgConnection);

/// Who does it.
#[derive(Debug)]
pub enum Claimed {
    /// This node.
    Ours(Alone),
    /// Another one, by its name.
    Theirs(String),
}

impl Alone {
    /// Claims the tables in SQLite files for this node, among all nodes that share this database.
    pub async fn claim_files(url: &Secret, node: &str) -> Result<Claimed, String> {
        let failed = |error: sqlx::Error| super::fault::said(&error);
        // The driver's own message may quote the address, which holds the password.
        let options = PgConnectOptions::from_str(url.expose()).map_err(|_| "that is no address of a PostgreSQL database".to_owned())?;
        let connected = options.application_name(node).connect().await;
        let mut connection = connected.map_err(|_| "PostgreSQL cannot be reached, or refuses this user".to_owned())?;
        let claimed: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(TABLES).fetch_one(&mut connection).await.map_err(failed)?;
        if claimed {
            return Ok(Claimed::Ours(Self(connection)));
        }
        let holder: Option<Option<String>> =
            sqlx::query_scalar(HOLDER).bind(TABLES).fetch_optional(&mut connection).await.map_err(failed)?;
        Ok(Claimed::Theirs(holder.flatten().filter(|name| !name.is_empty()).unwrap_or_else(|| "of another user".to_owned())))
    }
}
