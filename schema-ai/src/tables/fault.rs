//! Why tables could not be written or read.

/// Why tables could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableFault {
    /// SQLite refused: the disk is full, the file is damaged, or somebody holds it.
    #[error("the tables of tenant `{tenant}` are unavailable: {cause}")]
    Unavailable {
        /// Whose tables.
        tenant: String,
        /// What SQLite said.
        cause: String,
    },
    /// The file holds the tables of another tenant, or an event is of another one.
    #[error("these are the tables of tenant `{owner}`, not of `{asked}`")]
    ForeignTenant {
        /// Whose they are.
        owner: String,
        /// Whose they should be.
        asked: String,
    },
    /// The file was written by a later version.
    #[error("the tables of tenant `{tenant}` have format {found}, and this version knows {known}")]
    Newer {
        /// Whose tables.
        tenant: String,
        /// The file's format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// There is no such table.
    #[error("there is no table `{table}`{hint}")]
    NoTable {
        /// What was asked for.
        table: String,
        /// What may have been meant.
        hint: String,
    },
    /// There is no such column.
    #[error("table `{table}` has no column `{column}`{hint}")]
    NoColumn {
        /// In which table.
        table: String,
        /// What was asked for.
        column: String,
        /// What may have been meant.
        hint: String,
    },
    /// A page or a filter was asked for that makes no sense.
    #[error("{0}")]
    BadQuery(String),
}

/// Names the tenant in what SQLite says.
pub(crate) fn unavailable(tenant: &str) -> impl Fn(rusqlite::Error) -> TableFault + '_ {
    move |error| TableFault::Unavailable { tenant: tenant.to_owned(), cause: error.to_string() }
}
