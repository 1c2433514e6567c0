//! A tenant with very many streams, from the log to unified tables: tables, profiles, plan, taking over. On SQLite, and on the
//! PostgreSQL of `SYNCLINE_TEST_POSTGRES_URL` if that is set.
//! `cargo bench -p schema-ai --bench streams [-- STREAMS]`
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use schema_ai::{
    consumer::{Organizer, OrganizerConfig, Rejections},
    tables::{AnyHome, PostgresHome, SqliteHome},
    unify::{Desk, State, Unifier},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use syncline_log::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{
    Event, EventLog, Fault, Origin, Quarantined, Record, RecordKey, Secret, ShardId, Step, TenantId, event::Source, log::ShardChange,
};

const STREAMS: usize = 2_000;
const RECORDS: usize = 20;

/// Nothing here is set aside.
struct Nowhere;

#[async_trait::async_trait]
impl Rejections for Nowhere {
    async fn reject(&self, _: &Quarantined, _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

/// One in ten streams has people, one in ten what they bought; the others have things that refer to the stream before.
fn body(stream: usize, n: usize) -> String {
    let (id, at) = (stream * 100_000 + n, Timestamp::from_second(1_700_000_000 + i64::try_from(stream * RECORDS + n).unwrap()).unwrap());
    match stream % 10 {
        0 => format!(
            r#"{{"id":"cus_{id}","first_name":"Ann{n}","last_name":"Of{stream}","email":"p{n}@s{stream}.example.com","created_at":"{at}"}}"#
        ),
        1 => format!(
            r#"{{"id":"in_{id}","customer_id":"cus_{}","total":"{n}.50","currency":"EUR","created_at":"{at}"}}"#,
            (stream - 1) * 100_000 + n
        ),
        _ => format!(
            r#"{{"id":{id},"thing_{}_id":{},"label_{stream}":"label {n}","size_{stream}":{n},"is_open":{},"updated_at":"{at}"}}"#,
            stream - 1,
            (stream - 1) * 100_000 + n,
            n.is_multiple_of(2)
        ),
    }
}

fn events(stream: usize) -> impl Iterator<Item = Event> {
    let name = match stream % 10 {
        0 => format!("customers_{stream}"),
        1 => format!("invoices_{stream}"),
        _ => format!("thing_{stream}"),
    };
    let source = Source {
        tenant: tenant(),
        integration: "shop".parse().unwrap(),
        connector: "shop".parse().unwrap(),
        stream: name.parse().unwrap(),
    };
    (0..RECORDS).map(move |n| {
        let key = RecordKey::of([n.to_string().as_str()]);
        let record = Record { key, body: Bytes::from(body(stream, n)), version: None, time: None, deleted: false };
        Event::new(&source, Origin::Poll, record)
    })
}

/// Puts all streams' records into a log.
async fn log(folder: &Path, streams: usize) -> Arc<EmbeddedLog> {
    let log = Arc::new(EmbeddedLog::open(EmbeddedConfig::new(folder.join("log.sqlite"))).unwrap());
    let mut membership = log.join("bench").await.unwrap();
    let mut shards = BTreeMap::new();
    while shards.len() < usize::from(log.shard_count().get()) {
        if let Some(ShardChange::Assigned(shard)) = membership.next().await.unwrap() {
            shards.insert(shard.id(), shard);
        }
    }
    let shard = &shards[&ShardId::of(&tenant(), log.shard_count())];
    for first in (0..streams).step_by(100) {
        let mut step = Step::default();
        step.events.extend((first..streams.min(first + 100)).flat_map(events));
        shard.commit(step).await.unwrap();
    }
    log
}

/// The memory of this process in MiB: now, or at its peak since the last time.
fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<u32>().ok()).unwrap_or_default();
    f64::from(ticks(11) + ticks(12)) / 100.0
}

/// What each part of the way took.
struct Clock(Instant, f64);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), cpu_seconds())
    }

    fn lap(&mut self, what: &str) {
        let cpu = cpu_seconds();
        let (seconds, spent) = (self.0.elapsed().as_secs_f64(), cpu - self.1);
        println!("  {what:24} {seconds:7.1} s {spent:7.1} CPU s   peak so far {} MiB", memory("VmHWM"));
        *self = Self(Instant::now(), cpu);
    }
}

