//! Blocks of 64 bytes of JSON: which bytes are quotes, backslashes, brackets or certain letters is asked of all of them at once, and so is
//! which of them lie within texts. The method is that of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019,
//! section 3.1).

#![allow(clippy::inline_always, reason = "what is not inlined is compiled for the narrowest registers")]

use fearless_simd::{prelude::*, u8x64};

use crate::cut::NotJson;

/// What nests deeper could not be read as a tree by anybody behind us.
pub const DEPTH_MAX: u32 = 127;

/// So many bytes are looked at together.
pub const BLOCK_BYTES: usize = 64;

/// The places before this one, which may be 64.
#[inline(always)]
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
    #[inline(always)]
    pub fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        if let Some(whole) = rest.first_chunk() {
            return Some(Self::Whole(whole));
        }
        let mut padded = [b' '; BLOCK_BYTES];
        padded[..rest.len()].copy_from_slice(rest);
        Some(Self::Padded(padded))
    }

    /// All of them.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8; BLOCK_BYTES] {
        match self {
            Self::Whole(block) => block,
            Self::Padded(block) => block,
        }
    }
}

/// Which bytes of a block are what, one bit for each.
pub struct Marks<S: Simd>(S, u8x64<S>);

impl<S: Simd> Marks<S> {
    /// Those of this block.
    #[inline(always)]
    pub fn of(simd: S, block: &[u8; BLOCK_BYTES]) -> Self {
        Self(simd, u8x64::from_slice(simd, block))
    }

    #[inline(always)]
    fn all(&self, byte: u8) -> u8x64<S> {
        u8x64::splat(self.0, byte)
    }

    #[inline(always)]
    fn equal(&self, byte: u8) -> u64 {
        self.1.simd_eq(self.all(byte)).to_bitmask()
    }

    /// Quotes and backslashes.
    #[inline(always)]
    pub fn quotes(&self) -> Quotes {
        Quotes { quotes: self.equal(b'"'), backslashes: self.equal(b'\\') }
    }

    /// The brackets among these.
    #[inline(always)]
    pub fn brackets(&self, outside: u64) -> Brackets {
        // `[` and `{`, `]` and `}` differ in this one bit, and nothing else becomes one of them by it.
        let folded = self.1 | self.all(b'[' ^ b'{');
        Brackets {
            opens: folded.simd_eq(self.all(b'{')).to_bitmask() & outside,
            closes: folded.simd_eq(self.all(b'}')).to_bitmask() & outside,
        }
    }

    /// Where names and values end, and whatever else one of these letters is.
    #[inline(always)]
    pub fn joints(&self) -> Joints {
        Joints { colons: self.equal(b':'), commas: self.equal(b',') }
    }

    /// Where this small letter or the same capital one stands.
    #[inline(always)]
    pub fn letter(&self, letter: u8) -> u64 {
        (self.1 | self.all(b'a' ^ b'A')).simd_eq(self.all(letter)).to_bitmask()
    }

    /// Control characters, and what is no ASCII.
    #[inline(always)]
    pub fn odd(&self) -> u64 {
        // Counted from the first that is neither, all others are less than these.
        (self.1 - self.all(b' ')).simd_ge(self.all(0x80 - b' ')).to_bitmask()
    }
}

/// The first step to where texts are.
#[derive(Clone, Copy)]
pub struct Quotes {
    /// Also those that a backslash escapes.
    pub quotes: u64,
    /// Also those within texts; there are no others in JSON.
    pub backslashes: u64,
}

/// Where fields join.
#[derive(Clone, Copy)]
pub struct Joints {
    /// `:`.
    pub colons: u64,
    /// `,`.
    pub commas: u64,
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
    #[inline(always)]
    pub fn any(self) -> u64 {
        self.opens | self.closes
    }

    /// Bracket by bracket; the place of the one that closes what was opened first.
    #[inline(always)]
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

    /// The bytes of a block that stand in the outermost list or object and in nothing within it, and the place where that ends. The
    /// block begins as deep as this.
    #[inline(always)]
    pub fn outermost(self, depth: &mut u32) -> Result<(u64, Option<u32>), NotJson> {
        let mut left = self.any();
        let mut within = if *depth == 1 { u64::MAX } else { 0 };
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            let behind = (u64::MAX << place) << 1;
            if (self.opens >> place) & 1 == 1 {
                match *depth {
                    0 => within ^= behind,
                    1 => within ^= u64::MAX << place,
                    DEPTH_MAX => return Err(NotJson("it nests too deep")),
                    _ => {}
                }
                *depth += 1;
                continue;
            }
            *depth -= 1;
            match *depth {
                0 => return Ok((within & !(u64::MAX << place), Some(place))),
                1 => within ^= behind,
                _ => {}
            }
        }
        Ok((within, None))
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
    #[inline(always)]
    pub fn goes_on(&mut self, block: &Quotes) -> bool {
        let goes_on = self.inside != 0 && block.quotes | block.backslashes == 0;
        if goes_on {
            self.escapes = 0;
        }
        goes_on
    }

    /// The bytes of the next block that belong to texts, opening quotes included.
    #[inline(always)]
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
    #[inline(always)]
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
