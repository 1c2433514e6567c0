//! The words of Syncline: ids, records, events, cursors, steps, faults, statuses and the ports.
//! No IO, no clock and no vendor lives here; every other crate of the workspace may import this one, and it imports none.

pub mod attribute;
pub mod cursor;
pub mod event;
pub mod fault;
pub mod id;
pub mod ledger;
pub mod log;
pub mod nearest;
pub mod record;
pub mod schedule;
pub mod secret;
pub mod status;
pub mod step;

pub use cursor::{Advance, Cursor, CursorEntry, CursorKey, Revision};
pub use event::{Event, EventId, Op, Origin};
pub use fault::{Fault, Remedy};
pub use id::{ConnectorName, IntegrationId, JobId, ShardId, StreamName, TenantId};
pub use ledger::Ledger;
pub use log::{EventLog, LogFault, Shard};
pub use record::{Quarantined, Record, RecordKey, Version};
pub use secret::{Secret, Settings};
pub use status::State;
pub use step::Step;

#[cfg(test)]
mod tests;
