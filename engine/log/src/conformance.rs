//! The suite that every implementation of the event log passes. Offsets may have gaps, and nothing here depends on time.
//! A new implementation calls [`suite!`](crate::conformance_suite) with an async function that opens a fresh log and one that opens the
//! same log again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "this module is a test"
)]

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use syncline_model::{
    Advance, ConnectorName, Cursor, CursorKey, Event, EventLog, LogFault, Origin, Record, RecordKey, Revision, Shard, ShardId, Step,
    TenantId,
    event::Source,
    log::{InboxItem, InboxKind, InboxOffset, Logged, Membership, Position, ShardChange},
    step::Seen,
};

/// How long to wait for something that must come.
const SOON: Duration = Duration::from_secs(30);
/// How long to wait for something that must not come.
const BRIEF: Duration = Duration::from_millis(200);

/// A log under test, that can be closed and opened again.
pub trait Subject {
    type Log: EventLog;
    /// Opens it; the second time, with what the first one has left.
    fn open(&self) -> impl Future<Output = Self::Log> + Send;
    /// The largest event it takes.
    fn event_bytes_max(&self) -> usize;
}

/// Makes one test of each rule for an expression that gives a new [`Subject`].
#[macro_export]
macro_rules! conformance_suite {
    ($subject:expr) => {
        $crate::conformance_suite!($subject;
            order_within_a_key_is_kept, a_step_is_all_or_nothing, an_owner_that_lost_its_shard_can_commit_nothing,
            an_owner_that_lost_its_shard_to_another_process_can_commit_nothing, advances_of_one_cursor_in_one_step_follow_each_other,
            a_step_of_another_shards_tenant_is_refused, a_position_passes_what_is_before_it_and_nothing_else,
            a_cursor_moves_only_from_where_it_is, no_event_is_visible_before_its_step, everything_is_there_after_opening_again,
            a_group_splits_the_log_and_goes_on_where_it_was, a_commit_of_a_lost_partition_moves_nothing,
            the_inbox_keeps_order_and_forgets_what_is_done, a_seen_delivery_is_remembered, a_tenant_reads_only_its_own,
            an_event_too_large_is_named_and_nothing_of_its_step_is_kept, a_purged_tenant_is_gone_and_others_stay,
            steps_that_are_handed_over_one_after_the_other_are_decided_in_that_order, behind_a_refused_step_no_later_one_is_committed);
    };
    ($subject:expr; $($rule:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() { $crate::conformance::$rule(&$subject).await; })*
    };
}

pub fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub fn key(tenant: &TenantId, stream: &str) -> CursorKey {
    CursorKey { tenant: tenant.clone(), integration: "shop".parse().unwrap(), stream: stream.parse().unwrap(), part: String::new() }
}

pub fn event(tenant: &TenantId, record: &str, body: &str) -> Event {
    let connector: ConnectorName = "sandbox-shop".parse().unwrap();
    let source = Source { tenant: tenant.clone(), integration: "shop".parse().unwrap(), connector, stream: "orders".parse().unwrap() };
    let record = Record { key: RecordKey::of([record]), body: Bytes::from(body.to_owned()), version: None, time: None, deleted: false };
    Event::new(&source, Origin::Poll, record)
}

pub fn advance(tenant: &TenantId, from: u64, to: &str) -> Advance {
    Advance { key: key(tenant, "orders"), from: Revision(from), to: Some(Cursor(Bytes::from(to.to_owned()))) }
}

fn step(tenant: &TenantId, from: u64, bodies: &[&str]) -> Step {
    let mut step = Step::default();
    step.push(bodies.iter().map(|body| event(tenant, "1", body)), advance(tenant, from, bodies.last().unwrap_or(&"")));
    step
}

/// Becomes a member, and takes every shard.
pub async fn own(log: &impl EventLog) -> (HashMap<ShardId, Box<dyn Shard>>, Box<dyn Membership>) {
    let mut membership = log.join("test").await.unwrap();
    let mut shards = HashMap::new();
    while shards.len() < usize::from(log.shard_count().get()) {
        match tokio::time::timeout(SOON, membership.next()).await.expect("shards are assigned").unwrap() {
            Some(ShardChange::Assigned(shard)) => drop(shards.insert(shard.id(), shard)),
            Some(ShardChange::Revoked(shard)) => drop(shards.remove(&shard)),
            None => panic!("the membership ended"),
        }
    }
    (shards, membership)
}

