//! The runs of a tenant's integrations, how far they are, and what they have to say.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter};
use syncline_model::{
    IntegrationId, JobId,
    ledger::{Level, Outcome, StreamProgress, Trigger},
};

use super::{Scope, integrations::Lock};
use crate::{
    Page, PageRequest, StoreFault,
    entity::{Tenanted, job, job_log},
    time::{from_column, maybe_from_column, to_column},
    word::{from_id, from_json, from_word, to_json},
};

const LONGEST_LINE: usize = 8 * 1024;
/// What is asked of the owner of an integration is taken up within this time; ten minutes in nanoseconds.
const ASKED_BEFORE_NS: i64 = 600_000_000_000;

/// One run of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id; ids sort by time.
    pub id: JobId,
    /// Whose run it is.
    pub integration: IntegrationId,
    /// What set it off.
    pub trigger: Trigger,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it ended like this, if there is something to explain.
    pub cause: Option<String>,
    /// How far its streams are.
    pub progress: Vec<StreamProgress>,
}

/// A line for the owner about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub message: String,
}

/// The door to a tenant's jobs.
#[derive(Debug, Clone)]
pub struct Jobs(pub(super) Scope);

/// The door to the lines of one job.
#[derive(Debug, Clone)]
pub struct JobLogs {
    scope: Scope,
    job: JobId,
}

impl Jobs {
    /// One of them.
    pub async fn by_id(&self, id: JobId) -> Result<Option<Job>, StoreFault> {
        let row = job::Entity::of(&self.0.tenant).filter(job::Column::Id.eq(id.to_string())).one(self.0.store.db()).await?;
        row.map(read).transpose()
    }

    /// The newest first, of one integration if wanted.
    pub async fn list(&self, integration: Option<&IntegrationId>, page: &PageRequest) -> Result<Page<Job>, StoreFault> {
        let mut rows = job::Entity::of(&self.0.tenant);
        if let Some(integration) = integration {
            rows = rows.filter(job::Column::Integration.eq(integration.as_str()));
        }
        let mut rows = rows.cursor_by(job::Column::Id);
        if let Some(after) = page.after_text()? {
            rows.after(after);
        }
        page.cut(rows.desc().first(page.rows()).all(self.0.store.db()).await?, |row| row.id.clone(), read)
    }

    /// The lines of one.
    pub fn logs(&self, job: JobId) -> JobLogs {
        JobLogs { scope: self.0.clone(), job }
    }

