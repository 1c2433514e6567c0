//! Many nodes on a real Kafka and a real PostgreSQL, with everything that can happen to them. Nothing in here knows the inside of the
//! engine: what was published is read with Kafka's own console consumer. Without `SYNCLINE_TEST_KAFKA` nothing is tested.
#![cfg(feature = "kafka")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[allow(dead_code, reason = "what other tests use of it")]
#[path = "support/mod.rs"]
mod support;

#[allow(dead_code, reason = "what other tests use of it")]
#[path = "support/hooks.rs"]
mod hooks;

#[path = "cluster/asked.rs"]
mod asked;
#[path = "cluster/clocks.rs"]
mod clocks;
#[path = "cluster/dashboards.rs"]
mod dashboards;
#[path = "cluster/doors.rs"]
mod doors;
#[path = "cluster/files.rs"]
mod files;
#[path = "cluster/hooked.rs"]
mod hooked;
#[allow(dead_code, reason = "what other tests use of it")]
#[path = "cluster/installation.rs"]
mod installation;
#[path = "cluster/left_open.rs"]
mod left_open;
#[path = "cluster/nodes.rs"]
mod nodes;
#[path = "cluster/outage.rs"]
mod outage;
#[path = "cluster/published.rs"]
mod published;
#[path = "cluster/storm.rs"]
mod storm;
