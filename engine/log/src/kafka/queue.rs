//! The steps of one shard that wait for a transaction. Transactions run side by side in lanes, each with a producer of its own; steps
//! that touch the same stream, the inbox or deliveries never lie in two of them at once, and keep their order, so that no lane needs
//! to know how another one ends. What comes while lanes are busy shares the next transaction.

mod batch;
mod waiting;

use std::{
    collections::{HashSet, VecDeque},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use syncline_model::{LogFault, TenantId};
use tokio::sync::oneshot;

use crate::embedded::locked;

use batch::Batch;
pub use waiting::{Waiting, room, room_for};

/// Transactions that follow each other this closely, this many times, keep a lane busy.
const CLOSE: Duration = Duration::from_millis(5);
const PRESSED: u32 = 8;
const LATER: Duration = Duration::from_secs(1);
/// By then brokers have forgotten a transaction, and the first lane can do the next one too.
const RESTED: Duration = Duration::from_millis(20);
/// A lane that could not be opened is not tried again for so long.
const REFUSED: Duration = Duration::from_secs(60);

pub type Reply = oneshot::Sender<Result<(), LogFault>>;

/// What a lane is to do next.
pub enum Turn {
    /// Write these, and say so with [`Queue::done`].
    Write(Vec<Waiting>),
    /// Forget a tenant, while no other lane writes; end with [`Queue::done`].
    Purge(TenantId, Reply),
    /// Look after what is old, while no other lane writes; end with [`Queue::done`].
    Tidy,
    /// Make it known that there is another lane; end with [`Queue::done`].
    Announce(std::sync::mpsc::Sender<bool>),
    /// One lane more is wanted: this one.
    Widen(usize),
    /// The shard is lost, or this lane is wanted no more.
    End,
}

/// What waits for the lanes of one shard.
pub struct Queue {
    state: Mutex<State>,
    came: Condvar,
    batch: Duration,
    lanes_max: usize,
}

#[derive(Default)]
struct State {
    closed: bool,
    waiting: VecDeque<Waiting>,
    /// What the first lane does while no other one writes.
    to_do_alone: VecDeque<Turn>,
    announcing: Option<std::sync::mpsc::Sender<bool>>,
    /// Lanes that have nothing to do. The one that rests longest is next, because the brokers have forgotten its last transaction.
    resting: VecDeque<usize>,
    /// Lanes at work, and what they touch.
    at_work: usize,
    touched: HashSet<u64>,
    steps_at_work: usize,
    /// Someone works who must be alone.
    alone: bool,
    came_first: Option<Instant>,
    came_last: Option<Instant>,
    /// How many steps waited or were at work at the same time lately: when they all do so again, nobody else is to be expected.
    speakers: usize,
    ended: Option<Instant>,
    pressed: u32,
    /// How many lanes there are, and whether the last of them is still being opened.
    lanes: usize,
    opening: bool,
    opens_after: Option<Instant>,
}

impl Queue {
    /// Steps that come within `batch` may share a transaction; at most so many transactions side by side.
    pub fn new(batch: Duration, lanes_max: usize) -> Self {
        Self { state: Mutex::new(State { lanes: 1, ..State::default() }), came: Condvar::new(), batch, lanes_max }
    }

    /// A step waits from now on. False if the shard is lost.
    pub fn push(&self, waiting: Waiting) -> bool {
        let mut state = locked(&self.state);
        if state.closed {
            return false;
        }
        let now = Instant::now();
        state.came_first.get_or_insert(now);
        state.came_last = Some(now);
        state.waiting.push_back(waiting);
        state.speakers = state.speakers.max(state.waiting.len() + state.steps_at_work);
        self.came.notify_all();
        true
    }

    /// A tenant is to be forgotten. False if the shard is lost.
    pub fn purge(&self, tenant: TenantId, reply: Reply) -> bool {
        let mut state = locked(&self.state);
        if !state.closed {
            state.to_do_alone.push_back(Turn::Purge(tenant, reply));
            self.came.notify_all();
        }
        !state.closed
    }

    /// A new lane must be made known before it is used. Says whether it is.
    pub fn announce(&self) -> bool {
        let (reply, answer) = std::sync::mpsc::channel();
        {
            let mut state = locked(&self.state);
            if state.closed {
                return false;
            }
            state.announcing = Some(reply);
            self.came.notify_all();
        }
        answer.recv().unwrap_or(false)
    }

    /// Nothing more is begun. What waits is answered by its sender's end.
    pub fn close(&self) {
        let mut state = locked(&self.state);
        state.closed = true;
        state.waiting.clear();
        state.to_do_alone.clear();
        state.announcing = None;
        self.came.notify_all();
    }

    /// A lane begins.
    pub fn enter(&self, lane: usize) {
        let mut state = locked(&self.state);
        state.opening = false;
        state.resting.push_back(lane);
        self.came.notify_all();
    }

    /// How many lanes there are, with one that is being opened.
    pub fn lanes(&self) -> usize {
        locked(&self.state).lanes
    }

    /// The lane that was to be opened could not be.
    pub fn narrow(&self) {
        let mut state = locked(&self.state);
        (state.lanes, state.opening, state.opens_after) = (state.lanes - 1, false, Some(Instant::now() + REFUSED));
    }

    /// What a lane has taken is decided. It rests.
    pub fn done(&self, lane: usize, work: &Work) {
        let mut state = locked(&self.state);
        state.at_work -= 1;
        state.alone = false;
        state.steps_at_work -= work.steps;
        for touched in &work.touched {
            state.touched.remove(touched);
        }
        state.ended = Some(Instant::now());
        state.resting.push_back(lane);
        self.came.notify_all();
    }

    /// Waits for the next work of a lane; `Tidy` or `End` when none came before `until`.
    pub fn turn(&self, lane: usize, until: Instant) -> (Turn, Work) {
        let mut state = locked(&self.state);
        loop {
            if state.closed {
                return (Turn::End, Work::default());
            }
            let now = Instant::now();
            // When it is too late for that, somebody's end wakes us.
            let mut wake = if now < until { until } else { now + LATER };
            if lane == 0 {
                if now >= until && !state.to_do_alone.iter().any(|turn| matches!(turn, Turn::Tidy)) {
                    state.to_do_alone.push_back(Turn::Tidy);
                }
                if let Some(turn) = state.of_first_lane(now, self.lanes_max) {
                    self.came.notify_all();
                    return turn;
                }
            } else if now >= until && lane + 1 == state.lanes && !state.opening {
                state.lanes -= 1;
                state.resting.retain(|resting| *resting != lane);
                return (Turn::End, Work::default());
            }
            let waits = state.batch();
            if state.next(&waits) == Some(lane) && state.may_write(&waits) {
                match state.patience(&waits, now, self.batch) {
                    Some(more) => wake = wake.min(now + more),
                    None => {
                        self.came.notify_all();
                        return state.take(lane, now);
                    }
                }
            }
            state = self.came.wait_timeout(state, wake.saturating_duration_since(now)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What a turn keeps from the others until it is done.
#[derive(Default)]
pub struct Work {
    steps: usize,
    touched: Vec<u64>,
}

impl State {
    /// What only the first lane does.
    fn of_first_lane(&mut self, now: Instant, lanes_max: usize) -> Option<(Turn, Work)> {
        if let Some(reply) = self.announcing.take() {
            return Some(self.begin(Turn::Announce(reply)));
        }
        if self.at_work == 0
            && let Some(turn) = self.to_do_alone.pop_front()
        {
            self.alone = true;
            return Some(self.begin(turn));
        }
        let may_open = !self.opening && self.opens_after.is_none_or(|after| now > after);
        if self.pressed >= PRESSED && self.lanes < lanes_max && may_open {
            (self.lanes, self.opening, self.pressed) = (self.lanes + 1, true, 0);
            return Some((Turn::Widen(self.lanes - 1), Work::default()));
        }
        None
    }

    fn begin(&mut self, turn: Turn) -> (Turn, Work) {
        self.resting.retain(|lane| *lane != 0);
        self.at_work += 1;
        (turn, Work::default())
    }

    /// Which lane is next: the first one where the brokers have had time, so that the others can be closed. Large steps go through it one
    /// transaction after the other: while they are written, brokers end the one before, and another lane would only share our CPU with it.
    fn next(&self, waits: &Batch) -> Option<usize> {
        let first = self.resting.contains(&0).then_some(0);
        if waits.is_for_the_first() || (waits.is_large() && first.is_some()) {
            return first;
        }
        let has_rested = match (self.came_first, self.ended) {
            (Some(came), Some(ended)) => came.saturating_duration_since(ended) > RESTED,
            (None, _) | (_, None) => true,
        };
        first.filter(|_| has_rested).or_else(|| self.resting.front().copied())
    }

    fn may_write(&self, waits: &Batch) -> bool {
        waits.steps > 0 && !self.alone && self.to_do_alone.is_empty()
    }

    /// What could go into a transaction now. What waits for a stream of another lane is no reason to hurry: it cannot go.
    fn batch(&self) -> Batch {
        let (mut batch, mut passed) = (Batch::default(), HashSet::new());
        for waiting in &self.waiting {
            if batch.is_full() {
                break;
            }
            if self.may_take(waiting, &mut passed) {
                batch.add(waiting);
            }
        }
        batch
    }

    /// Nothing that it touches is in another lane, or belongs to what has waited longer and is not taken.
    fn may_take(&self, waiting: &Waiting, passed: &mut HashSet<u64>) -> bool {
        let is_free = waiting.touches.iter().all(|touched| !self.touched.contains(touched) && !passed.contains(touched));
        if !is_free {
            passed.extend(&waiting.touches);
        }
        is_free
    }

    /// How much longer to wait for others. When nobody has anything more to say, waiting would only make everybody slower.
    fn patience(&mut self, waits: &Batch, now: Instant, batch: Duration) -> Option<Duration> {
        // A few beside many at work would only make one transaction more; they go with those that come back.
        let are_worth_it = waits.steps * 2 >= self.steps_at_work;
        let all_have_spoken = are_worth_it && self.waiting.len() + self.steps_at_work >= self.speakers;
        if waits.is_enough() || all_have_spoken {
            return None;
        }
        let until =
            |since: Option<Instant>, wait: Duration| since.map_or(Duration::ZERO, |since| (since + wait).saturating_duration_since(now));
        let left = until(self.came_first, batch).min(until(self.came_last, batch / 10));
        if left.is_zero() {
            // In vain: so many do not come any more.
            self.speakers = self.waiting.len() + self.steps_at_work;
            return None;
        }
        Some(left)
    }

    /// As much of what waits as one transaction takes, in its order.
    fn take(&mut self, lane: usize, now: Instant) -> (Turn, Work) {
        let (mut batch, mut taken, mut left, mut passed) = (Batch::default(), Vec::new(), VecDeque::new(), HashSet::new());
        for waiting in std::mem::take(&mut self.waiting) {
            if batch.is_full() || !self.may_take(&waiting, &mut passed) {
                left.push_back(waiting);
                continue;
            }
            batch.add(&waiting);
            taken.push(waiting);
        }
        self.waiting = left;
        self.came_first = (!self.waiting.is_empty()).then_some(now);
        self.resting.retain(|resting| *resting != lane);
        let is_close = self.at_work > 0 || self.ended.is_some_and(|ended| now.duration_since(ended) < CLOSE);
        self.pressed = match (is_close, batch.is_for_the_first()) {
            (false, _) => 0,
            (true, false) => self.pressed + 1,
            // Another lane would not get it.
            (true, true) => self.pressed,
        };
        let touched: HashSet<u64> = taken.iter().flat_map(|waiting: &Waiting| waiting.touches.iter().copied()).collect();
        self.touched.extend(&touched);
        (self.at_work, self.steps_at_work) = (self.at_work + 1, self.steps_at_work + taken.len());
        let work = Work { steps: taken.len(), touched: touched.into_iter().collect() };
        (Turn::Write(taken), work)
    }
}

#[cfg(test)]
mod tests;
