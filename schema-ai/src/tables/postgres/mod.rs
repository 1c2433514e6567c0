//! The tenants' tables in PostgreSQL.

mod mirror;

pub use mirror::{Mirrored, mirror};
