//! What a value is. The kinds form a lattice that only widens: whatever order values come in, the same kind comes out, and every
//! value that was seen has a lossless text in it. Numbers are read from their own text and never pass through `f64`.

mod scalar;

pub use scalar::{Number, TextKind, number_of, text_kind_of};

use serde::{Deserialize, Serialize};

/// The kind of everything that was seen at one path. [`Kind::join`] is the least kind that holds both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Nothing but `null` was seen: there is no evidence yet.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number of any size, kept as its text.
    BigInteger,
    /// A number of any precision, kept as its text.
    Decimal,
    /// A moment: date, time and zone, kept as its text.
    Timestamp,
    /// A day.
    Date,
    /// A UUID with its hyphens.
    Uuid,
    /// Any text; also what scalars of different kinds have in common.
    Text,
    /// Any JSON, kept as its text: lists, and what is a list here and a scalar there.
    Json,
}

impl Kind {
    /// Every kind, in the order of the lattice's levels.
    pub const ALL: [Self; 10] = [
        Self::Null,
        Self::Boolean,
        Self::Integer,
        Self::BigInteger,
        Self::Decimal,
        Self::Timestamp,
        Self::Date,
        Self::Uuid,
        Self::Text,
        Self::Json,
    ];

    /// The least kind that holds the values of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        if self == other || other == Self::Null {
            return self;
        }
        if self == Self::Null {
            return other;
        }
        if self == Self::Json || other == Self::Json {
            return Self::Json;
        }
        if self.is_number() && other.is_number() { self.max(other) } else { Self::Text }
    }

    /// Every value of the other kind fits in this one as it is.
    pub fn holds(self, other: Self) -> bool {
        self.join(other) == self
    }

    /// Integers of both sizes and decimals.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::BigInteger | Self::Decimal)
    }

    /// The name in catalogs and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::BigInteger => "BIG_INTEGER",
            Self::Decimal => "DECIMAL",
            Self::Timestamp => "TIMESTAMP",
            Self::Date => "DATE",
            Self::Uuid => "UUID",
            Self::Text => "TEXT",
            Self::Json => "JSON",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
