//! Times as the tables hold them: nanoseconds since 1970, exact, from 1678 to 2261.

use jiff::Timestamp;

use crate::StoreFault;

pub(crate) fn to_column(at: Timestamp) -> Result<i64, StoreFault> {
    i64::try_from(at.as_nanosecond()).map_err(|_| StoreFault::BadTime(at))
}

pub(crate) fn maybe_to_column(at: Option<Timestamp>) -> Result<Option<i64>, StoreFault> {
    at.map(to_column).transpose()
}

pub(crate) fn now() -> Result<i64, StoreFault> {
    to_column(Timestamp::now())
}

pub(crate) fn from_column(ns: i64) -> Result<Timestamp, StoreFault> {
    Timestamp::from_nanosecond(i128::from(ns)).map_err(StoreFault::unreadable)
}

pub(crate) fn maybe_from_column(ns: Option<i64>) -> Result<Option<Timestamp>, StoreFault> {
    ns.map(from_column).transpose()
}
