//! One page: which window of which partition it is of, what is asked for, and which of its records are wanted.

use std::sync::Arc;

use syncline_model::Fault;

use super::{Batch, StreamReading, Track};
use crate::{
    cursor::{Point, Settled},
    files::FileReference,
    item::Item,
    items::Items,
    partitions::Router,
    parts::Parts,
    remote::RemoteJobs,
    retrieve::{Pages, Reading},
    select::{Selected, Wanted},
    slice::Slice,
    stream::{Retriever, Simple},
};

impl StreamReading {
    /// The next page of the current partition; `None` when there is none now and the next window or partition follows.
    pub(super) async fn page(&mut self) -> Result<Option<Batch>, Fault> {
        let stream = Arc::clone(&self.stream);
        let Some(current) = &mut self.current else { return Ok(None) };
        let Some(window) = current.windows.get(current.done) else {
            self.current = None;
            return Ok(None);
        };
        let slice = Slice { window: window.clone(), ..current.partition.clone() };
        let simple = match &stream.retriever {
            Retriever::Simple(simple) => simple,
            Retriever::Async(jobs) => return self.remote_page(jobs, slice).await,
            Retriever::ByState { .. } => return Err(Fault::Internal("a stream was read before one of its two ways was chosen".to_owned())),
        };
        let mut pages = current.pages.take().unwrap_or_else(|| Pages::new(slice.clone(), simple));
        let mut read = self.read(&mut pages, simple, &slice).await.map(|page| page.map(|page| page.items).unwrap_or_default());
        let files = match &mut read {
            Ok(items) => self.fetch(&mut pages, simple, items).await,
            Err(_) => Vec::new(),
        };
        let is_done = pages.is_done();
        if let Some(current) = &mut self.current {
            current.pages = Some(pages);
        }
        let mut items = read?;
        let records = self.observe(&mut items);
        if is_done {
            self.close();
        }
        Ok(Some(Batch { items, records, files, slice }))
    }

    /// Fetches the files that records speak of. A file that cannot be had ends the page before its record.
    async fn fetch(&self, pages: &mut Pages, simple: &Simple, items: &mut Items) -> Vec<Option<FileReference>> {
        let mut made = Vec::new();
        let (Some(files), Some(folder)) = (&simple.files, &self.run.files) else { return made };
        let mut records = std::mem::take(items).into_vec();
        for item in &records {
            match files.fetch(&self.run, &self.stream.name, folder, item.tree()).await {
                Ok(file) => made.push(file),
                Err(fault) => {
                    pages.lose(fault);
                    break;
                }
            }
        }
        records.truncate(made.len());
        *items = Items::Each(records);
        made
    }

    async fn read(&self, pages: &mut Pages, simple: &Arc<Simple>, slice: &Slice) -> Result<Option<Selected>, Fault> {
        let bounds = self.bounds(slice);
        let cursor = self.cursor.as_ref();
        let inside = move |item: &Item| is_inside(cursor, bounds, item);
        let wanted: Wanted<'_> = &inside;
        let spec = self.stream.cursor.as_ref();
        let is_feed = spec.is_some_and(|spec| spec.is_data_feed);
        let is_client_side = spec.is_some_and(|spec| spec.is_client_side);
        let options = |slice: &Slice| self.options(slice);
        let reading = Reading {
            stream: &self.stream.name,
            cursor,
            normalizer: self.normalizer.as_ref(),
            wanted: (is_client_side && !is_feed).then_some(wanted),
            feed: is_feed.then_some(wanted),
            options: Some(&options),
            selected: self.selected.as_ref(),
            goes_on: self.run.goes_on || self.run.keeps_found,
        };
        let lazy = simple.router.as_ref().is_some_and(Router::is_lazy) && self.first_state.is_empty();
        if lazy && let Some(response) = slice.extra.get("child_response") {
            return pages.next_lazy(simple, &self.run, &reading, response).await;
        }
        pages.next(simple, &self.run, &reading).await
    }

    async fn remote_page(&mut self, jobs: &RemoteJobs, slice: Slice) -> Result<Option<Batch>, Fault> {
        let mut remote = self.remote.take().unwrap_or_default();
        let read = jobs.next(&mut remote, &self.run, &self.stream.name, &slice, self.normalizer.as_ref()).await;
        let is_done = remote.is_done();
        self.remote = Some(remote);
        let mut items = read?.unwrap_or_default();
        let records = self.observe(&mut items);
        if is_done {
            self.remote = None;
            self.close();
        }
        Ok(Some(Batch { items, records, files: Vec::new(), slice }))
    }

    /// From when to when records of a slice are wanted.
    fn bounds(&self, slice: &Slice) -> Option<(Point, Option<Point>)> {
        let cursor = self.cursor.as_ref()?;
        let lowest = match &self.track {
            Track::None => return None,
            Track::One(progress) => progress.lowest(cursor),
            Track::Many(many) => many.lowest(cursor, &slice.partition),
        };
        Some((lowest, cursor.end))
    }

    /// What the partition and the window of a slice put into requests.
    fn options(&self, slice: &Slice) -> Result<Parts, Fault> {
        let mut parts = Parts::default();
        if let Some(router) = self.stream.router().filter(|_| self.cursor.is_none() || matches!(self.track, Track::Many(_))) {
            router.put(&mut parts, slice, &self.run.base)?;
        }
        if let (Some(spec), Some(cursor)) = (&self.stream.cursor, &self.cursor) {
            let value = |name: &str| slice.window.get(name).cloned().unwrap_or_default();
            if let Some(option) = &spec.start_option {
                parts.put(option, value(&cursor.boundary.0), &self.run.base)?;
            }
            if let Some(option) = spec.end_option.as_ref().filter(|_| cursor.has_boundaries) {
                parts.put(option, value(&cursor.boundary.1), &self.run.base)?;
            }
        }
        Ok(parts)
    }
}

/// Records without a time that can be read are always wanted.
fn is_inside(cursor: Option<&Settled>, bounds: Option<(Point, Option<Point>)>, item: &Item) -> bool {
    let (Some(cursor), Some((lowest, end))) = (cursor, bounds) else { return true };
    let Some(place) = item.field(&cursor.field).and_then(|value| cursor.read(&value)) else { return true };
    lowest <= place && end.is_none_or(|end| place <= end)
}
