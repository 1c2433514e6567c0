//! A record as it stood in a page, with what was seen of it on the way to its end, so that nobody has to look a second time.

use std::ops::{Deref, Range};

use bytes::Bytes;

/// The bytes of a record, and what is known of them.
#[derive(Debug, Clone)]
pub struct Piece {
    /// As the source wrote it.
    pub bytes: Bytes,
    /// What was seen of it.
    pub seen: Seen,
    /// Where its joints stand among those of its page, if somebody looked for them.
    pub joints: Option<Range<u32>>,
}

/// Where the wanted fields of objects join: the `:` behind the name of each and the `,` or bracket behind its value, counted from where its
/// object begins, for one object after the other.
pub type Joints = Vec<u32>;

/// What a record may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing of its own")]
pub struct Seen {
    /// A field of its outermost object may be null.
    pub null: bool,
    /// There may be `NaN` or `Infinity` in it, which JSON has no word for.
    pub word: bool,
    /// There may be a control character in it, such as a line break, or something that is no ASCII.
    pub odd: bool,
    /// There may be a backslash in it.
    pub escapes: bool,
}

impl Seen {
    /// What nobody looked at may hold anything.
    pub const UNKNOWN: Self = Self { null: true, word: true, odd: true, escapes: true };
    /// It was looked at, and there was nothing of all this so far.
    pub const NOTHING: Self = Self { null: false, word: false, odd: false, escapes: false };

    /// A field with this value comes in.
    pub fn look(&mut self, value: &[u8]) {
        self.null |= value == b"null";
        for byte in value {
            self.odd |= !matches!(byte, b' '..=b'~');
            self.escapes |= *byte == b'\\';
        }
    }
}

impl Piece {
    /// These bytes, of which no joints are known.
    pub fn new(bytes: Bytes, seen: Seen) -> Self {
        Self { bytes, seen, joints: None }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes, Seen::UNKNOWN)
    }
}

impl Deref for Piece {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}
