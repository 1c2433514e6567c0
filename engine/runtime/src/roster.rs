//! Which integrations are ours, when each is due, and who of them runs. A plain value: it decides, and the root acts. An idle
//! integration is a seat and an entry in the order of due times, and nothing else.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use syncline_model::{
    ConnectorName, JobId, State,
    ledger::{Enrolled, Trigger},
    schedule::Schedule,
};

use crate::{
    job::{How, JobEnd},
    lanes::{Key, Lane, Lanes},
    metrics,
    retry::{Steps, jitter},
    schedule::{Health, first_due, next_due, until},
};

/// An integration of ours.
pub struct Seat {
    connector: ConnectorName,
    state: State,
    schedule: Schedule,
    health: Health,
    due: Option<Timestamp>,
}

/// Something that is to run as soon as there is a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What set it off.
    pub trigger: Trigger,
    /// The job's id, where it has begun.
    pub job: Option<JobId>,
    /// Since when.
    pub since: Timestamp,
}

/// Which integrations are ours, and who of them runs.
pub struct Roster {
    seats: HashMap<Key, Seat>,
    due: BTreeSet<(Timestamp, Key)>,
    wanted: HashMap<Key, Wanted>,
    /// Who runs.
    pub lanes: Lanes,
    probe: Steps,
    spread: Duration,
    /// When somebody was last taken in. What was due before that could not be known of.
    taken_in: Timestamp,
}

impl Roster {
    /// Nobody yet.
    pub fn new(places: usize, probe: Steps, spread: Duration) -> Self {
        let (seats, due, wanted) = (HashMap::new(), BTreeSet::new(), HashMap::new());
        Self { seats, due, wanted, lanes: Lanes::new(places), probe, spread, taken_in: Timestamp::MIN }
    }

    /// Takes in an integration after a start, or from another node: what was missed is caught up, spread over a while or in its order.
    /// One that may have missed something meanwhile is read whatever its schedule says.
    pub fn seat_at_start(&mut self, enrolled: Enrolled, now: Timestamp, missed: bool) {
        let key = key_of(&enrolled);
        if self.seats.contains_key(&key) {
            return;
        }
        let due = match Self::due_of(&enrolled, now, self.spread) {
            due if missed && enrolled.state == State::Live => due.into_iter().chain([later(now, jitter(self.spread))]).min(),
            due => due,
        };
        self.taken_in = now;
        self.put(key, enrolled, Health::default(), due);
    }

    /// Takes in an integration that is new or was changed: what is to be tried is tried now.
    pub fn seat_anew(&mut self, enrolled: Enrolled, now: Timestamp) {
        let key = key_of(&enrolled);
        let due = Self::due_of(&enrolled, now, Duration::ZERO);
        self.put(key, enrolled, Health::default(), due);
    }

    /// It is not ours any more. Returns what was wanted of it and will not happen.
    pub fn unseat(&mut self, key: &Key) -> Option<Wanted> {
        if let Some(seat) = self.seats.remove(key) {
            count(&seat, -1);
            self.forget_due(key, seat.due);
        }
        self.lanes.leave(key);
        self.wanted.remove(key)
    }

    /// The keys of all seats for which this holds.
    pub fn keys(&self, holds: impl Fn(&Key) -> bool) -> Vec<Key> {
        self.seats.keys().filter(|key| holds(key)).cloned().collect()
    }

    /// It is ours.
    pub fn has(&self, key: &Key) -> bool {
        self.seats.contains_key(key)
    }

