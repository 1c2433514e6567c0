//! Records of a stream that did not come in a page of it: filtered, changed, keyed and versioned as if they had.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use syncline_model::{Fault, Record};
use syncline_sdk::{Recorder, Refused, catalog::StreamFile};

use crate::{
    cursor::Settled,
    item::Item,
    normalize::Normalizer,
    piece::Piece,
    record::{Shape, dotted},
    run::Run,
    select::Selector,
    stream::{Retriever, Schema, Simple, Stream},
    template::Scope,
};

/// Makes records of one stream.
pub struct StreamRecorder {
    source: Source,
    scope: Scope,
    cursor: Option<Settled>,
    normalizer: Option<Normalizer>,
    shape: Shape,
}

enum Source {
    Pages(Arc<Simple>),
    Remote(Box<Selector>),
}

impl Source {
    fn selector(&self) -> &Selector {
        match self {
            Self::Pages(simple) => &simple.selector,
            Self::Remote(selector) => selector,
        }
    }
}

impl StreamRecorder {
    /// For this stream, in this job.
    pub fn new(stream: &Stream, run: &Run, added: &StreamFile) -> Result<Self, Fault> {
        let source = match &stream.retriever {
            Retriever::Simple(simple) => Source::Pages(Arc::clone(simple)),
            Retriever::Async(jobs) => Source::Remote(Box::new(jobs.selector.clone())),
            // What is new is what the second way would have read.
            Retriever::ByState { incremental, .. } => return Self::new(incremental, run, added),
        };
        let cursor = stream.cursor.as_ref().map(|cursor| cursor.settle(&run.base, run.context.now)).transpose()?;
        let field = cursor.as_ref().map(|cursor| dotted(&cursor.field)).unwrap_or_default();
        let schema = match &stream.schema {
            Schema::Fixed(schema) => schema.as_object().filter(|fields| !fields.is_empty()).map(|_| Arc::clone(schema)),
            Schema::Asked(_) => None,
        };
        let normalizer = schema.filter(|_| source.selector().normalizes()).map(|schema| Normalizer::new(&schema));
        let scope = run.base.clone().with("stream_slice", Arc::new(Value::Object(Map::new())));
        Ok(Self {
            shape: Shape::new(stream.key.clone(), added.version_field.as_deref(), &field, &added.delete),
            source,
            scope,
            cursor,
            normalizer,
        })
    }
}

impl Recorder for StreamRecorder {
    fn record(&self, body: &Bytes) -> Result<Option<Record>, Refused> {
        let refuse = |cause: String| Refused { key: None, body: body.clone(), cause };
        let item = Item::Raw(Piece::from(body.clone()));
        let made = self.source.selector().finish(std::iter::once(item), &self.scope, self.normalizer.as_ref(), None);
        let made = made.map_err(|fault| refuse(fault.to_string()))?.into_iter().next();
        match made {
            None => Ok(None),
            Some(Item::Refused(_, cause)) => Err(refuse(cause)),
            Some(item) => self.shape.read(&item.bytes(), self.cursor.as_ref()).map(Some),
        }
    }
}
