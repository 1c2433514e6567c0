//! `syncline sync`: one integration from a file, once. It is the same engine, log and store as `serve`, on a folder beside the file that keeps
//! the cursors for the next time; what is new in the log is then written to where it was asked for.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use schema_ai::tables::{SqliteWriter, TablePolicy, TableWriter, postgres};
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_log::EmbeddedLog;
use syncline_model::{
    ConnectorName, EventLog, IntegrationId, Ledger, Revision, Secret, Settings, State, StreamName, TenantId,
    ledger::{Outcome, StateChange, StreamProgress},
    log::{Logged, Position},
    schedule::{Schedule, StreamChoice},
};
use syncline_runtime::{Engine, EngineConfig, EngineHandle};
use syncline_sdk::Connector;
use syncline_store::{Change, NewIntegration, NewSettings, Store, vault};

use crate::{
    cli::SyncArgs,
    commands::listed,
    config::{self, Config, Sources},
    wiring,
};

const TENANT: &str = "local";
const INTEGRATION: &str = "source";
const EVENTS_PER_BATCH: usize = 2_000;
const GRACE: Duration = Duration::from_secs(20);

/// A sync as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SyncFile {
    connector: ConnectorName,
    #[serde(default)]
    streams: Option<Vec<StreamName>>,
    #[serde(default)]
    settings: toml::Table,
}

/// Where events go.
enum Target {
    /// A line for each event, to standard output or a file.
    Lines(Box<dyn Write + Send>),
    /// Typed tables in a file.
    Tables(Box<SqliteWriter>),
    /// Typed tables in PostgreSQL, kept equal to a file beside the cursors.
    Postgres { file: PathBuf, url: Secret, writer: Box<SqliteWriter> },
}

/// Reads once. False if something was left out or did not work.
pub async fn run(arguments: &SyncArgs) -> anyhow::Result<bool> {
    let file = read_file(&arguments.file)?;
    let tenant: TenantId = TENANT.parse()?;
    let state = arguments.state.clone().unwrap_or_else(|| PathBuf::from(format!("{}.state", arguments.file.display())));
    let mut target = Target::open(&arguments.to, &tenant, &state)?;
    let config = configuration(&state, arguments.private_allowed)?;
    let catalog = wiring::catalog(&config)?;
    let connector = catalog.get(file.connector.as_str())?;
    let store = wiring::store(&config).await?;
    enrol(&store, &tenant, connector.as_ref(), file).await?;
    let log = Arc::new(wiring::open_log(&config)?);
    let ledger: Arc<dyn Ledger> = Arc::new(store.clone());
    let engine_config = EngineConfig { client: wiring::client(&config), ..EngineConfig::default() };
    let engine = Engine::start(engine_config, Arc::clone(&log) as Arc<dyn EventLog>, ledger, Arc::new(catalog.connectors()))?;
    let outcome = read(&engine, &tenant, usize::from(log.shard_count().get())).await;
    engine.shutdown(GRACE).await;
    let written = target.drain(&log, &tenant, &state).await?;
    store.close().await?;
    let (outcome, streams) = outcome?;
    summarize(outcome, &streams, written);
    Ok(outcome == Outcome::Succeeded)
}

fn read_file(path: &Path) -> anyhow::Result<SyncFile> {
    let text = fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    // The parser's own message would quote the line, which may hold a secret.
    let place = |error: &toml::de::Error| error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
    toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}:{}: {}", path.display(), place(&error), error.message()))
}

fn configuration(state: &Path, private_allowed: bool) -> anyhow::Result<Config> {
    let flags = vec![
        format!("folder={}", state.display()),
        format!("egress.private_allowed={private_allowed}"),
        "connectors.test_mode=true".to_owned(),
    ];
    config::load(&Sources { environment: std::env::vars().collect(), flags, ..Sources::default() })
        .map_err(|problems| anyhow::anyhow!(listed("the configuration is wrong", &problems)))
}

