//! How many calls each of several tokens has left, and which of them the next request takes.

use std::time::Duration;

use jiff::Timestamp;

/// What a source says of a token's calls, for one kind of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// So many are left.
    pub left: i64,
    /// When they are as many as at first again.
    pub reset: Timestamp,
    /// So many there are at first.
    pub limit: i64,
    /// Whether the source counts at all.
    pub counted: bool,
}

impl Pool {
    /// A source that does not count.
    pub fn uncounted(now: Timestamp) -> Self {
        Self { left: 0, reset: now, limit: 0, counted: false }
    }
}

/// From how few calls on they are spread over the time until there are more.
#[derive(Debug, Clone, Copy)]
pub struct Reserve {
    /// This part of the limit.
    pub fraction: f64,
    /// At least so many.
    pub least: i64,
}

/// What became of a question for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// This one, after waiting so long.
    Token(usize, Duration),
    /// None has any calls left; there are more after so long.
    Wait(Duration),
    /// None has any calls left, and it takes too long.
    TooLong,
}

/// The pools of all tokens: for each token, one for each kind of requests.
#[derive(Debug, Default)]
pub struct Quotas {
    /// By token, then by kind.
    pub pools: Vec<Vec<Pool>>,
    active: usize,
}

/// Stale times of resetting must not make us ask again and again.
const WAIT_MIN: Duration = Duration::from_secs(5);
const SPREAD_MAX_S: f64 = 10.0;
/// A reset that a response names may lie so far before the known one and still mean the same window.
const SKEW_S: i64 = 60;

impl Quotas {
    /// Takes a call of this kind. `left` is how long one may still wait for it.
    pub fn take(&mut self, kind: usize, now: Timestamp, left: Duration, reserve: Reserve) -> Taken {
        for _ in 0..=self.pools.len() {
            let Some(pool) = self.pools.get_mut(self.active).and_then(|pools| pools.get_mut(kind)) else { break };
            if !pool.counted {
                let token = self.active;
                self.turn();
                return Taken::Token(token, Duration::ZERO);
            }
            if pool.left > 0 {
                pool.left -= 1;
                return Taken::Token(self.active, self.spread(kind, now, reserve));
            }
            if self.is_spent(kind) {
                break;
            }
            self.turn();
        }
        let soonest = self.of(kind).map(|pool| until(now, pool.reset)).min().unwrap_or_default();
        if left.is_zero() || soonest >= left { Taken::TooLong } else { Taken::Wait(soonest.max(WAIT_MIN).min(left)) }
    }

    /// No token has any calls of this kind left.
    fn is_spent(&self, kind: usize) -> bool {
        self.of(kind).all(|pool| pool.left <= 0 && pool.counted)
    }

    /// What is known is old by now, where it says that there are no calls left; whose turn it is stays.
    pub fn forget_if_spent(&mut self, kind: usize) {
        if self.is_spent(kind) {
            self.pools.clear();
        }
    }

    fn turn(&mut self) {
        self.active = (self.active + 1) % self.pools.len().max(1);
    }

    fn of(&self, kind: usize) -> impl Iterator<Item = &Pool> {
        self.pools.iter().filter_map(move |pools| pools.get(kind))
    }

    /// How long the last calls are put off, so that they last until there are more.
    #[allow(clippy::cast_precision_loss, reason = "these are numbers of calls")]
    fn spread(&self, kind: usize, now: Timestamp, reserve: Reserve) -> Duration {
        let is_low = |pool: &Pool| pool.counted && pool.left as f64 <= (reserve.least as f64).max(pool.limit as f64 * reserve.fraction);
        let total: i64 = self.of(kind).map(|pool| pool.left.max(0)).sum();
        let seconds = self.pools.get(self.active).and_then(|pools| pools.get(kind)).map(|pool| until(now, pool.reset).as_secs_f64());
        let Some(seconds) = seconds.filter(|seconds| *seconds > 0.0 && total > 0 && self.of(kind).all(is_low)) else {
            return Duration::ZERO;
        };
        let wait = (seconds / total as f64).min(SPREAD_MAX_S);
        if wait < 0.1 { Duration::ZERO } else { Duration::from_secs_f64(wait) }
    }

