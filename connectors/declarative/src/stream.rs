//! One stream of a manifest, ready to be read: what is asked, what is found in the answers, and how far reading came.

use std::sync::Arc;

use serde_json::{Value, json};
use syncline_model::Fault;

use crate::{
    cursor::CursorSpec,
    files::Files,
    node::Node,
    paginate::Paginator,
    partitions::Router,
    problem::Problem,
    properties::Properties,
    request::Requester,
    resize::{PageSizes, Resets, WindowSplits},
    select::Selector,
    template::Template,
    transform::Transform,
};

/// One stream of a manifest.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// Paths of the fields of its primary key.
    pub key: Vec<Vec<String>>,
    /// How it is read.
    pub retriever: Retriever,
    /// From when on, and how far.
    pub cursor: Option<CursorSpec>,
    /// What its records look like.
    pub schema: Schema,
    /// How states of older versions are changed.
    pub migrations: Vec<crate::migrate::Migration>,
}

/// How a stream is read.
#[derive(Debug, Clone)]
pub enum Retriever {
    /// Page by page.
    Simple(Arc<Simple>),
    /// By a job that runs at the source.
    Async(Box<crate::remote::RemoteJobs>),
    /// One way without a state, another way with one.
    ByState { full: Box<Stream>, incremental: Box<Stream>, retention: Option<Template> },
}

/// `SimpleRetriever`.
#[derive(Debug, Clone)]
pub struct Simple {
    pub requester: Requester,
    pub selector: Selector,
    pub paginator: Paginator,
    pub router: Option<Router>,
    /// Pages behind the first do not repeat what the partition and the window put into the request.
    pub only_first: bool,
    pub properties: Option<Properties>,
    pub page_sizes: Option<PageSizes>,
    pub splits: Option<WindowSplits>,
    pub resets: Option<Resets>,
    /// How the files that its records speak of are fetched.
    pub files: Option<Files>,
}

/// Where a stream's schema comes from.
#[derive(Debug, Clone)]
pub enum Schema {
    /// It stands in the manifest.
    Fixed(Arc<Value>),
    /// The source is asked for it.
    Asked(Box<crate::schema::AskedSchema>),
}

impl Stream {
    /// Reads a `DeclarativeStream` or a `StateDelegatingStream`.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let name = node.word("name").ok_or_else(|| node.missing("name"))?.to_owned();
        match node.kind() {
            "DeclarativeStream" | "" => Self::declarative(node, name),
            "StateDelegatingStream" => {
                let full = Box::new(Self::load(&node.needed("full_refresh_stream")?)?);
                let incremental = Box::new(Self::load(&node.needed("incremental_stream")?)?);
                for inner in [&full, &incremental] {
                    if inner.name != name {
                        return Err(node.problem(format!("its streams must have its own name `{name}`, and one is named `{}`", inner.name)));
                    }
                }
                let (key, schema) = (incremental.key.clone(), incremental.schema.clone());
                let retention = node.text("api_retention_period")?;
                let cursor = incremental.cursor.clone();
                Ok(Self {
                    name,
                    key,
                    retriever: Retriever::ByState { full, incremental, retention },
                    cursor,
                    schema,
                    migrations: Vec::new(),
                })
            }
            _ => Err(node.unknown("stream", &["DeclarativeStream", "StateDelegatingStream"])),
        }
    }

    /// Goes by the field that a catalog names, where the manifest leaves that to it.
    pub fn go_by(&mut self, path: &[String]) -> Result<(), Fault> {
        if let Retriever::ByState { full, incremental, .. } = &mut self.retriever {
            full.go_by(path)?;
            incremental.go_by(path)?;
        }
        self.cursor.as_mut().map_or(Ok(()), |cursor| cursor.go_by(path, &self.name))
    }

    fn declarative(node: &Node<'_>, name: String) -> Result<Self, Problem> {
        let cursor = node.child("incremental_sync").map(|cursor| CursorSpec::load(&cursor)).transpose()?;
        let transforms = Transform::load_all(node.get("transformations"), &node.below("transformations"))?;
        let retriever = node.needed("retriever")?;
        let client_side = cursor.as_ref().is_some_and(|cursor| cursor.is_client_side);
        let retriever = match retriever.kind() {
            "SimpleRetriever" => {
                let simple = Simple::load(&retriever, transforms, client_side)?;
                Retriever::Simple(Arc::new(simple.with_files(node)?))
            }
            "AsyncRetriever" => Retriever::Async(Box::new(crate::remote::RemoteJobs::load(&retriever, transforms, client_side)?)),
            _ => return Err(retriever.unknown("retriever", &["SimpleRetriever", "AsyncRetriever"])),
        };
        let is_partitioned = matches!(&retriever, Retriever::Simple(simple) if simple.router.is_some());
        if is_partitioned && cursor.as_ref().is_some_and(|cursor| matches!(cursor.kind, crate::cursor::Kind::Count(_))) {
            return Err(node.problem("an `IncrementingCountCursor` cannot be used together with a partition router"));
        }
        Ok(Self {
            name,
            key: primary_key(node.get("primary_key")),
            retriever,
            cursor,
            schema: Schema::load(node)?,
            migrations: crate::migrate::Migration::load_all(node)?,
        })
    }

    /// Its records speak of files.
    pub fn has_files(&self) -> bool {
        match &self.retriever {
            Retriever::Simple(simple) => simple.files.is_some(),
            Retriever::Async(_) => false,
            Retriever::ByState { incremental, .. } => incremental.has_files(),
        }
    }

    /// The partition router, where it has one.
    pub fn router(&self) -> Option<&Router> {
        match &self.retriever {
            Retriever::Simple(simple) => simple.router.as_ref(),
            Retriever::Async(jobs) => jobs.router.as_ref(),
            Retriever::ByState { incremental, .. } => incremental.router(),
        }
    }
}

