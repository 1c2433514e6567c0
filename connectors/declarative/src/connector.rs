//! A connector that is data: its two files, read once, checked, and run.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use syncline_model::{Cursor, Fault, schedule::SyncMode};
use syncline_sdk::{Connector, Context, Reader, StreamSpec, catalog::ConnectorFile, catalog::StreamFile};

use crate::{
    components,
    errors::ErrorHandlers,
    manifest,
    paginate::Paginator,
    partitions::Router,
    problem::Problem,
    reader::{Place, StreamReader},
    record::{Shape, dotted},
    request::Requester,
    transform::Transform,
    window::Window,
};

/// A connector that is data.
pub struct DeclarativeConnector {
    file: ConnectorFile,
    settings_schema: Value,
    check: Vec<String>,
    streams: Vec<Stream>,
}

/// One stream of a manifest, ready to be read.
#[derive(Debug, Clone)]
pub struct Stream {
    pub name: String,
    pub requester: Requester,
    pub errors: ErrorHandlers,
    pub field_path: Vec<String>,
    pub paginator: Paginator,
    pub window: Option<Window>,
    pub routers: Vec<Router>,
    pub transforms: Vec<Transform>,
    pub shape: Shape,
    pub parameters: Map<String, Value>,
    key: Vec<Vec<String>>,
    schema: Value,
    file: StreamFile,
}

impl Stream {
    /// Reads a `DeclarativeStream`.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let missing = |field: &str| Problem::manifest(path, format!("`{field}` is missing"));
        let name = node.get("name").and_then(Value::as_str).ok_or_else(|| missing("name"))?.to_owned();
        let retriever = node.get("retriever").ok_or_else(|| missing("retriever"))?;
        let here = format!("{path}.retriever");
        only(retriever, "SimpleRetriever", &here)?;
        let requester = retriever.get("requester").ok_or_else(|| Problem::manifest(&here, "`requester` is missing"))?;
        only(requester, "HttpRequester", &format!("{here}.requester"))?;
        let selector = retriever.get("record_selector").ok_or_else(|| Problem::manifest(&here, "`record_selector` is missing"))?;
        unsupported(selector, &["record_filter", "schema_normalization"], &format!("{here}.record_selector"))?;
        if let Some(decoder) = retriever.get("decoder").filter(|decoder| !decoder.is_null()) {
            only(decoder, "JsonDecoder", &format!("{here}.decoder"))?;
        }
        let key = primary_key(node.get("primary_key"));
        let window = Window::load(node.get("incremental_sync"), &format!("{path}.incremental_sync"))?;
        Ok(Self {
            requester: Requester::load(requester, &format!("{here}.requester"))?,
            errors: ErrorHandlers::load(requester.get("error_handler"), &format!("{here}.requester.error_handler"))?,
            field_path: field_path(selector, &format!("{here}.record_selector.extractor"))?,
            paginator: Paginator::load(retriever.get("paginator"), &format!("{here}.paginator"))?,
            transforms: Transform::load_all(node.get("transformations"), &format!("{path}.transformations"))?,
            routers: Router::load_all(retriever.get("partition_router"), &format!("{here}.partition_router"))?,
            shape: Shape { key: key.clone(), ..Shape::default() },
            parameters: node.get("$parameters").and_then(Value::as_object).cloned().unwrap_or_default(),
            schema: node.get("schema_loader").and_then(|loader| loader.get("schema")).cloned().unwrap_or_else(|| json!({"type": "object"})),
            file: StreamFile::default(),
            name,
            window,
            key,
        })
    }

    fn with_file(mut self, file: StreamFile) -> Self {
        let cursor_field = self.cursor_field();
        self.shape = Shape::new(self.key.clone(), file.version_field.as_deref(), &cursor_field, &file.delete);
        self.file = file;
        self
    }

    fn cursor_field(&self) -> Vec<String> {
        self.window.as_ref().map(|window| dotted(&window.field)).unwrap_or_default()
    }

    fn spec(&self) -> Result<StreamSpec, Fault> {
        let name = self.name.parse().map_err(|error: syncline_model::id::BadId| Fault::Misconfigured(error.to_string()))?;
        let modes = if self.window.is_some() { vec![SyncMode::Incremental, SyncMode::FullRefresh] } else { vec![SyncMode::FullRefresh] };
        Ok(StreamSpec {
            name,
            primary_key: self.key.clone(),
            cursor_field: self.cursor_field(),
            modes,
            json_schema: self.schema.clone(),
            delete: self.file.delete.clone(),
            unavailable: None,
        })
    }
}