fn of<'a>(log: &impl EventLog, shards: &'a HashMap<ShardId, Box<dyn Shard>>, tenant: &TenantId) -> &'a dyn Shard {
    shards[&ShardId::of(tenant, log.shard_count())].as_ref()
}

/// Whether one delivery is known.
pub async fn has_seen(shard: &dyn Shard, tenant: &TenantId, delivery: &str) -> bool {
    shard.seen(vec![(tenant.clone(), delivery.to_owned())]).await.unwrap() == [true]
}

pub async fn bodies(log: &impl EventLog, tenant: &TenantId) -> Vec<String> {
    let (mut position, mut found) = (Position::default(), Vec::new());
    loop {
        let batch = log.read(tenant, &position, 7, BRIEF).await.unwrap();
        if batch.is_empty() {
            return found;
        }
        for logged in batch {
            assert!(!position.has_passed(&logged.place), "a place comes once");
            position.pass(&logged.place);
            found.push(String::from_utf8(logged.event.body.to_vec()).unwrap());
        }
    }
}

async fn cursor(shard: &dyn Shard, tenant: &TenantId) -> Option<(u64, String)> {
    let entries = shard.cursors(tenant, &"shop".parse().unwrap()).await.unwrap();
    entries.first().map(|entry| (entry.revision.0, String::from_utf8(entry.cursor.0.to_vec()).unwrap()))
}

pub async fn order_within_a_key_is_kept(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let mut wanted = Vec::new();
    for round in 0..20_u64 {
        let texts: Vec<String> = (0..10).map(|n| format!("{round}-{n}")).collect();
        of(&log, &shards, &acme).commit(step(&acme, round, &texts.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
        wanted.extend(texts);
    }
    assert_eq!(bodies(&log, &acme).await, wanted);
}

pub async fn a_step_is_all_or_nothing(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let mut mixed = step(&acme, 0, &["a"]);
    mixed.advances.push(Advance { key: key(&acme, "customers"), from: Revision(9), to: Some(Cursor::START) });
    mixed.seen.push(Seen { tenant: acme.clone(), delivery: "shop/d".into(), until: Timestamp::MAX });
    assert!(matches!(shard.commit(mixed).await, Err(LogFault::Conflict(_))));
    assert_eq!(bodies(&log, &acme).await, Vec::<String>::new());
    assert_eq!(cursor(shard, &acme).await, None);
    assert!(!has_seen(shard, &acme, "shop/d").await);
    shard.commit(step(&acme, 0, &["a", "b"])).await.unwrap();
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((1, "b".into()))));
}

pub async fn an_owner_that_lost_its_shard_can_commit_nothing(subject: &impl Subject) {
    let log = subject.open().await;
    the_later_owner_wins(&log, &log).await;
}

pub async fn an_owner_that_lost_its_shard_to_another_process_can_commit_nothing(subject: &impl Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    the_later_owner_wins(&log, &other).await;
}

/// The later member need not get every shard; whatever it gets, the earlier one has lost.
async fn the_later_owner_wins(log: &impl EventLog, other: &impl EventLog) {
    let (old, mut old_membership) = own(log).await;
    write_all(log, &old, 0, "a").await;
    let mut new_membership = other.join("later").await.unwrap();
    let (new, acme) = loop {
        let change = tokio::time::timeout(SOON, new_membership.next()).await.expect("the later owner gets a shard").unwrap();
        let Some(ShardChange::Assigned(shard)) = change else { panic!("the later owner gets a shard first") };
        if let Some(tenant) = tenants().into_iter().find(|tenant| ShardId::of(tenant, log.shard_count()) == shard.id()) {
            break (shard, tenant);
        }
    };
    let lost = of(log, &old, &acme);
    assert_eq!(lost.commit(step(&acme, 1, &["zombie"])).await, Err(LogFault::Fenced(lost.id())));
    assert_eq!(cursor(new.as_ref(), &acme).await, Some((1, "a".into())));
    let told = tokio::time::timeout(SOON, old_membership.next()).await.expect("the old owner is told").unwrap();
    assert!(matches!(told, Some(ShardChange::Revoked(_)) | None));
    new.commit(step(&acme, 1, &["b"])).await.unwrap();
    assert_eq!(bodies(other, &acme).await, ["a", "b"]);
    assert_eq!(cursor(new.as_ref(), &acme).await, Some((2, "b".into())));
}

