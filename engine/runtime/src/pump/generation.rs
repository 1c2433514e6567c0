//! A full refresh is a generation: what is unchanged since the generation before is not published again, and what is missing is
//! deleted when, and only when, the generation was read whole and is of a believable size. What is remembered is written page by
//! page, in the step of the page's events, so that a crash in the middle loses nothing and repeats nothing.

use std::collections::{HashMap, HashSet, VecDeque};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use syncline_model::{Advance, Cursor, Event, RecordKey};

use super::{
    digests::{Digest, decode, encode, key_hash},
    parts::{Change, Parts},
};

/// Where a generation is.
pub const NOTE: &str = "gen";
/// How many parts of the generation before, and how many of its records, are worked off in one step at its end.
const STEP_PARTS: usize = 16;
const STEP_RECORDS: usize = 2000;

/// Where a generation is; the part `gen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    number: u64,
    pages: u64,
    records: u64,
    /// The connector's cursor within the generation.
    position: String,
    /// Nothing was left out so far.
    whole: bool,
    /// There were more records than are remembered.
    overflow: bool,
    /// It was read to its end, and this becomes of what it no longer has.
    ending: Option<Missing>,
    done: bool,
}

/// What becomes of records that the generation before had and this one has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Missing {
    /// They are gone.
    Delete,
    /// They may be there still: they are remembered as if they had been read.
    Carry,
    /// Nobody asked for deletions, or there is too much to remember.
    Forget,
}

/// How a generation treats its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Missing records are deleted.
    pub deletes: bool,
    /// How many records are remembered.
    pub records_max: usize,
    /// The size, in percent of the generation before, below which nothing is deleted.
    pub sweep_percent_min: u8,
    /// Somebody accepted that the source has become smaller.
    pub sweep_accepted: bool,
}

/// A generation that is being read.
pub struct Generation {
    rules: Rules,
    note: Note,
    before: HashMap<u64, u64>,
    now: HashMap<u64, u64>,
    page: Vec<Digest>,
    pending: Option<Note>,
    asks: Option<String>,
    left: Option<VecDeque<(String, Vec<Digest>)>>,
}

/// One step of the end of a generation.
pub struct EndStep {
    /// The deletions.
    pub gone: Vec<RecordKey>,
    /// What must be written with them.
    pub changes: Vec<Change>,
    /// It is the last one.
    pub last: bool,
}

impl Generation {
    /// Goes on with the generation that is noted, or begins the next one.
    pub fn load(parts: &Parts, rules: Rules) -> Self {
        let noted = parts.get(NOTE).and_then(|cursor| serde_json::from_slice::<Note>(&cursor.0).ok());
        let note = match noted {
            Some(note) if !note.done => note,
            Some(note) => Note::first(note.number + 1),
            None => Note::first(1),
        };
        let own = prefix(note.number);
        let now = parts.below(&own).flat_map(|(_, cursor)| decode(cursor)).map(|digest| (digest.key, digest.content)).collect();
        let before = below(parts, note.number).flat_map(|(_, cursor)| decode(cursor)).map(|digest| (digest.key, digest.content)).collect();
        Self { rules, note, before, now, page: Vec::new(), pending: None, asks: None, left: None }
    }

    /// Where reading goes on.
    pub fn position(&self) -> Cursor {
        Cursor(BASE64_STANDARD.decode(&self.note.position).map(Bytes::from).unwrap_or_default())
    }

    /// It was read to its end already, and only what follows from that is left to do.
    pub fn is_ending(&self) -> bool {
        self.note.ending.is_some()
    }

    /// Leaves out what is as it was, and remembers all.
    pub fn sift(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        self.note.records += events.len() as u64;
        events.retain(|event| {
            let digest = Digest::of(event, self.rules.deletes);
            let known = self.now.get(&digest.key).or_else(|| self.before.get(&digest.key)) == Some(&digest.content);
            self.remember(digest);
            !known
        });
        events
    }

    /// A record of this key was refused: it is there, whatever it says.
    pub fn refused(&mut self, key: Option<&RecordKey>) {
        match key {
            Some(key) if !self.now.contains_key(&key_hash(key.as_str())) => self.remember(Digest::of_key(key, self.rules.deletes)),
            Some(_) => {}
            None => self.note.whole = false,
        }
    }

    /// Something was left out, so that what is missing may be there.
    pub fn left_out(&mut self) {
        self.note.whole = false;
    }

    /// The content of this record did not get into the log: neither do we remember it, nor do these moves of its step.
    pub fn unpublished(&mut self, event: &Event, advances: &mut [Advance]) {
        let Digest { key, content, .. } = Digest::of(event, false);
        // A later page may have brought another content, which is under way.
        if self.now.get(&key) == Some(&content) {
            self.now.insert(key, 0);
        }
        let own = prefix(self.note.number);
        for cursor in advances.iter_mut().filter(|advance| advance.key.part.starts_with(&own)).filter_map(|advance| advance.to.as_mut()) {
            let mut digests = decode(cursor);
            digests.iter_mut().filter(|digest| digest.key == key && digest.content == content).for_each(|digest| digest.content = 0);
            *cursor = encode(&digests);
        }
    }

