//! Blocks of 64 bytes of JSON: which bytes are quotes, backslashes, brackets or certain letters is asked of all of them at once, and so is
//! which of them lie within texts. The method is that of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019,
//! section 3.1).

use wide::u8x16;

use crate::cut::NotJson;

/// What nests deeper could not be read as a tree by anybody behind us.
pub const DEPTH_MAX: u32 = 127;

/// So many bytes are looked at together.
pub const BLOCK_BYTES: usize = 64;

/// The places before this one, which may be 64.
#[inline]
pub fn below(place: u32) -> u64 {
    1_u64.checked_shl(place).unwrap_or(0).wrapping_sub(1)
}

/// So many bytes, with spaces behind the last.
pub enum Block<'a> {
    Whole(&'a [u8; BLOCK_BYTES]),
    Padded([u8; BLOCK_BYTES]),
}

impl<'a> Block<'a> {
    /// `None` behind the last.
    #[inline]
    pub fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        if let Some(whole) = rest.first_chunk() {
            return Some(Self::Whole(whole));
        }
        let mut padded = [b' '; BLOCK_BYTES];
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Some(Self::Padded(padded))
    }

    /// All of them.
    #[inline]
    pub fn bytes(&self) -> &[u8; BLOCK_BYTES] {
        match self {
            Self::Whole(block) => block,
            Self::Padded(block) => block,
        }
    }
}

/// Which bytes of a block are what, one bit for each.
pub struct Marks([u8x16; 4]);

impl Marks {
    /// Those of this block.
    #[inline]
    pub fn of(block: &[u8; BLOCK_BYTES]) -> Self {
        let (parts, _) = block.as_chunks::<16>();
        Self(std::array::from_fn(|index| u8x16::new(parts[index])))
    }

    #[inline]
    fn mark(&self, is: impl Fn(u8x16) -> u32) -> u64 {
        let [one, two, three, four] = self.0.map(|part| u64::from(is(part)));
        one | two << 16 | three << 32 | four << 48
    }

    /// Quotes and backslashes.
    #[inline]
    pub fn quotes(&self) -> Quotes {
        Quotes {
            quotes: self.mark(|part| part.simd_eq(u8x16::splat(b'"')).to_bitmask()),
            backslashes: self.mark(|part| part.simd_eq(u8x16::splat(b'\\')).to_bitmask()),
        }
    }

    /// The brackets among these.
    #[inline]
    pub fn brackets(&self, outside: u64) -> Brackets {
        // `[` and `{`, `]` and `}` differ in this one bit, and nothing else becomes one of them by it.
        let folded = |part: u8x16| part | u8x16::splat(b'[' ^ b'{');
        Brackets {
            opens: self.mark(|part| folded(part).simd_eq(u8x16::splat(b'{')).to_bitmask()) & outside,
            closes: self.mark(|part| folded(part).simd_eq(u8x16::splat(b'}')).to_bitmask()) & outside,
        }
    }

    /// Where one of two letters stands.
    #[inline]
    pub fn letters(&self, [one, other]: [u8; 2]) -> u64 {
        self.mark(|part| (part.simd_eq(u8x16::splat(one)) | part.simd_eq(u8x16::splat(other))).to_bitmask())
    }

    /// Where this small letter or the same capital one stands.
    #[inline]
    pub fn letter(&self, letter: u8) -> u64 {
        self.mark(|part| (part | u8x16::splat(b'a' ^ b'A')).simd_eq(u8x16::splat(letter)).to_bitmask())
    }

    /// Control characters, and what is no ASCII.
    #[inline]
    pub fn odd(&self) -> u64 {
        let control = u8x16::splat(b' ' - 1);
        // A mask is of the highest bits, which is what tells other bytes from those of ASCII.
        self.mark(|part| (part.min(control).simd_eq(part) | part).to_bitmask())
    }
}

/// The first step to where texts are.
#[derive(Clone, Copy)]
pub struct Quotes {
    quotes: u64,
    /// Also those within texts; there are no others in JSON.
    pub backslashes: u64,
}

/// Those outside of texts.
#[derive(Clone, Copy)]
pub struct Brackets {
    /// `[` and `{`.
    pub opens: u64,
    /// `]` and `}`.
    pub closes: u64,
}

impl Brackets {
    /// All of them.
    pub fn any(self) -> u64 {
        self.opens | self.closes
    }

    /// Bracket by bracket; the place of the one that closes what was opened first.
    pub fn walk(self, depth: &mut u32) -> Result<Option<u32>, NotJson> {
        let (more, less) = (self.opens.count_ones(), self.closes.count_ones());
        if less < *depth && *depth + more <= DEPTH_MAX {
            *depth = *depth + more - less;
            return Ok(None);
        }
        let mut left = self.any();
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            if (self.opens >> place) & 1 == 1 {
                if *depth == DEPTH_MAX {
                    return Err(NotJson("it nests too deep"));
                }
                *depth += 1;
                continue;
            }
            *depth -= 1;
            if *depth == 0 {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Whether one of these marks stands in the outermost list or object, where the block begins as deep as this.
    pub fn outermost(self, marks: u64, mut depth: u32) -> bool {
        let (mut left, mut from) = (self.any(), 0);
        // From bracket to bracket: what stands up to the next one is as deep as what stands behind the last.
        loop {
            let to = left.trailing_zeros();
            let between = marks & !below(from) & below(to);
            if depth == 1 && between != 0 {
                return true;
            }
            if left == 0 {
                return false;
            }
            depth = if (self.opens >> to) & 1 == 1 { depth + 1 } else { depth.saturating_sub(1) };
            left &= left - 1;
            from = to;
        }
    }
}

/// Where texts are, from block to block.
#[derive(Default)]
pub struct Texts {
    /// All ones if a text goes on from the block before.
    pub inside: u64,
    /// One if the first byte follows a backslash that escapes it.
    escapes: u64,
}

impl Texts {
    /// Whether the next block is nothing but more of a text.
    #[inline]
    pub fn goes_on(&mut self, block: &Quotes) -> bool {
        let goes_on = self.inside != 0 && block.quotes | block.backslashes == 0;
        if goes_on {
            self.escapes = 0;
        }
        goes_on
    }

    /// The bytes of the next block that belong to texts, opening quotes included.
    #[inline]
    pub fn next(&mut self, block: &Quotes) -> u64 {
        let mut texts = block.quotes & !self.escaped(block.backslashes);
        // A byte is in a text if the number of quotes up to it is odd.
        for places in [1, 2, 4, 8, 16, 32] {
            texts ^= texts << places;
        }
        texts ^= self.inside;
        self.inside = if texts >> 63 == 1 { u64::MAX } else { 0 };
        texts
    }

    /// The bytes that follow an odd number of backslashes.
    #[inline]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        if backslashes == 0 {
            return std::mem::take(&mut self.escapes);
        }
        let backslashes = backslashes & !self.escapes;
        let behind = (backslashes << 1) | self.escapes;
        let odd_begins = backslashes & !EVEN & !behind;
        let (ends, over) = odd_begins.overflowing_add(backslashes);
        self.escapes = u64::from(over);
        (EVEN ^ (ends << 1)) & behind
    }
}
