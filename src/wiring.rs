//! Puts the parts together: store and vault, event log, connectors, engine, organizer, API. Starts them in this order, and ends them in
//! the opposite one.

use std::{num::NonZeroU16, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use schema_ai::consumer::{LedgerRejections, Organizer, OrganizerConfig, OrganizerHandle};
use schema_ai::tables::{Alone, AnyHome, Claimed, PostgresHome, SqliteHome};
use schema_ai::unify::{Unifier, UnifierHandle};
use syncline_api::{ApiConfig, ApiParts, RunningApi, WebhookLimits};
use syncline_log::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{Ledger, Secret};
use syncline_runtime::{Engine, EngineConfig, EngineHandle, Intake, SpoolLimits};
use syncline_sdk::http::{ClientConfig, Egress};
use syncline_store::{Key, Store, Vault};

use crate::{
    catalog::Catalog,
    cli::ServeRole,
    commands::listed,
    config::{Config, Tables, TablesKind},
    event_log::Log,
};

/// How long running steps may take to end when the process is told to.
const GRACE: Duration = Duration::from_secs(20);
const VAULT_KEY: &str = "SYNCLINE_VAULT_KEY";
const ORGANIZER_GROUP: &str = "organizer";

/// This node may write tables.
pub enum Organizing {
    /// As may all others.
    Anywhere,
    /// And no other one, as long as this is held.
    Alone(#[allow(dead_code, reason = "it is held")] Alone),
}

/// Everything that runs.
pub struct Running {
    /// What we know about ourselves.
    pub store: Store,
    /// Where events wait.
    pub log: Log,
    /// What keeps integrations running.
    pub engine: EngineHandle,
    /// What writes the tenants' tables.
    pub organizer: Option<OrganizerHandle>,
    /// Its right to write tables.
    pub organizing: Option<Organizing>,
    /// What keeps profiles, plans and unified tables.
    pub unifier: Option<UnifierHandle>,
    /// The API.
    pub api: Option<RunningApi>,
    /// The first key, if this start made it.
    pub first_key: Option<Secret>,
}

/// The file of the event log.
pub fn log_file(config: &Config) -> PathBuf {
    config.folder.join("events.db")
}

/// The folder of the tenants' tables.
pub fn tables_folder(config: &Config) -> PathBuf {
    config.folder.join("tenants")
}

/// Where the tenants' tables are.
pub async fn tables(config: &Config) -> anyhow::Result<AnyHome> {
    let Tables { kind, url, prefix, connections_max } = &config.tables;
    Ok(match kind {
        TablesKind::Sqlite => Arc::new(SqliteHome(tables_folder(config))),
        TablesKind::Postgres => {
            let home = PostgresHome::connect(url.secret(), prefix, *connections_max).await;
            Arc::new(home.map_err(|cause| anyhow::anyhow!("the tenants' tables cannot be kept in `tables.url`: {cause}"))?)
        }
    })
}

/// Opens the store, with the key of its vault.
pub async fn store(config: &Config) -> anyhow::Result<Store> {
    std::fs::create_dir_all(&config.folder).with_context(|| format!("the folder `{}` cannot be made", config.folder.display()))?;
    let key = match std::env::var(VAULT_KEY) {
        Ok(text) => Key::from_text(&Secret::new(text), VAULT_KEY)?,
        Err(_) => Key::from_file(&config.vault_key_file)?,
    };
    Ok(Store::open(&config.store_url, Vault::new(key)).await?)
}

/// Opens the event log.
pub fn open_log(config: &Config) -> anyhow::Result<EmbeddedLog> {
    let retention = (config.log.retention_days > 0).then(|| Duration::from_secs(u64::from(config.log.retention_days) * 86_400));
    let log = EmbeddedConfig {
        shards: config.log.shards,
        event_bytes_max: config.log.event_bytes_max,
        retention,
        keep_for: vec![ORGANIZER_GROUP.to_owned()],
        ..EmbeddedConfig::new(log_file(config))
    };
    Ok(EmbeddedLog::open(log)?)
}

/// The way out, as configured.
pub fn client(config: &Config) -> ClientConfig {
    let egress = Egress { private_allowed: config.egress.private_allowed };
    ClientConfig { egress, answer_ms: config.egress.answer_ms, body_bytes_max: config.egress.body_bytes_max, ..ClientConfig::default() }
}

/// Loads the catalog, or says everything that is wrong with it.
pub fn catalog(config: &Config) -> anyhow::Result<Catalog> {
    Catalog::load(config).map_err(|problems| anyhow::anyhow!(listed("the catalog is wrong", &problems)))
}

/// Every role.
pub const ALL_ROLES: [ServeRole; 3] = [ServeRole::Api, ServeRole::Engine, ServeRole::Organizer];

/// Starts everything that these roles need.
pub async fn start(config: &Config, roles: &[ServeRole]) -> anyhow::Result<Running> {
    let catalog = catalog(config)?;
    let store = store(config).await?;
    let first_key = first_key(&store).await?;
    let log = Log::open(config, &catalog).await?;
    let connectors = Arc::new(catalog.connectors());
    let port = log.port();
    let ledger: Arc<dyn Ledger> = Arc::new(store.clone());
    let rejections = Arc::new(LedgerRejections(Arc::clone(&ledger)));
    let claimed = if roles.contains(&ServeRole::Organizer) { claimed(config, log.is_shared()).await? } else { None };
    let organizes = claimed.is_some();
    let home = tables(config).await?;
    let organizer = organizes.then(|| Organizer::start(Arc::clone(&port), rejections, OrganizerConfig::at(Arc::clone(&home))));
    let unifier = organizes.then(|| Unifier::start(Arc::clone(&port), Arc::clone(&home)));
    let owner = roles.contains(&ServeRole::Engine);
    let engine = Engine::start(engine_config(config, owner, log.is_shared()), Arc::clone(&port), ledger, Arc::clone(&connectors))?;
    let api_config = ApiConfig {
        listen: config.api.listen,
        body_bytes_max: config.api.body_bytes_max,
        test_mode: config.connectors.test_mode,
        webhooks: WebhookLimits {
            body_bytes_max: config.webhooks.body_bytes_max,
            in_flight_max: config.webhooks.in_flight_max,
            in_flight_bytes_max: config.webhooks.in_flight_bytes_max,
            public_url: config.webhooks.public_url.clone(),
        },
        ..ApiConfig::default()
    };
    let intake = intake(config, &engine, log.is_shared()).await?;
    let parts =
        ApiParts { store: store.clone(), engine: engine.clone(), intake, log: port, connectors, home, declared: crate::metrics::declared };
    let api = roles.contains(&ServeRole::Api).then(|| syncline_api::serve(api_config, parts)).transpose()?;
    Ok(Running { store, log, engine, organizer, organizing: claimed, unifier, api, first_key })
}

/// The way of webhooks into the log. A log on this node's own disk needs no spool on the same disk.
async fn intake(config: &Config, engine: &EngineHandle, is_shared: bool) -> anyhow::Result<Intake> {
    let intake = Intake::new(engine.clone(), Duration::from_millis(config.webhooks.durable_ms));
    if !config.webhooks.spool || !is_shared {
        return Ok(intake);
    }
    let file = EmbeddedConfig { shards: NonZeroU16::MIN, ..EmbeddedConfig::new(config.folder.join("spool.db")) };
    let limits = SpoolLimits { items_max: config.webhooks.spool_items_max, bytes_max: config.webhooks.spool_bytes_max };
    Ok(intake.with_spool(Arc::new(EmbeddedLog::open(file)?), limits).await?)
}

/// What a node needs to write tables. Files in its own folder are written by one node alone: what another one wrote into its folder, this
/// one's API would not show.
async fn claimed(config: &Config, is_shared: bool) -> anyhow::Result<Option<Organizing>> {
    if config.tables.kind != TablesKind::Sqlite || !is_shared {
        return Ok(Some(Organizing::Anywhere));
    }
    let claimed = Alone::claim_files(&Secret::new(config.store_url.clone()), &node_name()).await;
    let claimed =
        claimed.map_err(|cause| anyhow::anyhow!("it cannot be seen whether another node writes tables, at `store.url`: {cause}"))?;
    Ok(match claimed {
        Claimed::Ours(alone) => Some(Organizing::Alone(alone)),
        Claimed::Theirs(holder) => {
            tracing::error!(
                holder,
                "the node `{holder}` keeps the tenants' tables in SQLite, in its own folder, so this one writes none and its API shows \
                 none: keep them in PostgreSQL (`tables.kind = \"postgres\"`), or start this node with `--roles api,engine`"
            );
            None
        }
    })
}

/// What this node is called among all others.
fn node_name() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "syncline".to_owned());
    format!("{host}-{}", std::process::id())
}

