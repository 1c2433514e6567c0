//! Opens the database and leads to everything in it.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::{
        postgres::PgConnectOptions,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};
use syncline_migrations::{Migrator, MigratorTrait};
use syncline_model::TenantId;

use crate::{
    StoreFault, doors,
    doors::{audit::Audit, endpoints::Endpoints, keys::Keys, tenants::Tenants},
    scope::{Scope, idempotency::Idempotency},
    vault::Vault,
};

// Any number that no other program would choose for its own lock.
const MIGRATION_LOCK: &str = "select pg_advisory_xact_lock(7310579840318)";
const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// The store: one database, SQLite or PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    vault: Arc<Vault>,
}

// The connection would print its options, and those may hold a password.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?})", self.db.get_database_backend())
    }
}

/// Until when old things are forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Repeated requests are no longer recognized that came first before this.
    pub idempotency: Timestamp,
    /// Log lines of jobs older than this go.
    pub job_logs: Timestamp,
}

impl Store {
    /// Opens `postgres://…`, `sqlite:path` or a path, makes what is missing, and brings the tables to the newest form.
    pub async fn open(url: &str, vault: Vault) -> Result<Self, StoreFault> {
        let options = if is_postgres(url) { postgres(url)? } else { sqlite(sqlite_path(url))? };
        let store = Self { db: Database::connect(options).await?, vault: Arc::new(vault) };
        store.migrate().await?;
        Ok(store)
    }

    /// Looks whether a database is there and of a form that this version knows. Makes and changes nothing.
    pub async fn probe(url: &str) -> Result<(), StoreFault> {
        let options = if is_postgres(url) { postgres(url)? } else { existing(sqlite_path(url)) };
        let db = Database::connect(options).await?;
        Migrator::get_migration_with_status_read_only(&db).await?;
        Ok(db.close().await?)
    }

    /// Everything of one tenant.
    pub fn of(&self, tenant: &TenantId) -> Scope {
        Scope::new(self.clone(), tenant.clone())
    }

    /// Installation-wide: who the tenants are, and their data keys.
    pub fn tenants(&self) -> Tenants {
        Tenants::new(self.clone())
    }

    /// Installation-wide: who may ask.
    pub fn keys(&self) -> Keys {
        Keys::new(self.clone())
    }

    /// Installation-wide: whose an address for webhooks is.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints::new(self.clone())
    }

    /// Installation-wide: who did what.
    pub fn audit(&self) -> Audit {
        Audit::new(self.clone())
    }

    /// Installation-wide: repeated requests of an API key that belong to no tenant.
    pub fn idempotency(&self, api_key: &str) -> Idempotency {
        Idempotency::new(self.clone(), format!("key/{api_key}"))
    }

    /// Installation-wide: forgets what is older than its retention, and says how many rows went.
    pub async fn prune(&self, retention: Retention) -> Result<u64, StoreFault> {
        doors::prune(self, retention).await
    }

    /// The database answers.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        Ok(self.db.ping().await?)
    }

    /// Ends every connection; later calls fail.
    pub async fn close(self) -> Result<(), StoreFault> {
        Ok(self.db.close().await?)
    }

    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.db
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// A transaction that will write: SQLite is asked for its one writer at once, because a reader cannot become it later.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StoreFault> {
        let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        Ok(self.db.begin_with_options(options).await?)
    }

    /// A transaction that sees one moment.
    pub(crate) async fn begin_reading(&self) -> Result<DatabaseTransaction, StoreFault> {
        // SQLite has no other kind.
        let isolation_level = self.is_postgres().then_some(IsolationLevel::RepeatableRead);
        Ok(self.db.begin_with_options(TransactionOptions { isolation_level, ..Default::default() }).await?)
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    // All migrations are one transaction: a database is in the old form or in the new one, and of several nodes that start at
    // once one migrates while the others wait.
    async fn migrate(&self) -> Result<(), StoreFault> {
        let transaction = self.begin().await?;
        if self.is_postgres() {
            transaction.execute_unprepared(MIGRATION_LOCK).await?;
        }
        Migrator::up(&transaction, None).await?;
        Ok(transaction.commit().await?)
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn sqlite_path(url: &str) -> &Path {
    Path::new(url.strip_prefix("sqlite:").unwrap_or(url))
}

fn postgres(url: &str) -> Result<ConnectOptions, StoreFault> {
    // The ORM would quote a malformed URL, password included.
    if let Err(error) = url.parse::<PgConnectOptions>() {
        return Err(StoreFault::Database(format!("its URL is malformed: {error}")));
    }
    let mut options = ConnectOptions::new(url);
    options.max_connections(POSTGRES_CONNECTIONS).acquire_timeout(Duration::from_secs(10));
    quiet(&mut options);
    Ok(options)
}

fn sqlite(path: &Path) -> Result<ConnectOptions, StoreFault> {
    make_private(path).map_err(|error| StoreFault::Database(format!("`{}` cannot be made: {error}", path.display())))?;
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite:");
    options.max_connections(SQLITE_CONNECTIONS).acquire_timeout(Duration::from_secs(30));
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A refreshed token must survive a power cut, because the source has already forgotten the old one.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(15))
            .pragma("secure_delete", "ON")
    });
    quiet(&mut options);
    Ok(options)
}

fn existing(path: &Path) -> ConnectOptions {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite:");
    options.map_sqlx_sqlite_opts(move |options| options.filename(&path).create_if_missing(false));
    quiet(&mut options);
    options
}

// Statements have no place in the log: where they matter, the caller says what was done.
fn quiet(options: &mut ConnectOptions) {
    options.sqlx_logging(false).record_stmt_in_spans(false);
}

fn make_private(path: &Path) -> std::io::Result<()> {
    let mut how = std::fs::OpenOptions::new();
    how.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    how.open(path).map(drop)
}
