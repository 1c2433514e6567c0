//! Reads a stream page by page. `Pages` knows how to get one page after the other of one partition; `StreamReader` goes through the
//! partitions and says where each page leaves off.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_model::{Cursor, Fault};
use syncline_sdk::{Context, HttpAnswer, Page, Reader, WaitReason};

use crate::{
    connector::Stream,
    cut::cut,
    errors::Action,
    paginate::{Seen, Token},
    partitions::{Partition, Partitions},
    request::Extra,
    template::Scope,
    transform,
    window::Range,
};

/// A page whose token is the same as the one before would be read for ever.
const SAME_TOKEN: &str = "the source names the same next page again and again";

/// What templates may look at while a request is made.
pub fn scope(context: &Context, partition: &Partition, range: Option<&Range>, parameters: &Map<String, Value>) -> Scope {
    let mut slice = partition.clone();
    if let Some(range) = range {
        slice.insert("start_time".to_owned(), range.start_time.clone().into());
        slice.insert("end_time".to_owned(), range.end_time.clone().into());
    }
    Scope::new()
        .with("config", Arc::new(context.settings.expose().clone()))
        .with("parameters", Arc::new(Value::Object(parameters.clone())))
        .with("stream_slice", Arc::new(Value::Object(slice)))
}

/// One page of one partition, not yet made records.
pub struct RawPage {
    /// The records as they stand in the page.
    pub pieces: Vec<Bytes>,
}

/// The pages of one partition and window.
pub struct Pages<'a> {
    stream: &'a Stream,
    partition: Partition,
    range: Option<Range>,
    token: Option<Token>,
    done: bool,
}

impl<'a> Pages<'a> {
    /// From this page on.
    pub fn new(stream: &'a Stream, partition: Partition, range: Option<Range>, token: Option<Token>) -> Self {
        Self { stream, partition, range, token, done: false }
    }

    /// The next page, or `None` behind the last. After a fault it may be asked again, for the same page.
    pub async fn next(&mut self, context: &Context) -> Result<Option<RawPage>, Fault> {
        if self.done {
            return Ok(None);
        }
        let scope = scope(context, &self.partition, self.range.as_ref(), &self.stream.parameters);
        let mut extra = Extra::default();
        for router in &self.stream.routers {
            router.put(&mut extra, &self.partition, &scope)?;
        }
        if let (Some(window), Some(range)) = (&self.stream.window, &self.range) {
            window.put(&mut extra, range);
        }
        self.stream.paginator.put(&mut extra, self.token.as_ref(), &scope)?;
        let Some((answer, pieces)) = self.fetch(context, &scope, &extra).await? else {
            self.done = true;
            return Ok(Some(RawPage { pieces: Vec::new() }));
        };
        let seen = Seen { answer: &answer, count: pieces.len() as u64, last_record: pieces.last() };
        let next = self.stream.paginator.next(self.token.as_ref(), &seen, &scope)?;
        if next.is_some() && next == self.token {
            return Err(Fault::Unusable(SAME_TOKEN.to_owned()));
        }
        self.done = next.is_none();
        self.token = next;
        Ok(Some(RawPage { pieces }))
    }

