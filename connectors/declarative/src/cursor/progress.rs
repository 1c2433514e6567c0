//! How far one cursor has come: the intervals that were read, and the state that they make.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Point, Settled, Window};

/// What was read from one place to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Its first place.
    pub start: Point,
    /// Its last place.
    pub end: Point,
    /// The newest record that was seen in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Point>,
}

/// How far one cursor has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where this reading begins.
    pub from: Point,
    /// What else stood in the state.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    others: Map<String, Value>,
    intervals: Vec<Interval>,
}

impl Progress {
    /// What a saved state says.
    pub fn begin(cursor: &Settled, state: &Map<String, Value>) -> Self {
        if let Some(intervals) = saved_intervals(cursor, state) {
            let first = intervals.first();
            let from = first.map(|first| first.newest.unwrap_or(first.end)).or(cursor.start).unwrap_or_else(|| cursor.zero());
            return Self { from, others: Map::new(), intervals };
        }
        let first = cursor.start.unwrap_or_else(|| cursor.zero());
        let saved = state.get(&cursor.field).and_then(|value| cursor.read(value)).filter(|saved| *saved >= first);
        let from = saved.unwrap_or(first);
        let done = Interval { start: first, end: from, newest: Some(from) };
        Self { from, others: state.clone(), intervals: vec![done] }
    }

    /// A window was read to its end, and this was the newest record in it.
    pub fn close(&mut self, cursor: &Settled, window: &Window, newest: Option<Point>) {
        if cursor.has_boundaries {
            let read = |name: &str| window.get(name).and_then(|value| cursor.read(value));
            let (Some(start), Some(end)) = (read(&cursor.boundary.0), read(&cursor.boundary.1)) else { return };
            self.intervals.push(Interval { start, end, newest });
        } else if let Some(newest) = newest {
            self.intervals.push(Interval { start: self.from, end: newest, newest: Some(newest) });
        }
        self.intervals = self.merged(cursor);
    }

    /// The intervals in order, those that touch as one.
    pub fn merged(&self, cursor: &Settled) -> Vec<Interval> {
        let mut sorted = self.intervals.clone();
        sorted.sort_by_key(|interval| (interval.start, interval.end));
        let mut made: Vec<Interval> = Vec::new();
        for next in sorted {
            match made.last_mut() {
                Some(last) if cursor.after(last.end) >= next.start => {
                    last.end = if next.end > last.end { next.end } else { last.end };
                    last.newest = match (next.newest, last.newest) {
                        (Some(next), Some(known)) => Some(if known > next { known } else { next }),
                        (next, known) => next.or(known),
                    };
                }
                _ => made.push(next),
            }
        }
        made
    }

    /// The place before which everything was read.
    pub fn complete(&self, cursor: &Settled) -> Point {
        self.merged(cursor).first().map_or(self.from, |first| first.newest.unwrap_or(first.start))
    }

    /// The state as it is kept.
    pub fn state(&self, cursor: &Settled) -> Map<String, Value> {
        let mut made = self.others.clone();
        made.insert(cursor.field.clone(), cursor.write(self.complete(cursor)));
        made
    }

    /// The oldest place that a record may have to be wanted.
    pub fn lowest(&self, cursor: &Settled) -> Point {
        let Some(lower) = cursor.lookback.as_ref().and_then(|lookback| super::windows::earlier(self.from, lookback)) else {
            return self.from;
        };
        cursor.start.map_or(lower, |start| lower.max(start.min(self.from)))
    }
}

/// A state that lists what was read, as concurrent sources of others keep it.
fn saved_intervals(cursor: &Settled, state: &Map<String, Value>) -> Option<Vec<Interval>> {
    let kind = state.get("state_type")?.as_str()?;
    if !["date-range", "integer"].contains(&kind) {
        return None;
    }
    let one = |slice: &Value| {
        let read = |name: &str| slice.get(name).and_then(|value| cursor.read(value));
        Some(Interval { start: read("start")?, end: read("end")?, newest: read("most_recent_cursor_value") })
    };
    let intervals: Vec<Interval> = state.get("slices")?.as_array()?.iter().filter_map(one).collect();
    (!intervals.is_empty()).then_some(intervals)
}
