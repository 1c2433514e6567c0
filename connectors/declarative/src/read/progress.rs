//! What was read makes the state: the newest that was seen, windows that are over, and the end of the reading.

use syncline_model::{Fault, Record};
use syncline_sdk::Refused;

use super::{StreamReading, Track};
use crate::{cursor::Point, item::Item, items::Items, partitions::Partitions};

impl StreamReading {
    /// Remembers how far the cursor comes with a page, and gives its records where they are wanted whole.
    pub(super) fn observe(&mut self, items: &mut Items) -> Vec<Result<Record, Refused>> {
        let (mut places, mut records) = (Vec::new(), Vec::new());
        match (&self.shape, &self.cursor) {
            (None, None) => {}
            (None, Some(cursor)) => items.fields(&cursor.field, |value| places.extend(cursor.read(&value))),
            (Some(shape), cursor) => {
                for item in std::mem::take(items).into_vec() {
                    let (place, record) = match item {
                        Item::Refused(body, cause) => (None, Err(Refused { key: None, body, cause })),
                        item => shape.read_with_place(&item.bytes(), cursor.as_ref()),
                    };
                    places.extend(place);
                    records.push(record);
                }
            }
        }
        places.into_iter().for_each(|place| self.see(place));
        records
    }

    fn see(&mut self, place: Point) {
        let (Some(cursor), Some(current)) = (&self.cursor, &mut self.current) else { return };
        for newest in [&mut current.newest, &mut self.newest] {
            if newest.is_none_or(|known| known < place) {
                *newest = Some(place);
            }
        }
        if let Track::Many(many) = &mut self.track {
            many.observe(cursor, place);
        }
    }

    /// The window was read to its end.
    pub(super) fn close(&mut self) {
        let Some(current) = &mut self.current else { return };
        current.pages = None;
        let newest = current.newest.take();
        let window = current.windows.get(current.done).cloned().unwrap_or_default();
        current.done += 1;
        let is_last = current.done >= current.windows.len();
        match (&mut self.track, &self.cursor) {
            (Track::One(progress), Some(cursor)) => progress.close(cursor, &window, newest),
            (Track::Many(many), Some(cursor)) => {
                many.close(cursor, &current.partition.partition, &window, newest, is_last && !current.failed);
            }
            _ => {}
        }
        if is_last {
            if self.faults.is_empty() {
                self.parents_read = self.parents.take();
            }
            self.current = None;
        }
    }

    /// The window cannot be read; what follows it is.
    pub(super) fn give_up(&mut self, fault: Fault) {
        self.faults.push(fault);
        self.remote = None;
        let Some(current) = &mut self.current else { return };
        current.pages = None;
        current.newest = None;
        current.failed = true;
        current.done += 1;
        if current.done >= current.windows.len() {
            self.current = None;
        }
    }

    /// Where it is known that no partition follows, the reading is over with its last page.
    pub(super) fn finish_if_over(&mut self) {
        if self.current.is_none() && self.partitions.as_ref().is_some_and(Partitions::is_over) {
            self.finish();
        }
    }

    /// Everything was read.
    pub(super) fn finish(&mut self) {
        self.done = true;
        let Track::Many(many) = &mut self.track else { return };
        // A parent of which no part was found says of its own parents what it was told, as the reference's does.
        if self.run.keeps_found && self.begun == 0 {
            return;
        }
        if !self.faults.is_empty() {
            many.parents_were_read(self.parents_read.take());
            return;
        }
        let took = self.run.context.patience.since(self.started);
        // Every reading takes some time, and a part of a second counts as a whole one.
        let took_s = i64::try_from(took.as_secs()).unwrap_or(i64::MAX).saturating_add(i64::from(took.subsec_nanos() > 0 || took.is_zero()));
        many.finish(took_s, self.partitions.as_ref().and_then(Partitions::state));
    }
}
