//! The cursors of one stream, as the log has them: the connector's own (part ``), and what the engine keeps beside it.

use std::collections::BTreeMap;

use syncline_model::{Advance, Cursor, CursorEntry, CursorKey, Revision, event::Source};

/// The part that says that the stream was read to its end once.
pub const HISTORY: &str = "history";
/// What stands there then.
pub const HISTORY_KNOWN: bytes::Bytes = bytes::Bytes::from_static(b"done");

/// What becomes of a part: its new cursor, or `None` when it is removed.
pub type Change = (String, Option<Cursor>);

/// All cursors of one stream.
pub struct Parts {
    source: Source,
    known: BTreeMap<String, (Revision, Cursor)>,
}

impl Parts {
    /// Picks the cursors of a stream out of those of its integration.
    pub fn of(source: &Source, entries: impl IntoIterator<Item = CursorEntry>) -> Self {
        let own = entries.into_iter().filter(|entry| entry.key.stream == source.stream);
        let known = own.map(|entry| (entry.key.part, (entry.revision, entry.cursor))).collect();
        Self { source: source.clone(), known }
    }

    /// The cursor of a part, if it exists.
    pub fn get(&self, part: &str) -> Option<&Cursor> {
        self.known.get(part).map(|(_, cursor)| cursor)
    }

    /// The parts whose names begin with `prefix`, in order of name.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Cursor)> {
        let from = self.known.range(prefix.to_owned()..);
        from.take_while(move |(part, _)| part.starts_with(prefix)).map(|(part, (_, cursor))| (part.as_str(), cursor))
    }

    /// The moves that make these changes, from where the cursors are. A change to what is already so is none.
    pub fn advances(&self, changes: &[Change]) -> Vec<Advance> {
        let real = changes.iter().filter(|(part, to)| self.get(part) != to.as_ref());
        real.map(|(part, to)| Advance { key: self.key(part), from: self.revision(part), to: to.clone() }).collect()
    }

    /// A move of this part to where it is.
    pub fn stay(&self, part: &str) -> Option<Advance> {
        let (revision, cursor) = self.known.get(part)?;
        Some(Advance { key: self.key(part), from: *revision, to: Some(cursor.clone()) })
    }

    /// The moves are on their way to the log; what follows begins behind them.
    pub fn moved(&mut self, advances: Vec<Advance>) {
        for Advance { key, from, to } in advances {
            match to {
                Some(cursor) => self.known.insert(key.part, (from.next(), cursor)),
                None => self.known.remove(&key.part),
            };
        }
    }

    fn revision(&self, part: &str) -> Revision {
        self.known.get(part).map_or(Revision::NONE, |(revision, _)| *revision)
    }

    fn key(&self, part: &str) -> CursorKey {
        CursorKey {
            tenant: self.source.tenant.clone(),
            integration: self.source.integration.clone(),
            stream: self.source.stream.clone(),
            part: part.to_owned(),
        }
    }
}
