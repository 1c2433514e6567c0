//! Which streams a job reads, and how.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use syncline_model::{
    CursorEntry, StreamName,
    event::Source,
    ledger::{Enrolled, Level},
    nearest,
    schedule::SyncMode,
};
use syncline_sdk::{DeleteStrategy, StreamSpec};

use super::{Link, Outfit, Ticket};
use crate::{
    patience::Waiter,
    pump::{HISTORY, StreamTask},
};

/// What a job is going to do.
pub struct Plan {
    /// The streams to read.
    pub tasks: Vec<StreamTask>,
    /// What cannot be read, and why, each as a lowercase clause.
    pub left_out: Vec<String>,
}

impl Plan {
    pub(super) fn make(
        ticket: &Ticket,
        link: &Arc<Link>,
        outfit: &Outfit,
        enrolled: &Enrolled,
        specs: Vec<StreamSpec>,
        cursors: Vec<CursorEntry>,
    ) -> Self {
        let mut by_stream: HashMap<StreamName, Vec<CursorEntry>> = HashMap::new();
        for entry in cursors {
            by_stream.entry(entry.key.stream.clone()).or_default().push(entry);
        }
        let mut plan = Self { tasks: Vec::new(), left_out: Vec::new() };
        for (spec, mode) in plan.choose(enrolled, specs) {
            if ticket.only.as_ref().is_some_and(|only| !only.contains(&spec.name)) {
                continue;
            }
            if let Some(unavailable) = &spec.unavailable {
                plan.left_out.push(format!("stream `{}` cannot be read: {}", spec.name, unavailable.why));
                continue;
            }
            let waiter = Arc::new(Waiter::new(Arc::clone(link), Some(spec.name.clone())));
            let context = outfit.context(&waiter);
            let cursors = by_stream.remove(&spec.name).unwrap_or_default();
            plan.tasks.push(StreamTask {
                link: Arc::clone(link),
                source: Source {
                    tenant: enrolled.tenant.clone(),
                    integration: enrolled.integration.clone(),
                    connector: enrolled.connector.clone(),
                    stream: spec.name.clone(),
                },
                mode: mode_of(&spec, mode),
                sweep_accepted: ticket.sweep_accepted.contains(&spec.name),
                history_known: cursors.iter().any(|entry| entry.key.part == HISTORY),
                cursors: Arc::new(Mutex::new(Some(cursors))),
                waiter,
                context,
                spec,
            });
        }
        for why in &plan.left_out {
            link.board.say(Level::Warn, why.clone());
        }
        plan
    }

    /// Every stream was read to its end once.
    pub fn history_known(&self) -> bool {
        self.tasks.iter().all(|task| task.history_known)
    }

    /// Counts what the connector left out while it was asked for its streams.
    pub(super) fn with_left_out(mut self, count: u64) -> Self {
        if count > 0 {
            self.left_out.push("the connector left something out of its streams".to_owned());
        }
        self
    }

    fn choose(&mut self, enrolled: &Enrolled, specs: Vec<StreamSpec>) -> Vec<(StreamSpec, Option<SyncMode>)> {
        let Some(choices) = &enrolled.streams else {
            return specs.into_iter().map(|spec| (spec, None)).collect();
        };
        for choice in choices {
            if !specs.iter().any(|spec| spec.name == choice.name) {
                let hint = nearest::hint(choice.name.as_str(), specs.iter().map(|spec| spec.name.as_str()));
                self.left_out.push(format!("there is no stream `{}`{hint}", choice.name));
            }
        }
        let chosen = |name: &StreamName| choices.iter().find(|choice| choice.name == *name).map(|choice| choice.mode);
        specs.into_iter().filter_map(|spec| chosen(&spec.name).map(|mode| (spec, mode))).collect()
    }
}

/// The owner's choice where the stream has it; else the best one. Missing records are seen only by reading everything.
fn mode_of(spec: &StreamSpec, choice: Option<SyncMode>) -> SyncMode {
    if let Some(mode) = choice.filter(|mode| spec.modes.contains(mode)) {
        return mode;
    }
    let full = spec.delete == DeleteStrategy::Missing && spec.modes.contains(&SyncMode::FullRefresh);
    if full { SyncMode::FullRefresh } else { spec.modes.first().copied().unwrap_or(SyncMode::FullRefresh) }
}
