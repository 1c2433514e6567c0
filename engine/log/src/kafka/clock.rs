//! How far this node's clock is from the brokers'. They stamp what is written to our own topics when they take it, and that must lie
//! between our beginning to write and our hearing of it. Nothing here goes by it: whoever keeps the clocks is told.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{embedded::locked, metrics};

/// From here on something may go wrong: signatures of webhooks and tokens are bound to a few minutes.
const WORTH_SAYING: Duration = Duration::from_secs(30);
const SAID_EVERY: Duration = Duration::from_mins(10);

/// When this process last said it.
static SAID: Mutex<Option<Instant>> = Mutex::new(None);

/// The clock that one producer writes by.
#[derive(Default)]
pub struct Clock {
    began_ms: AtomicI64,
}

impl Clock {
    /// Something is written from now on.
    pub fn begin(&self) {
        self.began_ms.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }

    /// A broker took it then, by its own clock.
    pub fn hear(&self, taken_ms: i64) {
        let Some(ahead_ms) = ahead_ms(self.began_ms.load(Ordering::Relaxed), taken_ms, Timestamp::now().as_millisecond()) else { return };
        metrics::LOG_KAFKA_CLOCK_AHEAD_SECONDS.set(ahead_ms / 1000);
        if Duration::from_millis(ahead_ms.unsigned_abs()) >= WORTH_SAYING && may_say() {
            let (by_s, way) = (ahead_ms.unsigned_abs() / 1000, if ahead_ms > 0 { "ahead of" } else { "behind" });
            tracing::warn!(
                by_s,
                "the clock of this node is {by_s} s {way} the broker's: webhooks with a signed time and tokens are judged wrongly until it is set right"
            );
        }
    }
}

/// How far we are ahead, at least; negative if we are behind, and nothing if our clock was set meanwhile.
fn ahead_ms(began_ms: i64, taken_ms: i64, heard_ms: i64) -> Option<i64> {
    if heard_ms < began_ms {
        return None;
    }
    Some((began_ms - taken_ms).max(0) - (taken_ms - heard_ms).max(0))
}

fn may_say() -> bool {
    let (mut said, now) = (locked(&SAID), Instant::now());
    let may = said.is_none_or(|last| now.duration_since(last) > SAID_EVERY);
    if may {
        *said = Some(now);
    }
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_right_while_the_broker_takes_what_we_write_between_its_beginning_and_its_end() {
        assert_eq!(ahead_ms(1_000, 1_000, 1_000), Some(0));
        assert_eq!(ahead_ms(1_000, 31_000, 61_000), Some(0), "a broker that takes a minute says nothing about clocks");
        assert_eq!(ahead_ms(3_601_000, 1_500, 3_602_000), Some(3_599_500));
        assert_eq!(ahead_ms(1_000, 3_602_000, 2_000), Some(-3_600_000));
        assert_eq!(ahead_ms(5_000, 4_000, 1_000), None, "it was set back meanwhile");
    }

    #[test]
    fn what_is_wrong_all_the_time_is_said_from_time_to_time() {
        assert!(may_say() && !may_say());
    }
}