impl Simple {
    /// Reads one.
    pub fn load(node: &Node<'_>, transforms: Vec<Transform>, is_client_side: bool) -> Result<Self, Problem> {
        let requester = node.needed("requester")?;
        let made = Requester::load(requester.value, &requester.path)?;
        let selector = Selector::load(&node.needed("record_selector")?, node.child("decoder"), transforms, is_client_side)?;
        let paginator = Paginator::load(node.child("paginator"))?;
        if !paginator.is_none() && !selector.decoder.can_be_paginated() {
            return Err(node.problem("a paginator cannot stand beside this decoder, whose answers it could not look into"));
        }
        let selector = selector.looked_at(paginator.answer_fields());
        let splits = node.child("request_window_splitting").map(|splits| WindowSplits::load(&splits)).transpose()?;
        Ok(Self {
            requester: made,
            selector,
            paginator,
            router: Router::load_all(node)?,
            only_first: node.says("ignore_stream_slicer_parameters_on_paginated_requests"),
            properties: Properties::load(&requester)?,
            page_sizes: node.child("page_size_reduction").map(|sizes| PageSizes::load(&sizes)).transpose()?,
            splits,
            resets: node.child("pagination_reset").map(|resets| Resets::load(&resets)).transpose()?,
            files: None,
        })
    }

    /// The same with the files of a stream's records.
    fn with_files(self, stream: &Node<'_>) -> Result<Self, Problem> {
        let Some(node) = stream.child("file_uploader") else { return Ok(self) };
        if self.page_sizes.is_some() || self.splits.is_some() {
            // Files of records that are read a second time would be there twice.
            let why = "a file uploader cannot stand beside `page_size_reduction` or `request_window_splitting`";
            return Err(node.problem(why));
        }
        Ok(Self { files: Some(Files::load(&node)?), ..self })
    }
}

impl Schema {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let mut properties = Vec::new();
        for loader in node.children("schema_loader") {
            match loader.kind() {
                "InlineSchemaLoader" => properties.push(loader.get("schema").cloned().unwrap_or_else(|| json!({}))),
                // Schemas in files of a Python package are not there.
                "JsonFileSchemaLoader" | "" => properties.push(json!({})),
                "DynamicSchemaLoader" => return crate::schema::AskedSchema::load(&loader).map(|asked| Self::Asked(Box::new(asked))),
                _ => return Err(loader.unknown("schema loader", &["InlineSchemaLoader", "DynamicSchemaLoader", "JsonFileSchemaLoader"])),
            }
        }
        let merged = if properties.len() == 1 { properties.remove(0) } else { merged(&properties) };
        Ok(Self::Fixed(Arc::new(merged)))
    }
}

/// Several schemas as one: all their properties, of two of the same name the later one.
fn merged(schemas: &[Value]) -> Value {
    let mut made = json!({});
    for schema in schemas {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                made["properties"][name] = property.clone();
            }
        }
    }
    made
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
