//! Typed tables of a tenant: a table for each stream, child tables for lists of objects, and a catalog that says what they are.
//! [`TableHome`] is where they are, [`TableWriter`] writes them, [`TableReader`] reads them; SQLite and PostgreSQL implement all three.

mod by_key;
pub mod database;
mod engine;
mod fault;
mod flatten;
mod fold;
pub mod name;
mod port;
pub mod postgres;
mod rows;
pub mod schema;
mod sqlite;
mod view;

pub use fault::TableFault;
pub use port::{AnyHome, Applied, Deletes, Rejected, TableHome, TablePolicy, TableReader, TableWriter, TenantLogin};
pub use postgres::{Alone, Claimed, PostgresHome, PostgresReader, PostgresWriter};
pub use sqlite::{SqliteHome, SqliteReader, SqliteWriter, file_of};
pub use view::{ColumnView, Compare, Filter, Page, RowQuery, TableView};

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::Postgres;