    /// What must be written with the events of a page, after which reading goes on at `next`.
    pub fn page_changes(&mut self, next: &Cursor) -> Vec<Change> {
        let mut note = self.note.clone();
        note.position = BASE64_STANDARD.encode(&next.0);
        let mut changes = Vec::new();
        if !self.page.is_empty() {
            changes.push((format!("{}{:010}", prefix(note.number), note.pages), Some(encode(&self.page))));
            note.pages += 1;
        }
        changes.push(note.change());
        self.pending = Some(note);
        changes
    }

    /// The changes of the page are on their way to the log.
    pub fn settled(&mut self) {
        self.page.clear();
        if let Some(note) = self.pending.take() {
            self.note = note;
        }
    }

    /// What the owner should know about the end of this generation.
    pub fn asks(&self) -> Option<&str> {
        self.asks.as_deref()
    }

    /// The next step after the last page. Call [`Self::settled`] behind it, and again until it was the last one.
    pub fn end_step(&mut self, parts: &Parts) -> EndStep {
        let missing = match self.note.ending {
            Some(missing) => missing,
            None => self.decide(),
        };
        let mut note = self.note.clone();
        note.ending = Some(missing);
        let mut left = self.left.take().unwrap_or_else(|| self.work_left(parts));
        let mut changes = Vec::new();
        let mut absent = Vec::new();
        while let Some((part, missing)) = left.pop_front() {
            changes.push((part, None));
            absent.extend(missing);
            if changes.len() >= STEP_PARTS || absent.len() >= STEP_RECORDS {
                break;
            }
        }
        let mut gone = Vec::new();
        match missing {
            Missing::Delete => gone = absent.into_iter().filter_map(|digest| digest.text).collect(),
            Missing::Carry if !absent.is_empty() => {
                changes.push((format!("{}{:010}", prefix(note.number), note.pages), Some(encode(&absent))));
                note.pages += 1;
            }
            Missing::Carry | Missing::Forget => {}
        }
        let last = left.is_empty();
        self.left = Some(left);
        if last {
            note.done = true;
            note.position = String::new();
        }
        changes.push(note.change());
        self.pending = Some(note);
        EndStep { gone, changes, last }
    }

    /// The parts of the generation before, each with what it had and this one has not. A key that comes in several of them is told
    /// in the last one only.
    fn work_left(&self, parts: &Parts) -> VecDeque<(String, Vec<Digest>)> {
        let mut told = HashSet::new();
        let mut left = VecDeque::new();
        let all: Vec<(&str, &Cursor)> = below(parts, self.note.number).collect();
        for (part, cursor) in all.into_iter().rev() {
            let mut missing = decode(cursor);
            missing.retain(|digest| !self.now.contains_key(&digest.key) && told.insert(digest.key));
            left.push_front((part.to_owned(), missing));
        }
        left
    }

    fn decide(&mut self) -> Missing {
        let (had, has) = (self.before.len(), self.now.len());
        if self.note.overflow {
            self.asks = Some(format!(
                "has more than {} records, so that deletions are not inferred and what lies beyond is published each time",
                self.rules.records_max
            ));
            return Missing::Forget;
        }
        if !self.rules.deletes {
            return Missing::Forget;
        }
        let is_missing = self.before.keys().any(|key| !self.now.contains_key(key));
        if !is_missing {
            return Missing::Delete;
        }
        if !self.note.whole {
            self.asks = Some("was not read whole, so that deletions were not inferred".to_owned());
            return Missing::Carry;
        }
        let too_small = has * 100 < had * usize::from(self.rules.sweep_percent_min);
        if too_small && !self.rules.sweep_accepted {
            self.asks = Some(format!(
                "has {has} records and had {had}, which is too few to believe: nothing was deleted until somebody accepts it"
            ));
            return Missing::Carry;
        }
        Missing::Delete
    }

    fn remember(&mut self, digest: Digest) {
        let known = self.now.get(&digest.key) == Some(&digest.content);
        if known {
            return;
        }
        if self.now.len() >= self.rules.records_max && !self.now.contains_key(&digest.key) {
            self.note.overflow = true;
            return;
        }
        self.now.insert(digest.key, digest.content);
        self.page.push(digest);
    }
}

impl Note {
    fn first(number: u64) -> Self {
        Self { number, pages: 0, records: 0, position: String::new(), whole: true, overflow: false, ending: None, done: false }
    }

    fn change(&self) -> Change {
        // A struct of numbers, flags and one text always has a JSON form.
        (NOTE.to_owned(), serde_json::to_vec(self).ok().map(|bytes| Cursor(bytes.into())))
    }
}

fn prefix(number: u64) -> String {
    format!("gen/{number:010}/")
}

/// The parts of all generations before this one.
fn below(parts: &Parts, number: u64) -> impl Iterator<Item = (&str, &Cursor)> {
    let own = prefix(number);
    parts.below("gen/").filter(move |(part, _)| !part.starts_with(&own))
}
