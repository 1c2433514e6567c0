//! Those who read our events from a real Kafka: consumers in three languages, with the rights that are documented and no others, and with
//! a schema registry. Apart from `cluster`, so that nothing runs beside its storm. Without `SYNCLINE_TEST_KAFKA` nothing is tested.
#![cfg(feature = "kafka")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[allow(dead_code, reason = "what other tests use of it")]
#[path = "support/mod.rs"]
mod support;

#[allow(dead_code, reason = "what other tests use of it")]
#[path = "support/registry/mod.rs"]
mod registry;

#[path = "readers/consumers.rs"]
mod consumers;
#[path = "readers/framed.rs"]
mod framed;
#[allow(dead_code, reason = "what other tests use of it")]
#[path = "cluster/installation.rs"]
mod installation;
#[allow(dead_code, reason = "what other tests use of it")]
#[path = "cluster/published.rs"]
mod published;
#[path = "readers/secured.rs"]
mod secured;