    /// How many are ours.
    pub fn count(&self) -> usize {
        self.seats.len()
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The clock was set back by so much: whoever waits for an interval waits no longer for that. What the calendar says stays.
    pub fn set_back(&mut self, by: Duration) {
        self.due.clear();
        for (key, seat) in &mut self.seats {
            let by_calendar = matches!(seat.schedule, Schedule::Cron(_)) && seat.health.failures == 0;
            if !by_calendar {
                seat.due = seat.due.map(|due| earlier(due, by));
            }
            self.due.extend(seat.due.map(|due| (due, key.clone())));
        }
        self.wanted.values_mut().for_each(|wanted| wanted.since = earlier(wanted.since, by));
        self.taken_in = earlier(self.taken_in, by);
    }

    /// Moves whoever is due into its lane.
    pub fn wake(&mut self, now: Timestamp) {
        while let Some((due, key)) = self.due.first().cloned() {
            if due > now {
                return;
            }
            self.due.pop_first();
            metrics::SCHEDULER_LAG_SECONDS.observe(metrics::seconds(until(now, due.max(self.taken_in))));
            let Some(seat) = self.seats.get_mut(&key) else { continue };
            seat.due = None;
            let trigger = if seat.health.failures > 0 { Trigger::Probe } else { Trigger::Schedule };
            let lane = lane_of(seat.state);
            self.want(key, lane, Wanted { trigger, job: None, since: now });
        }
    }

    /// Somebody asks for it now.
    pub fn ask(&mut self, key: Key, job: JobId, now: Timestamp) {
        if let Some(seat) = self.seats.get_mut(&key) {
            let due = seat.due.take();
            self.forget_due(&key, due);
        }
        self.wanted.remove(&key);
        self.want(key, Lane::Manual, Wanted { trigger: Trigger::Manual, job: Some(job), since: now });
    }

    /// A webhook says that there is something new. False if it is not read now, or all of it is about to be read anyway.
    pub fn notice(&mut self, key: Key, now: Timestamp) -> bool {
        let Some(seat) = self.seats.get(&key) else { return false };
        let is_coming = seat.due.is_some_and(|due| due <= now) || lane_of(seat.state) == Lane::Backfill;
        if is_coming && !self.lanes.holds(&key) {
            return false;
        }
        self.want(key, Lane::Manual, Wanted { trigger: Trigger::Webhook, job: None, since: now });
        true
    }

    /// The job that somebody who asks gets to see, because it was asked for already and waits.
    pub fn asked_job(&self, key: &Key) -> Option<JobId> {
        self.wanted.get(key).and_then(|wanted| wanted.job)
    }

    /// A job that was interrupted by its need to wait wants its place again.
    pub fn want_back(&mut self, key: Key) {
        let lane = self.seats.get(&key).map_or(Lane::Live, |seat| lane_of(seat.state));
        self.lanes.enter(key, lane);
    }

    /// What was about to begin comes when the run that has its place has ended.
    pub fn want_after(&mut self, key: Key, wanted: Wanted) {
        self.wanted.entry(key).or_insert(wanted);
    }

    /// Who gets a place now; without [`Wanted`] it is a running job that gets its place back.
    pub fn grant(&mut self, now: Timestamp) -> Option<(Key, Option<Wanted>)> {
        let (key, _) = self.lanes.grant()?;
        let wanted = self.wanted.remove(&key);
        if let Some(wanted) = &wanted {
            metrics::QUEUE_WAIT_SECONDS.observe(metrics::seconds(until(now, wanted.since)));
        }
        Some((key, wanted))
    }

    /// A job ended: when does the next one come?
    /// One that read only some streams does not put off the next that reads all.
    pub fn ended(&mut self, key: &Key, end: JobEnd, targeted: bool, now: Timestamp) {
        self.lanes.leave(key);
        let failed = match end.how {
            How::Gone => {
                self.unseat(key);
                return;
            }
            How::Failed { asks_owner } => Some(asks_owner),
            How::Well | How::Stopped => None,
        };
        let Some(seat) = self.seats.get_mut(key) else { return };
        if let Some(enrolled) = end.enrolled {
            count(seat, -1);
            (seat.state, seat.schedule, seat.connector) = (enrolled.state, enrolled.schedule, enrolled.connector);
            count(seat, 1);
        }
        seat.health = match failed {
            Some(asks_owner) => Health { failures: seat.health.failures.saturating_add(1), asks_owner },
            None => Health::default(),
        };
        let due = match (seat.state.is_active(), end.how == How::Stopped) {
            (false, _) => None,
            (true, true) => Some(now),
            (true, false) => next_due(&seat.schedule, end.ended.min(now), seat.health, self.probe),
        };
        // Somebody may have asked for it while it ran.
        if self.wanted.contains_key(key) {
            return self.lanes.enter(key.clone(), Lane::Manual);
        }
        let before = seat.due.take();
        let due = if targeted && failed.is_none() && due.is_some() { before.or(due) } else { due };
        seat.due = due;
        self.forget_due(key, before);
        self.due.extend(due.map(|due| (due, key.clone())));
    }

    /// What was being done when it was last seen is gone on with, and what did not work is tried, also where nobody set a schedule.
    fn due_of(enrolled: &Enrolled, now: Timestamp, spread: Duration) -> Option<Timestamp> {
        match enrolled.state {
            State::Testing | State::Backfilling | State::Waiting | State::Degraded => Some(later(now, jitter(spread))),
            State::Live => first_due(&enrolled.schedule, enrolled.last_job_ended, now, spread),
            State::Draft | State::Authorizing | State::ReauthRequired | State::Paused | State::Deleted => None,
        }
    }

    fn want(&mut self, key: Key, lane: Lane, wanted: Wanted) {
        // What reads everything also reads what a webhook spoke of.
        if self.wanted.get(&key).is_some_and(|waiting| waiting.trigger == Trigger::Webhook) {
            self.wanted.remove(&key);
        }
        self.wanted.entry(key.clone()).or_insert(wanted);
        self.lanes.enter(key, lane);
    }

    fn put(&mut self, key: Key, enrolled: Enrolled, health: Health, due: Option<Timestamp>) {
        let Enrolled { connector, state, schedule, .. } = enrolled;
        let busy = self.lanes.holds(&key);
        let due = if busy { None } else { due };
        let seat = Seat { connector, state, schedule, health, due };
        count(&seat, 1);
        if let Some(before) = self.seats.insert(key.clone(), seat) {
            count(&before, -1);
            self.forget_due(&key, before.due);
        }
        self.due.extend(due.map(|due| (due, key)));
    }

    fn forget_due(&mut self, key: &Key, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.due.remove(&(due, key.clone()));
        }
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.seats.values().for_each(|seat| count(seat, -1));
    }
}

/// The key of an integration.
pub fn key_of(enrolled: &Enrolled) -> Key {
    Key { tenant: enrolled.tenant.clone(), integration: enrolled.integration.clone() }
}

fn lane_of(state: State) -> Lane {
    match state {
        State::Testing | State::Backfilling => Lane::Backfill,
        State::Draft
        | State::Authorizing
        | State::Live
        | State::Waiting
        | State::Degraded
        | State::ReauthRequired
        | State::Paused
        | State::Deleted => Lane::Live,
    }
}

fn count(seat: &Seat, by: i64) {
    metrics::INTEGRATIONS.with_label_values(&[seat.state.as_str()]).add(by);
}

fn earlier(from: Timestamp, by: Duration) -> Timestamp {
    let by = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
    from.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn later(from: Timestamp, by: Duration) -> Timestamp {
    let by = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
