//! Jobs: what ran, how far it is (live too), and what it had to say.

use std::time::Duration;

use futures::{Stream, stream};
use jiff::Timestamp;
use serde::Serialize;
use syncline_model::{
    IntegrationId, JobId,
    ledger::{Level, Outcome, StreamProgress, Trigger},
};
use syncline_store::{Job, LogLine};
use utoipa::ToSchema;

use super::common::{Listing, Paging};
use crate::{
    gate::{Allowed, OneIntegration, OneJob, Viewer},
    http::{
        answer::Answer,
        input::Query,
        sse::{self, Frame},
    },
    problem::Problem,
    settings::Cleaner,
};

const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How far one stream of a job is. Counts are of this job.
#[derive(Serialize, ToSchema)]
#[schema(as = StreamProgress)]
pub(crate) struct StreamProgressDoc {
    /// Which stream.
    stream: String,
    /// Pages read.
    pages: u64,
    /// Records read.
    records: u64,
    /// Events committed to the log.
    events: u64,
    /// Records quarantined.
    quarantined: u64,
    /// Bytes of the records read.
    bytes: u64,
    /// How many records there will be, where the source says so.
    records_expected: Option<u64>,
    /// The stream was read to its end.
    done: bool,
    /// The end of a wait that goes on now.
    waiting_until: Option<String>,
    /// What went wrong with it last.
    fault: Option<String>,
}

/// A run of an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct JobView {
    /// Its id; ids sort by time.
    #[schema(value_type = String, format = "uuid")]
    id: JobId,
    /// Whose run it is.
    #[schema(value_type = String)]
    integration: IntegrationId,
    /// What set it off: `schedule`, `manual`, `probe`, `webhook`.
    #[schema(value_type = String)]
    trigger: Trigger,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started: Timestamp,
    /// When it ended; `null` while it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Timestamp>,
    /// How it ended: `succeeded`, `partial`, `failed`, `cancelled`.
    #[schema(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// Why it ended like this, if there is something to explain.
    cause: Option<String>,
    /// How far its streams are.
    #[schema(value_type = Vec<StreamProgressDoc>)]
    progress: Vec<StreamProgress>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let Job { id, integration, trigger, started, ended, outcome, cause, progress } = job;
        Self { id, integration, trigger, started, ended, outcome, cause, progress }
    }
}

/// A line for the owner about a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLineView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How much it matters: `info`, `warn`, `error`.
    #[schema(value_type = String)]
    level: Level,
    /// What happened.
    message: String,
}

/// As it may be shown.
async fn shown(cleaner: &mut Cleaner<'_>, job: Job) -> Result<JobView, Problem> {
    let mut view = JobView::from(job);
    cleaner.clean(&view.integration, &mut view.cause).await?;
    for stream in &mut view.progress {
        cleaner.clean(&view.integration, &mut stream.fault).await?;
    }
    Ok(view)
}

/// List an integration's jobs, the newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/jobs", params(Paging), responses((status = 200, body = Listing<JobView>)))]
pub(crate) async fn list_jobs(asked: Allowed<Viewer, OneIntegration, Query<Paging>>) -> Result<Answer, Problem> {
    let jobs = asked.reach.scope.jobs().list(Some(&asked.reach.integration.id), &asked.input.0.request()).await?;
    let mut cleaner = Cleaner::new(&asked.reach.scope);
    let mut items = Vec::with_capacity(jobs.items.len());
    for job in jobs.items {
        items.push(shown(&mut cleaner, job).await?);
    }
    Answer::ok(&Listing { items, next: jobs.next })
}

/// Show one job.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/jobs/{job}", responses((status = 200, body = JobView)))]
pub(crate) async fn get_job(asked: Allowed<Viewer, OneJob>) -> Result<Answer, Problem> {
    let OneJob { scope, job } = asked.reach;
    Answer::ok(&shown(&mut Cleaner::new(&scope), job).await?)
}

/// What a job had to say, in its order.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/integrations/{integration}/jobs/{job}/logs", params(Paging), responses((status = 200, body = Listing<LogLineView>)))]
pub(crate) async fn list_job_logs(asked: Allowed<Viewer, OneJob, Query<Paging>>) -> Result<Answer, Problem> {
    let OneJob { scope, job } = &asked.reach;
    let lines = scope.jobs().logs(job.id).list(&asked.input.0.request()).await?;
    let mut cleaner = Cleaner::new(scope);
    let mut items = Vec::with_capacity(lines.items.len());
    for LogLine { at, level, message } in lines.items {
        let mut message = Some(message);
        cleaner.clean(&job.integration, &mut message).await?;
        items.push(LogLineView { at, level, message: message.unwrap_or_default() });
    }
    Answer::ok(&Listing { items, next: lines.next })
}

/// Follow a job: an event `progress` with the job as it is now and whenever it changes, and `done` when it ended.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/integrations/{integration}/jobs/{job}/progress",
    responses((status = 200, content_type = "text/event-stream", body = String))
)]
pub(crate) async fn follow_job(asked: Allowed<Viewer, OneJob>) -> Result<Answer, Problem> {
    let (heartbeat, stop) = (asked.tools.heartbeat, asked.tools.stop.clone());
    Ok(Answer::stream(sse::live(frames(asked), heartbeat, stop)))
}

fn frames(asked: Allowed<Viewer, OneJob>) -> impl Stream<Item = Frame> {
    stream::unfold(Following { asked, said: None, is_done: false }, |mut following| async move {
        let frame = following.next().await?;
        Some((frame, following))
    })
}

struct Following {
    asked: Allowed<Viewer, OneJob>,
    said: Option<JobView>,
    is_done: bool,
}

impl Following {
    /// Waits for news. The engine of this node tells them at once; the store has them a second later, whichever node runs the job.
    async fn next(&mut self) -> Option<Frame> {
        if self.is_done {
            return None;
        }
        loop {
            let now = self.look().await?;
            self.is_done = now.ended.is_some();
            if self.said.as_ref() != Some(&now) {
                let frame =
                    Frame { name: if self.is_done { "done" } else { "progress" }, id: None, json: serde_json::to_string(&now).ok()? };
                self.said = Some(now);
                return Some(frame);
            }
            self.wait().await;
        }
    }

    async fn look(&self) -> Option<JobView> {
        let OneJob { scope, job } = &self.asked.reach;
        let mut now = scope.jobs().by_id(job.id).await.ok()??;
        if now.ended.is_none()
            && let Some(live) = self.live()
        {
            now.progress.clone_from(&live.borrow().streams);
        }
        shown(&mut Cleaner::new(scope), now).await.ok()
    }

    async fn wait(&self) {
        let Some(mut live) = self.live() else { return tokio::time::sleep(LOOK_AGAIN).await };
        let _ = tokio::time::timeout(LOOK_AGAIN, live.changed()).await;
        // A job may change a thousand times a second; nobody can look at that.
        tokio::time::sleep(LOOK_AGAIN / 5).await;
    }

    fn live(&self) -> Option<tokio::sync::watch::Receiver<syncline_runtime::JobProgress>> {
        let OneJob { scope, job } = &self.asked.reach;
        let mut live = self.asked.tools.engine.job_progress(scope.tenant(), &job.integration)?;
        let is_it = live.borrow_and_update().job == job.id;
        is_it.then_some(live)
    }
}
