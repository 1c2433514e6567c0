//! What is new in a page: for an incremental stream by its boundary, for a full refresh by its generation.

use syncline_model::{Advance, Cursor, Event, RecordKey, schedule::SyncMode};
use syncline_sdk::DeleteStrategy;

use super::{
    boundary::Boundary,
    generation::{EndStep, Generation, NOTE, Rules},
    parts::{Change, HISTORY, HISTORY_KNOWN, Parts},
};
use crate::config::EngineConfig;

/// The connector's own cursor.
const OWN: &str = "";

/// What is new in a page, and what must be remembered of it.
pub enum Sifter {
    /// From the saved cursor on.
    Incremental(Boundary),
    /// Everything, each time.
    Full(Box<Generation>),
}

impl Sifter {
    /// As the log remembers it.
    pub fn load(parts: &Parts, mode: SyncMode, delete: &DeleteStrategy, sweep_accepted: bool, config: &EngineConfig) -> Self {
        match mode {
            SyncMode::Incremental => Self::Incremental(Boundary::load(parts, config.boundary_ids_max)),
            SyncMode::FullRefresh => Self::Full(Box::new(Generation::load(
                parts,
                Rules {
                    deletes: *delete == DeleteStrategy::Missing,
                    records_max: config.generation_records_max,
                    sweep_percent_min: config.sweep_percent_min,
                    sweep_accepted,
                },
            ))),
        }
    }

    /// Where reading goes on.
    pub fn position(&self, parts: &Parts) -> Cursor {
        match self {
            Self::Incremental(_) => parts.get(OWN).cloned().unwrap_or_default(),
            Self::Full(generation) => generation.position(),
        }
    }

    /// There is nothing to read, only to end.
    pub fn is_ending(&self) -> bool {
        match self {
            Self::Incremental(_) => false,
            Self::Full(generation) => generation.is_ending(),
        }
    }

    /// Leaves out what is known.
    pub fn sift(&mut self, events: Vec<Event>) -> Vec<Event> {
        match self {
            Self::Incremental(boundary) => boundary.sift(events),
            Self::Full(generation) => generation.sift(events),
        }
    }

    /// A record was refused.
    pub fn refused(&mut self, key: Option<&RecordKey>) {
        match self {
            Self::Incremental(_) => {}
            Self::Full(generation) => generation.refused(key),
        }
    }

    /// Something was left out.
    pub fn left_out(&mut self) {
        match self {
            Self::Incremental(_) => {}
            Self::Full(generation) => generation.left_out(),
        }
    }

    /// An event did not get into the log with the step that has these advances.
    pub fn unpublished(&mut self, event: &Event, advances: &mut [Advance]) {
        match self {
            // It is in quarantine under its id, and reading it again would put it there again.
            Self::Incremental(_) => {}
            Self::Full(generation) => generation.unpublished(event, advances),
        }
    }

    /// The part that every page moves.
    pub fn anchor(&self) -> &'static str {
        match self {
            Self::Incremental(_) => OWN,
            Self::Full(_) => NOTE,
        }
    }

    /// What must be written with a page.
    pub fn page_changes(&mut self, next: &Cursor) -> Vec<Change> {
        match self {
            Self::Incremental(boundary) => {
                let mut changes = boundary.changes();
                changes.push((OWN.to_owned(), Some(next.clone())));
                changes
            }
            Self::Full(generation) => generation.page_changes(next),
        }
    }

    /// What must be written after the last page.
    pub fn end_step(&mut self, parts: &Parts) -> EndStep {
        let mut step = match self {
            Self::Incremental(_) => EndStep { gone: Vec::new(), changes: Vec::new(), last: true },
            Self::Full(generation) => generation.end_step(parts),
        };
        if step.last {
            step.changes.push((HISTORY.to_owned(), Some(Cursor(HISTORY_KNOWN))));
        }
        step
    }

    /// What was to be written is on its way to the log. Returns how many ids at the newest version had to be forgotten.
    pub fn settled(&mut self) -> u64 {
        match self {
            Self::Incremental(boundary) => boundary.settled(),
            Self::Full(generation) => {
                generation.settled();
                0
            }
        }
    }

    /// What the owner should know.
    pub fn asks(&self) -> Option<&str> {
        match self {
            Self::Incremental(_) => None,
            Self::Full(generation) => generation.asks(),
        }
    }
}
