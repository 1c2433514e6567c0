//! What an incremental stream remembers of its newest events, so that a record at the boundary, which is read again because the
//! lower bound is inclusive, is not published again. Bounded: the newest versions stay, in chunks of a page each.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::{Buf, BufMut, BytesMut};
use syncline_model::{Cursor, Event, EventId, Version};

use super::parts::{Change, Parts};

const PREFIX: &str = "boundary/";
/// More chunks than this are joined into one, so that small pages do not make many cursors.
const CHUNKS_MAX: usize = 64;

/// Which record in which version was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The id says it all.
    Versioned(EventId, i128),
    /// The same body may come back after another one, so only the last one of each key counts.
    Unversioned(EventId, u64),
}

impl Known {
    fn of(event: &Event) -> Self {
        match event.version {
            Some(Version(version)) => Self::Versioned(event.id, version),
            None => Self::Unversioned(event.id, super::key_hash(event.key.as_str())),
        }
    }

    fn version(self) -> Option<i128> {
        match self {
            Self::Versioned(_, version) => Some(version),
            Self::Unversioned(..) => None,
        }
    }
}

/// The memory of one stream.
pub struct Boundary {
    ids_max: usize,
    chunks: BTreeMap<u32, Vec<Known>>,
    ids: HashSet<EventId>,
    last: HashMap<u64, EventId>,
    dirty: BTreeSet<u32>,
    forgotten: u64,
}

impl Boundary {
    /// Reads it back. A chunk that cannot be read is as good as none: its records may be published twice, under the same ids.
    pub fn load(parts: &Parts, ids_max: usize) -> Self {
        let mut boundary = Self {
            ids_max: ids_max.max(1),
            chunks: BTreeMap::new(),
            ids: HashSet::new(),
            last: HashMap::new(),
            dirty: BTreeSet::new(),
            forgotten: 0,
        };
        for (part, cursor) in parts.below(PREFIX) {
            let Some(number) = part.strip_prefix(PREFIX).and_then(|number| number.parse().ok()) else { continue };
            let chunk = decode(cursor);
            for known in &chunk {
                boundary.remember(*known);
            }
            boundary.chunks.insert(number, chunk);
        }
        boundary
    }

    /// Leaves out what was published before, and remembers the rest.
    pub fn sift(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        let mut chunk = Vec::with_capacity(events.len());
        events.retain(|event| {
            let known = Known::of(event);
            let is_new = !self.knows(known);
            if is_new {
                self.remember(known);
                chunk.push(known);
            }
            is_new
        });
        if !chunk.is_empty() {
            self.add(chunk);
        }
        events
    }

    /// What must be written with the events.
    pub fn changes(&self) -> Vec<Change> {
        let change = |number: &u32| (format!("{PREFIX}{number:010}"), self.chunks.get(number).map(|chunk| encode(chunk)));
        self.dirty.iter().map(change).collect()
    }

    /// The changes are on their way to the log. Returns how many ids at the newest version had to be forgotten.
    pub fn settled(&mut self) -> u64 {
        self.dirty.clear();
        std::mem::take(&mut self.forgotten)
    }

    fn knows(&self, known: Known) -> bool {
        match known {
            Known::Versioned(id, _) => self.ids.contains(&id),
            Known::Unversioned(id, key) => self.last.get(&key) == Some(&id),
        }
    }

    fn remember(&mut self, known: Known) {
        match known {
            Known::Versioned(id, _) => drop(self.ids.insert(id)),
            Known::Unversioned(id, key) => drop(self.last.insert(key, id)),
        }
    }

    fn forget(&mut self, known: Known) {
        match known {
            Known::Versioned(id, _) => drop(self.ids.remove(&id)),
            Known::Unversioned(id, key) if self.last.get(&key) == Some(&id) => drop(self.last.remove(&key)),
            Known::Unversioned(..) => {}
        }
    }

    fn add(&mut self, chunk: Vec<Known>) {
        self.put(chunk);
        let count: usize = self.chunks.values().map(Vec::len).sum();
        if count > self.ids_max || self.chunks.len() > CHUNKS_MAX {
            self.join(count > self.ids_max);
        }
    }

    fn put(&mut self, chunk: Vec<Known>) {
        let number = self.chunks.last_key_value().map_or(0, |(last, _)| last + 1);
        self.chunks.insert(number, chunk);
        self.dirty.insert(number);
    }

    /// Joins all chunks. When there is too much, a quarter more than needed is forgotten, the oldest versions first, so that this
    /// does not come again with the next page.
    fn join(&mut self, too_many: bool) {
        let chunks = std::mem::take(&mut self.chunks);
        self.dirty.extend(chunks.keys());
        let after = chunks.last_key_value().map_or(0, |(last, _)| last + 1);
        let mut all: Vec<Known> = chunks.into_values().flatten().collect();
        if too_many {
            // Stable, so that among equals the ones that came last stay.
            all.sort_by_key(|known| known.version());
            let keep = (self.ids_max - self.ids_max / 4).max(1).min(all.len());
            let newest = all.last().and_then(|known| known.version());
            let gone: Vec<Known> = all.drain(..all.len() - keep).collect();
            self.forgotten += gone.iter().filter(|known| newest.is_some() && known.version() == newest).count() as u64;
            for known in gone {
                self.forget(known);
            }
        }
        self.chunks.insert(after, all);
        self.dirty.insert(after);
    }
}

fn encode(chunk: &[Known]) -> Cursor {
    let mut out = BytesMut::with_capacity(chunk.len() * 33);
    for known in chunk {
        match known {
            Known::Versioned(id, version) => {
                out.put_u8(1);
                out.put_slice(&id.0);
                out.put_i128(*version);
            }
            Known::Unversioned(id, key) => {
                out.put_u8(0);
                out.put_slice(&id.0);
                out.put_u64(*key);
            }
        }
    }
    Cursor(out.freeze())
}

fn decode(cursor: &Cursor) -> Vec<Known> {
    let mut from = cursor.0.clone();
    std::iter::from_fn(|| read_one(&mut from)).collect()
}

fn read_one(from: &mut bytes::Bytes) -> Option<Known> {
    let versioned = from.try_get_u8().ok()? == 1;
    let mut id = EventId([0; 16]);
    from.try_copy_to_slice(&mut id.0).ok()?;
    if versioned { Some(Known::Versioned(id, from.try_get_i128().ok()?)) } else { Some(Known::Unversioned(id, from.try_get_u64().ok()?)) }
}
