#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use syncline_log::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{
    Event, EventLog, Fault, Origin, Quarantined, Record, RecordKey, Shard, ShardId, Step, TenantId, event::Source, log::ShardChange,
};
use tempfile::TempDir;

use super::{Organizer, OrganizerConfig, OrganizerHandle, Rejections};
use crate::tables::{SqliteReader, TableReader, file_of};

#[derive(Default)]
struct Sink(Mutex<Vec<Quarantined>>);

#[async_trait]
impl Rejections for Sink {
    async fn reject(&self, record: &Quarantined, _: Timestamp) -> Result<(), Fault> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

struct World {
    folder: TempDir,
    log: Arc<EmbeddedLog>,
    shards: BTreeMap<ShardId, Box<dyn Shard>>,
    sink: Arc<Sink>,
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn event(of: &str, key: &str, body: &str) -> Event {
    let source = Source {
        tenant: tenant(of),
        integration: "shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: "orders".parse().unwrap(),
    };
    let body = Bytes::copy_from_slice(body.as_bytes());
    Event::new(&source, Origin::Poll, Record { key: RecordKey::of([key]), body, version: None, time: None, deleted: false })
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log.sqlite"))).unwrap());
        let mut membership = log.join("test").await.unwrap();
        let mut shards = BTreeMap::new();
        while shards.len() < usize::from(log.shard_count().get()) {
            if let Some(ShardChange::Assigned(shard)) = membership.next().await.unwrap() {
                shards.insert(shard.id(), shard);
            }
        }
        // The shards stay ours for as long as the test runs.
        std::mem::forget(membership);
        Self { folder, log, shards, sink: Arc::default() }
    }

    async fn commit(&self, events: Vec<Event>) {
        let mut steps: BTreeMap<ShardId, Step> = BTreeMap::new();
        for event in events {
            steps.entry(ShardId::of(&event.tenant, self.log.shard_count())).or_default().events.push(event);
        }
        for (shard, step) in steps {
            self.shards[&shard].commit(step).await.unwrap();
        }
    }

    fn tables(&self) -> std::path::PathBuf {
        self.folder.path().join("tables")
    }

    fn start(&self) -> OrganizerHandle {
        let mut config = OrganizerConfig::new(self.tables());
        config.wait = Duration::from_millis(5);
        config.rest = (Duration::from_millis(5), Duration::from_millis(20));
        let log: Arc<dyn EventLog> = Arc::clone(&self.log) as _;
        Organizer::start(log, Arc::clone(&self.sink) as _, config)
    }
}

fn count(folder: &Path, of: &str) -> u64 {
    SqliteReader::open(folder, &tenant(of)).unwrap().map_or(0, |tables| tables.count("shop_orders").unwrap().0)
}

fn orders(of: &str, range: std::ops::Range<u32>) -> Vec<Event> {
    range.map(|n| event(of, &n.to_string(), &format!(r#"{{"n":{n}}}"#))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tenants_events_get_into_its_own_tables() {
    let world = World::new().await;
    world.commit([orders("acme", 0..300), orders("globex", 0..20)].concat()).await;
    let organizer = world.start();
    world.commit(orders("acme", 300..310)).await;
    assert!(organizer.caught_up().await);
    assert_eq!((count(&world.tables(), "acme"), count(&world.tables(), "globex")), (310, 20));
    organizer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_where_it_was_and_a_lost_file_is_read_again_from_the_log() {
    let world = World::new().await;
    world.commit(orders("acme", 0..10)).await;
    let organizer = world.start();
    assert!(organizer.caught_up().await);
    organizer.stop().await;
    std::fs::remove_dir_all(world.tables()).unwrap();
    world.commit(orders("acme", 10..12)).await;
    let organizer = world.start();
    assert!(organizer.caught_up().await);
    assert_eq!(count(&world.tables(), "acme"), 12);
    organizer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_stops_its_tenant_and_no_other_and_heals_when_it_can() {
    let world = World::new().await;
    std::fs::create_dir_all(world.tables()).unwrap();
    let damaged = file_of(&world.tables(), &tenant("acme"));
    std::fs::write(&damaged, "this is no database, and it is long enough to be looked at as one ".repeat(20)).unwrap();
    world.commit([orders("acme", 0..10), orders("globex", 0..20)].concat()).await;
    let organizer = world.start();
    let mut progress = organizer.progress();
    let shown = progress.wait_for(|progress| progress.rows == 20 && progress.behind.len() == 1).await.unwrap().behind.clone();
    assert!(shown[&tenant("acme")].contains("`acme`"), "{shown:?}");
    world.commit([orders("acme", 10..15), orders("globex", 20..25)].concat()).await;
    progress.wait_for(|progress| progress.rows == 25).await.unwrap();
    organizer.stop().await;

    // A new process knows of the tenant that is behind, because the group did not pass what it misses.
    let organizer = world.start();
    organizer.progress().wait_for(|progress| progress.behind.len() == 1).await.unwrap();
    std::fs::remove_file(&damaged).unwrap();
    assert!(organizer.caught_up().await);
    assert_eq!((count(&world.tables(), "acme"), count(&world.tables(), "globex")), (15, 25));
    organizer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_not_json_is_reported_and_the_load_goes_on() {
    let world = World::new().await;
    world.commit(vec![event("acme", "1", "{\"n\":1}"), event("acme", "2", "{n}"), event("acme", "3", "{\"n\":3}")]).await;
    let organizer = world.start();
    assert!(organizer.caught_up().await);
    organizer.stop().await;
    assert_eq!(count(&world.tables(), "acme"), 2);
    let rejected = world.sink.0.lock().unwrap();
    assert_eq!(rejected.iter().map(|record| record.key.clone()).collect::<Vec<_>>(), [Some(RecordKey::of(["2"]))]);
}
