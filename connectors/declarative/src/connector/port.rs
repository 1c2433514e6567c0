//! A connector that is data as the port of all connectors wants it.

use async_trait::async_trait;
use serde_json::{Map, Value};
use syncline_model::{Cursor, Fault, StreamName, schedule::SyncMode};
use syncline_sdk::{Connector, Context, Reader, Recorder, StreamSpec, catalog::ConnectorFile, webhooks::Webhooks};

use super::{DeclarativeConnector, recorder::StreamRecorder};
use crate::{
    read::{NO_CURSOR, StreamReading},
    reader::{EngineReader, Place},
    record::{Shape, dotted},
    run::{Run, misconfigured},
};

#[async_trait]
impl Connector for DeclarativeConnector {
    fn file(&self) -> &ConnectorFile {
        &self.file
    }

    fn settings_schema(&self) -> &Value {
        &self.settings_schema
    }

    async fn check(&self, context: &Context) -> Result<(), Fault> {
        let mut run = self.run(context).await?;
        if !self.check.overrides.is_empty()
            && let Value::Object(mut config) = run.config().as_ref().clone()
        {
            config.extend(self.check.overrides.clone());
            run = Run::new(&run.context, Value::Object(config));
        }
        if let Some(first) = self.check.first {
            let entries = self.entries(&run).await?;
            if entries.is_empty() {
                return Err(Fault::Unusable("there is no stream to try".to_owned()));
            }
            for entry in entries.iter().take(first) {
                self.try_stream(entry, &run).await?;
            }
            return Ok(());
        }
        for name in &self.check.names {
            let entry = self.entry(&run, name).await?;
            self.try_stream(&entry, &run).await?;
        }
        for (name, most) in &self.check.dynamic {
            let found = self.dynamic.iter().find(|dynamic| dynamic.name == *name);
            let dynamic = found.ok_or_else(|| misconfigured(format!("there is no dynamic stream `{name}` to try")))?;
            for entry in self.made_by(dynamic, &run).await?.iter().take(most.unwrap_or(usize::MAX)) {
                self.try_stream(entry, &run).await?;
            }
        }
        Ok(())
    }

    async fn streams(&self, context: &Context) -> Result<Vec<StreamSpec>, Fault> {
        Ok(self.discovered(context).await?.into_iter().map(|stream| stream.spec).collect())
    }

    async fn open(&self, context: &Context, stream: &StreamSpec, mode: SyncMode, from: &Cursor) -> Result<Box<dyn Reader>, Fault> {
        let run = self.run(context).await?;
        let entry = self.entry(&run, stream.name.as_str()).await?;
        let place = Place::read(from)?;
        // A full refresh begins without a state, and goes on with its own.
        let state = if mode == SyncMode::FullRefresh && place.at.is_none() { Map::new() } else { place.state };
        let inner = Self::stream(&entry)?;
        let added = self.added(&entry.name);
        let cursor_field = stream.cursor_field.first().map(|field| dotted(field)).unwrap_or_default();
        let shape = Shape::new(inner.key.clone(), added.version_field.as_deref(), &cursor_field, &added.delete);
        let reading = StreamReading::new(inner, run, state, place.at)?;
        Ok(Box::new(EngineReader::new(reading, shape)))
    }

    fn webhooks(&self) -> Option<&Webhooks> {
        self.webhooks.as_ref()
    }

    async fn recorder(&self, context: &Context, stream: &StreamName) -> Result<Box<dyn Recorder>, Fault> {
        let run = self.run(context).await?;
        let entry = self.entry(&run, stream.as_str()).await?;
        let inner = Self::stream(&entry)?;
        Ok(Box::new(StreamRecorder::new(&inner, &run, &self.added(&entry.name))?))
    }

    fn state(&self, at: &Cursor) -> Result<Option<Value>, Fault> {
        let state = Place::read(at)?.state;
        Ok((!says_nothing(&state)).then_some(Value::Object(state)))
    }

    fn cursor(&self, state: &Value) -> Result<Option<Cursor>, Fault> {
        let Some(state) = state.as_object() else { return Err(misconfigured("the state of a stream must be an object")) };
        if says_nothing(state) {
            return Ok(None);
        }
        Place { state: state.clone(), at: None }.cursor().map(Some)
    }
}

/// A stream without a cursor has a state that only says so.
fn says_nothing(state: &Map<String, Value>) -> bool {
    state.keys().all(|name| name == NO_CURSOR)
}
