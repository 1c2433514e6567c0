//! The declarative language, beside its reference: each manifest of `tests/language/cases` is read by our binary and by the Python
//! package, from the same API; what they send, emit and remember must be equal. And what hostile sources must not do to us.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "language/api/mod.rs"]
mod api;
#[path = "language/files.rs"]
mod files;
#[path = "language/hostile.rs"]
mod hostile;
#[path = "language/recorded.rs"]
mod recorded;
#[path = "language/run.rs"]
mod run;
#[path = "language/same.rs"]
mod same;
