#![allow(clippy::duration_suboptimal_units, clippy::unwrap_used, clippy::expect_used)]
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{Gate, GateEvent};

fn gate() -> (Arc<Gate>, Arc<Mutex<Vec<GateEvent>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&told);
    (Arc::new(Gate::new(move |event| to.lock().unwrap().push(event))), told)
}

#[tokio::test(start_paused = true)]
async fn the_place_is_given_up_only_when_all_readers_wait_and_asked_for_when_one_goes_on() {
    let (gate, told) = gate();
    let (_one, _two) = (gate.enter(), gate.enter());
    let waits = async { tokio::join!(gate.aside(sleep(Duration::from_secs(5))), gate.aside(sleep(Duration::from_secs(9)))) };
    let grants = async {
        sleep(Duration::from_secs(6)).await;
        assert_eq!(*told.lock().unwrap(), [GateEvent::Released { wanted: false }, GateEvent::Wanted]);
        gate.grant();
    };
    let began = Instant::now();
    tokio::join!(waits, grants);
    assert_eq!(began.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_asked_to_yield_stands_still_at_the_end_of_its_page_until_it_is_granted() {
    let (gate, told) = gate();
    let _one = gate.enter();
    gate.page_end().await;
    gate.ask_to_yield();
    assert!(timeout(Duration::from_secs(60), gate.page_end()).await.is_err());
    assert_eq!(told.lock().unwrap()[0], GateEvent::Released { wanted: true });
    gate.grant();
    gate.page_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_asked_to_yield_as_soon_as_it_is_granted_reads_one_page_before() {
    let (gate, told) = gate();
    let _one = gate.enter();
    gate.ask_to_yield();
    let grants = async {
        sleep(Duration::from_secs(1)).await;
        gate.grant();
        gate.ask_to_yield();
    };
    timeout(Duration::from_secs(60), async { tokio::join!(gate.page_end(), grants) }).await.unwrap();
    assert!(timeout(Duration::from_secs(60), gate.page_end()).await.is_err(), "and then it yields");
    assert_eq!(*told.lock().unwrap(), [GateEvent::Released { wanted: true }; 2]);
}

#[tokio::test(start_paused = true)]
async fn the_last_reader_that_works_gives_up_the_place_for_the_others_when_it_ends() {
    let (gate, told) = gate();
    let _waiting = gate.enter();
    let works = gate.enter();
    let wait = gate.aside(sleep(Duration::from_secs(5)));
    let ends = async { drop(works) };
    let grants = async {
        sleep(Duration::from_secs(6)).await;
        gate.grant();
    };
    tokio::join!(wait, ends, grants);
    assert_eq!(*told.lock().unwrap(), [GateEvent::Released { wanted: false }, GateEvent::Wanted]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_granted_and_asked_for_again_before_its_reader_looks_is_not_held_for_ever() {
    let (told, own) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(None::<Arc<Gate>>)));
    let (to, of) = (Arc::clone(&told), Arc::clone(&own));
    // Whoever gives out the places runs on another thread, and may be done before the reader's goes on.
    let gate = Arc::new(Gate::new(move |event| {
        assert_eq!(event, GateEvent::Released { wanted: true });
        *to.lock().unwrap() += 1;
        let gate = of.lock().unwrap().clone().unwrap();
        gate.grant();
        gate.ask_to_yield();
    }));
    *own.lock().unwrap() = Some(Arc::clone(&gate));
    let _one = gate.enter();
    gate.ask_to_yield();
    for pages in 1..=3 {
        timeout(Duration::from_secs(60), gate.page_end()).await.expect("it was granted, and may read a page");
        assert_eq!(*told.lock().unwrap(), pages);
    }
}
