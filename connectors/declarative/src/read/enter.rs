//! Into the partitions of a reading, one after the other, from the first or from where an earlier reading stood.

use std::{collections::VecDeque, sync::Arc};

use serde_json::Map;
use syncline_model::Fault;

use super::{Current, Here, StreamReading, Track};
use crate::{
    cursor::Window,
    normalize::Normalizer,
    partitions::Partitions,
    retrieve::Pages,
    slice::Slice,
    stream::{Retriever, Schema},
};

impl StreamReading {
    /// Begins the next partition that has something to read; false behind the last.
    pub(super) async fn begin(&mut self) -> Result<bool, Fault> {
        if self.partitions.is_none() {
            self.prepare().await?;
            if self.current.is_some() {
                return Ok(true);
            }
        }
        loop {
            let next = match &mut self.partitions {
                Some(partitions) => partitions.next().await,
                None => Ok(None),
            };
            let next = match next {
                Ok(next) => next,
                Err(fault) if self.run.goes_on => {
                    // What was found before was read, and counts as such.
                    self.finish();
                    self.faults.push(fault);
                    return Ok(false);
                }
                Err(fault) => return Err(fault),
            };
            let Some(partition) = next else {
                self.finish();
                return Ok(false);
            };
            self.begun += 1;
            if self.enter(partition)? {
                return Ok(true);
            }
        }
    }

    /// Finds the partitions, and where an earlier reading stood among them.
    async fn prepare(&mut self) -> Result<(), Fault> {
        let mut partitions = match self.stream.router() {
            Some(router) => router.partitions(&self.run, &self.parent_state)?,
            None => Partitions::single(),
        };
        self.normalizer = self.make_normalizer().await?;
        if let Some(at) = &self.resume {
            let last = at.current.as_ref().map(|here| &here.partition);
            let mut passed = VecDeque::new();
            // Those before the saved one were read already. If it is gone, its number tells as well as anything.
            while passed.len() < at.partitions {
                let Some(partition) = partitions.next().await? else { break };
                let is_it = Some(&partition) == last;
                passed.push_back(partition);
                if is_it {
                    break;
                }
            }
            self.begun = passed.len();
            for partition in &passed {
                if let (Track::Many(many), Some(cursor)) = (&mut self.track, &self.cursor) {
                    many.windows(cursor, &partition.partition)?;
                }
            }
            if let (Track::Many(many), Some(cursor), Some(newest)) = (&mut self.track, &self.cursor, at.newest) {
                many.observe(cursor, newest);
            }
        }
        self.partitions = Some(partitions);
        if let Some(here) = self.resume.take().and_then(|at| at.current) {
            self.enter_at(here)?;
        }
        Ok(())
    }

    async fn make_normalizer(&self) -> Result<Option<Normalizer>, Fault> {
        let normalizes = match &self.stream.retriever {
            Retriever::Simple(simple) => simple.selector.normalizes(),
            Retriever::Async(jobs) => jobs.selector.normalizes(),
            Retriever::ByState { .. } => false,
        };
        if !normalizes {
            return Ok(None);
        }
        let schema = match &self.stream.schema {
            Schema::Fixed(schema) => Arc::clone(schema),
            Schema::Asked(asked) => Box::pin(asked.schema(&self.run)).await?,
        };
        let is_empty = schema.as_object().is_none_or(Map::is_empty);
        Ok((!is_empty).then(|| Normalizer::new(&schema)))
    }

    fn enter(&mut self, partition: Slice) -> Result<bool, Fault> {
        let windows = match (&mut self.track, &self.cursor) {
            (Track::One(progress), Some(cursor)) => cursor.windows(progress)?,
            (Track::Many(many), Some(cursor)) => many.windows(cursor, &partition.partition)?,
            _ => vec![Window::new()],
        };
        let base = self.own(&partition);
        if windows.is_empty() {
            return Ok(false);
        }
        self.parents = self.partitions.as_ref().and_then(Partitions::state);
        self.current = Some(Current { partition, windows, done: 0, pages: None, newest: None, base, failed: false });
        Ok(true)
    }

    /// Goes on within a partition: the windows are those that were found when its reading began.
    fn enter_at(&mut self, here: Here) -> Result<(), Fault> {
        let windows = match (&self.cursor, &here.base) {
            (Some(cursor), Some(base)) => cursor.windows(base)?,
            _ => vec![Window::new()],
        };
        let is_over = here.windows >= windows.len();
        match (&mut self.track, here.own) {
            (Track::One(progress), Some(own)) => *progress = own,
            (Track::Many(many), Some(own)) => many.set_progress(&here.partition.partition, own),
            _ => {}
        }
        let pages = here.spot.map(Pages::at);
        let current =
            Current { partition: here.partition, windows, done: here.windows, pages, newest: here.newest, base: here.base, failed: false };
        self.current = (!is_over).then_some(current);
        Ok(())
    }
}
