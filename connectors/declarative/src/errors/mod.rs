//! What an answer means: the error handlers of a requester, and how long to wait before the next try.

mod backoff;
mod filter;
mod message;
mod seen;
mod tries;

use std::time::Duration;

use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::HttpAnswer;

pub use self::tries::Tries;
use self::{backoff::Backoff, filter::Filter, seen::Seen};
use crate::{
    node::Node,
    problem::Problem,
    template::{Scope, Template},
};

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Use it.
    Success,
    /// Leave it out, and say so.
    Ignore,
    /// Try again.
    Retry,
    /// Try again, and it was a limit.
    RateLimited,
    /// Give up.
    Fail,
    /// Ask for fewer records at once.
    ReducePageSize,
    /// Ask for a shorter window.
    SplitRequestWindow,
    /// Begin the pages anew.
    ResetPagination,
    /// Fetch a new token and try again.
    RefreshTokenThenRetry,
}

impl Action {
    /// The actions and how manifests spell them.
    const NAMES: [(&'static str, Self); 9] = [
        ("SUCCESS", Self::Success),
        ("IGNORE", Self::Ignore),
        ("RETRY", Self::Retry),
        ("RATE_LIMITED", Self::RateLimited),
        ("FAIL", Self::Fail),
        ("REDUCE_PAGE_SIZE", Self::ReducePageSize),
        ("SPLIT_REQUEST_WINDOW", Self::SplitRequestWindow),
        ("RESET_PAGINATION", Self::ResetPagination),
        ("REFRESH_TOKEN_THEN_RETRY", Self::RefreshTokenThenRetry),
    ];

    /// A handler that says this has the last word among several.
    fn is_final(self) -> bool {
        match self {
            Self::Success | Self::Ignore | Self::Retry | Self::ReducePageSize | Self::SplitRequestWindow | Self::ResetPagination => true,
            Self::RateLimited | Self::Fail | Self::RefreshTokenThenRetry => false,
        }
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What to do with it.
    pub action: Action,
    /// The owner must change something before it can work.
    pub config: bool,
    /// What the manifest says about it.
    pub message: Option<String>,
}

impl Verdict {
    fn of(action: Action, config: bool) -> Self {
        Self { action, config, message: None }
    }

    /// What a status means by itself.
    fn of_status(status: u16) -> Self {
        match status {
            ..=399 => Self::of(Action::Success, false),
            400 | 404 | 405 => Self::of(Action::Fail, false),
            401 | 403 => Self::of(Action::Fail, true),
            429 => Self::of(Action::RateLimited, false),
            _ => Self::of(Action::Retry, false),
        }
    }

    /// What it means that there was no answer.
    fn of_fault(fault: &Fault) -> Self {
        match fault {
            Fault::Unavailable(_) | Fault::Throttled(_) => Self::of(Action::Retry, false),
            Fault::Misconfigured(_) | Fault::Unauthorized(_) => Self::of(Action::Fail, true),
            Fault::Unusable(_) | Fault::BadRecord(_) | Fault::Internal(_) | Fault::Stopped => Self::of(Action::Fail, false),
        }
    }

    /// The fault to end with.
    pub fn fault(self, answer: &Result<HttpAnswer, Fault>) -> Fault {
        let status = match answer {
            Ok(answer) => answer.status.as_u16(),
            Err(fault) => return fault.clone(),
        };
        let message = self.message.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("the source answered {status}"));
        match (status, self.config) {
            (401, _) => Fault::Unauthorized(message),
            (_, true) => Fault::Misconfigured(message),
            (_, false) => Fault::Unusable(message),
        }
    }
}

/// The handlers of a requester.
#[derive(Debug, Clone)]
pub struct ErrorHandlers {
    handler: Handler,
    backoffs: Vec<Backoff>,
    retries: Option<Template>,
}

#[derive(Debug, Clone)]
enum Handler {
    One(Vec<Filter>),
    Several(Vec<Handler>),
}

/// How often a request is tried again, unless the manifest says so.
const RETRIES: u32 = 5;
const KNOWN: [&str; 2] = ["DefaultErrorHandler", "CompositeErrorHandler"];

impl ErrorHandlers {
    /// Reads them; without any, the defaults hold.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        let mut made = Self { handler: Handler::One(Vec::new()), backoffs: Vec::new(), retries: None };
        if let Some(node) = node.filter(|node| !node.is_null()) {
            made.handler = made.read(&Node::new(node, path))?;
        }
        Ok(made)
    }

