//! One reading of one stream: through its partitions and windows, page by page, and what state that makes.

mod chosen;
mod enter;
mod page;
mod progress;

use std::{path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_model::{Fault, Record};
use syncline_sdk::Refused;

use self::chosen::Chosen;
use crate::{
    cursor::{Partitioned, Point, Progress, Settled, Window},
    files::FileReference,
    item::Item,
    items::Items,
    normalize::Normalizer,
    partitions::Partitions,
    record::Shape,
    retrieve::{Pages, Spot},
    run::Run,
    slice::Slice,
    stream::Stream,
};

/// The state of a stream that has no cursor, as Airbyte says it.
pub const NO_CURSOR: &str = "__ab_no_cursor_state_message";

/// One page of a stream.
pub struct Batch {
    /// Its records as they are on their way; none where they are wanted whole.
    pub items: Items,
    /// The same where somebody wants them whole, each or why it is none.
    pub records: Vec<Result<Record, Refused>>,
    /// The files they speak of, one for each, where the stream has such and somebody wants them.
    pub files: Vec<Option<FileReference>>,
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
    /// Of the stream's two ways of reading it is the one that reads all of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_whole: bool,
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
    is_whole: bool,
    /// How far the parents were read when the current partition was found.
    parents: Option<Value>,
    /// The same for the last partition before the first that could not be read.
    parents_read: Option<Value>,
    started: Instant,
    faults: Vec<Fault>,
    normalizer: Option<Normalizer>,
    selected: Option<Value>,
    shape: Option<Shape>,
    done: bool,
    remote: Option<crate::remote::Remote>,
}

impl StreamReading {
    /// Begins after a state, or goes on within a reading.
    pub fn new(stream: Arc<Stream>, run: Run, state: Map<String, Value>, at: Option<At>) -> Result<Self, Fault> {
        let Chosen { stream, state, is_whole } = chosen::chosen(stream, &run, state, at.as_ref())?;
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
            is_whole,
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
            shape: None,
            done: false,
            remote: None,
        })
    }

    /// The schema that the owner configured for the stream.
    pub fn with_selected(mut self, schema: Option<Value>) -> Self {
        self.selected = schema;
        self
    }

    /// Gives records of this shape, whole.
    pub fn with_shape(self, shape: Shape) -> Self {
        Self { shape: Some(shape), ..self }
    }

    /// Puts the files that records speak of into this folder.
    pub fn with_files(mut self, folder: Arc<Path>) -> Self {
        self.run.files = Some(folder);
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
            if let Some(item) = self.page().await?.and_then(|batch| batch.items.into_vec().into_iter().next()) {
                return Ok(Some(item));
            }
        }
        Ok(None)
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
        Some(At { began: self.run.context.now, partitions: self.begun, current, newest: self.newest, is_whole: self.is_whole })
    }

    /// How far the cursor of a partition has come.
    fn own(&self, partition: &Slice) -> Option<Progress> {
        match &self.track {
            Track::None => None,
            Track::One(progress) => Some(progress.clone()),
            Track::Many(many) => many.progress(&partition.partition).cloned(),
        }
    }
}
