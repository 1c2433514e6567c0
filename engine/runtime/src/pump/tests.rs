#![allow(clippy::duration_suboptimal_units, clippy::unwrap_used, clippy::panic)]
use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use proptest::prelude::*;
use syncline_model::{Fault, Op, Origin, ShardId, event::Source, schedule::SyncMode};
use syncline_sdk::Connector;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Places, Pump, StreamEnd, StreamTask};
use crate::{
    EngineConfig,
    board::{Board, JobProgress},
    fakes::{Act, Failing, MemoryLedger, MemoryLog, Row, TestSource},
    gate::{Gate, GateEvent},
    job::Link,
    lanes::Key,
    patience::Waiter,
};

struct Setup {
    log: Arc<MemoryLog>,
    ledger: Arc<MemoryLedger>,
    source: Arc<TestSource>,
    config: EngineConfig,
    accept: bool,
    stop: CancellationToken,
    places: Arc<Places>,
}

struct NoHttp;

#[async_trait::async_trait]
impl syncline_sdk::Http for NoHttp {
    async fn send(&self, _: syncline_sdk::HttpRequest) -> Result<syncline_sdk::HttpAnswer, Fault> {
        Err(Fault::Internal("there is no network here".into()))
    }
}

impl Setup {
    fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        let source = TestSource::new("shop");
        source.rows("orders", rows);
        Self {
            log: MemoryLog::that_answers_after(Duration::from_millis(50), 1),
            ledger: MemoryLedger::new([]),
            source,
            config: EngineConfig { step_records_min: 1, ..EngineConfig::default() },
            accept: false,
            stop: CancellationToken::new(),
            places: Arc::default(),
        }
    }

    fn task(&self, mode: SyncMode) -> StreamTask {
        let (tenant, integration, connector, stream): (_, _, syncline_model::ConnectorName, syncline_model::StreamName) =
            ("acme".parse().unwrap(), "shop-eu".parse().unwrap(), "shop".parse().unwrap(), "orders".parse().unwrap());
        let key = Key { tenant, integration };
        let progress = JobProgress {
            tenant: key.tenant.clone(),
            integration: key.integration.clone(),
            job: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            trigger: syncline_model::ledger::Trigger::Schedule,
            streams: Vec::new(),
            outcome: None,
        };
        let board = Arc::new(Board::new(progress));
        board.expect([stream.clone()]);
        let link = Arc::new(Link {
            key: key.clone(),
            connector_name: connector.clone(),
            config: Arc::new(self.config.clone()),
            ledger: Arc::clone(&self.ledger) as _,
            shard: Arc::from(self.log.take(ShardId(0))),
            connector: Arc::clone(&self.source) as Arc<dyn Connector>,
            gate: generous_gate(),
            board,
            stop: self.stop.clone(),
            fenced: Arc::new(|_| {}),
            steps: AtomicU64::new(0),
            places: Arc::clone(&self.places),
        });
        let waiter = Arc::new(Waiter::new(Arc::clone(&link), Some(stream.clone())));
        let context = syncline_sdk::Context {
            settings: syncline_model::Settings::new(serde_json::Value::Null),
            http: Arc::new(NoHttp),
            patience: Arc::clone(&waiter) as _,
            now: jiff::Timestamp::UNIX_EPOCH,
            shared: Arc::default(),
        };
        StreamTask {
            source: Source { tenant: key.tenant, integration: key.integration, connector, stream },
            spec: self.source.spec("orders"),
            link,
            mode,
            waiter,
            context,
            sweep_accepted: self.accept,
            history_known: false,
            cursors: Arc::default(),
        }
    }

    async fn read(&self, mode: SyncMode) -> StreamEnd {
        Pump::new(self.task(mode)).run().await
    }

    /// Reads, and drops everything when the log goes silent.
    async fn read_until_crash(&self, mode: SyncMode) -> Option<StreamEnd> {
        tokio::time::timeout(Duration::from_secs(3600), self.read(mode)).await.ok()
    }

    /// What the log has, as `op key version`.
    fn published(&self) -> Vec<String> {
        let text = |event: syncline_model::Event| {
            format!("{} {} {}", event.op.as_str(), event.key, event.version.map_or_else(String::new, |version| version.to_string()))
        };
        self.log.events().into_iter().map(text).collect()
    }
}

