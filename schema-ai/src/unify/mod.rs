//! Carries out plans: keeps each stream's profile, each tenant's plans, and the unified tables that the accepted plan asks for.
//!
//! All of it is in the tenant's own SQLite file or PostgreSQL schema beside the tables of its streams, so that profile, plan, unified
//! rows and the place in the log move in one transaction: a process that dies leaves a tenant as it was before or after, never in
//! between; and of several processes that organize the same tenant each waits for the other.

mod apply;
mod desk;
mod entities;
mod own;
mod plans;
mod profiles;
mod reading;
mod runner;
mod settle;
mod source;
mod survive;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Policy, Progress};
pub use entities::{EntityView, FieldView, Source, TakingOver, Thing, Turn, UnifiedPage};
pub use plans::{Kept, State};
pub use runner::{Unifier, UnifierHandle};

use crate::{organize::Refused, tables::TableFault};

/// Why a tenant's plan could not be made, kept or carried out.
#[derive(Debug, thiserror::Error)]
pub enum UnifyFault {
    /// The tables, or what is kept beside them, cannot be read or written.
    #[error(transparent)]
    Tables(#[from] TableFault),
    /// The streams cannot be analyzed.
    #[error(transparent)]
    Analysis(#[from] Refused),
    /// Something that was kept cannot be read.
    #[error("what was kept of the tenant's plans cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The tenant has no tables yet.
    #[error("there are no tables yet; they come with the first events")]
    NoTables,
    /// There is no such plan.
    #[error("there is no plan `{0}`")]
    NoPlan(i64),
    /// There is no such entity.
    #[error("there is no entity `{0}`{1}")]
    NoEntity(String, String),
    /// There is no such row.
    #[error("`{0}` has no row `{1}`")]
    NoThing(String, String),
    /// The plan's state does not allow it.
    #[error("plan `{0}` is {1}")]
    WrongState(i64, &'static str),
    /// The edit is not possible.
    #[error(transparent)]
    BadEdit(#[from] crate::organize::plan::edit::BadEdit),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(String),
}
