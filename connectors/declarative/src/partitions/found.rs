//! Partitions, found one after the other while the stream is read.

use std::{
    collections::{HashSet, VecDeque},
    pin::Pin,
    sync::Arc,
};

use serde_json::{Map, Value};
use syncline_model::Fault;

use super::Parent;
use crate::{
    read::StreamReading,
    run::{Run, misconfigured},
    slice::Slice,
};

/// Partitions, found one after the other.
pub enum Partitions {
    /// Known beforehand.
    Ready(VecDeque<Slice>),
    /// Found in parents.
    Parents(Box<Parents>),
    /// Combined.
    Product { inner: Vec<Partitions>, made: Option<VecDeque<Slice>> },
    /// Several as one.
    Grouping { inner: Box<Partitions>, size: usize, seen: Option<HashSet<String>> },
    /// One after the other.
    Union { inner: Vec<Partitions>, at: usize, field: String, seen: HashSet<String> },
}

type Next<'a> = Pin<Box<dyn Future<Output = Result<Option<Slice>, Fault>> + Send + 'a>>;

impl Partitions {
    /// Only one, without a name.
    pub fn single() -> Self {
        Self::Ready(VecDeque::from([Slice::default()]))
    }

    /// The next partition.
    pub fn next(&mut self) -> Next<'_> {
        Box::pin(async move {
            match self {
                Self::Ready(slices) => Ok(slices.pop_front()),
                Self::Parents(parents) => parents.next().await,
                Self::Product { inner, made } => {
                    if made.is_none() {
                        *made = Some(product(inner).await?);
                    }
                    Ok(made.as_mut().and_then(VecDeque::pop_front))
                }
                Self::Grouping { inner, size, seen } => group(inner, *size, seen).await,
                Self::Union { inner, at, field, seen } => {
                    while let Some(partitions) = inner.get_mut(*at) {
                        match partitions.next().await? {
                            None => *at += 1,
                            Some(slice) => {
                                if let Some(slice) = united(slice, field, seen)? {
                                    return Ok(Some(slice));
                                }
                            }
                        }
                    }
                    Ok(None)
                }
            }
        })
    }

    /// It is known that no more come.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ready(slices) if slices.is_empty())
    }

    /// The state of the parents, where there are any.
    pub fn state(&self) -> Option<Value> {
        match self {
            Self::Ready(_) | Self::Product { .. } => None,
            Self::Parents(parents) => Some(Value::Object(parents.states.clone())),
            Self::Grouping { inner, .. } => inner.state(),
            Self::Union { inner, .. } => {
                let states = inner.iter().filter_map(|one| one.state()?.as_object().cloned());
                Some(Value::Object(states.flatten().collect()))
            }
        }
    }
}

