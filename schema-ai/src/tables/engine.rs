//! The columns that the engine adds to every table.

use super::schema::Table;

/// The engine's columns of a stream's table, the key first.
pub(crate) const STREAM_COLUMNS: &[&str] = &[
    "_syncline_key",
    "_syncline_version",
    "_syncline_event_id",
    "_syncline_deleted_at",
    "_syncline_first_seen",
    "_syncline_last_seen",
    "_syncline_offset",
    "_syncline_overflow",
];

/// The engine's columns of a child table.
pub(crate) const CHILD_COLUMNS: &[&str] =
    &["_syncline_root_key", "_syncline_key", "_syncline_parent_key", "_syncline_index", "_syncline_deleted_at", "_syncline_overflow"];

/// The engine's columns of this table.
pub(crate) fn engine_columns(table: &Table) -> &'static [&'static str] {
    if table.parent.is_none() { STREAM_COLUMNS } else { CHILD_COLUMNS }
}
