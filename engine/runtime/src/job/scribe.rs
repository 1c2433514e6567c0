//! Writes down how a job goes: its progress once a second, its lines, the states of its integration, and its end. The store may be
//! away for a while; reading goes on without it, and what was not written is written later.

use std::sync::Arc;

use jiff::Timestamp;
use syncline_model::{
    Fault, State,
    ledger::{Enrolled, Level, Outcome, StateChange, StreamProgress},
};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use super::{How, JobEnd, Shared, Ticket, Verdict};
use crate::{board::Board, board::Line, metrics};

/// Writes down how a job goes.
pub struct Scribe<'a> {
    shared: &'a Shared,
    ticket: &'a Ticket,
    board: Arc<Board>,
    enrolled: Enrolled,
    states: Arc<States>,
    saved: Vec<StreamProgress>,
    unwritten: Vec<Line>,
}

/// The state of a job's integration, as it is written down.
pub struct States {
    shared: Arc<dyn syncline_model::Ledger>,
    key: crate::lanes::Key,
    now: Mutex<Now>,
}

struct Now {
    written: State,
    /// Where it returns to after a wait.
    base: State,
    until: Option<Timestamp>,
}

impl States {
    /// The streams are being read from now on. What is degraded stays so until a job has gone well.
    pub async fn reading(&self, state: State) {
        let mut now = self.now.lock().await;
        if now.base != State::Degraded {
            now.base = state;
        }
        let base = now.base;
        if now.written != base {
            self.write(&mut now, base, None, None).await;
        }
    }

    /// All readers wait until then, or no longer.
    async fn waiting(&self, until: Option<Timestamp>) {
        let mut now = self.now.lock().await;
        match until {
            Some(until) if now.written == State::Waiting && now.until == Some(until) => {}
            Some(until) => self.write(&mut now, State::Waiting, Some("the source's limits are used up".to_owned()), Some(until)).await,
            None if now.written == State::Waiting => {
                let base = now.base;
                self.write(&mut now, base, None, None).await;
            }
            None => {}
        }
    }

    /// Where it is after the job.
    async fn ended(&self, state: State, cause: Option<String>) {
        let mut now = self.now.lock().await;
        self.write(&mut now, state, cause, None).await;
    }

    async fn now(&self) -> State {
        self.now.lock().await.written
    }

    async fn write(&self, now: &mut Now, state: State, cause: Option<String>, waiting_until: Option<Timestamp>) {
        if now.written.to(state).is_none() {
            return;
        }
        let change = StateChange { state, cause, waiting_until };
        match self.shared.change_state(&self.key.tenant, &self.key.integration, change).await {
            Ok(()) => (now.written, now.until) = (state, waiting_until),
            Err(fault) => tracing::warn!(key = %self.key, "the state `{state}` could not be written: {fault}"),
        }
    }
}

impl<'a> Scribe<'a> {
    /// Of the job of this ticket.
    pub fn new(shared: &'a Shared, ticket: &'a Ticket, board: Arc<Board>, enrolled: Enrolled) -> Self {
        let base = if enrolled.state == State::Waiting { State::Live } else { enrolled.state };
        let now = Mutex::new(Now { written: enrolled.state, base, until: None });
        let states = Arc::new(States { shared: Arc::clone(&shared.ledger), key: ticket.key.clone(), now });
        Self { shared, ticket, board, enrolled, states, saved: Vec::new(), unwritten: Vec::new() }
    }

    /// The state, for whoever does the work.
    pub fn states(&self) -> Arc<States> {
        Arc::clone(&self.states)
    }

    /// Writes while the work goes on.
    pub async fn while_working<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut ticks = interval(self.shared.config.progress_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = ticks.tick() => {}
            }
            // The work must not stand still while the store is slow.
            let tick = self.tick();
            tokio::pin!(tick);
            tokio::select! {
                biased;
                done = &mut work => {
                    tick.await;
                    return done;
                }
                () = &mut tick => {}
            }
        }
    }

    async fn tick(&mut self) {
        let waits = if self.ticket.gate.is_aside() { self.board.all_wait_until() } else { None };
        self.states.waiting(waits).await;
        self.save().await;
    }

    async fn save(&mut self) {
        let streams = self.board.streams();
        let (tenant, job) = (&self.ticket.key.tenant, self.board.job());
        if streams != self.saved && self.told(&self.shared.ledger.save_progress(tenant, job, &streams).await) {
            self.saved = streams;
        }
        self.unwritten.extend(self.board.take_lines());
        while let Some(line) = self.unwritten.first() {
            if !self.told(&self.shared.ledger.log(tenant, job, line.at, line.level, &line.text).await) {
                return;
            }
            self.unwritten.remove(0);
        }
    }

    fn told(&self, written: &Result<(), Fault>) -> bool {
        if let Err(fault) = written {
            tracing::warn!(key = %self.ticket.key, "the progress of a job could not be written: {fault}");
        }
        written.is_ok()
    }

    /// Writes down the end.
    pub async fn end(mut self, verdict: Verdict) -> JobEnd {
        let Verdict { outcome, state, cause, failed, asks_owner } = verdict;
        match (outcome, &cause) {
            (Outcome::Failed, Some(cause)) => self.board.say(Level::Error, cause.clone()),
            (Outcome::Partial, Some(cause)) => self.board.say(Level::Warn, cause.clone()),
            (Outcome::Failed | Outcome::Partial | Outcome::Succeeded | Outcome::Cancelled, _) => {}
        }
        self.save().await;
        let ended = Timestamp::now();
        self.end_job(ended, outcome, cause.as_deref()).await;
        self.board.end(outcome);
        self.count(outcome, ended);
        match state {
            Some(state) if !self.ticket.stop.is_cancelled() => self.states.ended(state, cause).await,
            Some(_) | None => self.states.waiting(None).await,
        }
        let mut enrolled = self.enrolled.clone();
        enrolled.state = self.states.now().await;
        enrolled.last_job_ended = Some(ended);
        let how = match (outcome, failed) {
            (Outcome::Cancelled, _) => How::Stopped,
            (_, true) => How::Failed { asks_owner },
            (_, false) => How::Well,
        };
        JobEnd { enrolled: Some(enrolled), how, ended }
    }

    /// A job that is not ended in the store looks as if it ran, so this is tried until it works or nobody has patience.
    async fn end_job(&self, ended: Timestamp, outcome: Outcome, cause: Option<&str>) {
        let (tenant, job) = (&self.ticket.key.tenant, self.board.job());
        let mut steps = self.shared.config.retry.iter();
        while !self.told(&self.shared.ledger.end_job(tenant, job, ended, outcome, cause).await) {
            let Some(wait) = steps.next() else { return };
            tokio::select! {
                () = self.ticket.kill.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn count(&self, outcome: Outcome, ended: Timestamp) {
        let connector = self.enrolled.connector.as_str();
        metrics::JOBS_TOTAL.with_label_values(&[connector, outcome.as_str()]).inc();
        if outcome == Outcome::Succeeded {
            metrics::LAST_SUCCESS_TIMESTAMP_SECONDS.with_label_values(&[connector]).set(ended.as_second());
        }
    }
}