    /// An answer said how many calls a token has left. `is_spent` is an answer that refused for want of calls.
    pub fn hear(&mut self, token: usize, kind: usize, said: Said, is_spent: bool) {
        let Some(pool) = self.pools.get_mut(token).and_then(|pools| pools.get_mut(kind)).filter(|pool| pool.counted) else { return };
        let left = said.left.or(is_spent.then_some(0));
        if let Some(limit) = said.limit.filter(|limit| *limit > 0 && said.reset.is_none_or(|reset| reset >= pool.reset)) {
            pool.limit = limit;
        }
        if let Some(reset) = said.reset.filter(|reset| *reset > pool.reset) {
            // Another window has begun; what was counted in the old one means nothing.
            pool.reset = reset;
            pool.left = left.unwrap_or(pool.limit);
            return;
        }
        let is_of_now = said.reset.is_none_or(|reset| reset.as_second() >= pool.reset.as_second() - SKEW_S);
        if let Some(left) = left.filter(|left| (*left <= 0 && is_spent) || is_of_now) {
            // Answers come out of order, and an old one must not give calls back.
            pool.left = pool.left.min(left);
        }
    }

    /// Whether this token is spent and another one is not.
    pub fn has_another(&self, token: usize, kind: usize) -> bool {
        let spent = self.pools.get(token).and_then(|pools| pools.get(kind)).is_some_and(|pool| pool.counted && pool.left <= 0);
        spent && self.pools.iter().enumerate().any(|(at, pools)| at != token && pools.get(kind).is_some_and(|pool| pool.left > 0))
    }
}

/// What an answer says about the calls of its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// So many are left.
    pub left: Option<i64>,
    /// When there are more.
    pub reset: Option<Timestamp>,
    /// So many there are at first.
    pub limit: Option<i64>,
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Pool, Quotas, Reserve, Said, Taken};

    const RESERVE: Reserve = Reserve { fraction: 0.0, least: 0 };
    const LONG: Duration = Duration::from_secs(7200);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn quotas(left: &[i64]) -> Quotas {
        let pool = |left: &i64| vec![Pool { left: *left, reset: at(100), limit: 10, counted: true }];
        Quotas { pools: left.iter().map(pool).collect(), active: 0 }
    }

    #[test]
    fn a_spent_token_gives_way_to_the_next_and_when_all_are_spent_one_waits_for_the_first_reset() {
        let mut quotas = quotas(&[1, 2]);
        let taken: Vec<Taken> = (0..4).map(|_| quotas.take(0, at(40), LONG, RESERVE)).collect();
        let token = |token| Taken::Token(token, Duration::ZERO);
        assert_eq!(taken, [token(0), token(1), token(1), Taken::Wait(Duration::from_secs(60))]);
        assert_eq!(quotas.take(0, at(40), Duration::from_secs(60), RESERVE), Taken::TooLong);
        assert_eq!(quotas.take(0, at(400), LONG, RESERVE), Taken::Wait(Duration::from_secs(5)), "a reset in the past is not trusted");
    }

    #[test]
    fn the_last_calls_are_spread_over_the_time_until_there_are_more() {
        let mut quotas = quotas(&[6, 6]);
        let reserve = Reserve { fraction: 0.1, least: 50 };
        assert_eq!(quotas.take(0, at(45), LONG, reserve), Taken::Token(0, Duration::from_secs(5)));
        assert_eq!(quotas.take(0, at(100), LONG, reserve), Taken::Token(0, Duration::ZERO));
    }

    #[test]
    fn answers_only_ever_tighten_a_window_and_a_new_window_begins_anew() {
        let mut quotas = quotas(&[5, 5]);
        let said = |left, reset| Said { left, reset: Some(at(reset)), limit: None };
        for (heard, spent, left) in [
            (said(Some(3), 100), false, 3),
            (said(Some(9), 100), false, 3),
            (said(Some(1), 20), false, 3),
            (said(None, 20), true, 0),
            (said(Some(4), 200), false, 4),
            (said(None, 300), false, 10),
        ] {
            quotas.hear(0, 0, heard, spent);
            assert_eq!(quotas.pools[0][0].left, left, "{heard:?}");
        }
        quotas.hear(0, 0, Said::default(), true);
        assert!(quotas.has_another(0, 0) && !quotas.has_another(1, 0));
    }

    #[test]
    fn tokens_that_nobody_counts_take_turns() {
        let mut quotas = Quotas { pools: vec![vec![Pool::uncounted(at(0))]; 2], active: 0 };
        let taken: Vec<Taken> = (0..3).map(|_| quotas.take(0, at(0), LONG, RESERVE)).collect();
        assert_eq!(taken, [0, 1, 0].map(|token| Taken::Token(token, Duration::ZERO)));
    }
}
