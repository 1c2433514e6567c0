//! A tenant's events, from any position on: in pieces with a wait, or as a stream that never ends.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::{Stream, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use syncline_model::{
    EventLog, TenantId,
    log::{Logged, Position},
};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};

use crate::{
    gate::{Allowed, OneTenant, Viewer},
    http::{
        answer::Answer,
        input::Query,
        sse::{self, Frame},
    },
    problem::{Code, Problem},
};

const MOST: usize = 1000;
const LONGEST_WAIT_S: u64 = 30;
const AT_ONCE: usize = 500;
const WAIT: Duration = Duration::from_secs(5);

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsFrom {
    /// The `next` of the answer before, or the `id` of an event of the stream; from the beginning, if absent.
    after: Option<String>,
    /// How many events at most: 1 to 1000, 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// How many seconds to wait for the first event if there is none: 0 to 30, 0 if absent.
    #[param(minimum = 0, maximum = 30)]
    wait_s: Option<u64>,
}

/// From where the stream goes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FollowFrom {
    /// The `next` of a page or the `id` of an event; `Last-Event-ID` wins over it. From the beginning, if absent.
    after: Option<String>,
}

/// An event in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedView {
    /// Send it as `after` to go on behind this event.
    position: String,
    /// When it was committed.
    #[schema(value_type = String, format = DateTime)]
    committed: Timestamp,
    /// The event: CloudEvents 1.0 in structured mode.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

/// Events, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Events {
    /// The events, in the order of the log.
    items: Vec<LoggedView>,
    /// Send it as `after` to get what comes next. Always there, because there is always something to come.
    next: String,
}

/// Read a tenant's events from a position on, and wait for some if there are none.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/events", params(EventsFrom), responses((status = 200, body = Events)))]
pub(crate) async fn list_events(asked: Allowed<Viewer, OneTenant, Query<EventsFrom>>) -> Result<Answer, Problem> {
    let EventsFrom { after, limit, wait_s } = asked.input.0;
    let mut position = read(after.as_deref())?;
    let wait = Duration::from_secs(wait_s.unwrap_or(0).min(LONGEST_WAIT_S));
    let tenant = &asked.reach.tenant.id;
    let limit = limit.unwrap_or(100).clamp(1, MOST);
    let events = tokio::select! {
        events = asked.tools.log.read(tenant, &position, limit, wait) => events?,
        () = asked.tools.stop.cancelled() => Vec::new(),
    };
    let items = events.iter().map(|logged| view(logged, &mut position)).collect::<Result<_, _>>()?;
    Answer::ok(&Events { items, next: write(&position) })
}

/// Follow a tenant's events for ever: each is a CloudEvent in JSON, and its `id` goes into `Last-Event-ID` to go on behind it.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/events/follow",
    params(FollowFrom, ("last-event-id" = Option<String>, Header, description = "The `id` of the last event that was seen.")),
    responses((status = 200, content_type = "text/event-stream", body = String))
)]
pub(crate) async fn follow_events(asked: Allowed<Viewer, OneTenant, Query<FollowFrom>>) -> Result<Answer, Problem> {
    let position = read(asked.header("last-event-id").or(asked.input.0.after.as_deref()))?;
    let following =
        Following { log: Arc::clone(&asked.tools.log), tenant: asked.reach.tenant.id.clone(), position, ready: VecDeque::new() };
    Ok(Answer::stream(sse::live(following.frames(), asked.tools.heartbeat, asked.tools.stop.clone())))
}

struct Following {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    position: Position,
    ready: VecDeque<Logged>,
}

impl Following {
    fn frames(self) -> impl Stream<Item = Frame> {
        stream::unfold(self, |mut following| async move {
            let frame = following.next().await?;
            Some((frame, following))
        })
    }

    // A fault ends the stream; the client comes again with the id of the last event.
    async fn next(&mut self) -> Option<Frame> {
        while self.ready.is_empty() {
            match self.log.read(&self.tenant, &self.position, AT_ONCE, WAIT).await {
                Ok(events) => self.ready = events.into(),
                Err(fault) => {
                    warn!("a stream of events ends: {fault}");
                    return None;
                }
            }
        }
        let logged = self.ready.pop_front()?;
        self.position.pass(&logged.place);
        Some(Frame { name: "event", id: Some(write(&self.position)), json: logged.event.to_json() })
    }
}

fn view(logged: &Logged, position: &mut Position) -> Result<LoggedView, Problem> {
    position.pass(&logged.place);
    let event = RawValue::from_string(logged.event.to_json()).map_err(|_| Problem::new(Code::Internal))?;
    Ok(LoggedView { position: write(position), committed: logged.committed, event })
}

fn write(position: &Position) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

fn read(text: Option<&str>) -> Result<Position, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Position::default()) };
    let bad = || Problem::because(Code::BadCursor, "this is no position of these events");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
    serde_json::from_slice(&bytes).map_err(|_| bad())
}
