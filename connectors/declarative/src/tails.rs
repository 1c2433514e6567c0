//! Which fields are worth a note while records are cut out of a page: told by the last letters of their names.

/// The last letters of names, one bit for each hash of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tails(u64);

impl Tails {
    /// Every name is wanted.
    pub const ALL: Self = Self(u64::MAX);
    /// No name is wanted yet.
    pub const NONE: Self = Self(0);

    /// This name is wanted, as it is written with its quotes.
    pub fn add(&mut self, quoted: &str) {
        match of_name(quoted) {
            Some(tail) => self.0 |= bit(tail),
            None => *self = Self::ALL,
        }
    }

    /// Whether the name before this colon may be wanted.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is asked for every field of every record")]
    pub fn may_have(self, bytes: &[u8], colon: usize) -> bool {
        let Some(tail) = before(bytes, colon) else { return true };
        // What has spaces behind its name is looked at.
        tail.to_le_bytes()[2] != b'"' || self.0 & bit(tail) != 0
    }
}

/// The last two letters of a name, its quote and the colon, if it is not empty; of one letter the quote before it.
pub fn of_name(quoted: &str) -> Option<u32> {
    if quoted.len() < 3 {
        return None;
    }
    before(format!("{quoted}:").as_bytes(), quoted.len())
}

/// The same of the name before this colon.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
pub fn before(bytes: &[u8], colon: usize) -> Option<u32> {
    bytes.get(colon.checked_sub(3)?..)?.first_chunk().map(|tail| u32::from_le_bytes(*tail))
}

/// One of 64, told by the golden ratio's bits as Knuth has it ("The Art of Computer Programming" 3, section 6.4).
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
fn bit(tail: u32) -> u64 {
    1 << (tail.wrapping_mul(0x9E37_79B9) >> 26)
}
