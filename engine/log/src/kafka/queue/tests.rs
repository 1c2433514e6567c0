#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::{Arc, mpsc::channel};

use syncline_model::{Advance, CursorKey, Revision, Step};
use tokio::sync::{Semaphore, oneshot::Receiver};

use super::*;

/// As many as [`super::batch`] says are enough for a transaction, and as it takes at most.
const ENOUGH: usize = 1000;
const EVENTS_MAX: usize = 10_000;
const LONG: Duration = Duration::from_secs(3600);

fn soon() -> Instant {
    Instant::now() + LONG
}

fn lanes(batch: Duration) -> Queue {
    let queue = Queue::new(batch, 2);
    queue.enter(0);
    queue.enter(1);
    queue
}

/// A step that moves the cursors of these streams, and who waits for it.
fn waiting(streams: &[&str]) -> (Waiting, Receiver<Result<(), LogFault>>) {
    waiting_with(streams, 0)
}

/// The same, with so many events of the first stream.
fn waiting_with(streams: &[&str], events: usize) -> (Waiting, Receiver<Result<(), LogFault>>) {
    let advance = |stream: &&str| Advance {
        key: CursorKey {
            tenant: "acme".parse().unwrap(),
            integration: "shop".parse().unwrap(),
            stream: stream.parse().unwrap(),
            part: String::new(),
        },
        from: Revision::NONE,
        to: None,
    };
    let (reply, answer) = oneshot::channel();
    let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let event = |stream: &&str| {
        let mut event = crate::conformance::event(&"acme".parse().unwrap(), "1", "x");
        event.stream = stream.parse().unwrap();
        event
    };
    let events = streams.iter().take(1).cycle().take(events).map(event).collect();
    let step = Step { advances: streams.iter().map(advance).collect(), events, ..Step::default() };
    (Waiting::new(Arc::new(step), reply, room), answer)
}

fn push(queue: &Queue, streams: &[&str]) {
    assert!(queue.push(waiting(streams).0));
}

/// What a lane is given to write, by the streams it moves.
fn written(queue: &Queue, lane: usize) -> (Vec<String>, Work) {
    let (Turn::Write(batch), work) = queue.turn(lane, soon()) else { panic!("there is something to write") };
    let streams = |waiting: &Waiting| waiting.step.advances.iter().map(|advance| advance.key.stream.to_string()).collect::<String>();
    (batch.iter().map(streams).collect(), work)
}

/// Which lane would be given what waits.
fn next(queue: &Queue) -> Option<usize> {
    let state = locked(&queue.state);
    state.next(&state.batch())
}

/// How much longer it would wait for others.
fn patience(queue: &Queue) -> Option<Duration> {
    let mut state = locked(&queue.state);
    let waits = state.batch();
    state.patience(&waits, Instant::now(), LONG)
}

#[test]
fn what_came_meanwhile_shares_a_transaction_in_its_order() {
    let queue = lanes(LONG);
    for stream in ["b", "a", "b"] {
        push(&queue, &[stream]);
    }
    assert_eq!(written(&queue, 0).0, ["b", "a", "b"]);
}

#[test]
fn nobody_waits_for_others_when_all_who_spoke_lately_wait_too() {
    let queue = lanes(LONG);
    push(&queue, &["a"]);
    let (first, work) = written(&queue, 0);
    queue.done(0, &work);
    push(&queue, &["b"]);
    assert_eq!((first, written(&queue, 1).0), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn a_stream_is_never_in_two_transactions_at_once() {
    let queue = lanes(Duration::ZERO);
    push(&queue, &["a"]);
    let (_, work) = written(&queue, 0);
    push(&queue, &["a"]);
    push(&queue, &["b"]);
    assert_eq!(written(&queue, 1).0, ["b"]);
    queue.done(0, &work);
    assert_eq!(written(&queue, 0).0, ["a"]);
}

#[test]
fn what_waits_for_a_stream_of_another_lane_makes_nobody_hurry() {
    let queue = lanes(LONG);
    for stream in ["a", "b", "c", "d"] {
        push(&queue, &[stream]);
    }
    drop(written(&queue, 0));
    assert!(queue.push(waiting_with(&["a"], 500).0));
    assert!(queue.push(waiting_with(&["e"], 1).0));
    assert!(patience(&queue).is_some());
    assert!(queue.push(waiting_with(&["f"], 499).0));
    assert_eq!(patience(&queue), None);
}

#[test]
fn nothing_overtakes_what_waits_for_a_stream_of_another_lane() {
    let queue = lanes(Duration::ZERO);
    push(&queue, &["a"]);
    let (_, work) = written(&queue, 0);
    for streams in [&["a", "b"][..], &["b"], &["c"]] {
        push(&queue, streams);
    }
    let (beside, _) = written(&queue, 1);
    queue.done(0, &work);
    assert_eq!((beside, written(&queue, 0).0), (vec!["c".to_owned()], vec!["ab".to_owned(), "b".to_owned()]));
}

#[test]
fn a_tenant_is_forgotten_when_no_other_lane_writes() {
    let queue = lanes(Duration::ZERO);
    push(&queue, &["a"]);
    // The first lane is at work, then the second; only the first one forgets.
    let (_, first) = written(&queue, 0);
    push(&queue, &["b"]);
    let (_, second) = written(&queue, 1);
    queue.done(0, &first);
    let (reply, _answer) = oneshot::channel();
    assert!(queue.purge("acme".parse().unwrap(), reply));
    push(&queue, &["c"]);
    let (told, hears) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (turn, work) = queue.turn(0, soon());
            told.send(matches!(turn, Turn::Purge(..))).unwrap();
            queue.done(0, &work);
        });
        assert!(hears.try_recv().is_err(), "the second lane still writes");
        queue.done(1, &second);
        assert!(hears.recv().unwrap(), "then the tenant is forgotten");
    });
    assert_eq!(written(&queue, 1).0, ["c"]);
}

