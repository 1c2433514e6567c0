//! What can go wrong in the store.

use sea_orm::DbErr;
use syncline_model::{Fault, Revision, State};

use crate::vault::{BadSettings, VaultFault};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// There is none of that name, or it is deleted.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The id is in use, or was once: ids are never used again.
    #[error("the {kind} id `{id}` is taken, or was once")]
    Taken {
        /// What was to be made.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// Somebody changed it since it was read.
    #[error("integration `{id}` is at revision {actual}, and the change was made for revision {expected}: read it again", expected = .expected.0, actual = .actual.0)]
    Conflict {
        /// The integration.
        id: String,
        /// The revision that the change was made for.
        expected: Revision,
        /// The one that is stored.
        actual: Revision,
    },
    /// The stored state does not lead to the wanted one.
    #[error("integration `{id}` is {from}, and nothing leads from there to {to}")]
    NoSuchTransition {
        /// The integration.
        id: String,
        /// Its state.
        from: State,
        /// The wanted one.
        to: State,
    },
    /// The place where a listing goes on is none of ours.
    #[error("`{0}` is no place where this listing can go on")]
    BadPage(String),
    /// The settings cannot be parted or put together.
    #[error(transparent)]
    Settings(#[from] BadSettings),
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] VaultFault),
    /// Somebody rewrote the audit chain.
    #[error("the audit chain is broken at entry {0}: it, or one before it, was changed or taken away")]
    ChainBroken(i64),
    /// A stored value is none that we wrote.
    #[error("the store holds something unreadable: {0}")]
    Unreadable(String),
    /// A time before 1678 or after 2261.
    #[error("the time {0} cannot be stored")]
    BadTime(jiff::Timestamp),
    /// The database cannot be reached, or is none that we can use.
    #[error("the store's database does not work: {0}")]
    Database(String),
}

impl StoreFault {
    pub(crate) fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn unreadable(error: impl std::fmt::Display) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<DbErr> for StoreFault {
    fn from(error: DbErr) -> Self {
        Self::Database(error.to_string())
    }
}

// To the engine, every fault of the store is one of ours and not of the source.
impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Self {
        Self::Internal(fault.to_string())
    }
}
