//! `DynamicSchemaLoader`: the source itself is asked what a stream's records look like. It is asked once in a job.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;
use syncline_model::Fault;
use tokio::sync::{Mutex, OnceCell};

use crate::{
    dynamic_schema::DynamicSchema,
    item::Item,
    node::Node,
    problem::Problem,
    read::StreamReading,
    run::Run,
    stream::{Retriever, Schema, Simple, Stream},
};

/// A schema that the source is asked for.
#[derive(Debug, Clone)]
pub struct AskedSchema {
    /// A stream of its own whose records describe fields.
    stream: Arc<Stream>,
    pure: DynamicSchema,
    identity: String,
}

/// What sources told in this job.
#[derive(Default)]
struct Told(Mutex<HashMap<String, Arc<OnceCell<Arc<Value>>>>>);

impl AskedSchema {
    /// Reads a `DynamicSchemaLoader`.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let retriever = node.needed("retriever")?;
        let stream = Stream {
            name: "schema".to_owned(),
            key: Vec::new(),
            retriever: Retriever::Simple(Arc::new(Simple::load(&retriever, Vec::new(), false)?)),
            cursor: None,
            schema: Schema::Fixed(Arc::new(Value::Object(serde_json::Map::new()))),
            migrations: Vec::new(),
        };
        Ok(Self { stream: Arc::new(stream), pure: DynamicSchema::load(node.value, &node.path)?, identity: node.value.to_string() })
    }

    /// What the source says.
    pub async fn schema(&self, run: &Run) -> Result<Arc<Value>, Fault> {
        let told = run.context.shared.get::<Told>();
        let cell = Arc::clone(told.0.lock().await.entry(self.identity.clone()).or_default());
        cell.get_or_try_init(|| self.ask(run)).await.cloned()
    }

    async fn ask(&self, run: &Run) -> Result<Arc<Value>, Fault> {
        let mut run = run.clone();
        run.goes_on = false;
        let mut reading = StreamReading::new(Arc::clone(&self.stream), run.clone(), serde_json::Map::new(), None)?;
        // The first record says it all, as for the reference.
        let mut first = None;
        while first.is_none() {
            match Box::pin(reading.next()).await? {
                Some(batch) => first = batch.items.into_vec().into_iter().next().map(Item::into_tree),
                None => break,
            }
        }
        self.pure.schema(first.as_ref(), &run.base).map(Arc::new)
    }
}