    /// Sends a request as often as the manifest says. `None` if the answer is to be ignored.
    async fn fetch(&self, context: &Context, scope: &Scope, extra: &Extra) -> Result<Option<(HttpAnswer, Vec<Bytes>)>, Fault> {
        let mut attempt = 0;
        loop {
            let request = self.stream.requester.request(scope, extra)?;
            let answer = context.http.send(request).await?;
            let with_response;
            let scope = if self.stream.errors.looks_inside() {
                let response = serde_json::from_slice(&answer.body).unwrap_or_else(|_| Value::Object(Map::new()));
                with_response = scope.clone().with("response", Arc::new(response));
                &with_response
            } else {
                scope
            };
            let (retry, reason) = match self.stream.errors.action(&answer, scope) {
                Action::Success => {
                    return match cut(&answer.body, &self.stream.field_path) {
                        Ok(pieces) => Ok(Some((answer, pieces))),
                        Err(error) => Err(broken(&answer, &error.to_string())),
                    };
                }
                Action::Ignore => {
                    context.patience.skipped(&format!(
                        "a request of `{}` was answered {} and left out, as the connector says",
                        self.stream.name,
                        answer.status.as_u16()
                    ));
                    return Ok(None);
                }
                Action::Fail { config, message } => return Err(failed(&answer, config, message)),
                Action::Retry => (Fault::Unavailable(format!("the source answered {}", answer.status.as_u16())), WaitReason::Retry),
                Action::RateLimited => (Fault::Throttled(self.stream.errors.wait(&answer, attempt + 1, scope)), WaitReason::Limit),
            };
            attempt += 1;
            if attempt > self.stream.errors.retries_max {
                return Err(retry);
            }
            context.patience.wait(reason, self.stream.errors.wait(&answer, attempt, scope)).await?;
        }
    }
}

/// An answer that should be JSON and is not: a page of an intermediary says so in its type, anything else was cut off on the way.
fn broken(answer: &HttpAnswer, why: &str) -> Fault {
    let kind = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = answer.url.host_str().unwrap_or_default();
    if kind.starts_with("text/html") {
        return Fault::Unusable(format!("`{host}` answered a web page where data was expected"));
    }
    Fault::Unavailable(format!("`{host}`: {why}"))
}

fn failed(answer: &HttpAnswer, config: bool, message: Option<String>) -> Fault {
    let status = answer.status.as_u16();
    let message = message.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("the source answered {status}"));
    match (status, config) {
        (401, _) => Fault::Unauthorized(message),
        (_, true) => Fault::Misconfigured(message),
        (_, false) => Fault::Unusable(message),
    }
}

/// A cursor as it is kept: the state of the stream as Airbyte has it, and where within the stream reading stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Place {
    #[serde(default)]
    state: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<At>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct At {
    partition: Partition,
    range: Option<Range>,
    token: Option<Token>,
    newest_ns: Option<String>,
    /// When the reading of all partitions began; a later job that goes on with it keeps this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
}

impl Place {
    /// Reads a cursor.
    pub fn read(cursor: &Cursor) -> Result<Self, Fault> {
        if cursor.is_start() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&cursor.0).map_err(|error| Fault::Internal(format!("a cursor cannot be read: {error}")))
    }

    fn cursor(&self) -> Result<Cursor, Fault> {
        serde_json::to_vec(self)
            .map(|bytes| Cursor(Bytes::from(bytes)))
            .map_err(|error| Fault::Internal(format!("a cursor cannot be written: {error}")))
    }
}

/// One reading of a stream.
pub struct StreamReader {
    stream: Stream,
    context: Context,
    place: Place,
    partitions: Option<std::collections::VecDeque<Partition>>,
    newest: Option<Timestamp>,
    began: Timestamp,
    done: bool,
}

impl StreamReader {
    /// From a place on. A full refresh does not look at the state.
    pub fn new(stream: Stream, context: Context, mut place: Place, full: bool) -> Self {
        if full {
            place.state.clear();
        }
        let newest =
            place.at.as_ref().and_then(|at| at.newest_ns.as_ref()?.parse().ok()).and_then(|ns| Timestamp::from_nanosecond(ns).ok());
        let began = place.at.as_ref().and_then(|at| at.began).unwrap_or(context.now);
        Self { stream, context, place, partitions: None, newest, began, done: false }
    }

