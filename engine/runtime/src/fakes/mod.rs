//! Ports in memory, for tests and benchmarks: they keep what they are given, refuse what the real ones refuse, and can be told to
//! fail. Nothing of the engine is in here.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value
)]

mod ledger;
mod log;
mod source;

pub use ledger::MemoryLedger;
pub use log::{Failing, MemoryLog, Port};
pub use source::{Act, Row, TestSource};
