//! A producer whose reports are heard while it has something to do. The crate's own one asks ten times a second for ever, which costs a
//! node with many idle shards more than everything else.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext,
    producer::{BaseProducer, ProducerContext},
};
use syncline_model::LogFault;

use super::faults;
use crate::embedded::locked;

const POLL: Duration = Duration::from_millis(100);
/// What is not about messages waits for so long: errors, and that a token is about to end.
const REST: Duration = Duration::from_secs(2);

/// A producer and the thread that hears it.
pub struct Polled<C: ProducerContext + 'static> {
    producer: Arc<BaseProducer<C>>,
    turn: Arc<Turn>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    busy: usize,
    ended: bool,
}

/// For as long as this lives, reports are heard at once.
pub struct Busy<'a>(&'a Turn);

impl<C: ProducerContext + 'static> Polled<C> {
    pub fn open(settings: &ClientConfig, context: C) -> Result<Self, LogFault> {
        let producer = BaseProducer::from_config_and_context(settings, context).map_err(|error| faults::client(&error))?;
        let (producer, turn) = (Arc::new(producer), Arc::<Turn>::default());
        let (heard, until) = (Arc::clone(&producer), Arc::clone(&turn));
        let thread = Builder::new().name("kafka-reports".to_owned()).spawn(move || {
            while let Some(wait) = until.next() {
                heard.poll(wait);
            }
        });
        let thread = Some(thread.map_err(|error| LogFault::Unavailable(error.to_string()))?);
        Ok(Self { producer, turn, thread })
    }

    pub fn busy(&self) -> Busy<'_> {
        locked(&self.turn.state).busy += 1;
        self.turn.changed.notify_all();
        Busy(&self.turn)
    }

    pub fn producer(&self) -> &BaseProducer<C> {
        &self.producer
    }
}

impl Turn {
    /// How long to wait for a report; nothing when there will be none.
    fn next(&self) -> Option<Duration> {
        let state = locked(&self.state);
        let is_idle = |state: &mut State| state.busy == 0 && !state.ended;
        let (state, waited) = self.changed.wait_timeout_while(state, REST, is_idle).unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return None;
        }
        Some(if waited.timed_out() { Duration::ZERO } else { POLL })
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        locked(&self.0.state).busy -= 1;
    }
}

impl<C: ProducerContext + 'static> Drop for Polled<C> {
    fn drop(&mut self) {
        locked(&self.turn.state).ended = true;
        self.turn.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
