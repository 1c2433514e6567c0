//! From raw streams to one relational picture: profile, tables, keys, relations, unified entities, same things found again.
//! Pure functions over bytes and values: no network, no clock, no configuration, no model. Writing tables is left to `tables`.

// Statistics and scores are floats on purpose; no value of a record ever becomes one.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]

pub mod advice;
pub mod cli;
pub mod concepts;
pub mod keys;
pub mod matching;
pub mod normalize;
pub mod plan;
pub mod profile;
pub mod quality;
pub mod relations;
pub mod resolve;
pub mod words;

/// Why the organizer could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The command line does not say what we understand.
    #[error("{0}")]
    Usage(String),
    /// A file or folder could not be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Unwritable(#[from] std::io::Error),
    /// A value could not be turned into JSON, or a data file is not what it should be.
    #[error("`{what}` is not valid: {cause}")]
    Invalid {
        /// The file or value.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
}
