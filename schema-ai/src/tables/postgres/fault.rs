//! What PostgreSQL's refusals mean, by their codes.

use syncline_model::TenantId;

use crate::tables::fault::TableFault;

/// What to do when a transaction failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// It failed because of what was in it: with less in it, all but the culprit goes through.
    Halve,
    /// It may go through later as it is.
    TryAgain,
}

/// What to do after this.
pub(super) fn remedy(error: &sqlx::Error) -> Remedy {
    let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned)).unwrap_or_default();
    match code.get(..2) {
        // A value that no type holds; more than a row, an index or a stack can hold.
        Some("22" | "54") => Remedy::Halve,
        // Out of memory, or of room for locks. A full disk is another code, and waits for somebody.
        _ if code == "53200" => Remedy::Halve,
        _ => Remedy::TryAgain,
    }
}

/// Names the tenant in what PostgreSQL says. An address is never in it: it may hold a password.
pub(super) fn fault(tenant: &TenantId, error: &sqlx::Error) -> TableFault {
    TableFault::Unavailable { tenant: tenant.to_string(), cause: said(error) }
}

/// What PostgreSQL says.
pub(super) fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => format!("PostgreSQL: {}", said.message()),
        sqlx::Error::Io(cause) => format!("PostgreSQL cannot be reached: {cause}"),
        sqlx::Error::PoolTimedOut => "PostgreSQL gave no connection in time".to_owned(),
        sqlx::Error::Configuration(_) => "the address of PostgreSQL cannot be read".to_owned(),
        other => format!("PostgreSQL: {other}"),
    }
}