    fn read(&mut self, node: &Node<'_>) -> Result<Handler, Problem> {
        match node.kind() {
            "CompositeErrorHandler" => {
                let inner = node.children("error_handlers");
                if inner.is_empty() {
                    return Err(node.missing("error_handlers"));
                }
                // How often to try is said by the first of them, and how long to wait by whichever says it first.
                let mut made = Vec::new();
                for (index, node) in inner.iter().enumerate() {
                    let retries = self.retries.clone();
                    made.push(self.read(node)?);
                    self.retries = if index == 0 { self.retries.take() } else { retries };
                }
                Ok(Handler::Several(made))
            }
            "DefaultErrorHandler" | "" => {
                self.retries = node.text("max_retries")?;
                for backoff in node.children("backoff_strategies") {
                    self.backoffs.push(Backoff::load(&backoff)?);
                }
                node.children("response_filters").iter().map(Filter::load).collect::<Result<_, _>>().map(Handler::One)
            }
            _ => Err(node.unknown("error handler", &KNOWN)),
        }
    }

    /// What an answer means, or that there was none.
    pub fn judge(&self, answer: &Result<HttpAnswer, Fault>, scope: &Scope) -> Verdict {
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return Verdict::of_fault(fault),
        };
        let seen = Seen::new(answer, scope);
        // A filter that cannot be asked is a mistake of the manifest.
        self.handler.judge(&seen).unwrap_or_else(|fault| Verdict { action: Action::Fail, config: false, message: Some(fault.to_string()) })
    }

    /// How often a request is tried again.
    fn retries_max(&self, scope: &Scope) -> Result<u32, Fault> {
        let Some(retries) = &self.retries else { return Ok(RETRIES) };
        let text = retries.text(scope)?;
        let bad = || Fault::Misconfigured(format!("`max_retries` becomes `{text}`, and must be a whole number"));
        text.trim().parse::<i64>().map(|retries| u32::try_from(retries.max(0)).unwrap_or(u32::MAX)).map_err(|_| bad())
    }

    /// How long to wait before try number `attempt` (1 is the first repetition): what the first strategy with an answer says, and a
    /// second more.
    fn strategy(&self, answer: Option<&HttpAnswer>, attempt: u32, scope: &Scope) -> Result<Option<Duration>, Fault> {
        let seen = answer.map(|answer| Seen::new(answer, scope));
        for backoff in &self.backoffs {
            if let Some(wait) = backoff.wait(seen.as_ref(), attempt, scope)? {
                return Ok(Some(wait + Duration::from_secs(1)));
            }
        }
        Ok(None)
    }
}

impl Handler {
    fn judge(&self, seen: &Seen<'_>) -> Result<Verdict, Fault> {
        match self {
            Self::One(filters) => {
                for filter in filters {
                    if let Some(verdict) = filter.judge(seen)? {
                        return Ok(verdict);
                    }
                }
                Ok(Verdict::of_status(seen.status()))
            }
            Self::Several(handlers) => {
                let mut last = Verdict::of_status(seen.status());
                for handler in handlers {
                    let earlier = std::mem::replace(&mut last, handler.judge(seen)?);
                    // One that says the same without words does not silence the one before.
                    if earlier.action == last.action && last.message.is_none() {
                        last.message = earlier.message;
                    }
                    if last.action.is_final() {
                        break;
                    }
                }
                Ok(last)
            }
        }
    }
}

#[cfg(test)]
mod tests;
