//! The pages of one slice, one after the other.

mod turns;

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::{HttpAnswer, WaitReason};
use tokio::task::JoinHandle;

use crate::{
    cursor::{Point, Settled},
    decode::encoding,
    items::Items,
    normalize::Normalizer,
    paginate::Seen,
    parts::Parts,
    request::Extra,
    resize::Reduced,
    run::{Run, misconfigured},
    select::{Selected, Wanted},
    send::{Sent, send, with_token},
    slice::Slice,
    stream::Simple,
    template::Scope,
};

/// What the partition and the window of a slice put into requests.
pub type Options<'a> = &'a (dyn Fn(&Slice) -> Result<Parts, Fault> + Send + Sync);

/// What a reading knows beside the slice.
#[derive(Default)]
pub struct Reading<'a> {
    /// The stream's name.
    pub stream: &'a str,
    /// The stream's cursor.
    pub cursor: Option<&'a Settled>,
    /// Makes records what the schema says.
    pub normalizer: Option<&'a Normalizer>,
    /// Whether a record lies in the window, for streams that filter on our side.
    pub wanted: Option<Wanted<'a>>,
    /// Whether a record lies in the window, for feeds that end where something is known.
    pub feed: Option<Wanted<'a>>,
    /// What the partition and the window put into requests.
    pub options: Option<Options<'a>>,
    /// The schema that the owner configured for the stream.
    pub selected: Option<&'a Value>,
    /// Whoever reads goes on with other parts behind a fault, and does not ask again for the page before it.
    pub goes_on: bool,
}

/// Where within a slice reading stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The windows to read, the next one last; more than one when the source refused the whole.
    windows: Vec<(Slice, u8)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Value>,
    #[serde(default)]
    reduced: Reduced,
    #[serde(default)]
    restarts: u8,
    #[serde(default)]
    records: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Point>,
}

/// The pages of one slice.
pub struct Pages {
    spot: Spot,
    tokens: HashMap<u64, Named>,
    last: Bytes,
    repeated: u32,
    ahead: Option<Ahead>,
    /// Why nothing follows the page that was read last; told when the next one is asked for.
    lost: Option<Fault>,
}

/// How often a token was named as that of the next page.
#[derive(Default)]
struct Named {
    times: u32,
    page: Option<u64>,
    same: u8,
}