    /// A job begins.
    pub async fn start(&self, integration: &IntegrationId, trigger: Trigger, started: Timestamp) -> Result<JobId, StoreFault> {
        let scope = &self.0;
        let at = to_column(started)?;
        let transaction = scope.store.begin().await?;
        scope.row(&transaction, integration, Lock::Exclusive).await?.ok_or_else(|| StoreFault::not_found("integration", integration))?;
        let id = JobId(uuid::Uuid::now_v7());
        let row = job::ActiveModel {
            tenant: Set(scope.tenant.to_string()),
            id: Set(id.to_string()),
            integration: Set(integration.to_string()),
            trigger: Set(trigger.as_str().to_owned()),
            started: Set(at),
            ended: Set(None),
            outcome: Set(None),
            cause: Set(None),
            progress: Set("[]".to_owned()),
        };
        job::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// How far a job is. One that has ended no longer changes.
    pub async fn save_progress(&self, id: JobId, streams: &[StreamProgress]) -> Result<(), StoreFault> {
        let set = job::ActiveModel { progress: Set(to_json(streams)?), ..Default::default() };
        let open = job::Entity::change_of(&self.0.tenant).filter(job::Column::Id.eq(id.to_string()));
        let changed = open.filter(job::Column::Ended.is_null()).set(set).exec(self.0.store.db()).await?;
        if changed.rows_affected == 0 {
            return Err(StoreFault::not_found("job in progress", id));
        }
        Ok(())
    }

    /// A job ended. Only the first end counts. Jobs of an integration do not overlap, so an earlier one that never said how it
    /// ended, because its node died, ends with it; a cancelled job says nothing about others, it may never have run.
    pub async fn end(&self, id: JobId, ended: Timestamp, outcome: Outcome, cause: Option<&str>) -> Result<(), StoreFault> {
        let at = to_column(ended)?;
        let transaction = self.0.store.begin().await?;
        let row = job::Entity::of(&self.0.tenant).filter(job::Column::Id.eq(id.to_string())).one(&transaction).await?;
        let row = row.ok_or_else(|| StoreFault::not_found("job", id))?;
        let set = job::ActiveModel {
            ended: Set(Some(at)),
            outcome: Set(Some(outcome.as_str().to_owned())),
            cause: Set(cause.map(str::to_owned)),
            ..Default::default()
        };
        let open = job::Entity::change_of(&self.0.tenant).filter(job::Column::Id.eq(row.id.as_str())).filter(job::Column::Ended.is_null());
        if open.set(set).exec(&transaction).await?.rows_affected > 0 {
            self.0.job_ended(&transaction, &row.integration, at).await?;
            if outcome != Outcome::Cancelled {
                self.0.end_lost_jobs(&transaction, &row, at).await?;
            }
        }
        Ok(transaction.commit().await?)
    }
}

impl Scope {
    /// Those before this one. What somebody asked for just before this one began by itself may wait behind it, and is not lost.
    async fn end_lost_jobs<C: ConnectionTrait>(&self, db: &C, ended: &job::Model, at: i64) -> Result<(), StoreFault> {
        let lost = job::ActiveModel {
            ended: Set(Some(at)),
            outcome: Set(Some(Outcome::Cancelled.as_str().to_owned())),
            cause: Set(Some("the node that ran it stopped before it was done".to_owned())),
            ..Default::default()
        };
        let open = job::Entity::change_of(&self.tenant).filter(job::Column::Integration.eq(ended.integration.as_str()));
        let mut before = open.filter(job::Column::Ended.is_null()).filter(job::Column::Id.lt(ended.id.as_str()));
        if ended.trigger != Trigger::Manual.as_str() {
            let has_begun = job::Column::Trigger.ne(Trigger::Manual.as_str()).or(job::Column::Progress.ne("[]"));
            before = before.filter(has_begun.or(job::Column::Started.lt(ended.started.saturating_sub(ASKED_BEFORE_NS))));
        }
        before.set(lost).exec(db).await?;
        Ok(())
    }
}

impl JobLogs {
    /// The lines in their order.
    pub async fn list(&self, page: &PageRequest) -> Result<Page<LogLine>, StoreFault> {
        let rows = job_log::Entity::of(&self.scope.tenant).filter(job_log::Column::Job.eq(self.job.to_string()));
        let mut rows = rows.cursor_by(job_log::Column::Id);
        if let Some(after) = page.after_number()? {
            rows.after(after);
        }
        page.cut(rows.first(page.rows()).all(self.scope.store.db()).await?, |row| row.id.to_string(), read_line)
    }

    /// Adds a line; a very long one is cut.
    pub async fn add(&self, at: Timestamp, level: Level, message: &str) -> Result<(), StoreFault> {
        let row = job_log::ActiveModel {
            tenant: Set(self.scope.tenant.to_string()),
            job: Set(self.job.to_string()),
            at: Set(to_column(at)?),
            level: Set(level.as_str().to_owned()),
            message: Set(message[..message.floor_char_boundary(LONGEST_LINE)].replace('\0', "\u{fffd}")),
            ..Default::default()
        };
        job_log::Entity::insert(row).exec_without_returning(self.scope.store.db()).await?;
        Ok(())
    }
}

fn read(row: job::Model) -> Result<Job, StoreFault> {
    Ok(Job {
        id: from_id(&row.id)?,
        integration: from_id(&row.integration)?,
        trigger: from_word(&row.trigger)?,
        started: from_column(row.started)?,
        ended: maybe_from_column(row.ended)?,
        outcome: row.outcome.as_deref().map(from_word).transpose()?,
        cause: row.cause,
        progress: from_json(&row.progress)?,
    })
}

fn read_line(row: job_log::Model) -> Result<LogLine, StoreFault> {
    Ok(LogLine { at: from_column(row.at)?, level: from_word(&row.level)?, message: row.message })
}
