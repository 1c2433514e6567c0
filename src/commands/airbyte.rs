//! The Airbyte protocol on the command line: `spec`, `check`, `discover`, `read`. One JSON message a line on standard output; exit
//! code 1 when something did not work. That a connection fails is what `check` finds out, so it has worked.

use std::{
    borrow::Cow,
    io::{ErrorKind, IoSlice, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use syncline_declarative::{Configured, DeclarativeConnector, Discovered, FileReference, Raw};
use syncline_model::{ConnectorName, Fault, Settings, schedule::SyncMode};
use syncline_sdk::{
    Connector, Context, Patience, WaitReason,
    http::{Client, ClientConfig, Egress},
    limits::{Limits, Paced},
};

use crate::{
    cli::AirbyteArgs,
    commands::{connectors, listed, say},
};

/// `connector.yaml` for a manifest that has none.
pub const BARE: &str = "{name: manifest, title: Manifest, category: other, description: A manifest without a folder.}";

/// One of the protocol's verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The settings' schema.
    Spec,
    /// Try the connection.
    Check,
    /// List the streams.
    Discover,
    /// Read the configured streams.
    Read,
}

/// Does what was asked, in messages.
pub async fn run(verb: Verb, arguments: &AirbyteArgs) -> anyhow::Result<ExitCode> {
    let connector = connector(arguments)?;
    if verb == Verb::Spec {
        emit(&json!({"type": "SPEC", "spec": specification(&connector)}));
        return Ok(ExitCode::SUCCESS);
    }
    let settings = file(arguments.config.as_deref(), "config")?;
    let made = match connector.made_of(&settings) {
        Ok(made) => made,
        Err(fault) => return Ok(refused(verb, &fault.to_string())),
    };
    // Whoever drives an Airbyte source may send more than the schema knows.
    let problems = syncline_sdk::settings::misfits(connector.settings_schema(), &made);
    if !problems.is_empty() {
        return Ok(refused(verb, &listed("the settings are wrong", &problems)));
    }
    let context = context(&connector, settings, arguments.now)?;
    match verb {
        Verb::Spec => Ok(ExitCode::SUCCESS),
        Verb::Check => Ok(match connector.check(&context).await {
            Ok(()) => {
                emit(&json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}}));
                ExitCode::SUCCESS
            }
            Err(fault) => refused(verb, &fault.to_string()),
        }),
        Verb::Discover => {
            let streams: Vec<Value> = connector.discovered(&context).await?.iter().map(described).collect();
            emit(&json!({"type": "CATALOG", "catalog": {"streams": streams}}));
            Ok(ExitCode::SUCCESS)
        }
        Verb::Read => read(&connector, &context, arguments).await,
    }
}

