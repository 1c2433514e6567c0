//! Cuts a batch into parts, so that the server can write one of them while the next one is made.

use std::convert::Infallible;

use syncline_model::log::Logged;

use super::before::Before;
use crate::tables::{fold::Fold, port::Applied, schema::Schema};

/// How many events one part has, unless the schema grows within it.
const EVENTS_AT_ONCE: usize = 500;
/// How many it has if rows are there already, because each part then is a statement at least.
const EVENTS_OVER_ROWS: usize = 1_250;

/// The events of a batch, stream by stream, of which some were taken.
pub(super) struct Parts<'s, 'a> {
    streams: &'s [(usize, Vec<&'a Logged>)],
    stream: usize,
    taken: usize,
}

impl<'s, 'a> Parts<'s, 'a> {
    pub fn new(streams: &'s [(usize, Vec<&'a Logged>)]) -> Self {
        Self { streams, stream: 0, taken: 0 }
    }

    /// Takes the next part apart: the number of its stream, and its records. A part by which the schema grows goes on to the end of
    /// its stream, so that what grows is told to the database once.
    pub fn fold(&mut self, schema: &mut Schema, before: &[Before<'a>], applied: &mut Applied) -> Option<(usize, Fold<'a>)> {
        let (table, events) = self.streams.get(self.stream)?;
        let mut fold = Fold::new(*table);
        let from = self.taken;
        let at_once = if before[self.stream].is_empty() { EVENTS_AT_ONCE } else { EVENTS_OVER_ROWS };
        for logged in &events[from..] {
            if self.taken - from >= at_once && !schema.has_changes() {
                return Some((self.stream, fold));
            }
            let known = |_: &Schema, key: &str| Ok::<_, Infallible>(before[self.stream].of(key));
            let Ok(()) = fold.take(schema, logged, applied, known);
            self.taken += 1;
        }
        let stream = self.stream;
        (self.stream, self.taken) = (stream + 1, 0);
        Some((stream, fold))
    }
}
