#![allow(clippy::unwrap_used)]
use std::{cell::Cell, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Life, Verdict, Vitals, supervised};
use crate::retry::Steps;

const STEPS: Steps = Steps { first: Duration::from_secs(1), most: Duration::from_secs(10), tries: 3 };

#[tokio::test(start_paused = true)]
async fn a_child_that_dies_once_is_made_again_and_its_end_is_heard() {
    let stop = CancellationToken::new();
    let life = supervised(
        "reader",
        STEPS,
        &stop,
        || 0,
        |generation, guard| {
            if generation == 2 {
                guard.tell("done");
            }
        },
    );
    assert_eq!(life.await, Life::Ended("done"));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_always_dies_is_given_up_after_its_tries() {
    let made = Cell::new(0);
    let stop = CancellationToken::new();
    let life = supervised::<()>("reader", STEPS, &stop, || 0, |_, _| made.set(made.get() + 1));
    assert_eq!(life.await, Life::Quarantined(4));
    assert_eq!(made.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_pause_before_the_next_life() {
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(supervised::<()>("reader", STEPS, &stop, || 0, |_, _| ()).await, Life::Stopped);
}

#[test]
fn whoever_gets_somewhere_between_its_deaths_is_not_given_up() {
    let mut vitals = Vitals::new(STEPS);
    for progress in 1..100 {
        assert!(matches!(vitals.died(progress), Verdict::Restart(_)));
    }
    assert!((0..4).any(|_| vitals.died(99) == Verdict::Quarantine));
}

#[test]
fn pauses_grow_up_to_the_longest() {
    let pause = |deaths| STEPS.after(deaths).as_millis();
    assert!((1000..1250).contains(&pause(1)) && (4000..5000).contains(&pause(3)) && (10_000..12_500).contains(&pause(60)));
}
