//! What the faults of others are to a caller. What is ours alone goes to the log, with no detail in the answer.

use syncline_model::{Fault, LogFault};
use syncline_store::StoreFault;
use tracing::error;

use crate::problem::{Code, Problem};

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Self {
        let text = fault.to_string();
        match fault {
            StoreFault::NotFound { .. } => Self::because(Code::NotFound, text),
            StoreFault::Taken { .. } => Self::because(Code::Taken, text),
            StoreFault::Conflict { .. } => Self::because(Code::Changed, text),
            StoreFault::NoSuchTransition { .. } => Self::because(Code::WrongState, text),
            StoreFault::BadPage(_) => Self::because(Code::BadCursor, "`after` must be the `next` of a page of this listing"),
            StoreFault::Settings(_) => Self::invalid_at("/settings", text),
            StoreFault::Database(_) => ours(Code::Unavailable, &text),
            StoreFault::Vault(_) | StoreFault::ChainBroken(_) | StoreFault::Unreadable(_) | StoreFault::BadTime(_) => {
                ours(Code::Internal, &text)
            }
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string();
        match fault {
            Fault::Throttled(wait) => Self::because(Code::Unavailable, text).retry_after(wait.as_secs().max(1)),
            Fault::Unavailable(_) | Fault::Unauthorized(_) | Fault::Unusable(_) | Fault::BadRecord(_) => {
                Self::because(Code::SourceRefused, text)
            }
            Fault::Misconfigured(_) => Self::because(Code::WrongState, text),
            Fault::Internal(_) | Fault::Stopped => ours(Code::Unavailable, &text),
        }
    }
}

impl From<LogFault> for Problem {
    fn from(fault: LogFault) -> Self {
        let code = match fault {
            LogFault::Unavailable(_) | LogFault::Fenced(_) => Code::Unavailable,
            LogFault::Conflict(_) | LogFault::TooLarge { .. } | LogFault::Damaged(_) => Code::Internal,
        };
        ours(code, &fault.to_string())
    }
}

pub(crate) fn ours(code: Code, text: &str) -> Problem {
    error!("a request failed: {text}");
    Problem::new(code)
}
