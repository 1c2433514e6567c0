//! Who may run next. Three lanes, the more urgent first; within a lane the tenants take turns, so that one with a thousand
//! integrations does not keep the others waiting. A plain value: it decides, and others act.

use std::collections::{HashMap, HashSet, VecDeque};

use syncline_model::{IntegrationId, TenantId};

/// Names one integration among those of all tenants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which it is.
    pub integration: IntegrationId,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.tenant, self.integration)
    }
}

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody waits for it.
    Manual,
    /// It keeps an integration up to date.
    Live,
    /// It reads history.
    Backfill,
}

const LANES: [Lane; 3] = [Lane::Manual, Lane::Live, Lane::Backfill];
/// Each so many grants the least urgent lane comes first, so that no lane waits for ever.
const TURN_OF_THE_LAST: u64 = 8;

/// The places and who waits for them.
pub struct Lanes {
    places: usize,
    running: HashMap<Key, Lane>,
    yielding: HashSet<Key>,
    waiting: HashMap<Key, Lane>,
    turns: HashMap<Lane, Turns>,
    grants: u64,
}

#[derive(Default)]
struct Turns {
    tenants: VecDeque<TenantId>,
    integrations: HashMap<TenantId, VecDeque<IntegrationId>>,
}

impl Lanes {
    /// So many places, all free.
    pub fn new(places: usize) -> Self {
        Self {
            places: places.max(1),
            running: HashMap::new(),
            yielding: HashSet::new(),
            waiting: HashMap::new(),
            turns: HashMap::new(),
            grants: 0,
        }
    }

    /// Waits in a lane. Whoever waits already moves only to a more urgent one; whoever runs stays.
    pub fn enter(&mut self, key: Key, lane: Lane) {
        if self.running.contains_key(&key) || self.waiting.get(&key).is_some_and(|&now| now <= lane) {
            return;
        }
        self.forget_turn(&key);
        let turns = self.turns.entry(lane).or_default();
        let own = turns.integrations.entry(key.tenant.clone()).or_default();
        if own.is_empty() {
            turns.tenants.push_back(key.tenant.clone());
        }
        own.push_back(key.integration.clone());
        self.waiting.insert(key, lane);
    }

    /// Gives up its place, or its turn.
    pub fn leave(&mut self, key: &Key) {
        self.running.remove(key);
        self.yielding.remove(key);
        self.forget_turn(key);
    }

    /// The next one that gets a place, if there is a free one and anybody waits.
    pub fn grant(&mut self) -> Option<(Key, Lane)> {
        if self.running.len() >= self.places {
            return None;
        }
        let last_first = self.grants % TURN_OF_THE_LAST == TURN_OF_THE_LAST - 1;
        let mut order = LANES;
        if last_first {
            order.reverse();
        }
        let (key, lane) = order.into_iter().find_map(|lane| Some((self.turns.get_mut(&lane)?.next()?, lane)))?;
        self.grants += 1;
        self.waiting.remove(&key);
        self.running.insert(key.clone(), lane);
        Some((key, lane))
    }

    /// Backfills that should give up their places at the end of their page, because something more urgent waits.
    pub fn should_yield(&mut self) -> Vec<Key> {
        let urgent = self.waiting.values().filter(|&&lane| lane < Lane::Backfill).count();
        let free = self.places.saturating_sub(self.running.len());
        let wanted = urgent.saturating_sub(free + self.yielding.len());
        let backfills = self.running.iter().filter(|(key, lane)| **lane == Lane::Backfill && !self.yielding.contains(*key));
        let chosen: Vec<Key> = backfills.map(|(key, _)| key.clone()).take(wanted).collect();
        self.yielding.extend(chosen.iter().cloned());
        chosen
    }

    /// How many wait.
    pub fn queued(&self) -> usize {
        self.waiting.len()
    }

    /// It runs or waits.
    pub fn holds(&self, key: &Key) -> bool {
        self.running.contains_key(key) || self.waiting.contains_key(key)
    }

    fn forget_turn(&mut self, key: &Key) {
        let Some(lane) = self.waiting.remove(key) else { return };
        if let Some(turns) = self.turns.get_mut(&lane) {
            turns.forget(key);
        }
    }
}

impl Turns {
    fn next(&mut self) -> Option<Key> {
        let tenant = self.tenants.pop_front()?;
        let own = self.integrations.get_mut(&tenant)?;
        let integration = own.pop_front()?;
        if own.is_empty() {
            self.integrations.remove(&tenant);
        } else {
            self.tenants.push_back(tenant.clone());
        }
        Some(Key { tenant, integration })
    }

    fn forget(&mut self, key: &Key) {
        let Some(own) = self.integrations.get_mut(&key.tenant) else { return };
        own.retain(|integration| *integration != key.integration);
        if own.is_empty() {
            self.integrations.remove(&key.tenant);
            self.tenants.retain(|tenant| *tenant != key.tenant);
        }
    }
}

#[cfg(test)]
mod tests;
