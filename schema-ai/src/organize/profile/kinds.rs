//! The lattice of what a path has held: a set that only grows, so joining is commutative, associative and idempotent.

use serde::{Deserialize, Serialize};

/// One kind of JSON value. Integers and decimals are told apart by their text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// `null`
    Null = 1,
    /// `true` or `false`
    Bool = 2,
    /// A number without fraction and exponent
    Integer = 4,
    /// Any other number
    Decimal = 8,
    /// A string
    Text = 16,
    /// An object
    Object = 32,
    /// A list
    List = 64,
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Kinds(u8);

impl Kinds {
    /// The set with one more kind.
    #[must_use]
    pub fn with(self, kind: Kind) -> Self {
        Self(self.0 | kind as u8)
    }

    /// The smallest set that has both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set has this kind.
    pub fn has(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }

    /// How many kinds besides null.
    pub fn arity(self) -> u32 {
        (self.0 & !(Kind::Null as u8)).count_ones()
    }
}