/// A place that is given back as soon as it is wanted.
fn generous_gate() -> Arc<Gate> {
    Arc::new_cyclic(|gate: &std::sync::Weak<Gate>| {
        let gate = gate.clone();
        Gate::new(move |event| {
            if event != (GateEvent::Released { wanted: false }) {
                gate.upgrade().unwrap().grant();
            }
        })
    })
}

const READ: StreamEnd = StreamEnd::Read { asks: None };

fn rows(count: i64) -> Vec<Row> {
    (1..=count).map(|number| Row::new(number, number * 10)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_page_by_page_and_then_only_what_is_new() {
    let setup = Setup::new(rows(5));
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published(), ["upsert 1 10", "upsert 2 20", "upsert 3 30", "upsert 4 40", "upsert 5 50"]);
    setup.source.tell(|tables| tables.rows.get_mut("orders").unwrap().push(Row::new(6, 60)));
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published()[5..], ["upsert 6 60"]);
    let origins: Vec<Origin> = setup.log.events().iter().map(|event| event.origin).collect();
    assert!(origins[..5].iter().all(|origin| *origin == Origin::Backfill) && origins[5] == Origin::Poll);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_appears_with_the_version_of_the_cursor_is_found_and_its_neighbours_are_not_published_again() {
    let setup = Setup::new([Row::new("a", 10), Row::new("b", 10)]);
    setup.read(SyncMode::Incremental).await;
    setup.source.tell(|tables| tables.rows.get_mut("orders").unwrap().push(Row::new("c", 10)));
    setup.read(SyncMode::Incremental).await;
    assert_eq!(setup.published(), ["upsert a 10", "upsert b 10", "upsert c 10"]);
}

#[tokio::test(start_paused = true)]
async fn reading_again_what_is_known_writes_nothing() {
    let setup = Setup::new(rows(5));
    setup.read(SyncMode::Incremental).await;
    let commits = setup.log.commits();
    setup.read(SyncMode::Incremental).await;
    assert_eq!(setup.log.commits(), commits);
}

#[tokio::test(start_paused = true)]
async fn what_the_boundary_remembers_is_bounded_and_forgets_the_oldest_versions_first() {
    let mut setup = Setup::new(rows(300));
    setup.config.boundary_ids_max = 20;
    setup.source.tell(|tables| tables.page_sizes = vec![7]);
    setup.read(SyncMode::Incremental).await;
    let bytes: usize = setup.log.parts().iter().filter(|(part, _)| part.contains("boundary")).map(|(_, cursor)| cursor.0.len()).sum();
    assert!(bytes <= 20 * 33, "{bytes}");
    setup.source.tell(|tables| tables.rows.get_mut("orders").unwrap().push(Row::new(301, 3000)));
    setup.read(SyncMode::Incremental).await;
    assert_eq!(setup.published().len(), 301);
}

#[tokio::test(start_paused = true)]
async fn a_state_without_version_that_comes_back_after_another_one_is_published_again() {
    let setup = Setup::new([]);
    for text in ["a", "b", "a", "a"] {
        setup.source.rows("orders", [Row::plain(1, text)]);
        setup.read(SyncMode::Incremental).await;
    }
    assert_eq!(setup.published().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_goes_into_quarantine_and_its_page_goes_on() {
    let setup = Setup::new(rows(2));
    setup.source.act("orders", Act::Refuse(Some("9")));
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published().len(), 2);
    let kept: Vec<String> = setup.ledger.rows().quarantine.values().map(|kept| kept.cause.clone()).collect();
    assert_eq!(kept, ["is no JSON"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_too_large_for_the_log_goes_into_quarantine_and_the_rest_is_committed() {
    let setup = Setup::new([Row::new(1, 1), Row { body: "x".repeat(2 << 20), ..Row::new(2, 2) }, Row::new(3, 3)]);
    setup.source.tell(|tables| tables.page_sizes = vec![3]);
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published(), ["upsert 1 1", "upsert 3 3"]);
    let rows = setup.ledger.rows();
    let kept: Vec<_> = rows.quarantine.values().collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].cause.ends_with("and the log takes 1048576"), "{}", kept[0].cause);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_us_to_wait_is_waited_for_exactly_and_then_the_page_comes() {
    let setup = Setup::new(rows(3));
    setup.source.act("orders", Act::Fault(Fault::Throttled(Duration::from_secs(90))));
    let began = Instant::now();
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(began.elapsed().as_secs(), 90);
    assert_eq!(setup.published().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_shown_with_its_end_and_a_stop_ends_it_at_once() {
    let setup = Setup::new(rows(3));
    setup.source.act("orders", Act::Fault(Fault::Throttled(Duration::from_secs(900))));
    let task = setup.task(SyncMode::Incremental);
    let board = Arc::clone(&task.link.board);
    let mut follow = board.follow();
    let (end, ()) = tokio::join!(Pump::new(task).run(), async {
        follow.wait_for(|progress| progress.streams[0].waiting_until.is_some()).await.unwrap();
        setup.stop.cancel();
    });
    assert_eq!(end, StreamEnd::Failed(Fault::Stopped));
    assert_eq!(board.streams()[0].waiting_until, None);
}

#[tokio::test(start_paused = true)]
async fn a_failing_page_is_tried_again_and_given_up_after_its_tries() {
    let setup = Setup::new(rows(3));
    setup.source.act("orders", Act::Fault(Fault::Unavailable("503".into())));
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    for _ in 0..20 {
        setup.source.act("orders", Act::Fault(Fault::Unavailable("503".into())));
    }
    assert_eq!(setup.read(SyncMode::Incremental).await, StreamEnd::Failed(Fault::Unavailable("503".into())));
}

#[tokio::test(start_paused = true)]
async fn what_the_owner_must_mend_is_not_tried_again() {
    let setup = Setup::new(rows(3));
    setup.source.act("orders", Act::Fault(Fault::Unauthorized("revoked".into())));
    assert_eq!(setup.read(SyncMode::Incremental).await, StreamEnd::Failed(Fault::Unauthorized("revoked".into())));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_for_a_while_loses_nothing() {
    let setup = Setup::new(rows(5));
    setup.log.fail(Failing::UnavailableFor(3));
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn several_steps_of_a_stream_are_under_way_and_come_in_their_order() {
    let setup = Setup::new(rows(500));
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    let wanted: Vec<String> = (1..=500).map(|number| format!("upsert {number} {}", number * 10)).collect();
    assert_eq!(setup.published(), wanted);
    assert_eq!(setup.log.waited_for_most(), 96);
}

/// How many steps of 600 KiB were under way at the same time.
async fn under_way_of_large_steps(places: usize) -> usize {
    let large = |number| Row { body: "x".repeat(600 << 10), ..Row::new(number, number) };
    let mut setup = Setup::new((1..=40).map(large));
    setup.places = Arc::new(Places::new(places));
    setup.source.tell(|tables| tables.page_sizes = vec![1]);
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published().len(), 40);
    // Whoever has ended leaves its place to the next.
    assert_eq!(setup.places.free(), places);
    setup.log.waited_for_most()
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_bounded_in_bytes_and_more_tightly_where_many_have_much() {
    // As many as make 4 MiB and 1 MiB; of what is read meanwhile a step takes one or two pages.
    let (with_place, without) = (under_way_of_large_steps(1).await, under_way_of_large_steps(0).await);
    assert!((4..=7).contains(&with_place) && (1..=2).contains(&without), "{with_place} and {without}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_small_pages_is_not_written_in_as_many_steps() {
    let mut setup = Setup::new(rows(200));
    setup.config.step_records_min = 50;
    assert_eq!(setup.read(SyncMode::Incremental).await, READ);
    assert_eq!(setup.published().len(), 200);
    assert!(setup.log.commits() <= 6, "{}", setup.log.commits());
}

#[tokio::test(start_paused = true)]
async fn when_a_step_fails_those_behind_it_are_written_behind_it() {
    for failing in [Failing::UnavailableAfter(0), Failing::UnavailableAfter(5), Failing::UnavailableFor(4)] {
        let setup = Setup::new(rows(60));
        setup.log.fail(failing);
        assert_eq!(setup.read(SyncMode::Incremental).await, READ);
        let wanted: Vec<String> = (1..=60).map(|number| format!("upsert {number} {}", number * 10)).collect();
        assert_eq!(setup.published(), wanted, "{failing:?}");
        assert_eq!(setup.source.opened.load(std::sync::atomic::Ordering::Relaxed), 1, "nothing was read twice");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_do_not_move_the_cursor_keep_their_order_when_one_fails() {
    // All of one version: the cursor of the source stays where it is from page to page.
    for failing in 0..8 {
        let setup = Setup::new((100..160).map(|key| Row::new(key, 10)));
        setup.log.fail(Failing::UnavailableAfter(failing));
        assert_eq!(setup.read(SyncMode::Incremental).await, READ);
        assert_eq!(setup.published(), (100..160).map(|key| format!("upsert {key} 10")).collect::<Vec<_>>(), "{failing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_what_is_under_way_and_begins_nothing_new() {
    let mut setup = Setup::new(rows(200));
    setup.config.retry.tries = 2;
    let task = setup.task(SyncMode::Incremental);
    let log = Arc::clone(&setup.log);
    let (end, at_stop) = tokio::join!(Pump::new(task).run(), async {
        log.until(|log| log.commits() >= 10).await;
        setup.stop.cancel();
        log.commits()
    });
    assert_eq!(end, StreamEnd::Failed(Fault::Stopped));
    assert!((10..=26).contains(&setup.log.commits()), "{at_stop} and then {}", setup.log.commits());
    let published = setup.published();
    assert_eq!(published, (1..=published.len()).map(|number| format!("upsert {number} {}", number * 10)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_do_again_what_failed_behind_another_step() {
    let setup = Setup::new(rows(200));
    setup.log.fail(Failing::UnavailableAfter(10));
    let task = setup.task(SyncMode::Incremental);
    let log = Arc::clone(&setup.log);
    let (end, ()) = tokio::join!(Pump::new(task).run(), async {
        // The eleventh was refused, and others were handed over behind it.
        log.until(|log| log.waited_for_most() >= 13).await;
        setup.stop.cancel();
    });
    assert_eq!((end, setup.log.commits()), (StreamEnd::Failed(Fault::Stopped), 11));
}

#[tokio::test(start_paused = true)]
async fn a_record_too_large_for_the_log_is_remembered_as_unpublished_and_what_came_behind_it_is_not() {
    let large = |key, version| Row { body: "x".repeat(2000), ..Row::new(key, version) };
    // Around them so many others that several steps are under way whatever becomes of single pages.
    let others = |from: i64| (from..from + 40).map(|number| Row::new(format!("other {number}"), 1));
    let among_others = |rows: Vec<Row>| others(0).chain(rows).chain(others(40)).collect::<Vec<_>>();
    let published = |setup: &Setup| setup.published().into_iter().filter(|event| !event.contains("other")).collect::<Vec<_>>();
    let [a, b, c, d] = [("a", 1), ("b", 2), ("c", 1), ("d", 1)].map(|(key, version)| Row::new(key, version));
    let mut setup = Setup::new(among_others(vec![a.clone(), large("b", 1), c.clone(), b.clone(), large("e", 1), d.clone()]));
    Arc::get_mut(&mut setup.log).unwrap().event_bytes_max = 1000;
    setup.source.tell(|tables| tables.page_sizes = vec![1]);
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(published(&setup), ["upsert a 1", "upsert b 2", "upsert c 1", "upsert d 1"]);
    assert!(setup.log.waited_for_most() > 3);
    setup.source.rows("orders", among_others(vec![a, b, c, large("e", 1), d]));
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(published(&setup).len(), 4);
    // Once the log takes it, it is not taken for known.
    Arc::get_mut(&mut setup.log).unwrap().event_bytes_max = 1 << 20;
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(published(&setup)[4..], ["upsert e 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_went_to_somebody_else_stops_the_reading() {
    let setup = Setup::new(rows(5));
    let task = setup.task(SyncMode::Incremental);
    drop(setup.log.take(ShardId(0)));
    assert_eq!(Pump::new(task).run().await, StreamEnd::Failed(Fault::Stopped));
    assert!(setup.published().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_full_refresh_publishes_what_changed_and_deletes_what_is_gone() {
    let setup = Setup::new(["a", "b", "c", "d", "e"].map(|key| Row::new(key, 1)));
    setup.source.tell(|tables| tables.delete_missing = true);
    setup.read(SyncMode::FullRefresh).await;
    setup.source.rows("orders", [Row::new("a", 1), Row::new("b", 2), Row::new("d", 1), Row::new("e", 1), Row::new("f", 1)]);
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(setup.published()[5..], ["upsert b 2", "upsert f 1", "delete c "]);
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(setup.published().len(), 8);
    let parts = setup.log.parts().keys().filter(|part| part.contains("gen/")).count();
    assert!(parts <= 3, "the parts of earlier generations are gone: {parts}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_deletions_are_not_asked_for_gets_none() {
    let setup = Setup::new(["a", "b", "c"].map(|key| Row::new(key, 1)));
    setup.read(SyncMode::FullRefresh).await;
    setup.source.rows("orders", [Row::new("a", 1), Row::new("c", 1)]);
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(setup.published().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_suddenly_empty_deletes_nothing_until_somebody_accepts_it() {
    let mut setup = Setup::new((0..10).map(|key| Row::new(key, 1)));
    setup.source.tell(|tables| tables.delete_missing = true);
    setup.read(SyncMode::FullRefresh).await;
    setup.source.rows("orders", []);
    for _ in 0..3 {
        let StreamEnd::Read { asks: Some(asks) } = setup.read(SyncMode::FullRefresh).await else { panic!("nothing was asked") };
        assert_eq!(asks, "has 0 records and had 10, which is too few to believe: nothing was deleted until somebody accepts it");
    }
    assert_eq!(setup.published().len(), 10);
    setup.accept = true;
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(setup.published().iter().filter(|text| text.starts_with("delete")).count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_generation_in_which_something_was_left_out_deletes_nothing() {
    for act in [Act::Skip, Act::Refuse(None), Act::Fault(Fault::BadRecord("no key".into()))] {
        let setup = Setup::new((0..10).map(|key| Row::new(key, 1)));
        setup.source.tell(|tables| tables.delete_missing = true);
        setup.read(SyncMode::FullRefresh).await;
        setup.source.rows("orders", (0..9).map(|key| Row::new(key, 1)));
        setup.source.act("orders", act);
        assert!(matches!(setup.read(SyncMode::FullRefresh).await, StreamEnd::Read { asks: Some(_) }));
        assert_eq!(setup.published().len(), 10);
        assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
        assert_eq!(setup.published()[10..], ["delete 9 "]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_refused_under_its_key_is_not_taken_for_deleted() {
    let setup = Setup::new((0..10).map(|key| Row::new(key, 1)));
    setup.source.tell(|tables| tables.delete_missing = true);
    setup.read(SyncMode::FullRefresh).await;
    setup.source.rows("orders", (0..9).map(|key| Row::new(key, 1)));
    setup.source.act("orders", Act::Refuse(Some("9")));
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(setup.published().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_cap_everything_is_published_and_nothing_is_inferred() {
    let mut setup = Setup::new((0..10).map(|key| Row::new(key, 1)));
    setup.config.generation_records_max = 4;
    setup.source.tell(|tables| tables.delete_missing = true);
    for _ in 0..2 {
        let StreamEnd::Read { asks: Some(asks) } = setup.read(SyncMode::FullRefresh).await else { panic!("nothing was said") };
        assert!(asks.starts_with("has more than 4 records"), "{asks}");
    }
    assert_eq!(setup.published().len(), 10 + 6);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_came_twice_in_a_generation_is_deleted_once() {
    let mut setup = Setup::new([]);
    setup.accept = true;
    setup.source.tell(|tables| (tables.delete_missing, tables.page_sizes) = (true, vec![1]));
    let twice = |key: i32| [Row::new(100 + key, 1), Row::new(100 + key, 2)];
    setup.source.rows("orders", std::iter::once(Row::new(1, 1)).chain((0..20).flat_map(twice)));
    setup.read(SyncMode::FullRefresh).await;
    setup.source.rows("orders", []);
    assert_eq!(setup.read(SyncMode::FullRefresh).await, READ);
    assert_eq!(setup.published().iter().filter(|text| text.starts_with("delete")).count(), 21);
    assert_eq!(setup.log.parts().keys().filter(|part| part.contains("gen/")).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_mode_keeps_its_own_place() {
    let setup = Setup::new(rows(4));
    setup.read(SyncMode::Incremental).await;
    setup.read(SyncMode::FullRefresh).await;
    let before = setup.published().len();
    setup.read(SyncMode::Incremental).await;
    setup.read(SyncMode::FullRefresh).await;
    assert_eq!(setup.published().len(), before);
}

#[derive(Debug, Clone, Copy)]
enum Failure {
    Silent,
    Lost,
    Unavailable,
}

#[derive(Debug, Clone)]
struct Story {
    sizes: Vec<usize>,
    tables: Vec<Vec<(u8, i64)>>,
    crashes: Vec<(usize, Failure)>,
}

fn story() -> impl Strategy<Value = Story> {
    let table = proptest::collection::vec((0_u8..30, 1_i64..12), 0..40);
    (
        proptest::collection::vec(1_usize..7, 1..4),
        proptest::collection::vec(table, 1..4),
        proptest::collection::vec((0_usize..12, prop_oneof![Just(Failure::Silent), Just(Failure::Lost), Just(Failure::Unavailable)]), 0..8),
    )
        .prop_map(|(sizes, tables, crashes)| Story { sizes, tables, crashes })
}

/// The newest version of each key, as a source has it.
fn table(rows: &[(u8, i64)], earlier: &HashMap<u8, i64>) -> HashMap<u8, i64> {
    let mut newest = earlier.clone();
    for (key, version) in rows {
        newest.entry(*key).and_modify(|known| *known = (*known).max(*version)).or_insert(*version);
    }
    newest
}

async fn survive(setup: &Setup, mode: SyncMode, crashes: &mut impl Iterator<Item = (usize, Failure)>) {
    loop {
        setup.log.fail(match crashes.next() {
            Some((after, Failure::Silent)) => Failing::SilentAfter(after),
            Some((after, Failure::Lost)) => Failing::LostAfter(after),
            Some((after, Failure::Unavailable)) => Failing::UnavailableAfter(after),
            None => Failing::Never,
        });
        if let Some(end) = setup.read_until_crash(mode).await {
            assert!(matches!(end, StreamEnd::Read { .. }), "{end:?}");
            return;
        }
    }
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_the_pages_and_wherever_it_crashes_each_version_is_in_the_log_exactly_once(story in story()) {
        paused().block_on(async {
            let setup = Setup::new([]);
            setup.source.tell(|tables| tables.page_sizes = story.sizes.clone());
            let mut crashes = story.crashes.clone().into_iter();
            let mut source = HashMap::new();
            let mut wanted = Vec::new();
            for (round, rows) in story.tables.iter().enumerate() {
                // Time goes on in a source: what changes gets a version at or behind all that were seen.
                let shifted: Vec<(u8, i64)> = rows.iter().map(|(key, version)| (*key, version + 11 * i64::try_from(round).unwrap())).collect();
                source = table(&shifted, &source);
                wanted.extend(source.iter().map(|(key, version)| format!("upsert {key} {version}")));
                setup.source.rows("orders", source.iter().map(|(key, version)| Row::new(key, *version)));
                survive(&setup, SyncMode::Incremental, &mut crashes).await;
            }
            let mut published = setup.published();
            published.sort();
            wanted.sort();
            wanted.dedup();
            assert_eq!(published, wanted);
        });
    }

    #[test]
    fn wherever_a_full_refresh_crashes_the_log_tells_the_changes_and_deletions_once(story in story()) {
        paused().block_on(async {
            let mut setup = Setup::new([]);
            setup.accept = true;
            setup.source.tell(|tables| { tables.page_sizes = story.sizes.clone(); tables.delete_missing = true; });
            let mut crashes = story.crashes.clone().into_iter();
            let mut before: HashMap<u8, i64> = HashMap::new();
            let mut wanted = Vec::new();
            for rows in &story.tables {
                let now = table(rows, &HashMap::new());
                wanted.extend(now.iter().filter(|(key, version)| before.get(key) != Some(version)).map(|(key, version)| format!("upsert {key} {version}")));
                wanted.extend(before.keys().filter(|key| !now.contains_key(key)).map(|key| format!("delete {key} ")));
                setup.source.rows("orders", now.iter().map(|(key, version)| Row::new(key, *version)));
                survive(&setup, SyncMode::FullRefresh, &mut crashes).await;
                before = now;
            }
            let mut published = setup.published();
            published.sort();
            wanted.sort();
            assert_eq!(published, wanted);
            assert_eq!(setup.log.events().iter().filter(|event| event.op == Op::Delete && !event.body.is_empty()).count(), 0);
        });
    }
}