/// Settings with `${NAME}` filled in from the environment.
fn filled(value: toml::Value) -> anyhow::Result<Value> {
    Ok(match value {
        toml::Value::String(text) => match text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Value::String(
                std::env::var(name).with_context(|| format!("the settings want the environment's `{name}`, which is not set"))?,
            ),
            None => Value::String(text),
        },
        toml::Value::Integer(number) => json!(number),
        toml::Value::Boolean(yes) => json!(yes),
        toml::Value::Array(items) => items.into_iter().map(filled).collect::<Result<_, _>>()?,
        toml::Value::Table(fields) => {
            fields.into_iter().map(|(name, inner)| Ok((name, filled(inner)?))).collect::<anyhow::Result<serde_json::Map<_, _>>>()?.into()
        }
        // A float's text is what was written; a time has no JSON type but text.
        toml::Value::Float(number) => serde_json::from_str(&number.to_string())?,
        toml::Value::Datetime(time) => Value::String(time.to_string()),
    })
}

/// Makes the tenant and its integration the first time, and takes over what the file says each time.
async fn enrol(store: &Store, tenant: &TenantId, connector: &dyn Connector, file: SyncFile) -> anyhow::Result<()> {
    let settings = filled(toml::Value::Table(file.settings))?;
    let problems = syncline_sdk::settings::problems(connector.settings_schema(), &settings);
    if !problems.is_empty() {
        bail!(listed("the settings are wrong", &problems));
    }
    if store.tenants().by_id(tenant).await?.is_none() {
        store.tenants().create(tenant, "local").await?;
    }
    let id: IntegrationId = INTEGRATION.parse()?;
    let settings = NewSettings { whole: Settings::new(settings), secret: vault::secret_paths(connector.settings_schema()) };
    let streams = file.streams.map(|names| names.into_iter().map(|name| StreamChoice { name, mode: None }).collect());
    let scope = store.of(tenant);
    match scope.integrations().by_id(&id).await? {
        Some(known) if known.connector != file.connector => {
            bail!("the state belongs to the connector `{}`; choose another --state", known.connector)
        }
        Some(known) => {
            let revision: Revision = known.revision;
            let change = Change { settings: Some(settings), streams: Some(streams), ..Change::default() };
            scope.integrations().update(&id, revision, change).await?;
        }
        None => {
            let (connector, schedule) = (file.connector, Schedule::Manual);
            scope
                .integrations()
                .create(NewIntegration { id: id.clone(), title: INTEGRATION.to_owned(), connector, settings, schedule, streams })
                .await?;
        }
    }
    // One that was cut off in its middle goes on as it is.
    let state = scope.integrations().by_id(&id).await?.map(|known| known.state);
    if state.is_some_and(|state| !state.is_active()) {
        scope.integrations().move_to(&id, None, StateChange { state: State::Testing, cause: None, waiting_until: None }).await?;
    }
    Ok(())
}

/// Runs one job and shows how far it is.
async fn read(engine: &EngineHandle, tenant: &TenantId, shards: usize) -> anyhow::Result<(Outcome, Vec<StreamProgress>)> {
    let id: IntegrationId = INTEGRATION.parse()?;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    while engine.stats().await?.shards < shards {
        tick.tick().await;
    }
    let job = engine.sync_now(tenant, &id).await?;
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {human_pos} records  {msg}")?);
    let mut follow = loop {
        tick.tick().await;
        if let Some(follow) = engine.job_progress(tenant, &id).filter(|follow| follow.borrow().job == job) {
            break follow;
        }
    };
    loop {
        let progress = follow.borrow_and_update().clone();
        bar.set_position(progress.streams.iter().map(|stream| stream.records).sum());
        bar.set_message(what_goes_on(&progress.streams));
        if let Some(outcome) = progress.outcome {
            bar.finish_and_clear();
            return Ok((outcome, progress.streams));
        }
        follow.changed().await.context("the engine has ended")?;
    }
}

