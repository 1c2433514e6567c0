//! When an integration is due. Pure: the clock is an argument.

use std::{str::FromStr, time::Duration};

use croner::Cron;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use syncline_model::schedule::Schedule;

use crate::retry::{Steps, jitter};

/// Checks a schedule before it is stored; the reason is a lowercase clause.
pub fn check(schedule: &Schedule) -> Result<(), String> {
    match schedule {
        Schedule::EveryS(0) => Err("`every_s` must be at least 1".to_owned()),
        Schedule::EveryS(_) | Schedule::Manual => Ok(()),
        Schedule::Cron(text) => cron(text).map(drop),
    }
}

fn cron(text: &str) -> Result<Cron, String> {
    if text.split_whitespace().count() != 5 {
        return Err(format!("`{text}` is no cron expression of five fields"));
    }
    Cron::from_str(text).map_err(|error| format!("`{text}` is no cron expression: {}", error.to_string().to_lowercase()))
}

/// How the last reading went, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// How many jobs in a row did not work.
    pub failures: u32,
    /// Only the owner can mend it, so that the schedule does not help and we look from time to time.
    pub asks_owner: bool,
}

/// When an integration is due after a job that ended at `ended`. `None` is never by itself.
pub fn next_due(schedule: &Schedule, ended: Timestamp, health: Health, probe: Steps) -> Option<Timestamp> {
    let scheduled = scheduled(schedule, ended);
    if health.failures == 0 {
        return scheduled;
    }
    let probed = later(ended, probe.after(health.failures));
    if health.asks_owner {
        return Some(probed);
    }
    Some(scheduled.map_or(probed, |scheduled| scheduled.min(probed)))
}

/// When an integration is due that was not looked at since its last job, because we were not there. A tick that was missed is
/// caught up once: somewhere within `spread` from now, or, without a spread, before all that was missed later.
pub fn first_due(schedule: &Schedule, last_ended: Option<Timestamp>, now: Timestamp, spread: Duration) -> Option<Timestamp> {
    let due = match last_ended {
        None if *schedule == Schedule::Manual => return None,
        None => now,
        // Whoever wrote down the end has another clock. If it is ahead of ours, nobody waits for that.
        Some(ended) => scheduled(schedule, ended.min(now))?,
    };
    let is_missed = due <= now && !spread.is_zero();
    Some(if is_missed { later(now, jitter(spread)) } else { due })
}

fn scheduled(schedule: &Schedule, ended: Timestamp) -> Option<Timestamp> {
    match schedule {
        Schedule::Manual => None,
        Schedule::EveryS(seconds) => {
            let every = Duration::from_secs(u64::from((*seconds).max(1)));
            Some(later(ended, every + jitter(every / 20)))
        }
        // An expression that cannot be read was refused before it was stored; one that was not is never due by itself.
        Schedule::Cron(text) => {
            let next = cron(text).ok()?.find_next_occurrence(&ended.to_zoned(TimeZone::UTC), false).ok()?;
            Some(next.timestamp())
        }
    }
}

fn later(from: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long it is from `now` to `due`; nothing if it has passed.
pub fn until(due: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
