//! Asks until there is an answer, as far as the faults allow it. Everything waits through a [`Waiter`], so that it is seen and can
//! be ended.

use std::time::Duration;

use backon::ExponentialBackoff;
use syncline_model::{Fault, Remedy};
use syncline_sdk::{Patience as _, WaitReason};
use tokio_util::sync::CancellationToken;

use crate::{config::EngineConfig, metrics, patience::Waiter};

/// How much patience is left for one question.
pub struct Tries {
    steps: ExponentialBackoff,
    waits_left: u32,
}

impl Tries {
    /// All of it.
    pub fn new(config: &EngineConfig) -> Self {
        Self { steps: config.retry.iter(), waits_left: config.waits_max }
    }

    /// Waits before the next try, or gives the fault back when there is none.
    pub async fn bear(&mut self, fault: Fault, waiter: &Waiter) -> Result<(), Fault> {
        metrics::FAULTS_TOTAL.with_label_values(&[waiter.connector(), fault.code()]).inc();
        let (reason, wait) = match fault.remedy() {
            Remedy::Retry(Some(wait)) if self.waits_left > 0 => {
                self.waits_left -= 1;
                (WaitReason::Limit, wait)
            }
            Remedy::Retry(None) | Remedy::SkipRecord(_) => match self.steps.next() {
                Some(wait) => (WaitReason::Retry, wait),
                None => return Err(fault),
            },
            Remedy::Retry(Some(_)) | Remedy::Reauthorize(_) | Remedy::AskOwner(_) | Remedy::Stop => return Err(fault),
        };
        waiter.met(&fault);
        waiter.wait(reason, wait.max(Duration::from_millis(1))).await
    }
}

/// Asks until there is an answer, or no patience is left, or the work is stopped.
pub async fn insist<T, F>(waiter: &Waiter, mut ask: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut tries = Tries::new(waiter.config());
    loop {
        match unless_stopped(waiter.stop(), ask()).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => tries.bear(fault, waiter).await?,
        }
    }
}

/// The work, or [`Fault::Stopped`] as soon as it is to stop.
pub async fn unless_stopped<T>(stop: &CancellationToken, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Fault::Stopped),
        done = work => done,
    }
}