    /// The partition to read now, with where in it. Those before the saved one were read by an earlier reader.
    async fn settle(&mut self) -> Result<Option<At>, Fault> {
        if let Some(at) = self.place.at.clone() {
            if self.partitions.is_none() {
                let all = self.all_partitions().await?;
                let behind = all.iter().position(|partition| *partition == at.partition).map_or(0, |place| place + 1);
                self.partitions = Some(all.into_iter().skip(behind).collect());
            }
            return Ok(Some(at));
        }
        if self.partitions.is_none() {
            self.partitions = Some(self.all_partitions().await?.into());
        }
        self.begin()
    }

    /// Begins the next partition, if there is one.
    fn begin(&mut self) -> Result<Option<At>, Fault> {
        let Some(partition) = self.partitions.as_mut().and_then(std::collections::VecDeque::pop_front) else { return Ok(None) };
        let scope = scope(&self.context, &partition, None, &self.stream.parameters);
        let range = self.stream.window.as_ref().map(|window| window.range(&self.place.state, &scope, self.context.now)).transpose()?;
        let newest_ns = self.newest.map(|time| time.as_nanosecond().to_string());
        self.place.at = Some(At { partition, range, token: None, newest_ns, began: Some(self.began) });
        Ok(self.place.at.clone())
    }

    async fn all_partitions(&self) -> Result<Vec<Partition>, Fault> {
        if self.stream.routers.is_empty() {
            return Ok(vec![Partition::new()]);
        }
        let scope = scope(&self.context, &Partition::new(), None, &self.stream.parameters);
        Partitions::of(&self.stream.routers, &self.context, &scope).await
    }

    /// The page that these pieces make; what comes after it is already decided.
    fn page(&mut self, pieces: Vec<Bytes>, at: &At) -> Result<Page, Fault> {
        let mut page = Page::default();
        let range = at.range.as_ref();
        let scope = scope(&self.context, &at.partition, range, &self.stream.parameters);
        for piece in pieces {
            let piece = transform::all(&self.stream.transforms, piece, &scope)?;
            match self.stream.shape.read(&piece, self.stream.window.as_ref()) {
                Ok(record) => {
                    let keeps = self.stream.window.as_ref().zip(range).is_none_or(|(window, range)| window.keeps(record.time, range));
                    self.newest = self.newest.max(record.time);
                    if keeps {
                        page.records.push(record);
                    }
                }
                Err(refused) => page.refused.push(refused),
            }
        }
        Ok(page)
    }

    /// The partition is done. The cursor names the next one; behind the last, the state moves to the newest record.
    fn leave(&mut self) -> Result<(), Fault> {
        self.place.at = None;
        if self.begin()?.is_some() {
            return Ok(());
        }
        self.done = true;
        // Partitions are read one after the other and share one state. What changed in the first while the last was read is behind the
        // beginning, so the state must not pass it.
        let newest = if self.stream.routers.is_empty() { self.newest } else { self.newest.map(|newest| newest.min(self.began)) };
        if let (Some(window), Some(newest)) = (&self.stream.window, newest) {
            let saved = self.place.state.get(&window.field).and_then(|saved| window.read(&crate::template::python_str(saved)));
            if saved.is_none_or(|saved| newest > saved) {
                self.place.state.insert(window.field.clone(), window.write(newest).into());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Reader for StreamReader {
    async fn next_page(&mut self) -> Result<Option<Page>, Fault> {
        if self.done {
            return Ok(None);
        }
        let Some(mut at) = self.settle().await? else {
            self.done = true;
            return Ok(None);
        };
        let mut pages = Pages::new(&self.stream, at.partition.clone(), at.range.clone(), at.token.clone());
        let raw = pages.next(&self.context).await?;
        let (token, ends) = (pages.token.take(), pages.done);
        let mut page = self.page(raw.map(|raw| raw.pieces).unwrap_or_default(), &at)?;
        if ends {
            self.leave()?;
        } else {
            at.token = token;
            at.newest_ns = self.newest.map(|time| time.as_nanosecond().to_string());
            self.place.at = Some(at);
        }
        page.next = self.place.cursor()?;
        Ok(Some(page))
    }
}
