//! How a job ended, and what that says about its integration.

use jiff::Timestamp;
use syncline_model::{
    Fault, Remedy, State, StreamName,
    ledger::{Enrolled, Level, Outcome, StreamProgress},
};

use super::{Plan, Shared, Ticket, begin, scribe::Scribe};
use crate::pump::StreamEnd;

/// What a job's work came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How the job ended.
    pub outcome: Outcome,
    /// Where the integration is now; `None` leaves it where it was.
    pub state: Option<State>,
    /// What the owner should know.
    pub cause: Option<String>,
    /// It has to be tried again.
    pub failed: bool,
    /// Trying again does not help before the owner did something.
    pub asks_owner: bool,
}

/// How a job ended, for whoever decides when the next one comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// The integration as it is now; `None` if there is none any more, or nothing could be learned about it.
    pub enrolled: Option<Enrolled>,
    /// How.
    pub how: How,
    /// When.
    pub ended: Timestamp,
}

/// How a job ended, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The next one comes when its time comes.
    Well,
    /// It has to be tried again.
    Failed {
        /// Trying again does not help before the owner did something.
        asks_owner: bool,
    },
    /// It was stopped before its end, so that the next one should come soon.
    Stopped,
    /// The integration does not exist any more.
    Gone,
}

impl JobEnd {
    pub(super) fn gone() -> Self {
        Self::of(None, How::Gone)
    }

    pub(super) fn not_begun(fault: &Fault) -> Self {
        tracing::warn!("a job could not begin: {fault}");
        Self::lost()
    }

    pub(super) fn resting(enrolled: Enrolled) -> Self {
        Self::of(Some(enrolled), How::Well)
    }

    pub(super) fn of(enrolled: Option<Enrolled>, how: How) -> Self {
        Self { enrolled, how, ended: Timestamp::now() }
    }

    /// Nobody knows how it ended: it has to be tried again.
    pub fn lost() -> Self {
        Self::of(None, How::Failed { asks_owner: false })
    }
}

impl Verdict {
    /// Of a job that met this fault before it came to its streams.
    pub fn of_fault(fault: &Fault) -> Self {
        let (state, asks_owner) = match fault.remedy() {
            Remedy::Stop => return Self { outcome: Outcome::Cancelled, state: None, cause: None, failed: false, asks_owner: false },
            Remedy::Reauthorize(_) => (State::ReauthRequired, true),
            Remedy::AskOwner(_) => (State::Degraded, true),
            Remedy::Retry(_) | Remedy::SkipRecord(_) => (State::Degraded, false),
        };
        Self { outcome: Outcome::Failed, state: Some(state), cause: Some(fault.to_string()), failed: true, asks_owner }
    }

    /// Of a job whose streams ended so.
    pub fn of_streams(plan: &Plan, ends: &[(StreamName, StreamEnd, u64)], progress: &[StreamProgress]) -> Self {
        let stopped = ends.iter().any(|(_, end, _)| *end == StreamEnd::Failed(Fault::Stopped));
        if stopped {
            return Self::of_fault(&Fault::Stopped);
        }
        let failures: Vec<(&StreamName, Self)> = ends.iter().filter_map(|(name, end, _)| Some((name, of_stream(end)?))).collect();
        let asks = ends.iter().filter_map(|(name, end, _)| match end {
            StreamEnd::Read { asks } => asks.as_ref().map(|asks| format!("`{name}` {asks}")),
            StreamEnd::Failed(_) | StreamEnd::Quarantined(_) => None,
        });
        let quarantined: u64 = progress.iter().map(|stream| stream.quarantined).sum();
        let skipped: u64 = ends.iter().map(|(_, _, skipped)| skipped).sum();
        let mut causes: Vec<String> =
            failures.iter().map(|(name, failed)| format!("`{name}`: {}", failed.cause.as_deref().unwrap_or("failed"))).collect();
        causes.extend(asks);
        let works = causes.is_empty();
        causes.extend(plan.left_out.iter().cloned());
        causes.extend((quarantined > 0).then(|| format!("{quarantined} records are in quarantine")));
        causes.extend((skipped > 0).then(|| format!("the connector left something out {skipped} times")));
        let reauthorize = failures.iter().any(|(_, failed)| failed.state == Some(State::ReauthRequired));
        let state = match (works, reauthorize) {
            (_, true) => State::ReauthRequired,
            (false, false) => State::Degraded,
            (true, false) => State::Live,
        };
        let nothing_read = ends.len() == failures.len() && (!failures.is_empty() || !plan.left_out.is_empty());
        let outcome = match (causes.is_empty(), nothing_read) {
            (true, _) => Outcome::Succeeded,
            (false, true) => Outcome::Failed,
            (false, false) => Outcome::Partial,
        };
        Self {
            outcome,
            state: Some(state),
            cause: (!causes.is_empty()).then(|| causes.join("; ")),
            failed: !failures.is_empty(),
            asks_owner: !failures.is_empty() && failures.iter().all(|(_, failed)| failed.asks_owner),
        }
    }
}

/// What the end of a stream that did not work says about its job.
fn of_stream(end: &StreamEnd) -> Option<Verdict> {
    match end {
        StreamEnd::Read { .. } => None,
        StreamEnd::Failed(fault) => Some(Verdict::of_fault(fault)),
        StreamEnd::Quarantined(cause) => Some(died(cause.clone())),
    }
}

fn died(cause: String) -> Verdict {
    Verdict { outcome: Outcome::Failed, state: Some(State::Degraded), cause: Some(cause), failed: true, asks_owner: true }
}

/// Ends a job whose run died too often. It is looked at again from time to time.
pub async fn give_up(shared: &Shared, ticket: &Ticket, deaths: u32) -> JobEnd {
    let cause =
        format!("the run of `{}` panicked {deaths} times in a row and is in quarantine until the next probe", ticket.key.integration);
    let known = shared.ledger.integration(&ticket.key.tenant, &ticket.key.integration).await;
    let Ok(Some(enrolled)) = known else { return JobEnd::of(None, How::Failed { asks_owner: true }) };
    let Ok(board) = begin(shared, ticket).await else { return JobEnd::of(None, How::Failed { asks_owner: true }) };
    board.say(Level::Error, cause.clone());
    Scribe::new(shared, ticket, board.clone(), enrolled).end(died(cause)).await
}

/// Ends a job whose run was ended before it could do so itself.
pub async fn cut_off(shared: &Shared, ticket: &Ticket) -> JobEnd {
    if let Some(board) = ticket.board.get() {
        let (job, cause) = (board.job(), Some("it did not end in time and was cut off"));
        let ended = shared.ledger.end_job(&ticket.key.tenant, job, Timestamp::now(), Outcome::Cancelled, cause).await;
        if let Err(fault) = ended {
            tracing::warn!(key = %ticket.key, "the end of a job could not be written: {fault}");
        }
        board.end(Outcome::Cancelled);
    }
    JobEnd::of(None, How::Stopped)
}