/// What a component may not have yet, by name, so that nothing is silently left out.
fn unsupported(node: &Value, fields: &[&str], path: &str) -> Result<(), Problem> {
    let has =
        |field: &&&str| node.get(**field).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()));
    match fields.iter().find(has) {
        Some(field) => Err(Problem::manifest(path, format!("`{field}` is not supported"))),
        None => Ok(()),
    }
}

fn only(node: &Value, kind: &str, path: &str) -> Result<(), Problem> {
    match node.get("type").and_then(Value::as_str) {
        Some(found) if found == kind => Ok(()),
        other => Err(Problem::manifest(path, format!("`{}` is not supported, only `{kind}`", other.unwrap_or("no type")))),
    }
}

fn field_path(selector: &Value, path: &str) -> Result<Vec<String>, Problem> {
    let extractor = selector.get("extractor").ok_or_else(|| Problem::manifest(path, "it is missing"))?;
    only(extractor, "DpathExtractor", path)?;
    let names = extractor.get("field_path").and_then(Value::as_array).ok_or_else(|| Problem::manifest(path, "`field_path` is missing"))?;
    let name = |name: &Value| {
        name.as_str()
            .map(str::to_owned)
            .filter(|name| !name.contains(['*', '{']))
            .ok_or_else(|| Problem::manifest(path, format!("`{name}` in `field_path` is not supported")))
    };
    names.iter().map(name).collect()
}

