//! Everything that moves: the clock, the changes, the keys, the faults and what was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::mpsc::Sender,
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{
    dice::Dice,
    faults::{FaultKind, Faults},
    hooks::{self, Happened, Message},
    limits::{Allowance, RateLimit, Window},
    timeline::{Row, Timeline},
    words::{Provider, Stream},
    world::{CLOCK_START_MS, World},
};

/// So many changes in a row share a timestamp.
const TIE: u64 = 5;
/// So many requests are remembered; all are counted.
const REMEMBERED: usize = 10_000;

/// How many changes to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Advance {
    /// How many records change.
    pub updates: u64,
    /// How many records go.
    pub deletes: u64,
    /// How many records come.
    pub creates: u64,
    /// Only in this stream; in all by their size, if absent.
    pub stream: Option<Stream>,
}

/// How many changes were made; fewer than asked if there was nothing left to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applied {
    /// How many records changed.
    pub updates: u64,
    /// How many records went.
    pub deletes: u64,
    /// How many records came.
    pub creates: u64,
    /// The sandbox's clock afterwards, in milliseconds.
    pub now_ms: i64,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenRequest {
    /// Its number, from 1.
    pub number: u64,
    /// Whom it asked.
    pub provider: Provider,
    /// What it asked for.
    pub stream: Option<Stream>,
    /// Path and query. Credentials are headers here, so none are in it.
    pub target: String,
    /// The answer's status.
    pub status: u16,
    /// How many records were in the answer.
    pub records: u64,
}

/// What is done about a request before its page is written.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub authorized: bool,
    pub faults: Vec<FaultKind>,
    pub allowance: Option<Allowance>,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Update,
    Delete,
    Create,
}

/// The state of a running sandbox.
#[derive(Debug)]
pub(crate) struct State {
    pub world: World,
    pub faults: Faults,
    pub changes_per_s: u32,
    timelines: BTreeMap<Stream, Timeline>,
    now_ms: i64,
    changes: u64,
    self_made: u64,
    running_since: Instant,
    rate_limit: Option<RateLimit>,
    windows: BTreeMap<Provider, Window>,
    keys: BTreeMap<Provider, Key>,
    asked: u64,
    records: u64,
    seen: VecDeque<SeenRequest>,
    hooks: Option<Sender<Message>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Key {
    generation: u32,
    expired: bool,
}

impl State {
    pub(crate) fn new(world: World, rate_limit: Option<RateLimit>, changes_per_s: u32) -> Self {
        Self {
            world,
            faults: Faults::default(),
            changes_per_s,
            timelines: Stream::ALL.into_iter().map(|stream| (stream, Timeline::new(world, stream))).collect(),
            now_ms: CLOCK_START_MS,
            changes: 0,
            self_made: 0,
            running_since: Instant::now(),
            rate_limit,
            windows: BTreeMap::new(),
            keys: BTreeMap::new(),
            asked: 0,
            records: 0,
            seen: VecDeque::new(),
            hooks: None,
        }
    }

    /// The records of a stream.
    pub(crate) fn timeline(&self, stream: Stream) -> Option<&Timeline> {
        self.timelines.get(&stream)
    }

    /// The sandbox's clock.
    pub(crate) const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Makes changes. All of one call are seen together or not at all, and are newer than those of every call before.
    pub(crate) fn advance(&mut self, wanted: Advance) -> Applied {
        let mut applied = Applied::default();
        let mut made = 0;
        let kinds = [(Change::Update, wanted.updates), (Change::Delete, wanted.deletes), (Change::Create, wanted.creates)];
        for (kind, count) in kinds {
            for _ in 0..count {
                if made % TIE == 0 {
                    self.now_ms += 1000;
                }
                made += 1;
                let done = u64::from(self.change(kind, wanted.stream));
                match kind {
                    Change::Update => applied.updates += done,
                    Change::Delete => applied.deletes += done,
                    Change::Create => applied.creates += done,
                }
            }
        }
        applied.now_ms = self.now_ms;
        applied
    }

