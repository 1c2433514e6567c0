//! A record as it stood in a page, with what was seen of it on the way to its end, so that nobody has to look a second time.

use std::ops::Deref;

use bytes::Bytes;

/// The bytes of a record, and what is known of them.
#[derive(Debug, Clone)]
pub struct Piece {
    /// As the source wrote it.
    pub bytes: Bytes,
    /// What was seen of it.
    pub seen: Seen,
}

/// What a record may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// A field of its outermost object may be null.
    pub null: bool,
    /// There may be `NaN` or `Infinity` in it, which JSON has no word for.
    pub word: bool,
    /// There may be a control character in it, such as a line break, or something that is no ASCII.
    pub odd: bool,
}

impl Seen {
    /// What nobody looked at may hold anything.
    pub const UNKNOWN: Self = Self { null: true, word: true, odd: true };
    /// It was looked at, and there was nothing of all this so far.
    pub const NOTHING: Self = Self { null: false, word: false, odd: false };

    /// A field with this value comes in.
    pub fn look(&mut self, value: &[u8]) {
        self.null |= value == b"null";
        self.odd |= !value.iter().all(|byte| matches!(byte, b' '..=b'~'));
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, seen: Seen::UNKNOWN }
    }
}

impl Deref for Piece {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}
