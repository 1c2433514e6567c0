//! One reading of one stream: through its partitions and windows, page by page, and what state that makes.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    cursor::{Partitioned, Point, Progress, Settled, Window},
    normalize::Normalizer,
    partitions::Partitions,
    parts::Parts,
    retrieve::{Pages, Reading, Spot},
    run::Run,
    select::{Item, Wanted},
    slice::Slice,
    stream::{Retriever, Schema, Simple, Stream},
};

/// The state of a stream that has no cursor, as Airbyte says it.
pub const NO_CURSOR: &str = "__ab_no_cursor_state_message";

/// One page of a stream.
pub struct Batch {
    /// Its records.
    pub items: Vec<Item>,
    /// What they are a part of.
    pub slice: Slice,
}

/// How far a stream was read.
enum Track {
    /// Nothing is remembered.
    None,
    /// One cursor for all.
    One(Progress),
    /// One for each partition.
    Many(Box<Partitioned>),
}

/// Where within a stream a reading stands, so that another one goes on from there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct At {
    /// When the reading of the whole began; whoever goes on with it believes to be then.
    pub began: Timestamp,
    /// How many partitions were begun.
    partitions: usize,
    /// The partition that is being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<Here>,
    /// The newest that was seen over all partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Point>,
}

/// Where within a partition a reading stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Here {
    partition: Slice,
    windows: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spot: Option<Spot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Point>,
    /// What was read of it before this reading began; its windows follow from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Progress>,
    /// What was read of it by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<Progress>,
}

/// A partition on its way.
struct Current {
    partition: Slice,
    windows: Vec<Window>,
    done: usize,
    pages: Option<Pages>,
    newest: Option<Point>,
    base: Option<Progress>,
    failed: bool,
}

/// One reading of one stream.
pub struct StreamReading {
    stream: Arc<Stream>,
    run: Run,
    cursor: Option<Settled>,
    track: Track,
    partitions: Option<Partitions>,
    begun: usize,
    current: Option<Current>,
    resume: Option<At>,
    parent_state: Map<String, Value>,
    first_state: Map<String, Value>,
    newest: Option<Point>,
    /// How far the parents were read when the current partition was found.
    parents: Option<Value>,
    /// The same for the last partition before the first that could not be read.
    parents_read: Option<Value>,
    started: Instant,
    faults: Vec<Fault>,
    normalizer: Option<Normalizer>,
    selected: Option<Value>,
    done: bool,
    remote: Option<crate::remote::Remote>,
}

impl StreamReading {
    /// Begins after a state, or goes on within a reading.
    pub fn new(stream: Arc<Stream>, run: Run, state: Map<String, Value>, at: Option<At>) -> Result<Self, Fault> {
        let stream = chosen(stream, &run, &state)?;
        let run = match &at {
            Some(at) => run.at(at.began),
            None => run,
        };
        let state = crate::migrate::migrate(&stream, state, &run)?;
        let cursor = stream.cursor.as_ref().map(|cursor| cursor.settle(&run.base, run.context.now)).transpose()?;
        let track = match (&cursor, stream.router()) {
            (None, _) => Track::None,
            (Some(cursor), Some(router)) => Track::Many(Box::new(Partitioned::begin(cursor, &state, router.is_grouping()))),
            (Some(cursor), None) => Track::One(Progress::begin(cursor, &state)),
        };
        Ok(Self {
            newest: at.as_ref().and_then(|at| at.newest),
            parent_state: state.clone(),
            first_state: state,
            stream,
            run,
            cursor,
            track,
            partitions: None,
            begun: 0,
            current: None,
            resume: at,
            parents: None,
            parents_read: None,
            started: Instant::now(),
            faults: Vec::new(),
            normalizer: None,
            selected: None,
            done: false,
            remote: None,
        })
    }

    /// The schema that the owner configured for the stream.
    pub fn with_selected(mut self, schema: Option<Value>) -> Self {
        self.selected = schema;
        self
    }

