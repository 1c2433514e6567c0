//! A reading as its callers want it: the engine in pages that it can go on behind, the protocol in records and a state.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_model::{Cursor, Fault};
use syncline_sdk::{Page, Reader};

use crate::{
    files::FileReference,
    item::Item,
    nulls::without_nulls,
    piece::Pieces,
    read::{At, Batch, StreamReading},
    record::Shape,
};

/// A cursor as the engine keeps it: the state of the stream as Airbyte has it, and where within the stream reading stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Place {
    /// Airbyte's state.
    #[serde(default)]
    pub state: Map<String, Value>,
    /// Where within a reading that was not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
}

impl Place {
    /// Reads a cursor.
    pub fn read(cursor: &Cursor) -> Result<Self, Fault> {
        if cursor.is_start() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&cursor.0).map_err(|error| Fault::Internal(format!("a cursor cannot be read: {error}")))
    }

    /// The same as a cursor.
    pub fn cursor(&self) -> Result<Cursor, Fault> {
        serde_json::to_vec(self)
            .map(|bytes| Cursor(Bytes::from(bytes)))
            .map_err(|error| Fault::Internal(format!("a cursor cannot be written: {error}")))
    }
}

/// A reading for the engine.
pub struct EngineReader {
    reading: StreamReading,
    done: bool,
}

impl EngineReader {
    /// Reads records of this shape.
    pub fn new(reading: StreamReading, shape: Shape) -> Self {
        Self { reading: reading.with_shape(shape), done: false }
    }

    fn page(&self, batch: Option<Batch>) -> Result<Page, Fault> {
        let mut page = Page::default();
        for record in batch.map(|batch| batch.records).unwrap_or_default() {
            match record {
                Ok(record) => page.records.push(record),
                Err(refused) => page.refused.push(refused),
            }
        }
        page.next = Place { state: self.reading.state(), at: self.reading.at() }.cursor()?;
        Ok(page)
    }
}

#[async_trait]
impl Reader for EngineReader {
    async fn next_page(&mut self) -> Result<Option<Page>, Fault> {
        if self.done {
            return Ok(None);
        }
        let batch = self.reading.next().await?;
        // Where the end only shows behind the last page, the state moves with a page of its own without records.
        self.done = batch.is_none() || self.reading.at().is_none();
        self.page(batch).map(Some)
    }
}

/// A reading for the protocol.
pub struct ProtocolReader {
    reading: StreamReading,
    files: Vec<Option<FileReference>>,
}

impl ProtocolReader {
    /// Reads this.
    pub fn new(reading: StreamReading) -> Self {
        Self { reading, files: Vec::new() }
    }

    /// Puts the files that records speak of into this folder.
    #[must_use]
    pub fn with_files(self, folder: Arc<Path>) -> Self {
        Self { reading: self.reading.with_files(folder), ..self }
    }

    /// The records of the next page as bytes; `None` behind the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Bytes>>, Fault> {
        let batch = self.reading.next().await?;
        Ok(batch.map(|batch| batch.items.into_vec().into_iter().map(Item::bytes).collect()))
    }

    /// The same as messages hold them: without outermost fields that are null.
    pub async fn next_for_messages(&mut self) -> Result<Option<Pieces>, Fault> {
        let mut batch = self.reading.next().await?;
        self.files = batch.as_mut().map(|batch| std::mem::take(&mut batch.files)).unwrap_or_default();
        Ok(batch.map(|batch| without_nulls(batch.items)))
    }

    /// The files of the records that were given last, one for each; empty where the stream has none.
    pub fn take_files(&mut self) -> Vec<Option<FileReference>> {
        std::mem::take(&mut self.files)
    }

    /// What could not be read.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        self.reading.take_faults()
    }

    /// The state by now.
    pub fn state(&self) -> Value {
        Value::Object(self.reading.state())
    }
}
