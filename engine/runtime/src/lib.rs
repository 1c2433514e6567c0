//! What keeps it all running: actors, supervision, the pump, pace, schedules, health. It knows the event log, the store and the
//! connectors by their ports only. Callers hold an [`EngineHandle`]; everything else in here is for it.

pub mod commands;
mod config;
pub mod connectors;
pub mod metrics;

mod actors;
mod board;
mod clock;
mod engine;
mod gate;
mod intake;
mod job;
mod lanes;
mod pace;
mod patience;
mod pump;
mod receive;
mod retry;
mod roster;
mod schedule;
mod supervise;
mod tries;

pub use board::JobProgress;
pub use config::EngineConfig;
pub use connectors::Connectors;
pub use engine::{Engine, EngineHandle, Stats};
pub use intake::{Intake, SpoolLimits};
pub use retry::Steps;
pub use schedule::check as check_schedule;

#[cfg(test)]
mod fakes;
