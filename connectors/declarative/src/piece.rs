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

/// Where a record stands in a text, and what is known of it there.
#[derive(Debug, Clone)]
pub struct Place {
    /// From its first byte to behind its last.
    pub at: Range<usize>,
    /// What was seen of it. Of what was found to hold no number without a word it is known that it is an object.
    pub seen: Seen,
    /// Where its joints stand among those of the text, if somebody looked for them.
    pub joints: Option<Range<u32>>,
}

impl Place {
    /// Something here of which nothing is known.
    pub fn unknown(at: Range<usize>) -> Self {
        Self { at, seen: Seen::UNKNOWN, joints: None }
    }

    /// The record as it stands in this text.
    pub fn within<'a>(&self, text: &'a [u8]) -> Raw<'a> {
        Raw { bytes: text.get(self.at.clone()).unwrap_or_default(), seen: self.seen }
    }

    /// The same for itself.
    pub fn piece(self, text: &Bytes) -> Piece {
        Piece { bytes: text.slice(self.at), seen: self.seen, joints: self.joints }
    }
}

/// The bytes of a record where they lie, and what was seen of them.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// The record.
    pub bytes: &'a [u8],
    /// What was seen of it.
    pub seen: Seen,
}

impl Deref for Raw<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// Records that stand in one text.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    /// What they stand in.
    pub text: Bytes,
    /// Where each stands.
    pub places: Vec<Place>,
}

impl Pieces {
    /// One after the other, as they lie there.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Raw<'_>> {
        self.places.iter().map(|place| place.within(&self.text))
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
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
    /// The record where it lies.
    pub fn raw(&self) -> Raw<'_> {
        Raw { bytes: &self.bytes, seen: self.seen }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, seen: Seen::UNKNOWN, joints: None }
    }
}

impl Deref for Piece {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}
