//! How often a request was tried, and whether it is tried again.
//!
//! Three things make a request wait, and each is counted by itself: what the connector's strategies say, a limit of which nobody knows how
//! long it lasts, and everything else. They lie within each other: a failure of one of them begins the count of those before it anew.

use std::time::Duration;

use syncline_model::Fault;
use syncline_sdk::HttpAnswer;
use tokio::time::Instant;

use super::{Action, ErrorHandlers};
use crate::template::Scope;

/// Trying again ends after so long.
const TIME_MAX: Duration = Duration::from_secs(600);
/// How long one waits before another token is tried.
const ROTATION: Duration = Duration::from_millis(1_100);

/// Why a request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Strategy,
    Limit,
    Else,
}

impl Why {
    const ALL: [Self; 3] = [Self::Strategy, Self::Limit, Self::Else];
}

/// How often, and how long it waited since it was first tried.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    tries: u32,
    waited: Duration,
    /// When the first of them began.
    began: Option<Instant>,
}

impl Count {
    /// Whether that has gone on for too long, be it with waiting or with answers that took their time.
    fn is_late(&self) -> bool {
        self.waited >= TIME_MAX || self.began.is_some_and(|began| began.elapsed() >= TIME_MAX)
    }
}

/// The tries of one request.
#[derive(Debug)]
pub struct Tries {
    sent: u32,
    counts: [Count; 3],
    /// When the current one began.
    began: Instant,
}

impl Default for Tries {
    fn default() -> Self {
        Self { sent: 0, counts: Default::default(), began: Instant::now() }
    }
}

impl Tries {
    /// How long to wait before the next try after this failure; `None` if there is none. With another token one needs not wait for what
    /// the source lets this one do.
    pub fn next(
        &mut self,
        errors: &ErrorHandlers,
        scope: &Scope,
        action: Action,
        answer: Option<&HttpAnswer>,
        another: bool,
    ) -> Result<Option<Duration>, Fault> {
        self.sent += 1;
        let is_limit = action == Action::RateLimited;
        let said = if is_limit && another { Some(ROTATION) } else { errors.strategy(answer, self.sent, scope)? };
        let why = match said {
            Some(_) => Why::Strategy,
            None if is_limit => Why::Limit,
            None => Why::Else,
        };
        let count = self.count(why);
        // Waiting for a limit ends after the tries alone.
        let is_late = why != Why::Limit && count.is_late();
        if count.tries > errors.retries_max(scope)? || is_late {
            return Ok(None);
        }
        let wait = said.unwrap_or_else(|| Duration::from_secs(1 << count.tries.saturating_sub(1).min(16)));
        self.wait(why, wait);
        self.began = Instant::now() + wait;
        Ok(Some(wait))
    }

    /// Counts a failure.
    fn count(&mut self, why: Why) -> Count {
        let mut counted = Count::default();
        for (each, count) in Why::ALL.into_iter().zip(&mut self.counts) {
            if each < why {
                *count = Count::default();
            } else if each == why {
                count.tries += 1;
                count.began.get_or_insert(self.began);
                counted = *count;
            }
        }
        counted
    }

    /// What one waits for lies within all that lie around it.
    fn wait(&mut self, why: Why, wait: Duration) {
        for (each, count) in Why::ALL.into_iter().zip(&mut self.counts) {
            if each >= why {
                count.waited += wait;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn waits(handlers: &serde_json::Value, failures: &[(Action, Option<&str>)]) -> Vec<Option<u64>> {
        let errors = ErrorHandlers::load(Some(handlers), "x").unwrap();
        let mut tries = Tries::default();
        let answer = |after: Option<&str>| HttpAnswer {
            status: http::StatusCode::TOO_MANY_REQUESTS,
            headers: after.map(|after| (http::header::RETRY_AFTER, after.parse().unwrap())).into_iter().collect(),
            body: bytes::Bytes::new(),
            url: "https://example.com/".parse().unwrap(),
        };
        let next = |(action, after): &(Action, Option<&str>)| {
            tries.next(&errors, &Scope::new(), *action, Some(&answer(*after)), false).unwrap().map(|wait| wait.as_secs())
        };
        failures.iter().map(next).collect()
    }

    #[test]
    fn the_sixth_failure_of_one_kind_is_the_last() {
        let failures = [(Action::Retry, None); 6];
        assert_eq!(waits(&json!({}), &failures), [Some(1), Some(2), Some(4), Some(8), Some(16), None]);
    }

    #[test]
    fn a_failure_begins_the_count_of_the_limits_within_it_anew() {
        let (limit, broken) = ((Action::RateLimited, None), (Action::Retry, None));
        let failures = [limit, limit, limit, limit, limit, broken, limit, limit, limit, limit, limit, limit];
        let expected = [1, 2, 4, 8, 16, 1, 1, 2, 4, 8, 16].map(Some).into_iter().chain([None]).collect::<Vec<_>>();
        assert_eq!(waits(&json!({}), &failures), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_take_their_time_count_as_waiting() {
        let errors = ErrorHandlers::load(None, "x").unwrap();
        let mut tries = Tries::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(299)).await;
            let wait = tries.next(&errors, &Scope::new(), Action::Retry, None, false).unwrap();
            tokio::time::advance(wait.unwrap_or_default()).await;
            seen.push(wait.map(|wait| wait.as_secs()));
        }
        assert_eq!(seen, [Some(1), Some(2), None]);
    }

    #[test]
    fn a_strategy_with_an_answer_counts_by_itself() {
        let handlers = json!({"max_retries": 1, "backoff_strategies": [{"type": "WaitTimeFromHeader", "header": "Retry-After"}]});
        let (told, silent) = ((Action::RateLimited, Some("3")), (Action::RateLimited, None));
        assert_eq!(waits(&handlers, &[told, silent, told, told]), [Some(4), Some(1), Some(4), None]);
    }

    #[test]
    fn nobody_tries_for_longer_than_ten_minutes_unless_it_is_for_a_limit_of_unknown_length() {
        let patient =
            json!({"max_retries": 100, "backoff_strategies": [{"type": "ConstantBackoffStrategy", "backoff_time_in_seconds": 299}]});
        let failures = [(Action::Retry, None); 3];
        assert_eq!(waits(&patient, &failures), [Some(300), Some(300), None]);
        let failures = [(Action::RateLimited, None); 12];
        assert_eq!(waits(&json!({"max_retries": 100}), &failures)[11], Some(2048));
    }
}
