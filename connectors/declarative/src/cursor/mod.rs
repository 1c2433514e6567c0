//! From when on a stream is read, and how far it was read: the cursors of a manifest, their windows and their state.
//! The state has the shape that Airbyte keeps, so that it can be taken over from there and given back.

mod partitioned;
mod progress;
mod settle;
mod spec;
mod windows;

pub use partitioned::Partitioned;
pub use progress::Progress;
pub use settle::Settled;
pub use spec::{CursorSpec, Kind};
pub use windows::{Window, earlier};

use serde::{Deserialize, Serialize};

/// A place in a stream: microseconds since 1970 for a time, or a count. Two times are equal when they are the same instant; the
/// offset is only how the source wrote it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Point {
    /// Microseconds, or the count.
    pub at: i64,
    /// The offset from UTC in which it was written, in seconds.
    #[serde(default, skip_serializing_if = "is_utc")]
    pub offset_s: i32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references to skip_serializing_if")]
fn is_utc(offset_s: &i32) -> bool {
    *offset_s == 0
}

impl Point {
    /// A count, or a time in UTC.
    pub fn new(at: i64) -> Self {
        Self { at, offset_s: 0 }
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Point {}

impl PartialOrd for Point {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Point {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
