//! What templates may look at.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

/// What a template may look at, by name; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    names: Vec<(&'static str, Arc<Value>)>,
    now: Option<Timestamp>,
    is_still: bool,
}

impl Scope {
    /// Nothing to look at.
    pub fn new() -> Self {
        Self::default()
    }

    /// The moment that `now_utc()` names; without one it is the moment at which a template is asked.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// The moment that `now_utc()` names.
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// The same where the clock stands still.
    #[must_use]
    pub fn still(mut self, is_still: bool) -> Self {
        self.is_still = is_still;
        self
    }

    /// The moment at which this is asked: the job's own where the clock stands still, or else the real one.
    pub fn clock(&self) -> Timestamp {
        if self.is_still { self.now() } else { Timestamp::now() }
    }

    /// This scope without a name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.names.retain(|(known, _)| *known != name);
        self
    }

    /// This scope and one name more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Arc<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Gives a name its value, instead of the one that it had.
    pub fn set(&mut self, name: &'static str, value: Arc<Value>) {
        match self.names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.names.push((name, value)),
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<Arc<Value>> {
        self.look(name).cloned()
    }

    /// The value of a name; `stream_interval` and `stream_partition` are other names of the slice.
    pub(super) fn look(&self, name: &str) -> Option<&Arc<Value>> {
        let name = match name {
            "stream_interval" | "stream_partition" => "stream_slice",
            other => other,
        };
        self.names.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether there is such a name; the settings and the parameters are everywhere.
    pub(super) fn knows(&self, name: &str) -> bool {
        matches!(name, "config" | "parameters") || self.look(name).is_some()
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'static str, &Arc<Value>)> {
        self.names.iter().map(|(name, value)| (*name, value))
    }
}
