//! Black-box tests: the real binary, real HTTP, real files. Nothing in here knows the inside of the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "support/mod.rs"]
mod support;

#[path = "support/hooks.rs"]
mod hooks;

#[path = "flow/bad_input.rs"]
mod bad_input;
#[path = "flow/command_line.rs"]
mod command_line;
#[path = "flow/crash.rs"]
mod crash;
#[path = "flow/isolation.rs"]
mod isolation;
#[path = "flow/organize.rs"]
mod organize;
#[path = "flow/state.rs"]
mod state;
#[path = "flow/tables_postgres.rs"]
mod tables_postgres;
#[path = "flow/webhooks.rs"]
mod webhooks;
#[path = "flow/whole_way.rs"]
mod whole_way;
#[path = "flow/wide.rs"]
mod wide;