#[test]
fn a_shard_that_is_never_at_rest_asks_for_another_lane() {
    let queue = Queue::new(Duration::ZERO, 2);
    queue.enter(0);
    let asked = (0..100_000).find_map(|_| {
        push(&queue, &["a"]);
        match queue.turn(0, soon()) {
            (Turn::Widen(lane), _) => Some(lane),
            (_, work) => {
                queue.done(0, &work);
                None
            }
        }
    });
    assert_eq!((asked, queue.lanes()), (Some(1), 2));
}

#[test]
fn a_lane_that_has_nothing_to_do_is_closed_and_the_first_is_not() {
    let queue = lanes(LONG);
    locked(&queue.state).lanes = 2;
    assert!(matches!(queue.turn(1, Instant::now()).0, Turn::End));
    assert!(matches!(queue.turn(0, Instant::now()).0, Turn::Tidy));
    assert_eq!(queue.lanes(), 1);
}

#[test]
fn who_waits_for_a_lost_shard_is_answered() {
    let queue = lanes(LONG);
    let (step, mut answer) = waiting(&["a"]);
    assert!(queue.push(step));
    queue.close();
    assert!(answer.try_recv().is_err());
    assert!(!queue.push(waiting(&["a"]).0));
    assert!(!queue.announce());
    assert!(matches!(queue.turn(0, soon()).0, Turn::End));
}

#[test]
fn a_shard_has_room_for_so_many_steps_and_so_many_bytes() {
    let of = |bytes: usize| {
        let mut event = crate::conformance::event(&"acme".parse().unwrap(), "1", "");
        event.body = vec![b'x'; bytes].into();
        Step { events: vec![event], ..Step::default() }
    };
    let taken = |step: &Step| {
        let room = room();
        let places: Vec<_> = std::iter::from_fn(|| Arc::clone(&room).try_acquire_many_owned(room_for(step)).ok()).collect();
        places.len()
    };
    assert_eq!((taken(&of(10)), taken(&of((1 << 20) - 1024)), taken(&of(100 << 20))), (1024, 64, 1));
}

#[test]
fn large_steps_wait_for_the_first_lane_and_small_ones_take_the_other() {
    let queue = lanes(LONG);
    assert!(queue.push(waiting_with(&["a"], ENOUGH).0));
    let (_, work) = written(&queue, 0);
    assert!(queue.push(waiting_with(&["b"], ENOUGH).0));
    assert_eq!(next(&queue), None);
    push(&queue, &["c"]);
    assert_eq!(next(&queue), Some(1), "with a small one they are no longer large");
    queue.done(0, &work);
    assert_eq!(written(&queue, 1).0, ["b", "c"]);
}

#[test]
fn a_first_lane_that_is_free_takes_what_is_large_though_it_has_just_written() {
    let queue = lanes(LONG);
    assert!(queue.push(waiting_with(&["a"], ENOUGH).0));
    let (_, work) = written(&queue, 0);
    queue.done(0, &work);
    assert!(queue.push(waiting_with(&["a"], ENOUGH).0));
    assert_eq!(next(&queue), Some(0));
    assert_eq!(written(&queue, 0).0, ["a"]);
}

#[test]
fn large_steps_that_make_a_whole_transaction_wait_for_no_lane() {
    let queue = lanes(LONG);
    assert!(queue.push(waiting_with(&["a"], ENOUGH).0));
    drop(written(&queue, 0));
    for stream in ["b", "c"] {
        assert_eq!(next(&queue).filter(|_| stream == "c"), None);
        assert!(queue.push(waiting_with(&[stream], EVENTS_MAX / 2).0));
    }
    assert_eq!(written(&queue, 1).0, ["b", "c"]);
}

#[test]
fn a_shard_whose_steps_are_large_asks_for_no_other_lane() {
    let queue = Queue::new(Duration::ZERO, 2);
    queue.enter(0);
    for _ in 0..100 {
        assert!(queue.push(waiting_with(&["a"], ENOUGH).0));
        let (_, work) = written(&queue, 0);
        queue.done(0, &work);
    }
    assert_eq!(queue.lanes(), 1);
}