pub async fn advances_of_one_cursor_in_one_step_follow_each_other(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let mut twice = step(&acme, 0, &["a"]);
    twice.push([event(&acme, "1", "again")], advance(&acme, 0, "again"));
    assert_eq!(shard.commit(twice).await, Err(LogFault::Conflict(Box::new(key(&acme, "orders")))));
    let mut pages = step(&acme, 0, &["a"]);
    pages.push([event(&acme, "1", "b")], advance(&acme, 1, "b"));
    shard.commit(pages).await.unwrap();
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((2, "b".into()))));
}

pub async fn a_step_of_another_shards_tenant_is_refused(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let ours = ShardId::of(&acme, log.shard_count());
    let foreign = tenants().into_iter().find(|tenant| ShardId::of(tenant, log.shard_count()) != ours).expect("there are several shards");
    let fault = of(&log, &shards, &acme).commit(step(&foreign, 0, &["a"])).await;
    assert_eq!(fault, Err(LogFault::Fenced(ShardId::of(&foreign, log.shard_count()))));
    assert_eq!(bodies(&log, &foreign).await, Vec::<String>::new());
}

pub async fn a_position_passes_what_is_before_it_and_nothing_else(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    of(&log, &shards, &acme).commit(step(&acme, 0, &["a", "b", "c"])).await.unwrap();
    let all = log.read(&acme, &Position::default(), 100, SOON).await.unwrap();
    assert_eq!(all.len(), 3);
    for (at, logged) in all.iter().enumerate() {
        let behind = log.read(&acme, &position(std::slice::from_ref(logged)), 100, BRIEF).await.unwrap();
        assert_eq!(behind, all[at + 1..]);
    }
}

pub async fn a_cursor_moves_only_from_where_it_is(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    shard.commit(step(&acme, 0, &["a"])).await.unwrap();
    for stale in [0, 2] {
        assert_eq!(shard.commit(step(&acme, stale, &["again"])).await, Err(LogFault::Conflict(Box::new(key(&acme, "orders")))));
    }
    let gone = Step { advances: vec![Advance { key: key(&acme, "orders"), from: Revision(1), to: None }], ..Step::default() };
    shard.commit(gone).await.unwrap();
    assert_eq!(cursor(shard, &acme).await, None);
    shard.commit(step(&acme, 0, &["b"])).await.unwrap();
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((1, "b".into()))));
}

pub async fn no_event_is_visible_before_its_step(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let follow = async {
        let (mut position, mut sizes) = (Position::default(), Vec::new());
        while sizes.iter().sum::<usize>() < 500 {
            let batch = log.read(&acme, &position, 1000, SOON).await.unwrap();
            for logged in &batch {
                position.pass(&logged.place);
            }
            // Whatever is seen of a step, all of it is there: the last event of the batch must be the last of its step.
            let last: Vec<&str> =
                batch.last().map(|logged| std::str::from_utf8(&logged.event.body).unwrap().split('-').collect()).unwrap_or_default();
            sizes.push(batch.len());
            assert_eq!(last.get(1), Some(&"9"), "a part of a step was visible");
        }
    };
    let write = async {
        for round in 0..50_u64 {
            let texts: Vec<String> = (0..10).map(|n| format!("{round}-{n}")).collect();
            shard.commit(step(&acme, round, &texts.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
        }
    };
    futures_join(follow, write).await;
}

async fn futures_join(a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
    tokio::join!(a, b);
}

pub async fn everything_is_there_after_opening_again(subject: &impl Subject) {
    let acme = tenant("acme");
    {
        let log = subject.open().await;
        let (shards, _membership) = own(&log).await;
        of(&log, &shards, &acme).commit(step(&acme, 0, &["a", "b"])).await.unwrap();
    }
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let shard = of(&log, &shards, &acme);
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((1, "b".into()))));
    shard.commit(step(&acme, 1, &["c"])).await.unwrap();
    assert_eq!(bodies(&log, &acme).await, ["a", "b", "c"]);
}

fn tenants() -> Vec<TenantId> {
    (0..24).map(|n| tenant(&format!("t{n}"))).collect()
}

async fn write_all(log: &impl EventLog, shards: &HashMap<ShardId, Box<dyn Shard>>, from: u64, body: &str) {
    for tenant in tenants() {
        of(log, shards, &tenant).commit(step(&tenant, from, &[body])).await.unwrap();
    }
}

