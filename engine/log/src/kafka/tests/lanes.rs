//! Transactions of one shard side by side, on a real broker.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use syncline_model::{
    Advance, Cursor, EventLog, LogFault, Revision, Shard, ShardId, Step,
    log::{Membership, ShardChange},
};

use super::{super::held::Draft, KafkaLog, Line, bootstrap};
use crate::{
    conformance::{Subject, bodies, event, key, own, tenant},
    embedded::locked,
    kafka::{
        Core,
        producer::{Refusal, Transactions},
    },
};

const ANSWER: Duration = Duration::from_secs(20);
const STREAMS: usize = 6;
const WAVES_MAX: u64 = 400;

/// One event of each stream in a step of its own, all at once, as readers do that do not know of each other.
async fn wave(shard: &dyn Shard, from: u64) -> Vec<Result<(), LogFault>> {
    let acme = tenant("acme");
    let commits = (0..STREAMS).map(|number| {
        let stream = format!("stream-{number}");
        let mut event = event(&acme, "1", &format!("{number}/{from}"));
        event.stream = stream.parse().unwrap();
        let mut step = Step::default();
        step.push([event], Advance { key: key(&acme, &stream), from: Revision(from), to: Some(Cursor(from.to_string().into())) });
        shard.commit(step)
    });
    join_all(commits).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_lanes_have_written_is_there_once_and_the_next_owner_goes_on_behind_it() {
    if bootstrap().is_none() {
        return;
    }
    let line = Line::new();
    let log = line.open().await;
    let (shards, membership) = own(&log).await;
    let acme = ShardId::of(&tenant("acme"), log.shard_count());
    let owned = Arc::clone(&locked(&log.0.owned)[&acme]);
    let mut waves = 0;
    while locked(&owned.held).lanes < 2 && waves < WAVES_MAX {
        assert_eq!(wave(shards[&acme].as_ref(), waves).await, vec![Ok(()); STREAMS]);
        waves += 1;
    }
    assert_eq!(locked(&owned.held).lanes, 2, "a busy shard makes another lane known");
    for _ in 0..20 {
        assert_eq!(wave(shards[&acme].as_ref(), waves).await, vec![Ok(()); STREAMS]);
        waves += 1;
    }
    drop((shards, membership));
    assert!(log.close().await);
    let log = line.open().await;
    let (shards, _membership) = own(&log).await;
    assert_eq!(wave(shards[&acme].as_ref(), waves).await, vec![Ok(()); STREAMS]);
    let mut wanted: Vec<String> = (0..=waves).flat_map(|wave| (0..STREAMS).map(move |number| format!("{number}/{wave}"))).collect();
    let mut found = bodies(&log, &tenant("acme")).await;
    for number in 0..STREAMS {
        let of_stream = |body: &&String| body.starts_with(&format!("{number}/"));
        let order: Vec<&String> = found.iter().filter(of_stream).collect();
        assert_eq!(order, wanted.iter().filter(of_stream).collect::<Vec<_>>());
    }
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

/// Another owner of a shard.
async fn owner_of(log: &KafkaLog, shard: ShardId) -> (Box<dyn Shard>, Box<dyn Membership>) {
    let mut membership = log.join("next").await.unwrap();
    loop {
        if let Some(ShardChange::Assigned(owned)) = membership.next().await.unwrap()
            && owned.id() == shard
        {
            return (owned, membership);
        }
    }
}

fn lanes(count: u64) -> Draft {
    Draft { lanes: Some(count), ..Draft::default() }
}

/// An owner falls asleep with a lane, and something that lives as long. Gives the next one, when the lane was refused.
async fn fenced<T: Send + 'static>(
    asleep: impl FnOnce((&Core, ShardId), &dyn Fn(usize) -> Transactions) -> (Transactions, T) + Send + 'static,
) -> (Box<dyn Shard>, Box<dyn Membership>) {
    let log = Line::new().open().await;
    let shard = ShardId::of(&tenant("acme"), log.shard_count());
    let core = Arc::clone(&log.0);
    let asleep = tokio::task::spawn_blocking(move || {
        asleep((&core, shard), &|lane| Transactions::take_over(&core.config, &core.names, shard, lane, &|| false).unwrap())
    });
    let (lane, _beside) = asleep.await.unwrap();
    let next = owner_of(&log, shard).await;
    let lost = tokio::task::spawn_blocking(move || lane.commit(&mut lanes(3), &|| false)).await.unwrap();
    assert!(matches!(lost, Err(Refusal::Lost(_))), "{lost:?}");
    next
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_owner_fences_every_lane_of_the_one_before() {
    if bootstrap().is_none() {
        return;
    }
    // The first lane has told of the second.
    let (owned, _membership) = fenced(|_, open| {
        let (first, second) = (open(0), open(1));
        first.commit(&mut lanes(2), &|| false).unwrap();
        (second, first)
    })
    .await;
    assert_eq!(wave(owned.as_ref(), 0).await, vec![Ok(()); STREAMS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_was_made_known_behind_an_open_transaction_is_fenced_too() {
    if bootstrap().is_none() {
        return;
    }
    fenced(|(core, shard), open| {
        let first = open(0);
        first.commit(&mut lanes(2), &|| false).unwrap();
        let second: BaseProducer = core.config.transactional(&core.names.transactional(shard, 1)).create().unwrap();
        second.init_transactions(ANSWER).unwrap();
        second.begin_transaction().unwrap();
        let topic = core.names.cursors();
        let record = BaseRecord::<[u8], [u8]>::to(&topic).partition(i32::from(shard.0)).key(b"open");
        second.send(record).unwrap();
        second.flush(ANSWER).unwrap();
        // Nobody sees this before the second one's transaction is ended.
        first.commit(&mut lanes(3), &|| false).unwrap();
        (open(2), second)
    })
    .await;
}