/// A connection that does not work is an answer to `check`, and the status says it.
fn refused(verb: Verb, why: &str) -> ExitCode {
    match verb {
        Verb::Check => {
            emit(&json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": why}}));
            ExitCode::SUCCESS
        }
        Verb::Spec | Verb::Discover | Verb::Read => {
            emit(&error(None, why, "config_error"));
            ExitCode::FAILURE
        }
    }
}

/// The `spec` as the protocol names its parts.
fn specification(connector: &DeclarativeConnector) -> Value {
    let mut made = json!({"connectionSpecification": connector.settings_schema()});
    for (field, name) in [("documentation_url", "documentationUrl"), ("advanced_auth", "advanced_auth")] {
        if let Some(value) = connector.spec().get(field).filter(|value| !value.is_null()) {
            made[name] = value.clone();
        }
    }
    made
}

fn connector(arguments: &AirbyteArgs) -> anyhow::Result<Arc<DeclarativeConnector>> {
    let Some(path) = &arguments.manifest_path else {
        return connectors::everything()?.get(arguments.connector.as_deref().unwrap_or_default());
    };
    let manifest = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let loaded = DeclarativeConnector::from_texts(BARE, &manifest);
    Ok(Arc::new(loaded.map_err(|problems| anyhow::anyhow!(listed(&format!("`{}` is wrong", path.display()), &problems)))?))
}

/// The JSON that a file of the command line holds.
pub fn file(path: Option<&Path>, flag: &str) -> anyhow::Result<Value> {
    let path = path.with_context(|| format!("--{flag} is missing"))?;
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    // The parser's own message would quote what stands there, which may be a secret.
    serde_json::from_str(&text)
        .map_err(|error| anyhow::anyhow!("`{}` is no JSON: line {}, column {}", path.display(), error.line(), error.column()))
}

/// A job on a command line.
pub fn context(connector: &DeclarativeConnector, settings: Value, now: Option<Timestamp>) -> anyhow::Result<Context> {
    // Whoever runs this on a command line may reach whatever the machine reaches.
    let config = ClientConfig { egress: Egress { private_allowed: true }, ..ClientConfig::default() };
    let name = connector.file().name.clone();
    let patience: Arc<dyn Patience> = Arc::new(Terminal { waits: now.is_none() });
    let client = Arc::new(Client::new(name.clone(), config)?);
    let limits = Arc::new(Limits::new(&connector.file().budgets));
    let http = Arc::new(Paced::new(client, vec![limits], Arc::clone(&patience), name));
    Ok(Context { settings: Settings::new(settings), http, patience, now: now.unwrap_or_else(Timestamp::now), shared: Arc::default() })
}

/// A context for questions that need no source.
pub fn offline_context(name: ConnectorName) -> anyhow::Result<Context> {
    let http = Arc::new(Client::new(name, ClientConfig::default())?);
    Ok(Context {
        settings: Settings::new(json!({})),
        http,
        patience: Arc::new(Terminal { waits: true }),
        now: Timestamp::now(),
        shared: Arc::default(),
    })
}

/// Waits on a command line: really, or not at all when the clock stands still.
struct Terminal {
    waits: bool,
}

#[async_trait]
impl Patience for Terminal {
    async fn wait(&self, reason: WaitReason, time: Duration) -> Result<(), Fault> {
        if self.waits {
            let why = match reason {
                WaitReason::Limit => "for a limit",
                WaitReason::Retry => "before the next try",
                WaitReason::RemoteJob => "for a job at the source",
            };
            self.note(&format!("waiting {} ms {why}", time.as_millis()));
            tokio::time::sleep(time).await;
        }
        Ok(())
    }

    fn is_still(&self) -> bool {
        !self.waits
    }

    fn note(&self, message: &str) {
        emit(&json!({"type": "LOG", "log": {"level": "INFO", "message": message}}));
    }

    fn skipped(&self, message: &str) {
        emit(&json!({"type": "LOG", "log": {"level": "WARN", "message": message}}));
    }

    async fn save_settings(&self, _: &Settings, settings: &Settings) -> Result<(), Fault> {
        // The protocol hands rotated settings to whoever drives us, secrets included; that is what it is for.
        emit(
            &json!({"type": "CONTROL", "control": {"type": "CONNECTOR_CONFIG", "emitted_at": Timestamp::now().as_millisecond(), "connectorConfig": {"config": settings.expose()}}}),
        );
        Ok(())
    }
}

fn described(found: &Discovered) -> Value {
    let stream = &found.spec;
    let word = |mode: &SyncMode| match mode {
        SyncMode::Incremental => "incremental",
        SyncMode::FullRefresh => "full_refresh",
    };
    let mut made = json!({
        "name": stream.name,
        "json_schema": stream.json_schema,
        "supported_sync_modes": stream.modes.iter().rev().map(word).collect::<Vec<_>>(),
        "source_defined_primary_key": stream.primary_key,
        "is_resumable": !stream.cursor_field.is_empty(),
        "is_file_based": found.has_files,
    });
    if !stream.cursor_field.is_empty() {
        made["source_defined_cursor"] = Value::Bool(!found.cursor_is_free);
        made["default_cursor_field"] = json!(stream.cursor_field);
    }
    made
}

/// Reads each configured stream to its end; one that fails does not stop the others.
async fn read(connector: &DeclarativeConnector, context: &Context, arguments: &AirbyteArgs) -> anyhow::Result<ExitCode> {
    let catalog = file(arguments.catalog.as_deref(), "catalog")?;
    let state = arguments.state.as_deref().map(|path| file(Some(path), "state")).transpose()?.unwrap_or_default();
    let mut states = syncline_sdk::state::by_stream(&state).map_err(|why| anyhow::anyhow!("--state: {why}"))?;
    let mut failed = Vec::new();
    for configured in catalog["streams"].as_array().into_iter().flatten() {
        let name = configured["stream"]["name"].as_str().unwrap_or_default();
        status(name, "STARTED");
        let state = states.remove(name).and_then(|state| state.as_object().cloned()).unwrap_or_default();
        let wanted = Configured {
            schema: configured["stream"].get("json_schema").cloned(),
            cursor_field: serde_json::from_value(configured["cursor_field"].clone()).unwrap_or_default(),
        };
        let faults = match read_stream(connector, context, name, state, wanted).await {
            Ok(faults) => faults,
            Err(fault) => vec![fault],
        };
        if faults.is_empty() {
            status(name, "COMPLETE");
            continue;
        }
        for fault in &faults {
            emit(&error(Some(name), &fault.to_string(), failure_type(fault)));
        }
        status(name, "INCOMPLETE");
        failed.push(name.to_owned());
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    emit(&error(None, &format!("these streams were not read to their end: {}", failed.join(", ")), "config_error"));
    Ok(ExitCode::FAILURE)
}

/// Reads one stream, and says what of it could not be read. How far it was read is told in any case.
async fn read_stream(
    connector: &DeclarativeConnector,
    context: &Context,
    name: &str,
    state: Map<String, Value>,
    wanted: Configured,
) -> Result<Vec<Fault>, Fault> {
    let mut reader = connector.read(context, name, state, wanted).await?.with_files(syncline_declarative::files_folder().into());
    let quoted = Value::from(name).to_string();
    let mut running = false;
    let mut faults = Vec::new();
    loop {
        let records = match reader.next_for_messages().await {
            Ok(Some(records)) => records,
            Ok(None) => break,
            Err(fault) => {
                faults.push(fault);
                break;
            }
        };
        if !running && !records.is_empty() {
            status(name, "RUNNING");
            running = true;
        }
        // What is asked ahead of time is sent before this page is written.
        tokio::task::yield_now().await;
        match reader.take_files().as_slice() {
            [] => emit_records(&quoted, records.iter(), None),
            files => {
                for (record, file) in records.iter().zip(files) {
                    emit_records(&quoted, std::iter::once(record), file.as_ref());
                }
            }
        }
    }
    emit(
        &json!({"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": reader.state()}}}),
    );
    faults.extend(reader.take_faults());
    Ok(faults)
}

