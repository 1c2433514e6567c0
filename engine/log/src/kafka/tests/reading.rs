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
    let mut step = Step::default();
    step.push([event(&acme, "1", "a")], advance(&acme, 0, "a"));
    shard.commit(step).await.unwrap();
    let read = async || log.read(&acme, &Position::default(), 10, WAIT).await.unwrap().len();
    assert_eq!(read().await, 1);
    assert_eq!(log.0.readers.fetching(), 1, "whoever reads a tenant reads on");
    log.0.readers.rest(Duration::from_hours(1));
    assert_eq!(log.0.readers.fetching(), 1);
    log.0.readers.rest(Duration::ZERO);
    assert_eq!(log.0.readers.fetching(), 0, "unless it does not come back");
    assert_eq!(read().await, 1);
}
