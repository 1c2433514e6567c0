//! Who reads, and who only waits to be used again, on a real broker.

use std::time::Duration;

use syncline_model::{EventLog, ShardId, Step, log::Position};

use super::{Line, bootstrap};
use crate::conformance::{Subject, advance, event, own, tenant};

const WAIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_nobody_uses_ask_the_brokers_for_nothing() {
    if bootstrap().is_none() {
        return;
    }
    let log = Line::new().open().await;
    let (shards, _membership) = own(&log).await;
    assert_eq!(log.0.readers.fetching(), 0, "those that read what the shards' owners knew");
    let acme = tenant("acme");
    let shard = &shards[&ShardId::of(&acme, log.shard_count())];
    let mut from = Position::default();
    for turn in 0..3_u64 {
        let mut step = Step::default();
        step.push([event(&acme, "1", &turn.to_string())], advance(&acme, turn, &turn.to_string()));
        shard.commit(step).await.unwrap();
        let found = log.read(&acme, &from, 10, WAIT).await.unwrap();
        assert_eq!(found.iter().map(|logged| logged.event.body.clone()).collect::<Vec<_>>(), [turn.to_string()]);
        assert_eq!(log.0.readers.fetching(), 1, "whoever found something comes back");
        found.iter().for_each(|logged| from.pass(&logged.place));
        assert!(log.read(&acme, &from, 10, Duration::from_millis(200)).await.unwrap().is_empty());
        assert_eq!(log.0.readers.fetching(), 0, "whoever found nothing rests");
    }
}
