//! Where reading goes on. A cursor is opaque to the engine and moves only in the step that holds the events it stands for.

use std::fmt;

use bytes::Bytes;

use crate::{IntegrationId, StreamName, TenantId};

/// Where reading a stream, or a part of it, goes on. The connector wrote it, and only the connector reads it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Cursor(pub Bytes);

impl Cursor {
    /// The cursor of a stream that was never read.
    pub const START: Self = Self(Bytes::new());

    /// Nothing was read yet.
    pub fn is_start(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({})", String::from_utf8_lossy(&self.0))
    }
}

/// What a cursor belongs to. `part` is empty for the connector's own cursor of the stream; the engine keeps notes of its own
/// (what a full refresh has seen, say) under other names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CursorKey {
    /// Whose stream it is.
    pub tenant: TenantId,
    /// The integration that reads it.
    pub integration: IntegrationId,
    /// The stream.
    pub stream: StreamName,
    /// Which of the stream's cursors.
    pub part: String,
}

/// How often a cursor was written. Grows by one with each advance; 0 means that it does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// A cursor that does not exist yet.
    pub const NONE: Self = Self(0);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A cursor as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorEntry {
    /// What it belongs to.
    pub key: CursorKey,
    /// How often it was written.
    pub revision: Revision,
    /// Where reading goes on.
    pub cursor: Cursor,
}

/// One move of a cursor, from a revision to a new place. The log refuses it if the cursor is not at `from`, so that of two
/// owners only one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Which cursor moves.
    pub key: CursorKey,
    /// Where it must be.
    pub from: Revision,
    /// Where it goes; `None` removes it.
    pub to: Option<Cursor>,
}
