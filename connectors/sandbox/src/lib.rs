//! Fake providers over real HTTP: deterministic, seeded, and able to fail on request. For test mode, demo and benchmarks only.
//!
//! What a record looks like is a pure function of the seed, the stream, its number and its revision (`world`, `records`). What
//! changed since the start is kept in `timeline`, what goes wrong in `faults`, and `server` puts all of it behind three prefixes.

mod dice;
mod faults;
mod hooks;
mod json;
mod limits;
mod people;
mod records;
mod running;
mod server;
mod state;
mod timeline;
mod words;
mod world;

pub use faults::{FaultKind, FaultRule};
pub use limits::RateLimit;
pub use running::{RunningSandbox, Sandbox, SandboxConfig, SandboxError};
pub use state::{Advance, Applied, SeenRequest};
pub use timeline::Row;
pub use words::{Provider, Stream};
pub use world::World;
