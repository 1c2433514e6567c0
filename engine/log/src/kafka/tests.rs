#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The suite that every implementation passes, on a real broker: `SYNCLINE_TEST_KAFKA` says where one is. Without it nothing is tested.

use std::{
    num::NonZeroU16,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{KafkaConfig, KafkaLog};
use crate::conformance::Subject;

/// The brokers to test on, if there are any.
pub fn bootstrap() -> Option<String> {
    std::env::var("SYNCLINE_TEST_KAFKA").ok().filter(|brokers| !brokers.is_empty())
}

/// A log of its own on the shared broker.
pub struct Line(String);

impl Line {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub fn config(&self, bootstrap: String) -> KafkaConfig {
        KafkaConfig {
            topic_template: "{prefix}.{tenant}".to_owned(),
            shards: NonZeroU16::new(4).unwrap(),
            event_bytes_max: 10_000,
            batch: Duration::from_millis(20),
            session_timeout: Duration::from_secs(6),
            ..KafkaConfig::new(bootstrap, &self.0)
        }
    }
}

impl Subject for Line {
    type Log = KafkaLog;

    async fn open(&self) -> KafkaLog {
        KafkaLog::open(self.config(bootstrap().unwrap())).await.unwrap()
    }

    fn event_bytes_max(&self) -> usize {
        10_000
    }
}

mod faults;
mod lanes;
mod reading;

macro_rules! suite {
    ($($rule:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() {
            if bootstrap().is_some() {
                crate::conformance::$rule(&Line::new()).await;
            }
        })*
    };
}

suite!(
    order_within_a_key_is_kept,
    a_step_is_all_or_nothing,
    an_owner_that_lost_its_shard_can_commit_nothing,
    an_owner_that_lost_its_shard_to_another_process_can_commit_nothing,
    advances_of_one_cursor_in_one_step_follow_each_other,
    a_step_of_another_shards_tenant_is_refused,
    a_position_passes_what_is_before_it_and_nothing_else,
    a_cursor_moves_only_from_where_it_is,
    no_event_is_visible_before_its_step,
    everything_is_there_after_opening_again,
    a_group_splits_the_log_and_goes_on_where_it_was,
    a_commit_of_a_lost_partition_moves_nothing,
    the_inbox_keeps_order_and_forgets_what_is_done,
    a_seen_delivery_is_remembered,
    a_tenant_reads_only_its_own,
    an_event_too_large_is_named_and_nothing_of_its_step_is_kept,
    a_purged_tenant_is_gone_and_others_stay,
    steps_that_are_handed_over_one_after_the_other_are_decided_in_that_order,
    behind_a_refused_step_no_later_one_is_committed,
);