fn position(batch: &[Logged]) -> Position {
    let mut position = Position::default();
    for logged in batch {
        position.pass(&logged.place);
    }
    position
}

pub async fn a_group_splits_the_log_and_goes_on_where_it_was(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    write_all(&log, &shards, 0, "a").await;
    let mut first = log.subscribe("group").await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < tenants().len() {
        let batch = first.next(5, SOON).await.unwrap();
        assert!(!batch.is_empty() && batch.len() <= 5);
        first.commit(&position(&batch)).await.unwrap();
        seen.extend(batch);
    }
    let mut second = log.subscribe("group").await.unwrap();
    write_all(&log, &shards, 1, "b").await;
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    while of_first.len() + of_second.len() < tenants().len() {
        for (member, found) in [(&mut first, &mut of_first), (&mut second, &mut of_second)] {
            let batch = member.next(100, BRIEF).await.unwrap();
            member.commit(&position(&batch)).await.unwrap();
            found.extend(batch);
        }
    }
    assert!(of_first.iter().chain(&of_second).all(|logged| logged.event.body == "b"), "what was committed does not come again");
    assert!(!of_first.is_empty() && !of_second.is_empty(), "both members have a share");
    drop(first);
    write_all(&log, &shards, 2, "c").await;
    let mut rest = Vec::new();
    while rest.len() < tenants().len() {
        let batch = second.next(100, SOON).await.unwrap();
        assert!(!batch.is_empty(), "the one that stays takes everything over");
        rest.extend(batch);
    }
    assert!(rest.iter().all(|logged| logged.event.body == "c"));
}

pub async fn a_commit_of_a_lost_partition_moves_nothing(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    write_all(&log, &shards, 0, "a").await;
    let mut first = log.subscribe("group").await.unwrap();
    let mut held = Vec::new();
    while held.len() < tenants().len() {
        held.extend(first.next(100, SOON).await.unwrap());
    }
    let mut second = log.subscribe("group").await.unwrap();
    let mut taken = Vec::new();
    loop {
        let batch = second.next(100, SOON).await.unwrap();
        taken.extend(batch);
        // Both are in the group now, so the first one may move only what is still its own.
        if !taken.is_empty() {
            break;
        }
    }
    first.commit(&position(&held)).await.unwrap();
    drop((first, second));
    let mut third = log.subscribe("group").await.unwrap();
    let again = third.next(100, SOON).await.unwrap();
    let names = |batch: &[Logged]| batch.iter().map(|logged| logged.event.tenant.clone()).collect::<std::collections::BTreeSet<_>>();
    assert!(names(&taken).is_subset(&names(&again)), "what the second held uncommitted comes again");
    assert!(again.len() < tenants().len(), "what the first committed of its own does not");
}

/// Hands these over without waiting for any of them, then hears of each.
async fn hand_over(shard: &dyn Shard, steps: impl IntoIterator<Item = Step>) -> Vec<Result<(), LogFault>> {
    let mut answers = Vec::new();
    for step in steps {
        answers.push(shard.submit(Arc::new(step)).await);
    }
    let mut decided = Vec::new();
    for answer in answers {
        decided.push(answer.await);
    }
    decided
}

pub async fn steps_that_are_handed_over_one_after_the_other_are_decided_in_that_order(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let texts: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let decided = hand_over(shard, (0..).zip(&texts).map(|(from, text)| step(&acme, from, &[text]))).await;
    assert!(decided.iter().all(Result::is_ok), "{decided:?}");
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (texts, Some((300, "299".into()))));
}