/// A page that was asked for before somebody wanted it. Whoever drops it takes the question back.
struct Ahead(JoinHandle<Result<Sent, Fault>>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pages {
    /// From the first page on.
    pub fn new(slice: Slice, simple: &Simple) -> Self {
        Self::at(Spot { windows: vec![(slice, 0)], token: simple.paginator.initial(), ..Spot::default() })
    }

    /// From where an earlier reading stood.
    pub fn at(spot: Spot) -> Self {
        Self { spot, tokens: HashMap::new(), last: Bytes::new(), repeated: 0, ahead: None, lost: None }
    }

    /// Where reading stands.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Nothing comes any more.
    pub fn is_done(&self) -> bool {
        self.spot.windows.is_empty() && self.lost.is_none()
    }

    /// Nothing follows the page that was read last, because something of that page itself could not be had.
    pub fn lose(&mut self, fault: Fault) {
        self.ahead = None;
        self.lost = Some(fault);
    }

    /// The next page, or `None` behind the last. After a fault it may be asked again, for the same page.
    pub async fn next(&mut self, simple: &Arc<Simple>, run: &Run, reading: &Reading<'_>) -> Result<Option<Selected>, Fault> {
        if let Some(fault) = self.lost.take() {
            return Err(fault);
        }
        loop {
            let Some((slice, depth)) = self.spot.windows.last().cloned() else { return Ok(None) };
            let scope = with_token(slice.scope(&run.base), self.spot.token.as_ref());
            match self.ask(simple, run, reading, &slice, &scope).await? {
                Asked::Page(page) if self.lost.is_some() => return Ok(Some(page)),
                Asked::Page(page) => {
                    self.look_ahead(simple, run, reading, &scope);
                    if self.ahead.is_some() {
                        // Its request is under way before anybody works on this page.
                        tokio::task::yield_now().await;
                    }
                    return Ok(Some(page));
                }
                Asked::Smaller(why) => {
                    let sizes = simple.page_sizes.as_ref();
                    let sizes = sizes
                        .ok_or_else(|| misconfigured("the source wants smaller pages, and the stream has no `page_size_reduction`"))?;
                    let wait = sizes.reduce(&mut self.spot.reduced, simple.paginator.page_size(&scope)?, &why)?;
                    run.context.patience.wait(WaitReason::Retry, wait).await?;
                }
                Asked::Shorter(why) => self.split(simple, reading, &slice, depth, &why)?,
                Asked::Restart => self.restart(simple, reading)?,
            }
        }
    }

    /// Asks for the next page, where it is known what it is and nothing about it can change. The page before was asked for in this scope.
    fn look_ahead(&mut self, simple: &Arc<Simple>, run: &Run, reading: &Reading<'_>, scope: &Scope) {
        let is_simple = simple.properties.is_none() && simple.page_sizes.is_none() && simple.resets.is_none();
        let (Some((slice, 0)), Some(token), true) = (self.spot.windows.last(), &self.spot.token, is_simple && run.looks_ahead) else {
            return;
        };
        // Another window, or the same from its beginning.
        if self.spot.records == 0 {
            return;
        }
        let scope = with_token(scope.clone(), Some(token));
        // What is wrong with the next page's request is told when that page is wanted, and costs nobody this page.
        let Ok(extra) = self.extra(simple, reading, slice, &scope) else { return };
        let (run, simple, stream) = (run.clone(), Arc::clone(simple), reading.stream.to_owned());
        self.ahead = Some(Ahead(tokio::spawn(async move { send(&run, &stream, &simple.requester, &scope, &extra).await })));
    }

    /// What pages, partition and window put into the request for the page that comes next.
    fn extra(&self, simple: &Simple, reading: &Reading<'_>, slice: &Slice, scope: &Scope) -> Result<Extra, Fault> {
        let mut extra = Extra::default();
        let token = self.spot.token.as_ref();
        simple.paginator.put(&mut extra, token, self.spot.reduced.size, scope)?;
        if let Some(options) = reading.options.filter(|_| token.is_none() || !simple.only_first) {
            extra.parts.merge(options(slice)?)?;
        }
        Ok(extra)
    }

    /// The next page, where the first one came along with the parent.
    pub async fn next_lazy(
        &mut self,
        simple: &Arc<Simple>,
        run: &Run,
        reading: &Reading<'_>,
        first: &Value,
    ) -> Result<Option<Selected>, Fault> {
        if self.spot.token.is_some() || self.spot.records > 0 {
            return self.next(simple, run, reading).await;
        }
        let Some((slice, _)) = self.spot.windows.last().cloned() else { return Ok(None) };
        let url = "http://parent.invalid/".parse().map_err(|_| Fault::Internal("no address for a page of a parent".to_owned()))?;
        let body = Bytes::from(first.to_string());
        let answer = HttpAnswer { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body, url };
        let scope = with_token(slice.scope(&run.base), None);
        let page = simple.selector.select(&answer, &scope, reading.normalizer, reading.wanted)?;
        match self.leave(simple, reading, &scope, Some(&answer), page)? {
            Asked::Page(page) => Ok(Some(page)),
            Asked::Smaller(_) | Asked::Shorter(_) | Asked::Restart => Ok(None),
        }
    }

    async fn ask(&mut self, simple: &Arc<Simple>, run: &Run, reading: &Reading<'_>, slice: &Slice, scope: &Scope) -> Result<Asked, Fault> {
        // What was asked for ahead is not asked for again.
        let mut extra = if self.ahead.is_some() { Extra::default() } else { self.extra(simple, reading, slice, scope)? };
        let chunks = match &simple.properties {
            None => vec![None],
            Some(properties) => properties.chunks(run, reading.selected).await?.into_iter().map(Some).collect(),
        };
        let (mut selected, mut last) = (Vec::new(), None);
        let (mut extracted, mut document) = (0, None);
        for chunk in chunks {
            let scope = match &chunk {
                None => scope.clone(),
                Some(names) => {
                    let names = Value::from(names.clone());
                    let mut slice = slice.clone();
                    slice.extra = [("query_properties".to_owned(), names.clone())].into_iter().collect();
                    slice.scope(scope).with("query_properties", Arc::new(names))
                }
            };
            extra.properties = chunk;
            let sent = match self.ahead.take() {
                Some(mut ahead) => (&mut ahead.0).await.map_err(|error| Fault::Internal(format!("a request broke down: {error}")))?,
                None => send(run, reading.stream, &simple.requester, &scope, &extra).await,
            };
            let mut answer = match sent? {
                Sent::Answer(answer) => answer,
                Sent::Nothing => {
                    last = None;
                    continue;
                }
                Sent::SmallerPage(why) => return Ok(Asked::Smaller(why)),
                Sent::ShorterWindow(why) => return Ok(Asked::Shorter(why)),
                Sent::Restart => return Ok(Asked::Restart),
            };
            if simple.selector.decoder.is_plain_json()
                && let Some(text) = encoding::json(&answer.body, &answer.headers)
            {
                answer.body = text;
            }
            // What asks for the page is not known where its records are judged.
            let page = simple.selector.select(&answer, &with_token(scope, None), reading.normalizer, reading.wanted)?;
            if let Some(complaint) = &page.complaint {
                run.context.patience.skipped(&format!("a part of an answer for `{}` was left out: {complaint}", reading.stream));
            }
            (extracted, document) = (page.extracted, page.document);
            selected.push(page.items);
            last = Some(answer);
        }
        let mut items = match &simple.properties {
            Some(properties) => Items::Each(properties.merge(selected)),
            None => selected.pop().unwrap_or_default(),
        };
        if reading.goes_on {
            self.lost = items.until_refused();
        }
        if self.lost.is_some() {
            if let Some(wanted) = reading.feed {
                items.change(|items| items.retain(|item| wanted(item)));
            }
            return Ok(Asked::Page(Selected { items, ..Selected::default() }));
        }
        self.leave(simple, reading, scope, last.as_ref(), Selected { items, extracted, complaint: None, document })
    }

    /// A page was read; decides what comes next.
    fn leave(
        &mut self,
        simple: &Simple,
        reading: &Reading<'_>,
        scope: &Scope,
        answer: Option<&HttpAnswer>,
        mut page: Selected,
    ) -> Result<Asked, Fault> {
        // The page is as long as it was asked to be, whatever the next one may be.
        let size = self.spot.reduced.size;
        if let Some(sizes) = &simple.page_sizes {
            sizes.succeeded(&mut self.spot.reduced);
        }
        let Some(answer) = answer else {
            self.finish(simple);
            return Ok(Asked::Page(page));
        };
        self.spot.records += page.items.len() as u64;
        self.watch(simple, reading, &page.items);
        let ends = reading.feed.is_some_and(|wanted| page.items.last().is_some_and(|last| !wanted(&last)));
        let too_deep = simple.resets.as_ref().and_then(|resets| resets.records_max).is_some_and(|most| self.spot.records >= most);
        if too_deep {
            self.restart(simple, reading)?;
        } else {
            let seen = Seen {
                headers: &answer.headers,
                response: if simple.paginator.reads_answers() { Some(Arc::new(document(&mut page, simple, answer)?)) } else { None },
                extracted: page.extracted,
                count: page.items.len() as u64,
                last_record: if simple.paginator.reads_records() { page.items.last().map(|last| Arc::new(last.into_tree())) } else { None },
                size,
            };
            let next = if ends { Ok(None) } else { simple.paginator.next(self.spot.token.as_ref(), &seen, scope) };
            match next {
                // Whoever goes on behind a fault does not ask for this page again, so its records must not be lost with the next one's.
                // It is the answer that does not fit, not the settings.
                Err(Fault::Misconfigured(why)) if reading.goes_on => self.lost = Some(Fault::Unusable(why)),
                Err(fault) if reading.goes_on => self.lost = Some(fault),
                Err(fault) => return Err(fault),
                Ok(None) => self.finish(simple),
                Ok(Some(token)) => {
                    self.notice(&token, answer)?;
                    self.spot.token = Some(token);
                }
            }
        }
        if let Some(wanted) = reading.feed {
            page.items.change(|items| items.retain(|item| wanted(item)));
        }
        Ok(Asked::Page(page))
    }
}

/// The answer for whoever decides about the next page.
fn document(page: &mut Selected, simple: &Simple, answer: &HttpAnswer) -> Result<Value, Fault> {
    page.document.take().map_or_else(|| simple.selector.first_document(answer), Ok)
}

enum Asked {
    Page(Selected),
    Smaller(String),
    Shorter(String),
    Restart,
}
