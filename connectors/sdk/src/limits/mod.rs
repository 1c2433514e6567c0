//! Pace: the budgets that a connector declares, and the provider's own signals. Waiting goes through [`Patience`], so that whoever
//! runs the connector can say until when it waits.

mod signals;

use std::{
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use syncline_model::{ConnectorName, Fault};
use tokio::time::Instant;

use crate::{
    Http, HttpAnswer, HttpRequest,
    catalog::Budget,
    connector::{Patience, WaitReason},
    metrics,
};

pub use signals::{shortest, wait_asked};

/// The limiters of some budgets. Shared by everybody who must keep to them together.
#[derive(Default)]
pub struct Limits {
    limiters: Vec<(Budget, Limiter)>,
    not_before: Mutex<Option<Instant>>,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<TokioInstant>>;

impl Limits {
    /// Limiters for these budgets, all full.
    pub fn new<'a>(budgets: impl IntoIterator<Item = &'a Budget>) -> Self {
        let limiters =
            budgets.into_iter().map(|budget| (budget.clone(), RateLimiter::direct_with_clock(quota(budget), TokioClock))).collect();
        Self { limiters, not_before: Mutex::new(None) }
    }

    /// Takes one request from the first budget that has not been passed yet; returns how long to wait if it is empty.
    fn try_pass(&self, path: &str, passed: &mut usize) -> Option<Duration> {
        if let Some(until) = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Some(left);
            }
        }
        while let Some((budget, limiter)) = self.limiters.get(*passed) {
            let counts = budget.path_contains.as_deref().is_none_or(|part| path.contains(part));
            if counts && let Err(not_until) = limiter.check() {
                return Some(not_until.wait_time_from(TokioClock.now()));
            }
            *passed += 1;
        }
        None
    }

    fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = Some(not_before.map_or(until, |earlier| earlier.max(until)));
    }
}

/// A tenth of the budget may go at once, and the rest is spread so that no window of the budget's length holds more than it allows:
/// after a burst of b, ceil(r t) - 1 more come within t, so r = (n - b + 1) / t.
fn quota(budget: &Budget) -> Quota {
    let requests = budget.requests.get();
    let burst = NonZeroU32::new(requests / 10).unwrap_or(NonZeroU32::MIN);
    let period = Duration::from_millis(budget.per_ms.get()) / (requests - burst.get() + 1);
    Quota::with_period(period.max(Duration::from_nanos(1))).unwrap_or_else(|| Quota::per_second(budget.requests)).allow_burst(burst)
}

/// An [`Http`] that keeps to limits before each request and listens to what the answer says about them.
pub struct Paced {
    inner: Arc<dyn Http>,
    limits: Vec<Arc<Limits>>,
    patience: Arc<dyn Patience>,
    connector: ConnectorName,
}

impl Paced {
    /// `limits` are kept in this order; the last one is the integration's own, which a provider's signals hold back.
    pub fn new(inner: Arc<dyn Http>, limits: Vec<Arc<Limits>>, patience: Arc<dyn Patience>, connector: ConnectorName) -> Self {
        Self { inner, limits, patience, connector }
    }

    /// Sends a request that counts as so many.
    pub async fn send_weighing(&self, request: HttpRequest, weight: NonZeroU32) -> Result<HttpAnswer, Fault> {
        self.spend(&request, weight).await?;
        self.send(request).await
    }

    /// The same for an answer that goes into a file.
    pub async fn save_weighing(&self, request: HttpRequest, weight: NonZeroU32, file: &Path, bytes_max: u64) -> Result<HttpAnswer, Fault> {
        self.spend(&request, weight).await?;
        self.save(request, file, bytes_max).await
    }

    /// Takes what a request counts beyond one.
    async fn spend(&self, request: &HttpRequest, weight: NonZeroU32) -> Result<(), Fault> {
        for _ in 1..weight.get() {
            self.ready(request.url.path()).await?;
        }
        Ok(())
    }

    /// Listens to what an answer says about limits.
    fn heed(&self, answer: &HttpAnswer) {
        let asked = wait_asked(answer.status, &answer.headers, jiff::Timestamp::now());
        if let (Some(wait), Some(own)) = (asked, self.limits.last()) {
            own.hold(wait);
        }
    }

    async fn ready(&self, path: &str) -> Result<(), Fault> {
        if self.patience.is_still() {
            return Ok(());
        }
        for limits in &self.limits {
            let mut passed = 0;
            while let Some(wait) = limits.try_pass(path, &mut passed) {
                metrics::waited(&self.connector, wait);
                self.patience.wait(WaitReason::Limit, wait).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Http for Paced {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        self.ready(request.url.path()).await?;
        let answer = self.inner.send(request).await?;
        self.heed(&answer);
        Ok(answer)
    }

    async fn save(&self, request: HttpRequest, file: &Path, bytes_max: u64) -> Result<HttpAnswer, Fault> {
        self.ready(request.url.path()).await?;
        let answer = self.inner.save(request, file, bytes_max).await?;
        self.heed(&answer);
        Ok(answer)
    }
}

/// Tokio's clock for governor, so that paused time pauses the limits too.
#[derive(Debug, Clone, Copy, Default)]
struct TokioClock;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TokioInstant(Instant);

impl Clock for TokioClock {
    type Instant = TokioInstant;
    fn now(&self) -> TokioInstant {
        TokioInstant(Instant::now())
    }
}

impl Reference for TokioInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }
    fn saturating_sub(&self, time: Nanos) -> Self {
        Self(self.0.checked_sub(time.into()).unwrap_or(self.0))
    }
}

impl std::ops::Add<Nanos> for TokioInstant {
    type Output = Self;
    fn add(self, time: Nanos) -> Self {
        Self(self.0 + Duration::from(time))
    }
}

#[cfg(test)]
mod tests;
