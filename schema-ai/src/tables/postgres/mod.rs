//! The tenants' tables in PostgreSQL: a schema and a role for each tenant.

mod act;
mod ahead;
mod alone;
mod aside;
mod before;
mod catalog;
mod copy;
mod database;
mod fault;
mod make;
mod mirror;
mod numeric;
mod parts;
mod place;
mod reader;
mod refresh;
mod scram;
mod sql;
mod step;
mod writer;
mod written;

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use syncline_model::{Secret, TenantId};
use tokio::runtime::Handle;

pub use alone::{Alone, Claimed};
pub use mirror::{Mirrored, mirror};
pub use reader::PostgresReader;
pub use writer::PostgresWriter;

use self::{database::PostgresDatabase, sql::Sql};
use super::{
    database::Database,
    fault::TableFault,
    name::quoted,
    port::{TableHome, TablePolicy, TableReader, TableWriter, TenantLogin},
};

/// A connection that was not used for so long is asked whether it is still one.
const RESTED: Duration = Duration::from_secs(1);
/// What schemas and roles are called: this and the tenant's id.
const PREFIX_MAX: usize = 14;

/// A database in which tenants' tables are.
pub(crate) struct Server {
    pool: PgPool,
    /// For what is kept beside the tables: whoever holds one of these may still need one of the others.
    beside: PgPool,
    /// Where connections live. The port waits on it.
    runtime: Handle,
    database: String,
    prefix: String,
}

/// A database with a schema and a role for each tenant.
#[derive(Clone)]
pub struct PostgresHome(Arc<Server>);

impl PostgresHome {
    /// Connects to the database, and looks whether schemas and roles may be made there. What schemas and roles are called begins with
    /// the prefix.
    pub async fn connect(url: &Secret, prefix: &str, connections_max: u32) -> Result<Self, String> {
        let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_usual = prefix.starts_with(|c: char| c.is_ascii_lowercase()) && prefix.chars().all(usual);
        if !is_usual || prefix.len() > PREFIX_MAX || prefix.starts_with("pg_") {
            return Err(format!(
                "`{prefix}` is no prefix of schemas and roles: a letter, then at most 13 of a-z, 0-9 and `_`, and not `pg_`"
            ));
        }
        // The driver's own message may quote the address, which holds the password.
        let options = PgConnectOptions::from_str(url.expose()).map_err(|_| "that is no address of a PostgreSQL database".to_owned())?;
        let options = options.application_name("syncline tables").options([
            // The log forgets that we have read an event as soon as we say so, so what we say must survive a loss of power.
            ("synchronous_commit", "on"),
            // Somebody who reads for ever makes a new column wait, and must not make everybody else wait behind it.
            ("lock_timeout", "30s"),
            // Statements that are told not to read whole tables look so costly that the server would compile each of them.
            ("jit", "off"),
            ("standard_conforming_strings", "on"),
            ("client_min_messages", "warning"),
        ]);
        let pools = || {
            let pool = PgPoolOptions::new().max_connections(connections_max.max(2)).acquire_timeout(Duration::from_secs(30));
            // Who writes one batch after the other need not ask before each whether the server is still there.
            pool.test_before_acquire(false).before_acquire(|connection, known| {
                Box::pin(async move { if known.idle_for < RESTED { Ok(true) } else { connection.ping().await.map(|()| true) } })
            })
        };
        let pool = pools().connect_with(options.clone()).await.map_err(|error| fault::said(&error))?;
        let beside = pools().connect_lazy_with(options.application_name("syncline organizer"));
        let mut connection = pool.acquire().await.map_err(|error| fault::said(&error))?;
        let database = make::check(&mut connection).await?;
        drop(connection);
        Ok(Self(Arc::new(Server { pool, beside, runtime: Handle::current(), database, prefix: prefix.to_owned() })))
    }
}

impl Server {
    /// The name of a tenant's schema and role.
    fn name_of(&self, tenant: &TenantId) -> String {
        format!("{}{tenant}", self.prefix)
    }

    fn sql(&self, tenant: &TenantId) -> Sql {
        Sql { schema: quoted(&self.name_of(tenant)) }
    }
}

impl TableHome for PostgresHome {
    fn writer(&self, tenant: &TenantId, policy: TablePolicy) -> Result<Box<dyn TableWriter>, TableFault> {
        let open = async {
            make::schema(&self.0, tenant).await?;
            PostgresWriter::open(Arc::clone(&self.0), tenant.clone(), policy).await
        };
        Ok(Box::new(self.0.runtime.block_on(open)?))
    }

    fn reader(&self, tenant: &TenantId) -> Result<Option<Box<dyn TableReader>>, TableFault> {
        let reader = self.0.runtime.block_on(PostgresReader::open(Arc::clone(&self.0), tenant.clone()))?;
        Ok(reader.map(|reader| Box::new(reader) as Box<dyn TableReader>))
    }

    fn database(&self, tenant: &TenantId) -> Result<Option<Box<dyn Database>>, TableFault> {
        let opened = async {
            let exists = async { make::exists(&mut *self.0.pool.acquire().await?, &self.0, tenant).await };
            if !exists.await.map_err(|error| fault::fault(tenant, &error))? {
                return Ok(None);
            }
            PostgresDatabase::open(Arc::clone(&self.0), tenant.clone()).await.map(Some)
        };
        Ok(self.0.runtime.block_on(opened)?.map(|database| Box::new(database) as Box<dyn Database>))
    }

    fn tenants(&self) -> Result<Vec<(TenantId, String)>, TableFault> {
        self.0.runtime.block_on(make::tenants(&self.0))
    }

    fn login(&self, tenant: &TenantId) -> Result<Option<TenantLogin>, TableFault> {
        self.0.runtime.block_on(make::login(&self.0, tenant)).map(Some)
    }
}