fn primary_key(node: Option<&Value>) -> Vec<Vec<String>> {
    let one = |value: &Value| match value {
        Value::Array(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        other => other.as_str().map(|name| vec![name.to_owned()]).unwrap_or_default(),
    };
    match node {
        Some(Value::String(name)) if !name.is_empty() => vec![vec![name.clone()]],
        Some(Value::Array(parts)) => parts.iter().map(one).collect(),
        _ => Vec::new(),
    }
}

impl DeclarativeConnector {
    /// Reads the two files of a connector's folder; all mistakes at once.
    pub fn from_texts(connector: &str, manifest: &str) -> Result<Self, Vec<Problem>> {
        let file = Self::read_file(connector);
        let mut problems: Vec<Problem> = file.as_ref().err().into_iter().cloned().collect();
        let (raw, places) = match manifest::parse("manifest.yaml", manifest) {
            Ok(parsed) => parsed,
            Err(problem) => return Err(problems.into_iter().chain([problem]).collect()),
        };
        problems.extend(components::unknown(&raw));
        let found = match (file, manifest::resolve(&raw)) {
            (Ok(file), Ok(resolved)) => match Self::load(file, &resolved) {
                Ok(connector) if problems.is_empty() => return Ok(connector),
                Ok(_) => Vec::new(),
                Err(found) => found,
            },
            (_, Err(found)) => found,
            (Err(_), Ok(_)) => Vec::new(),
        };
        for problem in found {
            // One mistake is told once, where it was first seen.
            let known = problems.iter().any(|other| problem.path.starts_with(&other.path) && !other.path.is_empty());
            if !known {
                problems.push(problem);
            }
        }
        for problem in problems.iter_mut().filter(|problem| problem.file == "manifest.yaml") {
            problem.line = problem.line.or_else(|| places.line(&problem.path));
        }
        problems.sort_by_key(|problem| (problem.file.clone(), problem.line));
        problems.dedup_by(|a, b| a.line == b.line && a.message == b.message);
        Err(problems)
    }

    fn read_file(text: &str) -> Result<ConnectorFile, Problem> {
        let (value, places) = manifest::parse("connector.yaml", text)?;
        serde_json::from_value::<ConnectorFile>(value).map_err(|error| {
            let message = error.to_string();
            // serde names an unknown field in backticks; that is enough to find its line.
            let named = message.split('`').nth(1).unwrap_or_default();
            let known = [
                "name",
                "title",
                "category",
                "description",
                "business_types",
                "setup",
                "docs_url",
                "origin",
                "budgets",
                "streams",
                "test_mode",
            ];
            let hint = if message.starts_with("unknown field") { syncline_model::nearest::hint(named, known) } else { String::new() };
            Problem {
                file: "connector.yaml".to_owned(),
                line: places.line(named),
                path: String::new(),
                message: format!("{message}{hint}"),
            }
        })
    }

    fn load(file: ConnectorFile, manifest: &Value) -> Result<Self, Vec<Problem>> {
        let (mut streams, mut problems) = (Vec::new(), Vec::new());
        for (index, node) in manifest.get("streams").and_then(Value::as_array).into_iter().flatten().enumerate() {
            match Stream::load(node, &format!("streams[{index}]")) {
                Ok(stream) => {
                    let adds = file.streams.get(&stream.name).cloned().unwrap_or_default();
                    streams.push(stream.with_file(adds));
                }
                Err(problem) => problems.push(problem),
            }
        }
        let unknown = |name: &&String| !streams.iter().any(|stream: &Stream| &stream.name == *name);
        let unknown: Vec<&String> = if problems.is_empty() { file.streams.keys().filter(unknown).collect() } else { Vec::new() };
        for name in unknown {
            let hint = syncline_model::nearest::hint(name, streams.iter().map(|stream| stream.name.as_str()));
            problems.push(Problem {
                line: None,
                file: "connector.yaml".to_owned(),
                path: "streams".to_owned(),
                message: format!("the manifest has no stream `{name}`{hint}"),
            });
        }
        if streams.is_empty() && problems.is_empty() {
            problems.push(Problem::manifest("streams", "there are none"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let check = manifest
            .pointer("/check/stream_names")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let settings_schema = manifest.pointer("/spec/connection_specification").cloned().unwrap_or_else(|| json!({"type": "object"}));
        Ok(Self { file, settings_schema, check, streams })
    }

    fn stream(&self, name: &str) -> Result<&Stream, Fault> {
        let hint = || syncline_model::nearest::hint(name, self.streams.iter().map(|stream| stream.name.as_str()));
        self.streams
            .iter()
            .find(|stream| stream.name == name)
            .ok_or_else(|| Fault::Misconfigured(format!("`{}` has no stream `{name}`{}", self.file.name, hint())))
    }
}

#[async_trait]
impl Connector for DeclarativeConnector {
    fn file(&self) -> &ConnectorFile {
        &self.file
    }

    fn settings_schema(&self) -> &Value {
        &self.settings_schema
    }

    async fn check(&self, context: &Context) -> Result<(), Fault> {
        for name in &self.check {
            let mut reader = StreamReader::new(self.stream(name)?.clone(), context.clone(), Place::default(), false);
            reader.next_page().await?;
        }
        Ok(())
    }

    async fn streams(&self, _: &Context) -> Result<Vec<StreamSpec>, Fault> {
        self.streams.iter().map(Stream::spec).collect()
    }

    async fn open(&self, context: &Context, stream: &StreamSpec, mode: SyncMode, from: &Cursor) -> Result<Box<dyn Reader>, Fault> {
        let stream = self.stream(stream.name.as_str())?.clone();
        Ok(Box::new(StreamReader::new(stream, context.clone(), Place::read(from)?, mode == SyncMode::FullRefresh)))
    }
}
