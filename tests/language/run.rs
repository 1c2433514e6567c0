//! Runs a program that speaks the Airbyte protocol, and keeps what it said.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

/// The files of one run, in a folder of their own.
pub struct Files {
    folder: tempfile::TempDir,
    has_state: bool,
    manifest: PathBuf,
}

/// What a run said.
#[derive(Debug, Default)]
pub struct Said {
    pub records: BTreeMap<String, Vec<String>>,
    pub states: BTreeMap<String, Value>,
    /// The files that records came with.
    pub files: BTreeMap<String, Vec<String>>,
    pub statuses: BTreeMap<String, String>,
    /// The failure types of the streams' errors.
    pub failures: BTreeMap<String, Vec<String>>,
    /// The messages of the streams' errors.
    pub messages: BTreeMap<String, String>,
    pub success: bool,
    /// The most memory it had, where that was looked at.
    pub memory_kb: u64,
    /// How long it kept a processor busy, however many others wanted one.
    pub worked: Duration,
    pub errors: String,
}

impl Files {
    pub fn new(manifest: &str, config: &Value, streams: &[String], state: Option<&Value>, incremental: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mode = if incremental { "incremental" } else { "full_refresh" };
        let stream = |name: &String| {
            json!({
                "stream": {"name": name, "json_schema": {"type": "object", "properties": {}}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": mode, "destination_sync_mode": "append",
            })
        };
        let catalog = json!({"streams": streams.iter().map(stream).collect::<Vec<_>>()});
        std::fs::create_dir(folder.path().join("staging")).unwrap();
        std::fs::write(folder.path().join("manifest.yaml"), manifest).unwrap();
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        std::fs::write(folder.path().join("catalog.json"), catalog.to_string()).unwrap();
        if let Some(state) = state {
            std::fs::write(folder.path().join("state.json"), state.to_string()).unwrap();
        }
        Self { manifest: folder.path().join("manifest.yaml"), folder, has_state: state.is_some() }
    }

    /// The same, where the catalog names the schemas that are wanted of some streams, and the fields to go by.
    pub fn configured(self, schemas: Option<&Value>, cursors: Option<&Value>) -> Self {
        let file = self.folder.path().join("catalog.json");
        let mut catalog: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for stream in catalog["streams"].as_array_mut().unwrap() {
            let name = &stream["stream"]["name"].as_str().unwrap().to_owned();
            if let Some(schema) = schemas.and_then(|schemas| schemas.get(name)) {
                stream["stream"]["json_schema"] = schema.clone();
            }
            if let Some(field) = cursors.and_then(|cursors| cursors.get(name)) {
                stream["cursor_field"] = field.clone();
            }
        }
        std::fs::write(file, catalog.to_string()).unwrap();
        self
    }

    /// Where files are put.
    pub fn staging(&self) -> PathBuf {
        self.folder.path().join("staging")
    }

    /// Reads the streams with a program.
    pub fn read(&self, program: &Path) -> Said {
        let file = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(program);
        command.arg("read").arg("--config").arg(file("config.json")).arg("--catalog").arg(file("catalog.json"));
        if self.has_state {
            command.arg("--state").arg(file("state.json"));
        }
        command.arg("--manifest-path").arg(&self.manifest).env("AIRBYTE_STAGING_DIRECTORY", self.staging());
        let (out, err) = (file("out"), file("err"));
        command.stdin(Stdio::null()).stdout(std::fs::File::create(&out).unwrap()).stderr(std::fs::File::create(&err).unwrap());
        let mut child = command.spawn().unwrap();
        let (memory_kb, worked) = watch(child.id());
        let success = child.wait().unwrap().success();
        let mut said = Said { success, memory_kb, worked, ..Said::default() };
        std::fs::read_to_string(out).unwrap().lines().for_each(|line| said.hear(line));
        said.errors = std::fs::read_to_string(err).unwrap();
        said
    }
}

/// The most memory that a process ever had and how long it worked, looked at until it has ended.
fn watch(process: u32) -> (u64, Duration) {
    let (mut most, mut worked) = (0, Duration::ZERO);
    loop {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let Some(line) = status.lines().find(|line| line.starts_with("VmHWM:")) else { return (most, worked) };
        most = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(most);
        let ticks = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Behind the name, which stands in brackets, the twelfth and thirteenth are hundredths of seconds.
        let (_, fields) = ticks.rsplit_once(')').unwrap_or_default();
        let hundredths = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        worked = worked.max(Duration::from_millis(hundredths * 10));
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        let name = |value: &Value| value["stream_descriptor"]["name"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str().unwrap_or_default() {
            "RECORD" => {
                let record = &message["record"];
                if let Some(file) = record.get("file_reference") {
                    self.files.entry(record["stream"].as_str().unwrap().to_owned()).or_default().push(canonical(file));
                }
                self.records.entry(record["stream"].as_str().unwrap().to_owned()).or_default().push(canonical(&record["data"]));
            }
            "STATE" => {
                let stream = &message["state"]["stream"];
                self.states.insert(name(stream), timeless(&stream["stream_state"]));
            }
            "TRACE" if message["trace"]["type"] == "STREAM_STATUS" => {
                let status = &message["trace"]["stream_status"];
                self.statuses.insert(name(status), status["status"].as_str().unwrap().to_owned());
            }
            "TRACE" if message["trace"]["type"] == "ERROR" => {
                let error = &message["trace"]["error"];
                let stream = name(error);
                self.failures.entry(stream.clone()).or_default().push(error["failure_type"].as_str().unwrap_or_default().to_owned());
                self.messages.insert(stream, error["message"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    pub fn count(&self, stream: &str) -> usize {
        self.records.get(stream).map_or(0, Vec::len)
    }
}

/// One spelling for each value.
pub fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut pairs: Vec<(String, Value)> = fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        // `1.50` and `1.5` are one number.
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => number.as_f64().map_or(Value::Null, Value::from),
        other => other.clone(),
    }
}

/// How many seconds a sync took differs from run to run; that it stands there does not.
fn timeless(state: &Value) -> Value {
    let mut state = sorted(state);
    if let Some(seconds) = state.get_mut("lookback_window") {
        *seconds = Value::from("seconds");
    }
    if let Some(parents) = state.get_mut("parent_state").and_then(Value::as_object_mut) {
        parents.values_mut().for_each(|parent| *parent = timeless(parent));
    }
    if let Some(states) = state.get_mut("states").and_then(Value::as_array_mut) {
        states.sort_by_key(ToString::to_string);
    }
    state
}
