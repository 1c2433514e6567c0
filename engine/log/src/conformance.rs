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

mod groups;
mod inbox;
mod kept;
mod steps;

use std::{collections::HashMap, future::Future, time::Duration};

use bytes::Bytes;
use syncline_model::{
    Advance, ConnectorName, Cursor, CursorKey, Event, EventLog, Origin, Record, RecordKey, Revision, Shard, ShardId, Step, TenantId,
    event::Source,
    log::{Logged, Membership, Position, ShardChange},
};

pub use self::{groups::*, inbox::*, kept::*, steps::*};

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
