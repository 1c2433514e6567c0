//! What the events mean: profile, keys, relations, matching, resolution, plans and tables.

pub mod consumer;
pub mod infer;
mod json;
pub mod metrics;
pub mod organize;
pub mod tables;
pub mod unify;