    fn change(&mut self, kind: Change, stream: Option<Stream>) -> bool {
        let mut dice = Dice::of(&[self.world.seed(), 4242, self.changes]);
        self.changes += 1;
        let stream = stream.unwrap_or_else(|| by_size(&mut dice));
        let fixed = stream == Stream::CrmDealNotes;
        let Some(timeline) = self.timelines.get_mut(&stream).filter(|_| !fixed) else { return false };
        if matches!(kind, Change::Create) {
            timeline.create(self.now_ms);
            let row = timeline.row(timeline.ever() - 1);
            self.tell(stream, &row, Happened::Created);
            return true;
        }
        let deleted = matches!(kind, Change::Delete);
        let start = dice.below(timeline.ever());
        let mut candidates = (start..timeline.ever()).chain(0..start);
        let live = candidates.find(|index| !timeline.row(*index).deleted);
        let Some(index) = live.filter(|index| timeline.touch(*index, self.now_ms, deleted)) else { return false };
        let row = timeline.row(index);
        self.tell(stream, &row, if deleted { Happened::Deleted } else { Happened::Updated });
        true
    }

    /// Sends webhooks of the payment service to this address from now on. False if they cannot be.
    pub(crate) fn send_hooks(&mut self, url: &str, secret: &str) -> bool {
        self.hooks = hooks::start(url, secret);
        self.hooks.is_some()
    }

    fn tell(&self, stream: Stream, row: &Row, happened: Happened) {
        let Some(hooks) = &self.hooks else { return };
        if let Some(message) = Message::of(self.changes, &self.world, stream, row, happened) {
            // Whoever sent them has ended; nobody hears of changes then.
            hooks.send(message).ok();
        }
    }

    /// Makes the changes that are due by themselves.
    pub(crate) fn live(&mut self, now: Instant) {
        if self.changes_per_s == 0 {
            return;
        }
        let due = now.duration_since(self.running_since).as_millis().saturating_mul(u128::from(self.changes_per_s)) / 1000;
        let due = u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.self_made);
        if due == 0 {
            return;
        }
        self.self_made += due;
        let deletes = due / 10;
        let creates = due / 5;
        self.advance(Advance { updates: due - deletes - creates, deletes, creates, stream: None });
    }

    /// Starts to change by itself, from now on.
    pub(crate) fn change_by_itself(&mut self, per_s: u32, now: Instant) {
        self.changes_per_s = per_s;
        self.running_since = now;
        self.self_made = 0;
    }

    /// Decides about a request.
    pub(crate) fn judge(&mut self, stream: Stream, given: Option<&str>, now: Instant) -> Verdict {
        self.live(now);
        let provider = stream.provider();
        let window = self.windows.entry(provider).or_default();
        let allowance = self.rate_limit.map(|limit| window.take(limit, now));
        self.asked += 1;
        let throttled = allowance.is_some_and(|allowance| !allowance.allowed);
        let known = given == Some(self.key(provider).as_str()) && !self.keys.get(&provider).is_some_and(|key| key.expired);
        // A request that is refused anyway uses up no fault.
        if throttled || !known {
            return Verdict { authorized: known, faults: Vec::new(), allowance };
        }
        let mut dice = Dice::of(&[self.world.seed(), 1717, self.asked]);
        let faults = self.faults.strike(stream, &mut dice);
        let expires = faults.contains(&FaultKind::ExpiredKey);
        if expires {
            self.keys.entry(provider).or_default().expired = true;
        }
        Verdict { authorized: !expires, faults, allowance }
    }

    /// The key that the provider accepts now.
    pub(crate) fn key(&self, provider: Provider) -> String {
        let generation = self.keys.get(&provider).copied().unwrap_or_default().generation;
        let suffix = if generation == 0 { String::new() } else { format!("-{}", generation + 1) };
        format!("sandbox-{}-key{suffix}", provider.name())
    }

    /// Accepts a key again: the same or, if it is to be replaced, another one.
    pub(crate) fn renew(&mut self, provider: Provider, replace: bool) -> String {
        let key = self.keys.entry(provider).or_default();
        key.expired = false;
        key.generation += u32::from(replace);
        self.key(provider)
    }

    /// Remembers a request.
    pub(crate) fn remember(&mut self, mut request: SeenRequest) {
        request.number = self.asked;
        self.records += request.records;
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(request);
    }

    /// The latest requests, how many there were in all, and how many records they got.
    pub(crate) fn seen(&self) -> (Vec<SeenRequest>, u64, u64) {
        (self.seen.iter().cloned().collect(), self.asked, self.records)
    }

    /// Forgets the requests.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
        self.asked = 0;
        self.records = 0;
    }
}

fn by_size(dice: &mut Dice) -> Stream {
    let mut at = dice.below(1000);
    for stream in Stream::GROWING {
        match at.checked_sub(stream.share()) {
            Some(rest) => at = rest,
            None => return stream,
        }
    }
    Stream::ShopOrders
}
