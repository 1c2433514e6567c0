//! What comes behind a page: the next one unless it is the same again, the other half of a window, or the beginning.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::HttpAnswer;

use super::{Pages, Reading, Spot};
use crate::{items::Items, run::misconfigured, slice::Slice, stream::Simple};

/// A page that came so often behind the same token will come for ever.
const REPEATS_MAX: u8 = 3;
/// Nobody has so many pages behind one and the same token, even if each of them differs.
const PAGES_PER_TOKEN_MAX: u32 = 10_000;
/// How often a window is cut in half before it is given up.
const SPLITS_MAX: u8 = 10;
/// A source that gives the same page so often in a row, whatever it is asked for, does not look at what it is asked for.
const SAME_PAGES_MAX: u32 = 100;
/// Pages that are larger are not kept for the sake of a comparison.
const COMPARED_BYTES_MAX: usize = 1 << 20;

impl Pages {
    /// The same page behind the same token again and again would be read for ever.
    pub(super) fn notice(&mut self, token: &Value, answer: &HttpAnswer) -> Result<(), Fault> {
        self.repeated = if !self.last.is_empty() && self.last == answer.body { self.repeated + 1 } else { 0 };
        self.last = if answer.body.len() <= COMPARED_BYTES_MAX { answer.body.clone() } else { Bytes::new() };
        if self.repeated >= SAME_PAGES_MAX {
            return Err(Fault::Unusable("the source gives the same page again and again, whichever it is asked for".to_owned()));
        }
        let hash = |bytes: &[u8]| {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        };
        let named = self.tokens.entry(hash(token.to_string().as_bytes())).or_default();
        named.times += 1;
        if named.times == 1 {
            return Ok(());
        }
        let page = Some(hash(&answer.body));
        named.same = if named.page == page { named.same + 1 } else { 0 };
        named.page = page;
        if named.times > PAGES_PER_TOKEN_MAX {
            return Err(Fault::Unusable(format!("the source named the same next page {PAGES_PER_TOKEN_MAX} times")));
        }
        if named.same >= REPEATS_MAX {
            return Err(Fault::Unusable("the source gives the same page and names the same next page again and again".to_owned()));
        }
        Ok(())
    }

    pub(super) fn watch(&mut self, simple: &Simple, reading: &Reading<'_>, items: &Items) {
        let by_cursor = simple.resets.as_ref().is_some_and(|resets| resets.by_cursor);
        let Some(cursor) = reading.cursor.filter(|_| by_cursor) else { return };
        items.fields(&cursor.field, |value| self.spot.newest = self.spot.newest.max(cursor.read(&value)));
    }

    /// The window is done; the other half comes next, where it was split.
    pub(super) fn finish(&mut self, simple: &Simple) {
        self.spot.windows.pop();
        let reduced = std::mem::take(&mut self.spot.reduced);
        self.spot = Spot { windows: std::mem::take(&mut self.spot.windows), token: simple.paginator.initial(), ..Spot::default() };
        if self.spot.windows.is_empty() {
            self.spot.reduced = reduced;
        }
        self.tokens.clear();
        self.ahead = None;
    }

    pub(super) fn restart(&mut self, simple: &Simple, reading: &Reading<'_>) -> Result<(), Fault> {
        let by_cursor = simple.resets.as_ref().is_some_and(|resets| resets.by_cursor) && reading.cursor.is_some();
        let first = self.spot.windows.first().map(|(slice, _)| slice.clone());
        let Some((slice, _)) = self.spot.windows.last_mut() else { return Ok(()) };
        let reduced = match (reading.cursor.filter(|_| by_cursor), self.spot.newest) {
            (Some(cursor), Some(newest)) => {
                let mut made = first.unwrap_or_default();
                made.window = cursor.beginning_at(&made.window, newest);
                made
            }
            _ => slice.clone(),
        };
        if reduced == *slice {
            self.spot.restarts += 1;
            if self.spot.restarts >= if by_cursor { 1 } else { 2 } {
                return Err(Fault::Unusable("the pagination was begun anew, and came no further".to_owned()));
            }
        } else {
            self.spot.restarts = 0;
        }
        *slice = reduced;
        self.spot.token = simple.paginator.initial();
        self.spot.records = 0;
        self.tokens.clear();
        self.ahead = None;
        Ok(())
    }

    pub(super) fn split(&mut self, simple: &Simple, reading: &Reading<'_>, slice: &Slice, depth: u8, why: &str) -> Result<(), Fault> {
        let splits = simple.splits.as_ref().zip(reading.cursor);
        let (splits, cursor) =
            splits.ok_or_else(|| misconfigured("the source wants shorter windows, and the stream has no `request_window_splitting`"))?;
        let halves = if depth < SPLITS_MAX { cursor.halves(&slice.window, splits.smallest.as_ref()) } else { None };
        let Some([first, second]) = halves else {
            let more = [why, splits.message.as_deref().unwrap_or_default().trim()];
            let more: Vec<&str> = more.into_iter().filter(|text| !text.is_empty()).collect();
            let said = "the source refuses even the shortest window that can be asked for";
            return Err(Fault::Unavailable(if more.is_empty() { said.to_owned() } else { format!("{said}: {}", more.join("; ")) }));
        };
        let half = |window| (Slice { window, ..slice.clone() }, depth + 1);
        self.spot.windows.pop();
        self.spot.windows.extend([half(second), half(first)]);
        self.spot.token = simple.paginator.initial();
        Ok(())
    }
}
