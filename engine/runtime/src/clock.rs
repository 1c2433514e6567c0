//! Notices when the clock of this machine was set back. What is due is written down as a time of day, and would else come later by as much.
//! One that was set ahead needs nothing: what is due by then is read once, as after a sleep of the machine.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What clocks that are kept right by small steps may do.
const SMALL: Duration = Duration::from_secs(5);

/// What the clock said when, by a clock that nobody sets.
#[derive(Debug, Default)]
pub struct Clock(Option<(Timestamp, Instant)>);

impl Clock {
    /// By how much it was set back since the last look, if it was.
    pub fn look(&mut self, now: Timestamp, at: Instant) -> Option<Duration> {
        let (said, then) = self.0.replace((now, at))?;
        let passed = at.saturating_duration_since(then);
        let behind = said.duration_since(now) + jiff::SignedDuration::try_from(passed).ok()?;
        Duration::try_from(behind).ok().filter(|behind| *behind > SMALL)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_noticed_once_and_one_that_was_set_ahead_is_not() {
        let (mut clock, began) = (Clock::default(), Instant::now());
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let after = |seconds: u64| began + Duration::from_secs(seconds);
        assert_eq!(clock.look(at(0), after(0)), None);
        assert_eq!(clock.look(at(60), after(60)), None);
        assert_eq!(clock.look(at(61), after(65)), None, "clocks are kept right");
        assert_eq!(clock.look(at(70 - 3600), after(74)), Some(Duration::from_secs(3600)));
        assert_eq!(clock.look(at(80 - 3600), after(84)), None);
        assert_eq!(clock.look(at(3600), after(90)), None);
        assert_eq!(clock.look(at(3610), after(100)), None);
    }
}
