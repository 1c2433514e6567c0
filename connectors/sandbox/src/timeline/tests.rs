#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::{Place, Row, Timeline};
use crate::{words::Stream, world::CLOCK_START_MS, world::World};

/// Changes a timeline as it is told: what to do, to which record, and whether the clock moves before.
fn changed(stream: Stream, records: u64, changes: &[(u8, u64, bool)]) -> Timeline {
    let mut timeline = Timeline::new(World::new(1, records), stream);
    let mut now_ms = CLOCK_START_MS + 1000;
    for (what, which, later) in changes {
        now_ms += i64::from(*later) * 1000;
        let index = which % timeline.ever();
        match what % 4 {
            0 => timeline.create(now_ms),
            1 => drop(timeline.touch(index, now_ms, true)),
            _ => drop(timeline.touch(index, now_ms, false)),
        }
    }
    timeline
}

/// All that is listed, oldest change first, without any cleverness.
fn listed(timeline: &Timeline, vanish: bool) -> Vec<Row> {
    let rows = (0..timeline.ever()).map(|index| timeline.row(index));
    let mut rows: Vec<Row> = rows.filter(|row| !(vanish && row.deleted)).collect();
    rows.sort_by_key(|row| (row.updated_ms, row.index));
    rows
}

proptest! {
    #[test]
    fn pages_from_the_newest_on_are_slices_of_the_sorted_whole(
        changes in prop::collection::vec((any::<u8>(), any::<u64>(), any::<bool>()), 0..60),
        since in 0..70usize, offset in 0..70u64, limit in 1..30usize,
    ) {
        let timeline = changed(Stream::ShopOrders, 120, &changes);
        let mut whole = listed(&timeline, false);
        whole.reverse();
        let since_ms = whole.get(since).map_or(i64::MIN, |row| row.updated_ms);
        whole.retain(|row| row.updated_ms >= since_ms);
        let (rows, total) = timeline.newest_first(since_ms, offset, limit);
        let from = whole.len().min(usize::try_from(offset).unwrap());
        let to = whole.len().min(from + limit);
        prop_assert_eq!(total, whole.len() as u64);
        prop_assert_eq!(&rows, &whole[from..to]);
    }

    #[test]
    fn pages_from_any_place_on_go_through_the_sorted_whole(
        changes in prop::collection::vec((any::<u8>(), any::<u64>(), any::<bool>()), 0..60),
        start in 0..70usize, limit in 1..30usize,
    ) {
        for stream in [Stream::CrmContacts, Stream::PaymentsCharges] {
            let timeline = changed(stream, 200, &changes);
            let whole = listed(&timeline, stream == Stream::PaymentsCharges);
            let since_ms = whole.get(start).map_or(i64::MIN, |row| row.updated_ms);
            let expected: Vec<Row> = whole.into_iter().filter(|row| row.updated_ms >= since_ms).collect();
            let mut place = Place::Since(since_ms);
            let mut read: Vec<Row> = Vec::new();
            loop {
                let (rows, more) = timeline.after(place, limit);
                prop_assert!(rows.len() <= limit);
                read.extend(&rows);
                let Some(last) = rows.last().filter(|_| more) else { break };
                place = Place::Behind(last.updated_ms, last.index);
            }
            prop_assert_eq!(read, expected);
        }
    }
}

#[test]
fn a_deleted_record_does_not_change_again() {
    let mut timeline = Timeline::new(World::new(1, 100), Stream::CrmDeals);
    assert!(timeline.touch(3, CLOCK_START_MS + 1000, true));
    let gone = timeline.row(3);
    assert!(!timeline.touch(3, CLOCK_START_MS + 2000, false));
    assert_eq!(timeline.row(3), gone);
    assert!(gone.deleted && gone.revision == 1);
}

#[test]
fn the_original_records_are_in_order_and_older_than_the_clock() {
    for records in [1, 10, 1000, 1_000_000] {
        let world = World::new(1, records);
        for stream in Stream::GROWING {
            let last = world.count(stream) - 1;
            let around = [0, last / 3, last / 2, last].map(|index| world.touched_ms(stream, index));
            assert!(around.is_sorted() && around[3] < CLOCK_START_MS, "{stream:?} of {records}: {around:?}");
        }
    }
}

#[test]
fn the_streams_share_all_records_among_them() {
    let total: u64 = Stream::GROWING.into_iter().map(|stream| World::new(1, 1_000_000).count(stream)).sum();
    assert_eq!(total, 1_000_000);
}