pub async fn behind_a_refused_step_no_later_one_is_committed(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let large = "x".repeat(subject.event_bytes_max() + 1);
    let mut elsewhere = step(&acme, 0, &["elsewhere"]);
    elsewhere.advances[0].key = key(&acme, "customers");
    elsewhere.events[0].stream = "customers".parse().unwrap();
    let conflict = || Err(LogFault::Conflict(Box::new(key(&acme, "orders"))));
    for round in 0..5 {
        let at = round * 2;
        elsewhere.advances[0].from = Revision(round);
        let before = [step(&acme, at, &["a"]), step(&acme, at + 1, &["b", &large])];
        let behind = [step(&acme, at + 2, &["late"]), elsewhere.clone(), step(&acme, at + 3, &["later"])];
        let mut decided = hand_over(shard, before.into_iter().chain(behind)).await;
        let refused = decided.remove(1);
        assert!(matches!(refused, Err(LogFault::TooLarge { index: 1, .. })), "{refused:?}");
        assert_eq!(decided, [Ok(()), conflict(), Ok(()), conflict()]);
        assert_eq!(hand_over(shard, [step(&acme, at + 1, &["b"])]).await, [Ok(())]);
    }
    let found = bodies(&log, &acme).await;
    let of_stream: Vec<&String> = found.iter().filter(|body| *body != "elsewhere").collect();
    assert_eq!(of_stream, ["a", "b"].repeat(5));
    assert_eq!(found.len(), 15);
}

fn item(tenant: &TenantId, body: &str) -> InboxItem {
    InboxItem {
        tenant: tenant.clone(),
        integration: "shop".parse().unwrap(),
        kind: InboxKind::Delivery,
        received: Timestamp::UNIX_EPOCH,
        body: Bytes::from(body.to_owned()),
    }
}

pub async fn the_inbox_keeps_order_and_forgets_what_is_done(subject: &impl Subject) {
    let acme = tenant("acme");
    {
        let log = subject.open().await;
        for body in ["a", "b", "c"] {
            log.append(item(&acme, body)).await.unwrap();
        }
        let (shards, _membership) = own(&log).await;
        let shard = of(&log, &shards, &acme);
        let waiting = shard.inbox(shard.inbox_done().await.unwrap(), 2).await.unwrap();
        assert_eq!(waiting.iter().map(|(_, item)| item.body.as_ref()).collect::<Vec<_>>(), [b"a", b"b"]);
        let done = waiting[1].0;
        shard.commit(Step { inbox: Some(done), ..step(&acme, 0, &["x"]) }).await.unwrap();
    }
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let shard = of(&log, &shards, &acme);
    let waiting = shard.inbox(shard.inbox_done().await.unwrap(), 10).await.unwrap();
    assert_eq!(waiting.iter().map(|(_, item)| item.clone()).collect::<Vec<_>>(), [item(&acme, "c")]);
    assert!(waiting[0].0 > InboxOffset(0));
}

pub async fn a_seen_delivery_is_remembered(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let seen = vec![Seen { tenant: acme.clone(), delivery: "shop/1".into(), until: Timestamp::MAX }];
    shard.commit(Step { seen, ..Step::default() }).await.unwrap();
    assert!(has_seen(shard, &acme, "shop/1").await);
    let asked = [(&acme, "shop/2"), (&acme, "shop/1"), (&tenant("other"), "shop/1"), (&acme, "shop/1")];
    let seen = shard.seen(asked.map(|(tenant, delivery)| (tenant.clone(), delivery.to_owned())).into()).await.unwrap();
    assert_eq!(seen, [false, true, false, true], "each has its own answer");
    assert!(shard.seen(Vec::new()).await.unwrap().is_empty());
}

pub async fn a_tenant_reads_only_its_own(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    for tenant in tenants() {
        of(&log, &shards, &tenant).commit(step(&tenant, 0, &[tenant.as_str()])).await.unwrap();
    }
    for tenant in tenants() {
        assert_eq!(bodies(&log, &tenant).await, [tenant.as_str()]);
    }
    assert_eq!(bodies(&log, &tenant("nobody")).await, Vec::<String>::new());
}

pub async fn an_event_too_large_is_named_and_nothing_of_its_step_is_kept(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let large = "x".repeat(subject.event_bytes_max() + 1);
    match shard.commit(step(&acme, 0, &["a", &large])).await {
        Err(LogFault::TooLarge { index, limit_bytes, .. }) => assert_eq!((index, limit_bytes), (1, subject.event_bytes_max())),
        other => panic!("{other:?}"),
    }
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (Vec::new(), None));
    shard.commit(step(&acme, 0, &["a"])).await.unwrap();
}

pub async fn a_purged_tenant_is_gone_and_others_stay(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    write_all(&log, &shards, 0, "a").await;
    let gone = &tenants()[0];
    log.purge(gone).await.unwrap();
    assert_eq!((bodies(&log, gone).await, cursor(of(&log, &shards, gone), gone).await), (Vec::new(), None));
    assert_eq!(bodies(&log, &tenants()[1]).await, ["a"]);
}
