//! The suite of the store: each test runs on SQLite, and on the PostgreSQL of `SYNCLINE_TEST_POSTGRES_URL` if that is set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bed;

mod audit;
mod idempotency;
mod integrations;
mod jobs;
mod keys;
mod ledger;
mod migrations;
mod quarantine;
mod rotation;
mod secrets;
mod source;
mod webhooks;
