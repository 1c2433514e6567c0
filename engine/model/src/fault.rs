//! What can go wrong while a source is read, and what to do next. No text in here may hold a secret or a query string.

use std::time::Duration;

/// Why a connector could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The source asked us to wait this long.
    #[error("the source asked us to wait {0:?}")]
    Throttled(Duration),
    /// The source, or the way to it, does not work at the moment: connection, timeout, 5xx.
    #[error("the source is unavailable: {0}")]
    Unavailable(String),
    /// The credentials are not, or no longer, accepted.
    #[error("the source refused the credentials: {0}")]
    Unauthorized(String),
    /// The settings or the source's own permissions must be changed by somebody before this can work.
    #[error("{0}")]
    Misconfigured(String),
    /// The source answered something that we cannot use, and asking again will not help by itself.
    #[error("the source answered something unusable: {0}")]
    Unusable(String),
    /// One record cannot be handled.
    #[error("{0}")]
    BadRecord(String),
    /// Something of ours (the log, the store) does not work at the moment.
    #[error("{0}")]
    Internal(String),
    /// The work was told to stop: shutdown, pause or a lost shard.
    #[error("stopped before it was done")]
    Stopped,
}

/// What to do about a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Try again: after exactly this time where the source said so, with backoff otherwise.
    Retry(Option<Duration>),
    /// The owner of the integration must authorize it again; everything that was read stays.
    Reauthorize(String),
    /// The owner must change something; we look again from time to time.
    AskOwner(String),
    /// Quarantine the record and go on.
    SkipRecord(String),
    /// Nothing is wrong; end at the next step's end.
    Stop,
}

impl Fault {
    /// What to do about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Throttled(wait) => Remedy::Retry(Some(*wait)),
            Self::Unavailable(_) | Self::Internal(_) => Remedy::Retry(None),
            Self::Unauthorized(_) => Remedy::Reauthorize(self.to_string()),
            Self::Misconfigured(_) | Self::Unusable(_) => Remedy::AskOwner(self.to_string()),
            Self::BadRecord(why) => Remedy::SkipRecord(why.clone()),
            Self::Stopped => Remedy::Stop,
        }
    }

    /// A stable word for metrics and answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Throttled(_) => "throttled",
            Self::Unavailable(_) => "unavailable",
            Self::Unauthorized(_) => "unauthorized",
            Self::Misconfigured(_) => "misconfigured",
            Self::Unusable(_) => "unusable",
            Self::BadRecord(_) => "bad_record",
            Self::Internal(_) => "internal",
            Self::Stopped => "stopped",
        }
    }
}