fn what_goes_on(streams: &[StreamProgress]) -> String {
    let open = streams.iter().filter(|stream| !stream.done);
    let one = |stream: &StreamProgress| match stream.waiting_until {
        Some(until) => format!("{} (waiting until {})", stream.stream, until.strftime("%H:%M:%S")),
        None => stream.stream.to_string(),
    };
    open.map(one).collect::<Vec<_>>().join(", ")
}

fn summarize(outcome: Outcome, streams: &[StreamProgress], written: u64) {
    for stream in streams {
        let fault = stream.fault.as_deref().map(|fault| format!("  {fault}")).unwrap_or_default();
        let left_out = if stream.quarantined > 0 { format!("  {} left out", stream.quarantined) } else { String::new() };
        eprintln!("{:24} {:>10} read {:>10} new{left_out}{fault}", stream.stream, stream.records, stream.events);
    }
    eprintln!("{}; {written} events written", outcome.as_str());
}

impl Target {
    fn open(to: &str, tenant: &TenantId, state: &Path) -> anyhow::Result<Self> {
        match to.split_once(':') {
            Some(("jsonl", "-")) => Ok(Self::Lines(Box::new(std::io::stdout()))),
            Some(("jsonl", path)) => {
                let file =
                    fs::OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("`{path}` cannot be written"))?;
                Ok(Self::Lines(Box::new(std::io::BufWriter::new(file))))
            }
            Some(("sqlite", path)) => Ok(Self::Tables(Box::new(SqliteWriter::open(Path::new(path), tenant, TablePolicy::default())?))),
            Some(("postgres" | "postgresql", _)) => {
                fs::create_dir_all(state).with_context(|| format!("`{}` cannot be made", state.display()))?;
                let file = state.join("tables.sqlite");
                let writer = Box::new(SqliteWriter::open(&file, tenant, TablePolicy::default())?);
                Ok(Self::Postgres { file, url: Secret::new(to), writer })
            }
            // What was given may be an address with a password, so it is not repeated.
            _ => {
                bail!("that is no place to write to; it must be jsonl:-, jsonl:FILE, sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE")
            }
        }
    }

    /// Writes what the log has and the target has not.
    async fn drain(&mut self, log: &EmbeddedLog, tenant: &TenantId, state: &Path) -> anyhow::Result<u64> {
        let marker = state.join("written.json");
        let mut position = match self {
            Self::Lines(_) => fs::read(&marker).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default(),
            Self::Tables(writer) | Self::Postgres { writer, .. } => writer.position().clone(),
        };
        let mut written = 0;
        loop {
            let batch = log.read(tenant, &position, EVENTS_PER_BATCH, Duration::ZERO).await?;
            if batch.is_empty() {
                break;
            }
            self.write(&batch)?;
            batch.iter().for_each(|logged| position.pass(&logged.place));
            written += batch.len() as u64;
            if matches!(self, Self::Lines(_)) {
                keep(&marker, &position)?;
            }
        }
        if let Self::Postgres { file, url, .. } = self {
            let mirrored = postgres::mirror(file, tenant, url).await?;
            eprintln!("{} rows written into {} tables", mirrored.rows, mirrored.tables);
        }
        Ok(written)
    }

    fn write(&mut self, batch: &[Logged]) -> anyhow::Result<()> {
        match self {
            Self::Lines(lines) => {
                for logged in batch {
                    writeln!(lines, "{}", logged.event.to_json())?;
                }
                lines.flush()?;
            }
            Self::Tables(writer) | Self::Postgres { writer, .. } => drop(writer.apply(batch)?),
        }
        Ok(())
    }
}

/// Replaces the marker whole, so that a crash leaves the old one or the new one.
fn keep(marker: &Path, position: &Position) -> anyhow::Result<()> {
    let new = marker.with_extension("new");
    fs::write(&new, serde_json::to_vec(position)?)?;
    fs::rename(&new, marker)?;
    Ok(())
}
