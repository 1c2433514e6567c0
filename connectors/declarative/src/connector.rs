//! A connector that is data: its two files, read once, checked, and run.

mod check;
mod entry;
mod port;
mod recorder;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use syncline_model::{Fault, schedule::SyncMode};
use syncline_sdk::{Context, StreamSpec, Unavailable, catalog::ConnectorFile, catalog::StreamFile, webhooks::Webhooks};

use self::{check::Check, entry::Entry};
use crate::{
    budget::Budget,
    components,
    config_rules::ConfigRules,
    dynamic::Dynamic,
    manifest,
    node::Node,
    places::Places,
    problem::Problem,
    read::StreamReading,
    reader::ProtocolReader,
    run::{Run, misconfigured},
    stream::{Schema, Stream},
};

/// A connector that is data.
pub struct DeclarativeConnector {
    file: ConnectorFile,
    spec: Value,
    settings_schema: Value,
    check: Check,
    streams: Vec<Entry>,
    dynamic: Vec<Dynamic>,
    rules: ConfigRules,
    budget: Option<Budget>,
    webhooks: Option<Webhooks>,
}

/// A stream that there is, and what its records need beyond what every connector says of its streams.
#[derive(Debug)]
pub struct Discovered {
    /// What every connector says.
    pub spec: StreamSpec,
    /// Its records speak of files.
    pub has_files: bool,
    /// A catalog may name another cursor field.
    pub cursor_is_free: bool,
}

/// What a catalog wants of a stream.
#[derive(Debug, Default)]
pub struct Configured {
    /// Where properties are asked for by name, only those that it has.
    pub schema: Option<Value>,
    /// The field to go by, where the manifest leaves that to the catalog.
    pub cursor_field: Vec<String>,
}

impl DeclarativeConnector {
    /// Reads the two files of a connector's folder; all mistakes at once.
    pub fn from_texts(connector: &str, manifest: &str) -> Result<Self, Vec<Problem>> {
        let (file, lines) = Self::read_file(connector);
        let mut problems: Vec<Problem> = file.as_ref().err().into_iter().cloned().collect();
        let (raw, places) = match manifest::parse("manifest.yaml", manifest) {
            Ok(parsed) => parsed,
            Err(problem) => return Err(problems.into_iter().chain([problem]).collect()),
        };
        let found = match (file, manifest::resolve(&raw)) {
            (Ok(file), Ok(mut resolved)) => {
                manifest::keep_parents(&mut resolved);
                match Self::load(file, &resolved) {
                    Ok(connector) => return Ok(connector),
                    Err(found) => found,
                }
            }
            (_, Err(found)) => found,
            // What is wrong with the manifest is told even if the other file is wrong too.
            (Err(_), Ok(resolved)) => Self::bare().map_or_else(Vec::new, |bare| Self::load(bare, &resolved).err().unwrap_or_default()),
        };
        // A word that the language does not have explains best what is wrong around it.
        problems.extend(components::unknown(&raw).into_iter().filter(|problem| problem.path.ends_with("type")));
        for problem in found {
            let known =
                problems.iter().any(|other| problem.path.starts_with(other.path.trim_end_matches(".type")) && !other.path.is_empty());
            if !known {
                problems.push(problem);
            }
        }
        for problem in &mut problems {
            let places = if problem.file == "manifest.yaml" { &places } else { &lines };
            problem.line = problem.line.or_else(|| places.line(&problem.path));
        }
        problems.sort_by_key(|problem| (problem.file.clone(), problem.line));
        problems.dedup_by(|a, b| a.line == b.line && a.message == b.message);
        Err(problems)
    }

