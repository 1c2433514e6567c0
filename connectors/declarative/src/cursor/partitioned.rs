//! A cursor for each partition, with a common one behind them: how far each was read, and from where new ones begin.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{Point, Progress, Settled, Window, windows};

/// From this many partitions on, one state stands for all.
const PARTITIONS_MAX: usize = 10_000;

/// A partition as a key: its fields in alphabetic order.
pub fn partition_key(partition: &Map<String, Value>) -> String {
    sorted(&Value::Object(partition.clone())).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            Value::Object(names.into_iter().map(|name| (name.clone(), sorted(&fields[name]))).collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// How far each partition of a stream was read.
#[derive(Debug, Clone)]
pub struct Partitioned {
    one_for_all: bool,
    /// The keys in the order in which their partitions were found.
    order: Vec<String>,
    progress: HashMap<String, (Map<String, Value>, Progress)>,
    seen: HashSet<String>,
    common: Option<Value>,
    common_next: Option<Value>,
    /// How long the last reading took, in seconds: what changed meanwhile may have been passed over.
    lookback_s: i64,
    parent: Option<Value>,
    saw_records: bool,
}

impl Partitioned {
    /// What a saved state says.
    pub fn begin(cursor: &Settled, state: &Map<String, Value>, one_for_all: bool) -> Self {
        let mut made = Self {
            one_for_all: one_for_all || cursor.global,
            order: Vec::new(),
            progress: HashMap::new(),
            seen: HashSet::new(),
            common: None,
            common_next: None,
            lookback_s: 0,
            parent: None,
            saw_records: false,
        };
        if state.is_empty() {
            return made;
        }
        if !state.contains_key("states") && !state.contains_key("state") {
            made.set_common(cursor, state);
            return made;
        }
        made.one_for_all = state.get("use_global_cursor").and_then(Value::as_bool).unwrap_or(false);
        made.lookback_s = state.get("lookback_window").and_then(Value::as_i64).unwrap_or(0);
        for saved in state.get("states").and_then(Value::as_array).into_iter().flatten() {
            let (Some(partition), Some(own)) =
                (saved.get("partition").and_then(Value::as_object), saved.get("cursor").and_then(Value::as_object))
            else {
                continue;
            };
            made.insert(partition, Progress::begin(cursor, own));
        }
        if let Some(common) = state.get("state").and_then(Value::as_object) {
            made.set_common(cursor, common);
        }
        made.parent = state.get("parent_state").filter(|parent| parent.as_object().is_some_and(|fields| !fields.is_empty())).cloned();
        made
    }

    fn set_common(&mut self, cursor: &Settled, state: &Map<String, Value>) {
        let place = state.get(&cursor.field).and_then(|value| cursor.read(value));
        self.common = place.map(|place| cursor.write(place));
        self.common_next.clone_from(&self.common);
    }

    fn insert(&mut self, partition: &Map<String, Value>, progress: Progress) {
        let key = partition_key(partition);
        if self.progress.insert(key.clone(), (partition.clone(), progress)).is_none() {
            self.order.push(key);
        }
    }

    /// The windows of a partition; none if it was there before in this reading.
    pub fn windows(&mut self, cursor: &Settled, partition: &Map<String, Value>) -> Result<Vec<Window>, syncline_model::Fault> {
        self.one_for_all |= self.order.len() > PARTITIONS_MAX;
        let key = partition_key(partition);
        if !self.seen.insert(key.clone()) {
            return Ok(Vec::new());
        }
        if !self.progress.contains_key(&key) {
            let progress = self.fresh(cursor);
            self.insert(partition, progress);
        }
        match self.progress.get(&key) {
            Some((_, progress)) => cursor.windows(progress),
            None => Ok(Vec::new()),
        }
    }

    /// The progress of a partition that has none yet: from the common state on, and a little earlier.
    fn fresh(&self, cursor: &Settled) -> Progress {
        let mut state = Map::new();
        if let Some(place) = self.common.as_ref().and_then(|common| cursor.read(common)) {
            let back = crate::dates::Duration::from_micros(self.lookback_s.saturating_mul(1_000_000));
            let from = windows::earlier(place, &back).unwrap_or(place);
            state.insert(cursor.field.clone(), cursor.write(from));
        }
        Progress::begin(cursor, &state)
    }

    /// A record was seen. Times are compared as they are written, as the reference does.
    pub fn observe(&mut self, cursor: &Settled, place: Point) {
        self.saw_records = true;
        let text = cursor.write(place);
        self.raise(text);
    }

    fn raise(&mut self, value: Value) {
        let is_newer =
            self.common_next.as_ref().is_none_or(|known| crate::template::python_str(known) < crate::template::python_str(&value));
        if is_newer {
            self.common_next = Some(value);
        }
    }

    /// A window of a partition was read to its end.
    pub fn close(&mut self, cursor: &Settled, partition: &Map<String, Value>, window: &Window, newest: Option<Point>, is_last: bool) {
        if self.one_for_all {
            return;
        }
        let Some((_, progress)) = self.progress.get_mut(&partition_key(partition)) else { return };
        progress.close(cursor, window, newest);
        if is_last {
            let own = cursor.write(progress.complete(cursor));
            self.raise(own);
        }
    }

    /// The oldest place that a record of a partition may have to be wanted.
    pub fn lowest(&self, cursor: &Settled, partition: &Map<String, Value>) -> Point {
        match self.progress.get(&partition_key(partition)) {
            Some((_, progress)) if !self.one_for_all => progress.lowest(cursor),
            _ => self.fresh(cursor).lowest(cursor),
        }
    }

    /// Everything was read; it took this long.
    pub fn finish(&mut self, took_s: i64, parent: Option<Value>) {
        if self.saw_records {
            self.common.clone_from(&self.common_next);
            self.lookback_s = took_s;
        }
        self.parent = parent;
    }

    /// Not everything could be read; the parents were read so far before that showed.
    pub fn parents_were_read(&mut self, parent: Option<Value>) {
        if parent.is_some() {
            self.parent = parent;
        }
    }

    /// A partition was read this far by an earlier reading.
    pub fn set_progress(&mut self, partition: &Map<String, Value>, progress: Progress) {
        self.insert(partition, progress);
    }

    /// How far a partition was read.
    pub fn progress(&self, partition: &Map<String, Value>) -> Option<&Progress> {
        self.progress.get(&partition_key(partition)).map(|(_, progress)| progress)
    }

    /// The state as it is kept.
    pub fn state(&self, cursor: &Settled) -> Map<String, Value> {
        let mut made = Map::from_iter([("use_global_cursor".to_owned(), Value::Bool(self.one_for_all))]);
        if !self.one_for_all {
            let one = |key: &String| {
                let (partition, progress) = self.progress.get(key)?;
                Some(json!({"partition": partition, "cursor": progress.state(cursor)}))
            };
            made.insert("states".to_owned(), self.order.iter().filter_map(one).collect());
        }
        if let Some(common) = &self.common {
            made.insert("state".to_owned(), json!({cursor.field.clone(): common}));
        }
        made.insert("lookback_window".to_owned(), Value::from(self.lookback_s));
        if let Some(parent) = &self.parent {
            made.insert("parent_state".to_owned(), parent.clone());
        }
        made
    }
}