/// Waits until something is so.
async fn until(home: &AnyHome, is_so: impl Fn(&Desk) -> bool + Send + Copy + 'static) {
    let mut looks = tokio::time::interval(Duration::from_millis(200));
    loop {
        looks.tick().await;
        let home = Arc::clone(home);
        let is_so = tokio::task::spawn_blocking(move || Desk::open(home.as_ref(), &tenant()).is_ok_and(|desk| is_so(&desk)));
        if is_so.await.unwrap() {
            return;
        }
    }
}

async fn at_desk<T: Send + 'static>(home: &AnyHome, work: impl FnOnce(&mut Desk) -> T + Send + 'static) -> T {
    let home = Arc::clone(home);
    tokio::task::spawn_blocking(move || work(&mut Desk::open(home.as_ref(), &tenant()).unwrap())).await.unwrap()
}

async fn whole_way(name: &str, home: AnyHome, log: Arc<EmbeddedLog>, streams: usize) {
    println!("{name}: {streams} streams of {RECORDS} records");
    let log: Arc<dyn EventLog> = log;
    let mut clock = Clock::start();
    let mut config = OrganizerConfig::at(Arc::clone(&home));
    name.clone_into(&mut config.group);
    let organizer = Organizer::start(Arc::clone(&log), Arc::new(Nowhere), config);
    let mut progress = organizer.progress();
    let behind = async { progress.wait_for(|progress| !progress.behind.is_empty()).await.map(|progress| progress.behind.clone()) };
    tokio::select! {
        caught_up = organizer.caught_up() => assert!(caught_up),
        behind = behind => panic!("the tables cannot be written: {behind:?}"),
    }
    organizer.stop().await;
    clock.lap("tables");
    let unifier = Unifier::start(Arc::clone(&log), Arc::clone(&home));
    until(&home, move |desk| {
        let profiled = desk.progress().map(|progress| progress.profiled.iter().map(|(_, records)| *records).sum::<i64>());
        profiled.is_ok_and(|records| usize::try_from(records).unwrap_or_default() >= streams * RECORDS)
    })
    .await;
    clock.lap("profiles");
    let plan = at_desk(&home, |desk| {
        let id = desk.begin("asked").unwrap();
        desk.make(id).unwrap();
        id
    })
    .await;
    clock.lap("plan");
    let kept = at_desk(&home, move |desk| {
        desk.accept(plan).unwrap();
        desk.plan(plan).unwrap()
    })
    .await;
    assert_eq!(kept.state, State::Accepted);
    clock.lap("accepting");
    drop(unifier);
    let unifier = Unifier::start(log, Arc::clone(&home));
    until(&home, |desk| desk.progress().is_ok_and(|progress| !progress.walks.is_empty() && progress.walks.iter().all(|walk| walk.3))).await;
    clock.lap("taking over");
    drop(unifier);
    let taken: i64 = at_desk(&home, |desk| desk.progress().unwrap().walks.iter().map(|walk| walk.2).sum()).await;
    println!(
        "  {} tables, {} relations, {} entities, {taken} records taken over",
        kept.plan.tables.len(),
        kept.plan.relations.len(),
        kept.plan.entities.len()
    );
}

#[tokio::main]
async fn main() {
    let streams = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(STREAMS);
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), streams).await;
    whole_way("sqlite", Arc::new(SqliteHome(folder.path().join("tables"))), Arc::clone(&log), streams).await;
    let Ok(server) = std::env::var("SYNCLINE_TEST_POSTGRES_URL") else { return };
    let mut db = PgConnection::connect(&server).await.unwrap();
    let database = format!("streams_{}", std::process::id());
    db.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
    let url = format!("{}/{database}", server.rsplit_once('/').unwrap().0);
    // The tenant's role is of the whole server, and one that an earlier run left there is not ours.
    let home = PostgresHome::connect(&Secret::new(url), &format!("many_{}_", std::process::id()), 4).await.unwrap();
    whole_way("postgres", Arc::new(home), log, streams).await;
}