    /// The next page, or `None` behind the last. After a fault it may be asked again, and goes on with the page that failed.
    pub async fn next(&mut self) -> Result<Option<Batch>, Fault> {
        while !self.done {
            if self.current.is_none() && !self.begin().await? {
                break;
            }
            match self.page().await {
                Ok(Some(batch)) => {
                    self.finish_if_over();
                    return Ok(Some(batch));
                }
                Ok(None) => {}
                Err(fault) if self.run.goes_on && !matches!(fault, Fault::Stopped) => self.give_up(fault),
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }

    /// What could not be read, where that does not end the reading.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// The first record, without regard to how far the stream was read. `None` if there is none; a fault if there is nothing to read.
    pub async fn first(&mut self) -> Result<Option<Item>, Fault> {
        self.run.looks_ahead = false;
        if !self.begin().await? {
            return Err(Fault::Unusable(format!("`{}` has no part that could be read: its parents have no records", self.stream.name)));
        }
        while let Some(current) = &self.current {
            if current.done > 0 {
                break;
            }
            if let Some(item) = self.page().await?.and_then(|batch| batch.items.into_iter().next()) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// The stream's cursor, where it has one.
    pub fn cursor(&self) -> Option<&Settled> {
        self.cursor.as_ref()
    }

    /// The state as it is kept.
    pub fn state(&self) -> Map<String, Value> {
        match (&self.track, &self.cursor) {
            (Track::One(progress), Some(cursor)) => progress.state(cursor),
            (Track::Many(partitions), Some(cursor)) => partitions.state(cursor),
            _ => Map::from_iter([(NO_CURSOR.to_owned(), Value::Bool(true))]),
        }
    }

    /// Where this reading stands; `None` behind its end.
    pub fn at(&self) -> Option<At> {
        if self.done {
            return None;
        }
        let current = self.current.as_ref().map(|current| Here {
            partition: current.partition.clone(),
            windows: current.done,
            spot: current.pages.as_ref().map(|pages| pages.spot().clone()),
            newest: current.newest,
            base: current.base.clone(),
            own: self.own(&current.partition),
        });
        Some(At { began: self.run.context.now, partitions: self.begun, current, newest: self.newest })
    }

    /// How far the cursor of a partition has come.
    fn own(&self, partition: &Slice) -> Option<Progress> {
        match &self.track {
            Track::None => None,
            Track::One(progress) => Some(progress.clone()),
            Track::Many(many) => many.progress(&partition.partition).cloned(),
        }
    }

    /// Begins the next partition that has something to read; false behind the last.
    async fn begin(&mut self) -> Result<bool, Fault> {
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

    /// The next page of the current partition; `None` when there is none now and the next window or partition follows.
    async fn page(&mut self) -> Result<Option<Batch>, Fault> {
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
        let read = self.read(&mut pages, simple, &slice).await;
        let is_done = pages.is_done();
        if let Some(current) = &mut self.current {
            current.pages = Some(pages);
        }
        let page = read?;
        let items = page.map(|page| page.items).unwrap_or_default();
        self.observe(&items);
        if is_done {
            self.close();
        }
        Ok(Some(Batch { items, slice }))
    }

    async fn read(&self, pages: &mut Pages, simple: &Arc<Simple>, slice: &Slice) -> Result<Option<crate::select::Selected>, Fault> {
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
            goes_on: self.run.goes_on,
        };
        let lazy = simple.router.as_ref().is_some_and(crate::partitions::Router::is_lazy) && self.first_state.is_empty();
        if lazy && let Some(response) = slice.extra.get("child_response") {
            return pages.next_lazy(simple, &self.run, &reading, response).await;
        }
        pages.next(simple, &self.run, &reading).await
    }

    async fn remote_page(&mut self, jobs: &crate::remote::RemoteJobs, slice: Slice) -> Result<Option<Batch>, Fault> {
        let mut remote = self.remote.take().unwrap_or_default();
        let read = jobs.next(&mut remote, &self.run, &self.stream.name, &slice, self.normalizer.as_ref()).await;
        let is_done = remote.is_done();
        self.remote = Some(remote);
        let items = read?.unwrap_or_default();
        self.observe(&items);
        if is_done {
            self.remote = None;
            self.close();
        }
        Ok(Some(Batch { items, slice }))
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

    fn observe(&mut self, items: &[Item]) {
        let (Some(cursor), Some(current)) = (&self.cursor, &mut self.current) else { return };
        for item in items {
            let Some(place) = item.field(&cursor.field).and_then(|value| cursor.read(&value)) else { continue };
            if current.newest.is_none_or(|known| known < place) {
                current.newest = Some(place);
            }
            if self.newest.is_none_or(|known| known < place) {
                self.newest = Some(place);
            }
            if let Track::Many(many) = &mut self.track {
                many.observe(cursor, place);
            }
        }
    }

    /// The window was read to its end.
    fn close(&mut self) {
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
    fn give_up(&mut self, fault: Fault) {
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
    fn finish_if_over(&mut self) {
        if self.current.is_none() && self.partitions.as_ref().is_some_and(Partitions::is_over) {
            self.finish();
        }
    }

    /// Everything was read.
    fn finish(&mut self) {
        self.done = true;
        let Track::Many(many) = &mut self.track else { return };
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

/// Records without a time that can be read are always wanted.
fn is_inside(cursor: Option<&Settled>, bounds: Option<(Point, Option<Point>)>, item: &Item) -> bool {
    let (Some(cursor), Some((lowest, end))) = (cursor, bounds) else { return true };
    let Some(place) = item.field(&cursor.field).and_then(|value| cursor.read(&value)) else { return true };
    lowest <= place && end.is_none_or(|end| place <= end)
}

/// The way in which a stream with two ways is read.
fn chosen(stream: Arc<Stream>, run: &Run, state: &Map<String, Value>) -> Result<Arc<Stream>, Fault> {
    let Retriever::ByState { full, incremental, retention } = &stream.retriever else { return Ok(stream) };
    if state.is_empty() {
        return Ok(Arc::new(full.as_ref().clone()));
    }
    let retention = retention.as_ref().map(|retention| retention.text(&run.base)).transpose()?.filter(|text| !text.is_empty());
    let is_too_old = match retention {
        None => false,
        Some(text) => is_older_than(&text, full, incremental, run, state)?,
    };
    Ok(Arc::new(if is_too_old { full.as_ref().clone() } else { incremental.as_ref().clone() }))
}

/// What the source has forgotten by now cannot be read on from.
fn is_older_than(retention: &str, full: &Stream, incremental: &Stream, run: &Run, state: &Map<String, Value>) -> Result<bool, Fault> {
    if state.get(NO_CURSOR) == Some(&Value::Bool(true)) && full.cursor.is_none() {
        return Ok(false);
    }
    let period = crate::dates::Duration::parse(retention)
        .ok_or_else(|| crate::run::misconfigured(format!("`api_retention_period` is `{retention}`, and must be a duration")))?;
    let now = Point::new(run.context.now.as_microsecond());
    let oldest = crate::cursor::earlier(now, &period).unwrap_or(now);
    for stream in [full, incremental] {
        let Some(spec) = &stream.cursor else { continue };
        let cursor = spec.settle(&run.base, run.context.now)?;
        let own = state.get("state").and_then(Value::as_object).unwrap_or(state);
        if let Some(place) = own.get(&cursor.field).and_then(|value| cursor.read(value)) {
            return Ok(place < oldest);
        }
    }
    Ok(true)
}
