#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{sync::Semaphore, time::advance};

use super::*;

/// A store that answers when it is let, with how often it was asked.
struct Slow {
    known: Known<usize>,
    asked: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl Slow {
    fn new() -> Self {
        Self { known: Known::default(), asked: Arc::default(), let_go: Arc::new(Semaphore::new(0)) }
    }

    /// The answer is how often was asked, or this.
    async fn find(&self, answer: Option<NotFound>) -> Result<usize, NotFound> {
        let (asked, let_go) = (Arc::clone(&self.asked), Arc::clone(&self.let_go));
        let look = || async move {
            let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
            let_go.acquire().await.unwrap().forget();
            answer.map_or(Ok(number), Err)
        };
        self.known.find("we_1", look).await.map(|value| *value)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Lets one answer, and whoever waits for it go on.
    async fn answer(&self) {
        self.let_go.add_permits(1);
        settle().await;
    }

    async fn first(&self) {
        self.let_go.add_permits(1);
        assert_eq!(self.find(None).await, Ok(1));
    }
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn whoever_comes_first_at_the_same_time_waits_for_one_lookup() {
    let store = Slow::new();
    let three = async { tokio::join!(store.find(None), store.find(None), store.find(None)) };
    let (found, ()) = tokio::join!(three, store.answer());
    assert_eq!((found, store.asked()), ((Ok(1), Ok(1), Ok(1)), 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_a_little_old_is_given_out_at_once_while_one_lookup_refreshes_it() {
    let store = Slow::new();
    store.first().await;
    advance(FRESH_FOR.saturating_sub(SECOND)).await;
    assert_eq!((store.find(None).await, store.asked()), (Ok(1), 1));
    advance(SECOND).await;
    for _ in 0..3 {
        assert_eq!(store.find(None).await, Ok(1));
        settle().await;
        assert_eq!(store.asked(), 2);
    }
    store.answer().await;
    assert_eq!((store.find(None).await, store.asked()), (Ok(2), 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_not_given_out_even_if_nobody_can_say_what_is_new() {
    let store = Slow::new();
    store.first().await;
    advance(KNOWN_FOR.saturating_sub(SECOND)).await;
    store.let_go.add_permits(1);
    assert_eq!(store.find(Some(NotFound::Unavailable)).await, Ok(1));
    settle().await;
    advance(SECOND).await;
    store.let_go.add_permits(1);
    assert_eq!(store.find(Some(NotFound::Unavailable)).await, Err(NotFound::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn the_age_of_what_is_known_counts_from_the_beginning_of_its_lookup() {
    let store = Slow::new();
    let slowly = async {
        settle().await;
        advance(FRESH_FOR).await;
        store.answer().await;
    };
    let (found, ()) = tokio::join!(store.find(None), slowly);
    assert_eq!(found, Ok(1));
    advance(KNOWN_FOR.saturating_sub(FRESH_FOR)).await;
    store.let_go.add_permits(1);
    assert_eq!(store.find(None).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_deleted_elsewhere_is_gone_after_one_refresh() {
    let store = Slow::new();
    store.first().await;
    advance(FRESH_FOR).await;
    store.let_go.add_permits(2);
    assert_eq!(store.find(Some(NotFound::Nobodys)).await, Ok(1));
    settle().await;
    assert_eq!(store.find(Some(NotFound::Nobodys)).await, Err(NotFound::Nobodys));
}

#[tokio::test(start_paused = true)]
async fn what_a_lookup_brings_that_began_before_a_change_here_is_not_kept() {
    let store = Slow::new();
    let changed = async {
        settle().await;
        store.known.forget("we_1");
        store.answer().await;
    };
    let (found, ()) = tokio::join!(store.find(None), changed);
    assert_eq!(found, Ok(1));
    store.let_go.add_permits(1);
    assert_eq!(store.find(None).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_never_ends_is_given_up_and_begun_anew() {
    let store = Slow::new();
    assert_eq!(store.find(None).await, Err(NotFound::Unavailable));
    store.let_go.add_permits(1);
    assert_eq!(store.find(None).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_panics_is_begun_anew() {
    let known = Known::<usize>::default();
    let broken = known.find("we_1", || async { panic!("broken") }).await;
    assert_eq!(broken, Err(NotFound::Unavailable));
    assert_eq!(known.find("we_1", || async { Ok(1) }).await, Ok(Arc::new(1)));
}
