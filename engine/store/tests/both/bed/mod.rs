//! A fresh store for each test, with a tenant in it, and a second way into its database for looking and tampering.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use syncline_model::{IntegrationId, Settings, State, TenantId, ledger::StateChange, schedule::Schedule};
use syncline_store::{Integration, Key, NewIntegration, NewSettings, Scope, Store, Vault};

/// Writes each test down once and runs it on both databases.
#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($bed:ident) $body:block)*) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name($crate::bed::Bed::on_sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let Some(bed) = $crate::bed::Bed::on_postgres().await else { return };
                let made = bed.made();
                super::$name(bed).await;
                made.drop().await;
            })*
        }
        $(async fn $name($bed: $crate::bed::Bed) $body)*
    };
}

pub struct Bed {
    pub store: Store,
    pub kek: Key,
    pub url: String,
    folder: Option<tempfile::TempDir>,
}

pub struct Made {
    server: String,
    database: String,
}

impl Made {
    pub async fn drop(self) {
        let server = Database::connect(&self.server).await.unwrap();
        server.execute_unprepared(&format!("drop database {} with (force)", self.database)).await.unwrap();
    }
}

pub fn tenant(id: &str) -> TenantId {
    id.parse().unwrap()
}

pub fn integration(id: &str) -> IntegrationId {
    id.parse().unwrap()
}

pub fn to(state: State) -> StateChange {
    StateChange { state, cause: None, waiting_until: None }
}

pub fn new_settings(whole: Value, secret: &[&str]) -> NewSettings {
    NewSettings { whole: Settings::new(whole), secret: secret.iter().map(|path| path.parse().unwrap()).collect() }
}

pub fn draft(id: &str, settings: NewSettings) -> NewIntegration {
    NewIntegration {
        id: integration(id),
        connector: "sandbox-shop".parse().unwrap(),
        title: format!("The shop `{id}`"),
        settings,
        schedule: Schedule::EveryS(60),
        streams: None,
    }
}

impl Bed {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("a folder?/store.db").display().to_string();
        Self::open(url, Some(folder)).await
    }

    pub async fn on_postgres() -> Option<Self> {
        let server = std::env::var("SYNCLINE_TEST_POSTGRES_URL").ok()?;
        let database = format!("store_{}", uuid::Uuid::now_v7().simple());
        Database::connect(&server).await.unwrap().execute_unprepared(&format!("create database {database}")).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Some(Self::open(format!("{base}/{database}"), None).await)
    }

    async fn open(url: String, folder: Option<tempfile::TempDir>) -> Self {
        let kek = Key::random().unwrap();
        let store = Store::open(&url, Vault::new(kek.clone())).await.unwrap();
        store.tenants().create(&tenant("acme"), "Acme").await.unwrap();
        Self { store, kek, url, folder }
    }

    pub fn made(&self) -> Made {
        let database = self.url.rsplit('/').next().unwrap().to_owned();
        Made { server: std::env::var("SYNCLINE_TEST_POSTGRES_URL").unwrap(), database }
    }

    pub fn acme(&self) -> Scope {
        self.store.of(&tenant("acme"))
    }

    /// An integration of Acme with one secret.
    pub async fn shop(&self, id: &str) -> Integration {
        let settings =
            new_settings(json!({"region": "eu", "credentials": {"api_key": "hunter2-".to_owned() + id}}), &["/credentials/api_key"]);
        self.acme().integrations().create(draft(id, settings)).await.unwrap()
    }

    pub async fn moved(&self, id: &str, states: &[State]) {
        for state in states {
            self.acme().integrations().move_to(&integration(id), None, to(*state)).await.unwrap();
        }
    }

    /// Another way into the same database.
    pub async fn raw(&self) -> DatabaseConnection {
        if self.folder.is_none() {
            return Database::connect(&self.url).await.unwrap();
        }
        let path = self.url.clone();
        let mut options = sea_orm::ConnectOptions::new("sqlite:");
        options.map_sqlx_sqlite_opts(move |options| options.filename(&path).foreign_keys(false));
        Database::connect(options).await.unwrap()
    }

    pub async fn run(&self, sql: &str) -> u64 {
        self.raw().await.execute_unprepared(sql).await.unwrap().rows_affected()
    }

    /// Every byte of the database: its files, or the text of all its rows.
    pub async fn bytes(&self) -> Vec<u8> {
        let Some(folder) = &self.folder else { return self.rows_as_text().await };
        let files = std::fs::read_dir(folder.path().join("a folder?")).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    async fn rows_as_text(&self) -> Vec<u8> {
        let raw = self.raw().await;
        let sql = "select coalesce(string_agg(query_to_xml('select * from ' || quote_ident(tablename), true, true, '')::text, ''), '') as all_rows \
                   from pg_tables where schemaname = 'public'";
        let row = raw.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql)).await.unwrap().unwrap();
        row.try_get::<String>("", "all_rows").unwrap().into_bytes()
    }
}

pub fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}