/// The records of a page, each on a line of its own, written from where they lie; with the file that one of them speaks of.
fn emit_records<'a>(stream: &str, records: impl Iterator<Item = Raw<'a>>, file: Option<&FileReference>) {
    let head = format!("{{\"type\":\"RECORD\",\"record\":{{\"stream\":{stream},\"data\":");
    let file = file.map(|file| format!(",\"file_reference\":{}", json!(file))).unwrap_or_default();
    let tail = format!(",\"emitted_at\":{}{file}}}}}\n", Timestamp::now().as_millisecond());
    let between = format!("{tail}{head}");
    let bodies: Vec<Cow<'_, [u8]>> = records.map(on_one_line).collect();
    let mut parts = Vec::with_capacity(2 * bodies.len() + 1);
    for body in &bodies {
        let before = if parts.is_empty() { &head } else { &between };
        parts.extend([IoSlice::new(before.as_bytes()), IoSlice::new(body)]);
    }
    if !parts.is_empty() {
        parts.push(IoSlice::new(tail.as_bytes()));
    }
    let (mut left, mut out) = (parts.as_mut_slice(), std::io::stdout().lock());
    while !left.is_empty() {
        match out.write_vectored(left) {
            Ok(written) if written > 0 => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Whoever reads us may have gone away, which is no fault of ours.
            Ok(_) | Err(_) => return,
        }
    }
}

/// A line break can only stand between the tokens of a JSON text, where a space means the same.
fn on_one_line(record: Raw<'_>) -> Cow<'_, [u8]> {
    let bytes = record.bytes;
    if !record.seen.odd || memchr::memchr2(b'\n', b'\r', bytes).is_none() && std::str::from_utf8(bytes).is_ok() {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(String::from_utf8_lossy(bytes).replace(['\n', '\r'], " ").into_bytes())
}

fn failure_type(fault: &Fault) -> &'static str {
    match fault {
        Fault::Unauthorized(_) | Fault::Misconfigured(_) => "config_error",
        Fault::Throttled(_) | Fault::Unavailable(_) => "transient_error",
        Fault::Unusable(_) | Fault::BadRecord(_) | Fault::Internal(_) | Fault::Stopped => "system_error",
    }
}

fn status(stream: &str, status: &str) {
    let emitted_at = Timestamp::now().as_millisecond();
    emit(
        &json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": emitted_at, "stream_status": {"stream_descriptor": {"name": stream}, "status": status}}}),
    );
}

fn error(stream: Option<&str>, message: &str, failure_type: &str) -> Value {
    let mut error = json!({"message": message, "failure_type": failure_type});
    if let Some(stream) = stream {
        error["stream_descriptor"] = json!({"name": stream});
    }
    json!({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": Timestamp::now().as_millisecond(), "error": error}})
}

fn emit(message: &Value) {
    say(&message.to_string());
}
