#![allow(clippy::duration_suboptimal_units, clippy::unwrap_used)]
use std::time::Duration;

use jiff::Timestamp;
use syncline_model::{
    State,
    ledger::{Enrolled, Trigger},
    schedule::Schedule,
};

use super::{Roster, key_of};
use crate::{
    fakes::MemoryLedger,
    job::{How, JobEnd},
    retry::Steps,
};

const PROBE: Steps = Steps { first: Duration::from_secs(60), most: Duration::from_secs(3600), tries: usize::MAX };

fn roster() -> Roster {
    Roster::new(1, PROBE, Duration::from_secs(30))
}

fn live(name: &str, every_s: u32) -> Enrolled {
    Enrolled { state: State::Live, ..MemoryLedger::testing("shop", name, Schedule::EveryS(every_s)) }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn end(enrolled: &Enrolled, failed: bool, ended: Timestamp) -> JobEnd {
    let how = if failed { How::Failed { asks_owner: false } } else { How::Well };
    JobEnd { enrolled: Some(enrolled.clone()), how, ended }
}

#[test]
fn whoever_was_due_while_we_were_away_is_spread_over_the_start() {
    let mut roster = roster();
    for name in ["a", "b", "c", "d"] {
        roster.seat_at_start(Enrolled { last_job_ended: Some(at(-5000)), ..live(name, 60) }, at(0), false);
    }
    assert!(roster.next_due().unwrap() >= at(0));
    roster.wake(at(30));
    assert_eq!(roster.lanes.queued(), 4);
}

#[test]
fn what_another_node_has_left_is_read_at_once_and_what_is_overdue_longest_comes_first() {
    let mut roster = Roster::new(2, PROBE, Duration::ZERO);
    for (name, ended) in [("young", -61), ("old", -5000), ("next", -30), ("middle", -70)] {
        let enrolled = live(name, 60);
        roster.seat_at_start(Enrolled { tenant: name.parse().unwrap(), last_job_ended: Some(at(ended)), ..enrolled }, at(10), false);
    }
    roster.wake(at(10));
    let mut granted = || roster.grant(at(10)).map(|(key, _)| key.tenant.to_string());
    assert_eq!((granted(), granted(), granted()), (Some("old".into()), Some("middle".into()), None), "there are two places");
    assert!((at(30)..=at(33)).contains(&roster.next_due().unwrap()));
}

#[test]
fn an_integration_whose_last_job_ended_by_a_clock_that_is_ahead_is_due_after_its_interval() {
    let mut roster = roster();
    roster.seat_at_start(Enrolled { last_job_ended: Some(at(7200)), ..live("shop", 60) }, at(0), false);
    assert!((at(60)..=at(63)).contains(&roster.next_due().unwrap()));
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_keeps_nobody_waiting_for_an_hour_and_leaves_the_calendar_alone() {
    let mut roster = roster();
    roster.seat_at_start(Enrolled { last_job_ended: Some(at(0)), ..live("shop", 60) }, at(0), false);
    let hourly = Enrolled { schedule: Schedule::Cron("0 * * * *".to_owned()), last_job_ended: Some(at(0)), ..live("daily", 60) };
    roster.seat_at_start(hourly, at(0), false);
    roster.set_back(Duration::from_secs(3600));
    roster.wake(at(60 - 3600 - 1));
    assert_eq!(roster.lanes.queued(), 0);
    roster.wake(at(63 - 3600));
    assert_eq!(roster.lanes.queued(), 1);
    assert_eq!(roster.next_due(), Some(at(3600)), "what is due at a time of the day is");
}

#[test]
fn an_integration_comes_again_its_interval_after_the_end_of_its_job() {
    let mut roster = roster();
    let shop = live("shop", 60);
    roster.seat_anew(shop.clone(), at(0));
    roster.wake(at(0));
    let (key, wanted) = roster.grant(at(0)).unwrap();
    assert_eq!(wanted.unwrap().trigger, Trigger::Schedule);
    assert_eq!(roster.next_due(), None);
    roster.ended(&key, end(&shop, false, at(100)), false, at(100));
    let due = roster.next_due().unwrap();
    assert!((at(160)..=at(163)).contains(&due), "{due}");
}

#[test]
fn what_failed_is_probed_before_its_schedule_if_that_is_far_away() {
    let mut roster = roster();
    let shop = live("shop", 86_400);
    roster.seat_anew(shop.clone(), at(0));
    roster.wake(at(0));
    let (key, _) = roster.grant(at(0)).unwrap();
    roster.ended(&key, end(&shop, true, at(1)), false, at(1));
    roster.wake(at(100));
    assert_eq!(roster.grant(at(100)).unwrap().1.unwrap().trigger, Trigger::Probe);
}

#[test]
fn asking_for_a_running_integration_runs_it_again_behind_that_run() {
    let mut roster = roster();
    let shop = live("shop", 86_400);
    roster.seat_anew(shop.clone(), at(0));
    roster.wake(at(0));
    let (key, _) = roster.grant(at(0)).unwrap();
    let job = "00000000-0000-0000-0000-000000000007".parse().unwrap();
    roster.ask(key.clone(), job, at(1));
    assert!(roster.grant(at(1)).is_none());
    roster.ended(&key, end(&shop, false, at(2)), false, at(2));
    assert_eq!(roster.grant(at(2)).unwrap().1.unwrap().job, Some(job));
}

#[test]
fn a_paused_integration_is_never_due() {
    let mut roster = roster();
    let paused = Enrolled { state: State::Paused, ..live("shop", 1) };
    roster.seat_anew(paused.clone(), at(0));
    assert_eq!(roster.next_due(), None);
    assert!(roster.has(&key_of(&paused)));
}

#[test]
fn an_unseated_integration_leaves_nothing_behind() {
    let mut roster = roster();
    let shop = live("shop", 60);
    roster.seat_anew(shop.clone(), at(0));
    roster.wake(at(0));
    assert!(roster.unseat(&key_of(&shop)).is_some());
    assert!(roster.grant(at(0)).is_none());
    assert_eq!((roster.count(), roster.next_due()), (0, None));
}

#[test]
fn what_did_not_work_before_a_restart_is_tried_again_even_without_a_schedule() {
    let mut roster = roster();
    let degraded = Enrolled { state: State::Degraded, schedule: Schedule::Manual, last_job_ended: Some(at(-10)), ..live("shop", 1) };
    roster.seat_at_start(degraded, at(0), false);
    assert!(roster.next_due().is_some());
}

#[test]
fn a_stream_that_a_webhook_speaks_of_is_read_at_once_and_puts_nothing_else_off() {
    let mut roster = roster();
    let shop = live("shop", 600);
    let key = key_of(&shop);
    assert!(!roster.notice(key.clone(), at(0)), "it is not ours");
    roster.seat_at_start(Enrolled { last_job_ended: Some(at(0)), ..shop.clone() }, at(1), false);
    let due = roster.next_due().unwrap();
    assert!(roster.notice(key.clone(), at(10)));
    assert_eq!(roster.grant(at(10)).unwrap().1.unwrap().trigger, Trigger::Webhook);
    roster.ended(&key, end(&shop, false, at(20)), true, at(20));
    assert_eq!(roster.next_due(), Some(due));
    assert!(roster.notice(key.clone(), at(30)));
    roster.wake(due);
    assert_eq!(roster.grant(due).unwrap().1.unwrap().trigger, Trigger::Schedule, "what reads everything comes instead");
}

#[test]
fn whoever_may_have_missed_a_webhook_is_read_at_the_start_whatever_its_schedule_says() {
    let mut roster = roster();
    let manual = |name| Enrolled { state: State::Live, ..MemoryLedger::testing("shop", name, Schedule::Manual) };
    roster.seat_at_start(manual("quiet"), at(0), false);
    assert_eq!(roster.next_due(), None);
    roster.seat_at_start(manual("told"), at(0), true);
    roster.wake(at(30));
    assert_eq!(roster.grant(at(30)).unwrap().0, key_of(&manual("told")));
}
