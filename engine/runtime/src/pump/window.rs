//! Steps of one stream that the log has and has not answered yet. It decides them in their order, so that each may begin where the one
//! before it ends. Bounded in steps and bytes.

use std::{collections::VecDeque, sync::Arc};

use syncline_model::{LogFault, Step, log::Answer};

const STEPS_MAX: usize = 16;
const BYTES_MAX: usize = 1 << 20;

/// A step, and what is to be told when it is durable.
pub struct Drafted {
    pub step: Arc<Step>,
    /// How many ids at the newest version were forgotten for it.
    pub forgotten: u64,
}

/// What one reader has under way.
#[derive(Default)]
pub struct Window {
    under_way: VecDeque<(Drafted, usize, Answer)>,
    bytes: usize,
}

impl Window {
    /// Nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// One more may be handed over.
    pub fn has_room(&self) -> bool {
        self.under_way.len() < STEPS_MAX && self.bytes < BYTES_MAX
    }

    /// This one was handed over.
    pub fn push(&mut self, drafted: Drafted, answer: Answer) {
        let bytes = drafted.step.events.iter().map(|event| event.body.len()).sum();
        self.bytes += bytes;
        self.under_way.push_back((drafted, bytes, answer));
    }

    /// Waits for the answer to the one that was handed over first. It may be dropped and asked again.
    pub async fn oldest(&mut self) -> Option<(Drafted, Result<(), LogFault>)> {
        let (_, _, answer) = self.under_way.front_mut()?;
        let done = answer.await;
        let (drafted, bytes, _) = self.under_way.pop_front()?;
        self.bytes -= bytes;
        Some((drafted, done))
    }
}
