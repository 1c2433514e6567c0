//! The conformance suite of tenants' tables: each test runs on SQLite, and on the PostgreSQL of `SYNCLINE_TEST_POSTGRES_URL` if that is
//! set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod postgres;
mod replaced;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use syncline_model::{
    Event, Origin, Record, RecordKey, Secret, TenantId, Version,
    event::Source,
    log::{Logged, PartitionName, Place},
};
use tokio::runtime::Runtime;

use super::{AnyHome, Applied, PostgresHome, RowQuery, SqliteHome, TablePolicy, TableReader, TableWriter};

pub(super) const AT: &str = "2026-01-02T03:04:05Z";

pub(super) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub(super) fn event(stream: &str, key: &str, version: Option<i128>, body: Option<&str>) -> Event {
    let source = Source {
        tenant: tenant("acme"),
        integration: "my-shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: stream.parse().unwrap(),
    };
    let record = Record {
        key: RecordKey::of([key]),
        body: Bytes::copy_from_slice(body.unwrap_or("{}").as_bytes()),
        version: version.map(Version),
        time: None,
        deleted: body.is_none(),
    };
    Event::new(&source, Origin::Poll, record)
}

pub(super) fn logged(offset: u64, event: Event) -> Logged {
    let place = Place { partition: PartitionName("0".to_owned()), offset };
    Logged { place, committed: AT.parse::<Timestamp>().unwrap(), event }
}

/// A place for tables that nobody else uses.
pub(super) struct Bed {
    pub home: AnyHome,
    pub writer: Box<dyn TableWriter>,
    pub policy: TablePolicy,
    pub postgres: Option<Postgres>,
    _folder: Option<tempfile::TempDir>,
}

/// A database of this test, and a prefix for its roles, which all databases of a server share.
pub(crate) struct Postgres {
    pub runtime: Runtime,
    pub url: String,
    pub prefix: String,
}

impl Postgres {
    pub fn new() -> Option<Self> {
        let server = std::env::var("SYNCLINE_TEST_POSTGRES_URL").ok()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let id = uuid::Uuid::now_v7().simple().to_string();
        let database = format!("tables_{id}");
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            connection.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
        });
        let (base, _) = server.rsplit_once('/').unwrap();
        Some(Self { runtime, url: format!("{base}/{database}"), prefix: format!("t{}_", &id[20..]) })
    }

    pub fn home(&self) -> PostgresHome {
        self.runtime.block_on(PostgresHome::connect(&Secret::new(self.url.clone()), &self.prefix, 4)).unwrap()
    }

    /// What a query of one text column gives, as this user.
    pub fn ask(&self, url: &str, sql: &str) -> Result<Vec<String>, String> {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(url).await.map_err(|error| error.to_string())?;
            let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await;
            found.map_err(|error| error.to_string())
        })
    }
}

/// Runs a test on every implementation there is.
pub(super) fn on_each(policy: TablePolicy, test: impl Fn(&mut Bed)) {
    let folder = tempfile::tempdir().unwrap();
    let home: AnyHome = Arc::new(SqliteHome(folder.path().to_owned()));
    let writer = home.writer(&tenant("acme"), policy).unwrap();
    test(&mut Bed { home, writer, policy, postgres: None, _folder: Some(folder) });
    on_postgres(policy, test);
}

/// Runs a test on PostgreSQL, if there is one.
pub(super) fn on_postgres(policy: TablePolicy, test: impl Fn(&mut Bed)) {
    let Some(postgres) = Postgres::new() else {
        // `make test` sets the address; elsewhere the SQLite half is still worth running.
        return;
    };
    let home: AnyHome = Arc::new(postgres.home());
    let writer = home.writer(&tenant("acme"), policy).unwrap();
    test(&mut Bed { home, writer, policy, postgres: Some(postgres), _folder: None });
}

impl Bed {
    pub fn write(&mut self, events: impl IntoIterator<Item = Event>) -> Applied {
        self.writer.write_events(events.into_iter().collect(), AT.parse().unwrap()).unwrap()
    }

    pub fn upsert(&mut self, key: &str, body: &str) -> Applied {
        self.write([event("orders", key, None, Some(body))])
    }

    /// Closes the tables and opens them, as a new process would.
    pub fn reopen(&mut self) {
        self.writer = self.home.writer(&tenant("acme"), self.policy).unwrap();
    }

    pub fn read(&self) -> Box<dyn TableReader> {
        self.home.reader(&tenant("acme")).unwrap().unwrap()
    }

    /// The rows of a table, columns joined by `|`.
    pub fn rows(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let query = RowQuery { rows_max: 1000, ..RowQuery::default() };
        let rows = self.read().rows(table, &query).unwrap().rows;
        rows.iter().map(|row| columns.iter().map(|name| plain(&row[*name])).collect::<Vec<_>>().join("|")).collect()
    }

    /// The source's columns of a table with their types.
    pub fn columns(&self, table: &str) -> Vec<String> {
        let view = self.read().table(table).unwrap();
        view.columns.iter().map(|column| format!("{} {}", column.name, column.kind)).collect()
    }
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
