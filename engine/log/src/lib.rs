//! Where events wait: the `EventLog` port on embedded storage, and the suite that every implementation passes.
//! What the events mean, and who may write them, is decided elsewhere.

pub mod embedded;
pub mod metrics;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use embedded::{EmbeddedConfig, EmbeddedLog};
