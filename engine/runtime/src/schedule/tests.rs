#![allow(clippy::duration_suboptimal_units, clippy::unwrap_used)]
use std::time::Duration;

use jiff::Timestamp;
use syncline_model::schedule::Schedule;

use super::{Health, check, first_due, next_due};
use crate::retry::Steps;

const PROBE: Steps = Steps { first: Duration::from_secs(60), most: Duration::from_secs(3600), tries: usize::MAX };

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_interval_counts_from_the_end_of_the_last_job_with_a_little_jitter() {
    let ended = at("2026-03-01T10:00:00Z");
    let due = next_due(&Schedule::EveryS(300), ended, Health::default(), PROBE).unwrap();
    assert!((at("2026-03-01T10:05:00Z")..at("2026-03-01T10:05:16Z")).contains(&due), "{due}");
}

#[test]
fn a_cron_expression_is_read_in_utc() {
    let schedule = Schedule::Cron("30 4 * * *".into());
    let due = next_due(&schedule, at("2026-03-01T10:00:00Z"), Health::default(), PROBE);
    assert_eq!(due, Some(at("2026-03-02T04:30:00Z")));
}

#[test]
fn missed_ticks_are_caught_up_once_and_spread_over_the_start() {
    let now = at("2026-03-05T12:00:00Z");
    let due = first_due(&Schedule::Cron("0 * * * *".into()), Some(at("2026-03-01T00:10:00Z")), now, Duration::from_secs(30)).unwrap();
    assert!(due >= now && due < at("2026-03-05T12:00:30Z"), "{due}");
    assert_eq!(next_due(&Schedule::Cron("0 * * * *".into()), due, Health::default(), PROBE), Some(at("2026-03-05T13:00:00Z")));
}

#[test]
fn a_failure_is_probed_at_growing_intervals_even_where_nobody_set_a_schedule() {
    let ended = at("2026-03-01T10:00:00Z");
    let wait = |failures| {
        let due = next_due(&Schedule::Manual, ended, Health { failures, asks_owner: true }, PROBE).unwrap();
        due.duration_since(ended).as_secs()
    };
    assert!((60..=75).contains(&wait(1)));
    assert!((240..=300).contains(&wait(3)));
    assert!((3600..=4500).contains(&wait(40)), "and never stops: {}", wait(40));
}

#[test]
fn what_only_the_owner_can_mend_is_not_tried_at_every_tick() {
    let ended = at("2026-03-01T10:00:00Z");
    let due = |asks_owner| next_due(&Schedule::EveryS(10), ended, Health { failures: 5, asks_owner }, PROBE).unwrap();
    assert!(due(false) < at("2026-03-01T10:00:12Z"));
    assert!(due(true) > at("2026-03-01T10:15:00Z"));
}

#[test]
fn a_manual_integration_is_never_due_by_itself() {
    assert_eq!(next_due(&Schedule::Manual, at("2026-03-01T10:00:00Z"), Health::default(), PROBE), None);
    assert_eq!(first_due(&Schedule::Manual, None, at("2026-03-01T10:00:00Z"), Duration::ZERO), None);
}

#[test]
fn an_expression_that_is_no_cron_expression_is_refused_with_its_text() {
    assert_eq!(check(&Schedule::Cron("every day".into())).unwrap_err(), "`every day` is no cron expression of five fields");
    assert!(check(&Schedule::Cron("99 * * * *".into())).unwrap_err().starts_with("`99 * * * *` is no cron expression: "));
    assert!(check(&Schedule::Cron("*/5 * * * *".into())).is_ok());
    assert!(check(&Schedule::EveryS(0)).is_err());
}