async fn product(inner: &mut [Partitions]) -> Result<VecDeque<Slice>, Fault> {
    let mut made = vec![Slice::default()];
    for partitions in inner {
        let mut slices = Vec::new();
        while let Some(slice) = partitions.next().await? {
            slices.push(slice);
        }
        let join = |one: &Slice, other: &Slice| {
            let mut both = one.clone();
            // Of two that name the same thing the first wins.
            for (into, from) in [(&mut both.partition, &other.partition), (&mut both.extra, &other.extra)] {
                for (name, value) in from {
                    into.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            both
        };
        made = made.iter().flat_map(|one| slices.iter().map(move |other| join(one, other))).collect();
    }
    Ok(made.into())
}

async fn group(inner: &mut Partitions, size: usize, seen: &mut Option<HashSet<String>>) -> Result<Option<Slice>, Fault> {
    let mut batch: Vec<Slice> = Vec::new();
    while batch.len() < size {
        let Some(slice) = inner.next().await? else { break };
        let names: Vec<&String> = slice.partition.keys().filter(|name| *name != "parent_slice").collect();
        let [name] = names.as_slice() else {
            return Err(misconfigured("a `GroupingPartitionRouter` needs partitions of exactly one field"));
        };
        if seen.as_mut().is_none_or(|seen| seen.insert(slice.partition[*name].to_string())) {
            batch.push(slice);
        }
    }
    let Some(first) = batch.first() else { return Ok(None) };
    let all = |name: &String, part: fn(&Slice) -> &Map<String, Value>| -> (String, Value) {
        (name.clone(), batch.iter().map(|slice| part(slice).get(name).cloned().unwrap_or_default()).collect())
    };
    let mut extras: Vec<&String> = batch.iter().flat_map(|slice| slice.extra.keys()).collect();
    extras.sort();
    extras.dedup();
    Ok(Some(Slice {
        partition: first.partition.keys().map(|name| all(name, |slice| &slice.partition)).collect(),
        window: Map::new(),
        extra: extras.into_iter().map(|name| all(name, |slice| &slice.extra)).collect(),
    }))
}

fn united(slice: Slice, field: &str, seen: &mut HashSet<String>) -> Result<Option<Slice>, Fault> {
    let Slice { mut partition, mut extra, .. } = slice;
    let Some(value) = partition.remove(field) else {
        return Err(misconfigured(format!("a `UnionPartitionRouter` needs partitions with the field `{field}`")));
    };
    if !seen.insert(value.to_string()) {
        return Ok(None);
    }
    extra.extend(partition);
    Ok(Some(Slice { partition: Map::from_iter([(field.to_owned(), value)]), window: Map::new(), extra }))
}

/// The state of a parent of which nothing was read yet, as its own reading would tell it.
fn begun(parent: &Parent, run: &Run, state: &Map<String, Value>) -> Map<String, Value> {
    let reading = StreamReading::new(Arc::clone(&parent.stream), run.clone(), state.clone(), None);
    reading.map_or_else(|_| state.clone(), |reading| reading.state())
}

/// Partitions found in the records of parent streams.
pub struct Parents {
    left: VecDeque<(Parent, Map<String, Value>)>,
    run: Run,
    reading: Option<(Parent, Box<StreamReading>)>,
    found: VecDeque<Slice>,
    /// Why nothing follows what was found.
    lost: Option<Fault>,
    states: Map<String, Value>,
}

impl Parents {
    pub(super) fn new(parents: &[Parent], run: &Run, state: &Map<String, Value>) -> Self {
        let mut run = run.clone();
        // A parent that cannot be read to its end would hide parts of the stream below it.
        run.goes_on = false;
        run.keeps_found = true;
        let left: VecDeque<_> = parents.iter().map(|parent| (parent.clone(), parent.state(state, &run))).collect();
        let states = left.iter().filter(|(parent, _)| parent.incremental);
        let states = states.map(|(parent, state)| (parent.stream.name.clone(), Value::Object(begun(parent, &run, state)))).collect();
        Self { left, run, reading: None, found: VecDeque::new(), lost: None, states }
    }

    async fn next(&mut self) -> Result<Option<Slice>, Fault> {
        loop {
            if let Some(slice) = self.found.pop_front() {
                return Ok(Some(slice));
            }
            if let Some(fault) = self.lost.take() {
                return Err(fault);
            }
            if self.reading.is_none() {
                let Some((parent, state)) = self.left.pop_front() else { return Ok(None) };
                let reading = StreamReading::new(Arc::clone(&parent.stream), self.run.clone(), state, None)?;
                self.reading = Some((parent, Box::new(reading)));
            }
            let Some((parent, reading)) = &mut self.reading else { continue };
            match reading.next().await? {
                Some(batch) => {
                    let mut items = batch.items;
                    // The parts below a record that cannot be handled would be missing without a word.
                    self.lost = items.until_refused();
                    for item in items.into_vec() {
                        self.found.extend(parent.slice(&item.into_tree(), &batch.slice, &self.run.base)?);
                    }
                }
                None => {
                    if parent.incremental {
                        self.states.insert(parent.stream.name.clone(), Value::Object(reading.state()));
                    }
                    self.reading = None;
                }
            }
        }
    }
}