    fn read_file(text: &str) -> (Result<ConnectorFile, Problem>, Places) {
        let (value, places) = match manifest::parse("connector.yaml", text) {
            Ok(parsed) => parsed,
            Err(problem) => return (Err(problem), Places::default()),
        };
        let file = serde_json::from_value::<ConnectorFile>(value).map_err(|error| {
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
                "webhooks",
                "test_mode",
            ];
            let hint = if message.starts_with("unknown field") { syncline_model::nearest::hint(named, known) } else { String::new() };
            Problem {
                file: "connector.yaml".to_owned(),
                line: places.line(named),
                path: String::new(),
                message: format!("{message}{hint}"),
            }
        });
        (file, places)
    }

    /// Stands in for a `connector.yaml` that cannot be read, so that the manifest is looked at nevertheless.
    fn bare() -> Option<ConnectorFile> {
        serde_json::from_value(json!({"name": "x", "title": "x", "category": "x", "description": "x"})).ok()
    }

    fn load(file: ConnectorFile, manifest: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let root = Node::new(manifest, "");
        let streams = entry::named(&root, &mut problems);
        let mut dynamic = Vec::new();
        for (index, node) in root.children("dynamic_streams").iter().enumerate() {
            match Dynamic::load(node, index) {
                Ok(made) => dynamic.push(made),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() && dynamic.is_empty() {
            problems.extend(unknown_streams(&file, &streams));
        }
        let webhooks = load_webhooks(&file, &streams, dynamic.is_empty()).unwrap_or_else(|found| {
            problems.extend(found);
            None
        });
        if streams.is_empty() && dynamic.is_empty() && problems.is_empty() {
            problems.push(Problem::manifest("streams", "there are none"));
        }
        let spec = root.get("spec").cloned().unwrap_or_else(|| json!({}));
        let rules = ConfigRules::load(&spec, "spec").map_err(|problem| problems.push(problem)).unwrap_or_default();
        let check = Check::load(&root).map_err(|problem| problems.push(problem)).unwrap_or_default();
        let budget = Budget::load(&root).map_err(|problem| problems.push(problem)).unwrap_or_default();
        if !problems.is_empty() {
            return Err(problems);
        }
        let settings_schema = spec.get("connection_specification").cloned().unwrap_or_else(|| json!({"type": "object"}));
        Ok(Self { file, spec, settings_schema, check, streams, dynamic, rules, budget, webhooks })
    }

    /// Streams that the check would try and that there are not. Reading the others does not depend on that.
    pub fn checks_nothing(&self) -> Vec<Problem> {
        let is_there = |name: &&String| !self.dynamic.is_empty() || self.streams.iter().any(|entry| entry.name == **name);
        let problem = |name: &String| {
            let hint = syncline_model::nearest::hint(name, self.streams.iter().map(|entry| entry.name.as_str()));
            Problem::manifest("check.stream_names", format!("there is no stream `{name}`{hint}"))
        };
        self.check.names.iter().filter(|name| !is_there(name)).map(problem).collect()
    }

    /// The whole `spec`, as the protocol gives it.
    pub fn spec(&self) -> &Value {
        &self.spec
    }

    /// What the manifest's rules make of settings; it is these that its `spec` describes.
    pub fn made_of(&self, settings: &Value) -> Result<Value, Fault> {
        let mut made = settings.clone();
        self.rules.migrate(&mut made)?;
        self.rules.transform(&mut made)?;
        Ok(made)
    }

    /// A job with the owner's settings as the manifest's rules make them; new settings are saved first.
    pub async fn run(&self, context: &Context) -> Result<Run, Fault> {
        let mut config = context.settings.expose().clone();
        if self.rules.migrate(&mut config)? {
            context.patience.save_settings(&context.settings, &syncline_model::Settings::new(config.clone())).await?;
        }
        self.rules.transform(&mut config)?;
        self.rules.validate(&config)?;
        let run = Run::new(context, config.clone());
        match &self.budget {
            Some(budget) => Ok(Run::new(&budget.around(context, &self.file.name, &run.base)?, config)),
            None => Ok(run),
        }
    }

    /// The streams that there are for these settings.
    async fn entries(&self, run: &Run) -> Result<Vec<Entry>, Fault> {
        let mut made = Vec::new();
        for entry in &self.streams {
            let is_there = entry.condition.as_ref().map_or(Ok(true), |condition| condition.holds(&run.base))?;
            if is_there {
                made.push(entry.clone());
            }
        }
        for dynamic in &self.dynamic {
            made.extend(self.made_by(dynamic, run).await?);
        }
        Ok(made)
    }

    async fn made_by(&self, dynamic: &Dynamic, run: &Run) -> Result<Vec<Entry>, Fault> {
        let mut made = Vec::new();
        for definition in dynamic.definitions(run).await? {
            let mut problems = Vec::new();
            made.extend(Entry::load(&Node::new(&definition, &dynamic.name), None, &mut problems));
            if let Some(problem) = problems.into_iter().next() {
                return Err(misconfigured(format!("a stream made by `{}` is wrong: {}", dynamic.name, problem.message)));
            }
        }
        Ok(made)
    }

    async fn entry(&self, run: &Run, name: &str) -> Result<Entry, Fault> {
        let is_there = |entry: &&Entry| entry.name == name && entry.condition.is_none();
        if let Some(entry) = self.streams.iter().find(is_there) {
            return Ok(entry.clone());
        }
        let entries = self.entries(run).await?;
        let hint = || syncline_model::nearest::hint(name, entries.iter().map(|entry| entry.name.as_str()));
        let missing = || Fault::Misconfigured(format!("`{}` has no stream `{name}`{}", self.file.name, hint()));
        entries.iter().find(|entry| entry.name == name).cloned().ok_or_else(missing)
    }

    fn stream(entry: &Entry) -> Result<Arc<Stream>, Fault> {
        entry.stream.clone().map_err(|why| Fault::Misconfigured(format!("`{}` cannot be read: {why}", entry.name)))
    }

    fn added(&self, name: &str) -> StreamFile {
        self.file.streams.get(name).cloned().unwrap_or_default()
    }

    /// The streams that there are for these settings.
    pub async fn discovered(&self, context: &Context) -> Result<Vec<Discovered>, Fault> {
        let run = self.run(context).await?;
        let mut made = Vec::new();
        for entry in self.entries(&run).await? {
            let stream = entry.stream.as_ref().ok();
            let has_files = stream.is_some_and(|stream| stream.has_files());
            let cursor_is_free = stream.and_then(|stream| stream.cursor.as_ref()).is_some_and(|cursor| cursor.is_free);
            made.push(Discovered { spec: self.described(&entry, &run).await?, has_files, cursor_is_free });
        }
        Ok(made)
    }

    async fn described(&self, entry: &Entry, run: &Run) -> Result<StreamSpec, Fault> {
        let name = entry.name.parse().map_err(|error: syncline_model::id::BadId| Fault::Misconfigured(error.to_string()))?;
        let cursor = entry.stream.as_ref().ok().and_then(|stream| stream.cursor.as_ref());
        let cursor_field = cursor.map(|cursor| cursor.field.text(&run.base)).transpose()?;
        let modes = if cursor.is_some() { vec![SyncMode::Incremental, SyncMode::FullRefresh] } else { vec![SyncMode::FullRefresh] };
        let json_schema = match entry.stream.as_ref().map(|stream| &stream.schema) {
            Ok(Schema::Fixed(schema)) => schema.as_ref().clone(),
            Ok(Schema::Asked(asked)) => asked.schema(run).await?.as_ref().clone(),
            Err(_) => json!({"type": "object"}),
        };
        Ok(StreamSpec {
            name,
            primary_key: entry.key(),
            cursor_field: cursor_field.into_iter().collect(),
            modes,
            json_schema,
            delete: self.added(&entry.name).delete,
            unavailable: entry.stream.as_ref().err().map(|why| Unavailable { why: why.clone() }),
        })
    }

    /// Reads a stream as the protocol wants it: what cannot be read of it does not end it, and the state is Airbyte's.
    pub async fn read(
        &self,
        context: &Context,
        name: &str,
        state: Map<String, Value>,
        configured: Configured,
    ) -> Result<ProtocolReader, Fault> {
        let mut run = self.run(context).await?;
        run.goes_on = true;
        let entry = self.entry(&run, name).await?;
        let mut stream = Self::stream(&entry)?;
        if !configured.cursor_field.is_empty() {
            Arc::make_mut(&mut stream).go_by(&configured.cursor_field)?;
        }
        let reading = StreamReading::new(stream, run, state, None)?.with_selected(configured.schema);
        Ok(ProtocolReader::new(reading))
    }

    async fn try_stream(&self, entry: &Entry, run: &Run) -> Result<(), Fault> {
        StreamReading::new(Self::stream(entry)?, run.clone(), Map::new(), None)?.first().await?;
        Ok(())
    }
}

/// What `connector.yaml` says about webhooks.
fn load_webhooks(file: &ConnectorFile, streams: &[Entry], are_all: bool) -> Result<Option<Webhooks>, Vec<Problem>> {
    let Some(section) = &file.webhooks else { return Ok(None) };
    let names: Vec<&str> = streams.iter().map(|entry| entry.name.as_str()).collect();
    let problem = |mistake: syncline_sdk::webhooks::Mistake| Problem {
        file: "connector.yaml".to_owned(),
        line: None,
        path: mistake.path,
        message: mistake.why,
    };
    let loaded = Webhooks::load(section, are_all.then_some(names.as_slice()));
    loaded.map(Some).map_err(|mistakes| mistakes.into_iter().map(problem).collect())
}

/// Streams that `connector.yaml` speaks of and that the manifest does not have.
fn unknown_streams(file: &ConnectorFile, streams: &[Entry]) -> Vec<Problem> {
    let unknown = file.streams.keys().filter(|name| !streams.iter().any(|entry| entry.name == **name));
    let problem = |name: &String| {
        let hint = syncline_model::nearest::hint(name, streams.iter().map(|entry| entry.name.as_str()));
        let message = format!("the manifest has no stream `{name}`{hint}");
        Problem { line: None, file: "connector.yaml".to_owned(), path: "streams".to_owned(), message }
    };
    unknown.map(problem).collect()
}
