#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod document;
mod integrations;
mod keys_and_audit;
mod live;
mod plans;
mod reading;
mod running;
mod support;
mod walk;
mod webhooks;
