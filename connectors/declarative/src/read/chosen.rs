//! Streams with two ways of reading: all of it, or what changed since the state that there is.

use std::sync::Arc;

use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{At, NO_CURSOR};
use crate::{
    cursor::{self, Point},
    dates,
    run::{self, Run},
    stream::{Retriever, Stream},
};

/// How a stream is read.
pub struct Chosen {
    /// The way.
    pub stream: Arc<Stream>,
    /// The state that it begins with.
    pub state: Map<String, Value>,
    /// Of two ways it is the one that reads all of it.
    pub is_whole: bool,
}

/// The way in which a stream with two ways is read. A reading that goes on keeps the one that it began with.
pub fn chosen(stream: Arc<Stream>, run: &Run, state: Map<String, Value>, at: Option<&At>) -> Result<Chosen, Fault> {
    let Retriever::ByState { full, incremental, retention } = &stream.retriever else {
        return Ok(Chosen { stream, state, is_whole: false });
    };
    let (is_whole, state) = match at {
        Some(at) => (at.is_whole, state),
        None if state.is_empty() => (true, state),
        None => {
            let retention = retention.as_ref().map(|retention| retention.text(&run.base)).transpose()?.filter(|text| !text.is_empty());
            match retention {
                // What the source has forgotten is read from the beginning.
                Some(text) if is_older_than(&text, full, incremental, run, &state)? => (true, Map::new()),
                _ => (false, state),
            }
        }
    };
    Ok(Chosen { stream: Arc::new(if is_whole { full.as_ref().clone() } else { incremental.as_ref().clone() }), state, is_whole })
}

/// What the source has forgotten by now cannot be read on from.
fn is_older_than(retention: &str, full: &Stream, incremental: &Stream, run: &Run, state: &Map<String, Value>) -> Result<bool, Fault> {
    if state.get(NO_CURSOR) == Some(&Value::Bool(true)) && full.cursor.is_none() {
        return Ok(false);
    }
    let period = dates::Duration::parse(retention)
        .ok_or_else(|| run::misconfigured(format!("`api_retention_period` is `{retention}`, and must be a duration")))?;
    let now = Point::new(run.context.now.as_microsecond());
    let oldest = cursor::earlier(now, &period).unwrap_or(now);
    for stream in [full, incremental] {
        let Some(spec) = &stream.cursor else { continue };
        let settled = spec.settle(&run.base, run.context.now)?;
        let own = state.get("state").and_then(Value::as_object).unwrap_or(state);
        if let Some(place) = own.get(&settled.field).and_then(|value| settled.read(value)) {
            return Ok(place < oldest);
        }
    }
    Ok(true)
}