fn engine_config(config: &Config, owner: bool, cluster: bool) -> EngineConfig {
    let defaults = EngineConfig::default();
    EngineConfig {
        node: node_name(),
        owner,
        cluster,
        // What another node has left is read on at once; only a start of everything is spread.
        start_spread: if cluster { Duration::ZERO } else { defaults.start_spread },
        threads: config.engine.threads,
        jobs_max: config.engine.jobs_max,
        client: client(config),
        ..defaults
    }
}

/// An installation without keys gets one that may do everything.
async fn first_key(store: &Store) -> anyhow::Result<Option<Secret>> {
    Ok(store.keys().create_first("first key").await?.map(|(_, key)| key))
}

impl Running {
    /// Ends everything: no new requests, running steps to their end, tables to the end of their batch.
    pub async fn stop(self) -> anyhow::Result<()> {
        if let Some(api) = self.api {
            api.stop().await;
        }
        let ended = self.engine.shutdown(GRACE).await;
        if let Some(organizer) = self.organizer {
            organizer.stop().await;
        }
        drop(self.unifier);
        drop(self.organizing);
        self.log.close().await;
        if !ended {
            tracing::warn!("some work had to be cut off; it goes on where it was at the next start");
        }
        self.store.close().await?;
        Ok(())
    }
}
