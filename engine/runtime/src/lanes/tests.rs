#![allow(clippy::unwrap_used)]
use super::{Key, Lane, Lanes};

fn key(text: &str) -> Key {
    let (tenant, integration) = text.split_once('/').unwrap();
    Key { tenant: tenant.parse().unwrap(), integration: integration.parse().unwrap() }
}

fn drain(lanes: &mut Lanes) -> Vec<String> {
    std::iter::from_fn(|| lanes.grant()).map(|(key, _)| key.to_string()).collect()
}

#[test]
fn what_somebody_waits_for_comes_before_polls_and_polls_before_history() {
    let mut lanes = Lanes::new(9);
    lanes.enter(key("a/history"), Lane::Backfill);
    lanes.enter(key("a/poll"), Lane::Live);
    lanes.enter(key("a/asked"), Lane::Manual);
    assert_eq!(drain(&mut lanes), ["a/asked", "a/poll", "a/history"]);
}

#[test]
fn tenants_take_turns_however_much_one_of_them_has() {
    let mut lanes = Lanes::new(9);
    for name in ["big/1", "big/2", "big/3", "small/1"] {
        lanes.enter(key(name), Lane::Live);
    }
    assert_eq!(drain(&mut lanes), ["big/1", "small/1", "big/2", "big/3"]);
}

#[test]
fn there_are_never_more_running_than_places() {
    let mut lanes = Lanes::new(1);
    lanes.enter(key("a/1"), Lane::Live);
    lanes.enter(key("a/2"), Lane::Live);
    assert_eq!(drain(&mut lanes), ["a/1"]);
    lanes.leave(&key("a/1"));
    assert_eq!(drain(&mut lanes), ["a/2"]);
}

#[test]
fn a_backfill_is_asked_once_to_make_place_for_a_poll() {
    let mut lanes = Lanes::new(1);
    lanes.enter(key("a/history"), Lane::Backfill);
    drain(&mut lanes);
    assert!(lanes.should_yield().is_empty());
    lanes.enter(key("b/poll"), Lane::Live);
    assert_eq!(lanes.should_yield(), [key("a/history")]);
    assert!(lanes.should_yield().is_empty());
}

#[test]
fn asking_for_it_moves_a_waiting_job_into_the_faster_lane_and_never_back() {
    let mut lanes = Lanes::new(9);
    lanes.enter(key("a/1"), Lane::Live);
    lanes.enter(key("a/2"), Lane::Backfill);
    lanes.enter(key("a/2"), Lane::Manual);
    lanes.enter(key("a/2"), Lane::Backfill);
    assert_eq!(drain(&mut lanes), ["a/2", "a/1"]);
}

#[test]
fn history_is_read_even_while_polls_never_end() {
    let mut lanes = Lanes::new(1);
    lanes.enter(key("a/history"), Lane::Backfill);
    let mut granted = Vec::new();
    for turn in 0..10 {
        let poll = key(&format!("b/{turn}"));
        lanes.enter(poll, Lane::Live);
        let (key, lane) = lanes.grant().unwrap();
        granted.push(lane);
        lanes.leave(&key);
    }
    assert!(granted.contains(&Lane::Backfill));
}
